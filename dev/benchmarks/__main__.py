"""``python -m dev.benchmarks``: measure everything, within an hour and a half.

``--quick`` is a small version for daily use; results.md is kept. ``--only`` measures ``listing`` (which prints its
figures and keeps results.md), ``pre`` (the same and the audits of PRE), or the audits of another profile alone:
``stuck-uploads`` or ``temp-recordings``. All but stuck-uploads can be had in small with ``--quick``.
"""

import argparse
import sys
from pathlib import Path

from dev.benchmarks.accuracy import accuracy
from dev.benchmarks.audits import CORES, Audit, measure
from dev.benchmarks.ceiling import ceiling
from dev.benchmarks.clients import Setting, baseline, compare
from dev.benchmarks.measure import say
from dev.benchmarks.recordings import PROFILE as TEMP_RECORDINGS
from dev.benchmarks.recordings import measure_recordings
from dev.benchmarks.results import (
    RECORDINGS,
    UPLOADS,
    Figures,
    Measurements,
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
from dev.benchmarks.throttling import throttled
from dev.benchmarks.uploads import PROFILE as STUCK_UPLOADS
from dev.benchmarks.uploads import measure_uploads

RESULTS = Path(__file__).with_name("results.md")
LISTING, PRE = "listing", "pre"
FAR: tuple[float, float] = (5, 20)
SETTINGS: dict[str, tuple[Setting, tuple[str, ...]]] = {
    "empty": (Setting(20_000, 0), ()),
    "small": (Setting(20_000, 4), ("sdk_names", "sdk_blobs", "obstore")),
    "small_tls": (Setting(20_000, 4, tls=True), ()),
    "fifty": (Setting(4_000, 50), ()),
    "large": (Setting(2_000, 500), ("sdk_names",)),
    "huge": (Setting(100, 5_000), ()),
    "latency": (Setting(20_000, 4, tls=True, latency_ms=FAR), ("sdk_names",)),
}
QUICK: dict[str, tuple[Setting, tuple[str, ...]]] = {
    "small": (Setting(4_000, 4), ("sdk_names", "sdk_blobs", "obstore")),
    "small_tls": (Setting(4_000, 4, tls=True), ()),
    "latency": (Setting(4_000, 4, tls=True, latency_ms=FAR), ()),
}
QUICK_SECONDS = 3
LARGE = (200_000, 1_000_000)
BESIDE_RCLONE = (20_000, 1_000_000)
VIDEOS = (10_000, 100_000)
CHUNKS = (100_000, 1_000_000)
FEW_CHUNKS = 4_000


def main(arguments: list[str]) -> int:
    """Run, print tables as they come, and end with one line of JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Speed and memory, side by side with the peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes, in under two minutes; results.md is kept")
    parser.add_argument(
        "--only",
        choices=[LISTING, PRE, STUCK_UPLOADS, TEMP_RECORDINGS],
        help="this part alone; the other results are kept",
    )
    given = parser.parse_args(arguments)
    say(one_line(_asked(given.only, quick=given.quick)))
    return 0


def _asked(only: str | None, *, quick: bool) -> Figures:
    match only:
        case "stuck-uploads":
            return uploads()
        case "temp-recordings":
            return recordings_figures({FEW_CHUNKS: [measure_recordings(FEW_CHUNKS)]}) if quick else recordings()
        case "listing":
            return figures(listing(quick=quick))
        case "pre":
            return small_audits() if quick else audits()
        case _:
            return small_audits() | accuracy() if quick else audits() | uploads() | recordings()


def listing(*, quick: bool) -> Measurements:
    """List by every client, near and far away, with and without TLS and limits."""
    measured = Measurements()
    say("\nThe ceiling")
    measured.ceilings = {what: ceiling(tls=tls) for what, tls in (("without TLS", False), ("with TLS", True))}
    for name, (setting, peers) in (QUICK if quick else SETTINGS).items():
        measured.comparisons[name] = compare(setting, runs=1 if quick else 3, peers=peers)
    measured.throttled = throttled(QUICK_SECONDS) if quick else throttled()
    return measured


def small_audits() -> Figures:
    """Listings and audits in small; results.md is kept."""
    measured = listing(quick=True)
    measured.add(4_000, measure(4_000, ("full", "fast"), beside_rclone=True))
    return figures(measured)


def audits() -> Figures:
    """Listings, audits and the accuracy of PRE; written after each size, so that an interrupted run leaves what it has
    measured.
    """
    measured = listing(quick=False)
    for size, modes, runs in (
        (20_000, ("full", "fast"), 3),
        (2_000, ("full",), 3),
        *((n, ("full",), 1) for n in LARGE),
    ):
        measured.add(size, measure(size, modes, runs, beside_rclone=size in BESIDE_RCLONE))
        if CORES > 1 and size == BESIDE_RCLONE[0]:
            measured.add(size, measure(size, modes, runs, workers=1))
        write(measured)
    if az := baseline():
        measured.comparisons["az"] = az
    numbers = write(measured, accuracy())
    say(f"\nWritten to {RESULTS.name}")
    return numbers


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


def write(measured: Measurements, more: Figures | None = None) -> Figures:
    """Write results.md, but for the sections that can be measured alone; returns the figures, with ``more`` of them
    behind.
    """
    numbers = figures(measured) | (more or {})
    before, text = RESULTS.read_text(encoding="utf-8"), markdown(measured, numbers)
    for title in (UPLOADS, RECORDINGS):
        if kept := section_of(before, title):
            text = with_section(text, kept)
    RESULTS.write_text(text, encoding="utf-8")
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
