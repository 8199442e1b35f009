"""``python -m dev.benchmarks``: measure everything, within an hour. ``--quick``: a small version for daily use."""

import argparse
import sys
from pathlib import Path

from dev.benchmarks.accuracy import accuracy
from dev.benchmarks.audits import Audit, measure
from dev.benchmarks.clients import Comparison, baseline, compare
from dev.benchmarks.measure import say
from dev.benchmarks.results import Figures, figures, markdown, one_line

RESULTS = Path(__file__).with_name("results.md")
LARGE = (200_000, 1_000_000)


def main(arguments: list[str]) -> int:
    """Run, print tables as they come, and end with one line of JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Speed and memory, side by side with the peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes, in under two minutes; results.md is kept")
    given = parser.parse_args(arguments)
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
    numbers = write(comparisons, dict(sorted(audits.items())), accuracy())
    say(f"\nWritten to {RESULTS.name}\n{one_line(numbers)}")
    return 0


def write(
    comparisons: dict[str, Comparison],
    audits: dict[int, list[Audit]],
    more: Figures | None = None,
) -> Figures:
    """Write results.md; returns the figures, with ``more`` of them behind."""
    numbers = figures(comparisons, audits) | (more or {})
    RESULTS.write_text(markdown(list(comparisons.values()), audits, numbers), encoding="utf-8")
    return numbers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
