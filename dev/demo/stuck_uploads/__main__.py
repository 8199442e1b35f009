"""``python -m dev.demo.stuck_uploads``: plant stuck videos on real servers, audit them, compare, and repair them."""

import sys
import time
from typing import Any

from dev.demo.__main__ import OUT, audit
from dev.demo.stuck_uploads.cases import STRAY_OBJECT, Case
from dev.demo.stuck_uploads.repairing import repair
from dev.demo.stuck_uploads.stack import OTHERS, UNRELATED, stack
from profiles.stuck_uploads.keys import masked


def main(arguments: list[str]) -> int:
    """0 if the audit found exactly what was planted, 1 if not."""
    if arguments:
        print("usage: python -m dev.demo.stuck_uploads", file=sys.stderr)
        return 2
    begun = time.monotonic()
    print(
        "Starting Postgres, a server of S3, Prefect, Azurite and the app, and planting the demo's world ...", flush=True
    )
    with stack() as running:
        print(f"The app answers on {running.app.url} after {time.monotonic() - begun:.1f} s.\n", flush=True)
        # An upload may be confirmed up to an hour later; here everything was uploaded just now.
        report = audit(running.app.url, OUT, "--mode", "full", "--grace-minutes", "0")
        wrong = compare(running.cases, report)
        print("\nWhat can be repaired is repaired: one engineer starts runs; to set a status takes two.\n", flush=True)
        wrong += repair(running.app.url, report["audit"]["id"])
    print(f"The report is in {OUT.name}/: report.html to read, findings.csv, and report.json.")
    return 1 if wrong else 0


def expected(cases: list[Case] | tuple[Case, ...] | Any) -> dict[tuple[str, str], tuple[str, str]]:
    """The verdict on every subject that is planted, and why, by kind and id."""
    found = {("video", case.video_id): (case.expected, case.why) for case in cases if case.expected is not None}
    for case in cases:
        found |= {subject: (verdict, case.why) for subject, verdict in case.also.items()}
    return found | {("object", masked(STRAY_OBJECT)): ("unparsed_object", "it lies where no video keeps anything")}


def verdicts(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The verdict on every subject that a report names, listed one by one or only counted."""
    found = {(one["subject"]["kind"], one["subject"]["id"]): one["verdict"] for one in report["findings"]}
    counted = report["counted"]["video"].items()
    return found | {("video", video): verdict for verdict, ids in counted for video in ids}


def compare(cases: Any, report: dict[str, Any]) -> int:
    """Print what was planted next to what was found; returns how many differ."""
    found, wrong = verdicts(report), 0
    print(f"\n  {'planted':<26}{'found':<26}because")
    for subject, (verdict, why) in expected(cases).items():
        now = found.pop(subject, "nothing")
        mark = " " if now == verdict else "!"
        wrong += mark == "!"
        print(f"{mark} {verdict:<26}{now:<26}{why}")
    others = [subject for subject, verdict in found.items() if verdict == "too_young"]
    for subject in found.keys() - set(others):
        wrong += 1
        print(f"! {'nothing':<26}{found[subject]:<26}{' '.join(subject)}")
    wrong += len(others) != OTHERS
    print(
        f"\n{len(expected(cases))} videos, folders and objects in question among {len(others):,} young videos and "
        f"{UNRELATED} unrelated runs: " + ("everything was found as planted." if not wrong else f"{wrong} differ.")
    )
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
