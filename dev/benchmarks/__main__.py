"""``python -m dev.benchmarks``: measure everything, within an hour and a half.

``--quick`` is a small version for daily use; ``--only`` measures the audits of one profile alone, ``stuck-uploads`` or
``temp-recordings``, and the latter in small with ``--quick``.
"""

import argparse
import sys
from pathlib import Path

from dev.benchmarks.accuracy import accuracy
from dev.benchmarks.audits import Audit, measure
from dev.benchmarks.clients import Comparison, baseline, compare
from dev.benchmarks.measure import say
from dev.benchmarks.recordings import PROFILE as TEMP_RECORDINGS
from dev.benchmarks.recordings import measure_recordings
from dev.benchmarks.results import (
    RECORDINGS,
    UPLOADS,
    Figures,
    figures,
    markdown,
    one_line,
    recordings_figures,
    recordings_section,
    section_of,
    uploads_figures,
    uploads_section,
    with_section,
)
from dev.benchmarks.uploads import PROFILE as STUCK_UPLOADS
from dev.benchmarks.uploads import measure_uploads

RESULTS = Path(__file__).with_name("results.md")
LARGE = (200_000, 1_000_000)
VIDEOS = (10_000, 100_000)
CHUNKS = (100_000, 1_000_000)
FEW_CHUNKS = 4_000


def main(arguments: list[str]) -> int:
    """Run, print tables as they come, and end with one line of JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Speed and memory, side by side with the peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes, in under two minutes; results.md is kept")
    parser.add_argument(
        "--only",
        choices=[STUCK_UPLOADS, TEMP_RECORDINGS],
        help="audits of this profile alone; the other results are kept",
    )
    given = parser.parse_args(arguments)
    if given.only == TEMP_RECORDINGS:
        say(
            one_line(
                recordings_figures({FEW_CHUNKS: [measure_recordings(FEW_CHUNKS)]}) if given.quick else recordings()
            )
        )
        return 0
    if given.only:
        say(one_line(uploads()))
        return 0
    if given.quick:
        numbers = figures({"small": compare(4_000, 4, runs=1)}, {4_000: measure(4_000, ("full", "fast"))})
        say(one_line(numbers | accuracy()))
        return 0
    comparisons: dict[str, Comparison] = {
        "small": compare(20_000, 4),
        "large": compare(2_000, 500, sdk=("sdk_names",)),
        "latency": compare(20_000, 4, latency_ms=20, sdk=("sdk_names",)),
    }
    audits: dict[int, list[Audit]] = {}
    for size, modes, runs in (
        (20_000, ("full", "fast"), 3),
        (2_000, ("full",), 3),
        *((n, ("full",), 1) for n in LARGE),
    ):
        audits[size] = measure(size, modes, runs)
        # Written after each size, so that an interrupted run leaves what it has measured.
        write(comparisons, dict(sorted(audits.items())))
    if az := baseline():
        comparisons["az"] = az
    numbers = write(comparisons, dict(sorted(audits.items())), accuracy()) | uploads() | recordings()
    say(f"\nWritten to {RESULTS.name}\n{one_line(numbers)}")
    return 0


def uploads() -> Figures:
    """Audit stuck uploads, write their section of results.md after each audit, and return their figures."""
    audits: dict[int, list[Audit]] = {}
    for videos in VIDEOS:
        for audit in measure_uploads(videos):
            audits.setdefault(videos, []).append(audit)
            text = RESULTS.read_text(encoding="utf-8")
            RESULTS.write_text(with_section(text, uploads_section(audits)), encoding="utf-8")
    return uploads_figures(audits)


def recordings() -> Figures:
    """Audit temporary recordings, write their section of results.md after each audit, and return their figures."""
    audits: dict[int, list[Audit]] = {}
    for chunks in CHUNKS:
        audits[chunks] = [measure_recordings(chunks)]
        text = RESULTS.read_text(encoding="utf-8")
        RESULTS.write_text(with_section(text, recordings_section(audits)), encoding="utf-8")
    return recordings_figures(audits)


def write(
    comparisons: dict[str, Comparison],
    audits: dict[int, list[Audit]],
    more: Figures | None = None,
) -> Figures:
    """Write results.md, but for the sections that can be measured alone; returns the figures, with ``more`` of them
    behind.
    """
    numbers = figures(comparisons, audits) | (more or {})
    before, text = RESULTS.read_text(encoding="utf-8"), markdown(list(comparisons.values()), audits, numbers)
    for title in (UPLOADS, RECORDINGS):
        if kept := section_of(before, title):
            text = with_section(text, kept)
    RESULTS.write_text(text, encoding="utf-8")
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
