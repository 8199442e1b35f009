"""``python -m dev.demo.temp_recordings``: plant chunks in every state on real servers, audit, compare and repair."""

import sys
import time
from collections.abc import Iterable
from typing import Any

from dev.demo.__main__ import OUT, audit
from dev.demo.temp_recordings.cases import Case
from dev.demo.temp_recordings.repairing import repair
from dev.demo.temp_recordings.stack import stack
from profiles.temp_recordings.kinds import KINDS
from profiles.temp_recordings.options import DEEP, FULL

WHAT = {FULL: "By names and sizes (mode full):", DEEP: "The same again, with every MP3 read (mode deep):"}


def main(arguments: list[str]) -> int:
    """0 if the audits found exactly what was planted, and it was repaired; 1 if not."""
    if arguments:
        print("usage: python -m dev.demo.temp_recordings", file=sys.stderr)
        return 2
    begun = time.monotonic()
    print("Starting Postgres, a server of S3, Azurite and the app, and planting the demo's world ...", flush=True)
    with stack() as running:
        print(f"The app answers on {running.app.url} after {time.monotonic() - begun:.1f} s.\n", flush=True)
        wrong = 0
        for mode, what in WHAT.items():
            print(f"{what}\n", flush=True)
            running.plant_rows_anew()
            # A row may be written after its file; here every file was written just now.
            report = audit(running.app.url, OUT / mode, "--grace-minutes", "0", "--mode", mode)
            wrong += compare(running.cases, report, mode)
        print("\nWhat may be deleted is copied by one engineer; to set a row takes two.\n", flush=True)
        wrong += repair(running.app.url, report["audit"]["id"])
    print(f"The reports are in {OUT.name}/{FULL} and {OUT.name}/{DEEP}: report.html, findings.csv, and report.json.")
    return 1 if wrong else 0


def expected(cases: Iterable[Case], mode: str = FULL) -> dict[tuple[str, str], tuple[str, str]]:
    """The verdict on every subject that is not in order, and why, by kind and id."""
    return {of: (verdict, case.why) for case in cases for of, verdict in case.verdicts(mode).items()}


def verdicts(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The verdict on every subject that a report lists."""
    return {(one["subject"]["kind"], one["subject"]["id"]): one["verdict"] for one in report["findings"]}


def compare(cases: Iterable[Case], report: dict[str, Any], mode: str = FULL) -> int:
    """Print what was planted next to what was found; returns how many differ."""
    found, planted, wrong = verdicts(report), expected(cases, mode), 0
    print(f"\n  {'planted':<26}{'found':<26}because")
    for subject, (verdict, why) in planted.items():
        now = found.pop(subject, "nothing")
        mark = " " if now == verdict else "!"
        wrong += mark == "!"
        print(f"{mark} {verdict:<26}{now:<26}{why}")
    for subject, now in found.items():
        wrong += 1
        print(f"! {'nothing':<26}{now:<26}{' '.join(subject)}")
    others = sum(sum(report["counts"][kind.name].values()) for kind in KINDS) - len(report["findings"])
    print(
        f"\n{len(planted)} chunks, recordings, participants, meetings and files in question, and {others} in order: "
        + ("everything was found as planted." if not wrong else f"{wrong} differ.")
    )
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
