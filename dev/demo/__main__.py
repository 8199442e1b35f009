"""``python -m dev.demo``: plant, audit, compare. ``python -m dev.demo start``: the same stack, kept running for you."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dev.demo.cases import Case
from dev.demo.repairing import repair
from dev.demo.stack import demo_cases, demo_stack
from dev.devstack.app import ROOT

OUT = ROOT / "out"
STATE = ROOT / ".state"
PORT = 7071


def main(arguments: list[str]) -> int:
    """0 if the audit found exactly what was planted, 1 if not."""
    if arguments == ["start"]:
        return keep_running()
    if arguments:
        print("usage: python -m dev.demo [start]", file=sys.stderr)
        return 2
    return run()


def run() -> int:
    """Plant the demo's world in servers of its own, audit it over HTTP, compare, and stop everything."""
    begun = time.monotonic()
    print("Starting Postgres, Azurite and the app, and planting the demo's world ...", flush=True)
    with demo_stack() as app:
        print(f"The app answers on {app.url} after {time.monotonic() - begun:.1f} s.\n", flush=True)
        report = audit(app.url, OUT)
        wrong = compare(demo_cases(), report)
        print("\nThe same again, but allowed to look at a part of storage only:\n", flush=True)
        partial = audit(app.url, OUT / "partial", "--prefix", "0", "--prefix", "1")
        print("\nWhat can be repaired is repaired: one person proposes, another one approves.\n", flush=True)
        wrong += repair(app.url, report["audit"]["id"])
    wrong += compare_partial(report, partial)
    print(f"The report is in {OUT.name}/: report.html to read, findings.csv, and report.json.")
    return 1 if wrong else 0


def audit(url: str, folder: Path, *options: str) -> dict[str, Any]:
    """Run an audit with auditctl, keep its report in all forms in a folder, and return it."""
    environment = {**os.environ, "AUDITCTL_URL": url}
    auditctl = [sys.executable, "-m", "auditctl"]
    subprocess.run([*auditctl, "run", "--wait", *options], env=environment, check=False)
    listing = subprocess.run([*auditctl, "list", "--json"], env=environment, check=True, capture_output=True)
    audit_id = json.loads(listing.stdout)["audits"][0]["id"]
    folder.mkdir(parents=True, exist_ok=True)
    for form, name in (("json", "report.json"), ("csv", "findings.csv"), ("html", "report.html")):
        command = [*auditctl, "report", audit_id, "--format", form, "--output", str(folder / name)]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def compare(cases: list[Case], report: dict[str, Any]) -> int:
    """Print what was planted next to what was found; returns how many differ."""
    found = verdicts(report)
    planted = {str(case.session_id): (case.expected, case) for case in cases if case.expected is not None}
    planted |= {subject: (verdict, case) for case in cases for subject, verdict in case.also.items()}
    print(f"\n  {'planted':<24}{'found':<24}because")
    wrong = 0
    for subject, (expected, case) in planted.items():
        verdict = found.pop(subject, "nothing")
        mark = " " if verdict == expected else "!"
        wrong += mark == "!"
        print(f"{mark} {expected:<24}{verdict:<24}{case.why}")
    for subject, verdict in found.items():
        wrong += 1
        print(f"! {'nothing':<24}{verdict:<24}{subject}")
    healthy = sum(case.expected is None and not case.also for case in cases)
    print(
        f"\n{len(planted)} sessions, recordings and containers in question among {healthy} healthy sessions: "
        + ("everything was found as planted." if not wrong else f"{wrong} differ.")
    )
    return wrong


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    """The verdict on every subject that a report names, listed one by one or only counted."""
    findings = {finding["subject"]["id"]: finding["verdict"] for finding in report["findings"]}
    return findings | {
        session_id: verdict for verdict, ids in report["counted"]["capture_session"].items() for session_id in ids
    }


def compare_partial(whole: dict[str, Any], partial: dict[str, Any]) -> int:
    """Nothing may be called absent by an audit that did not look everywhere; returns how many sessions are."""
    counts: dict[str, int] = partial["counts"]["capture_session"]
    absence = ("expected_empty", "suspect_lost", "stuck_empty", "encode_lost")
    absent, unverified = sum(counts[verdict] for verdict in absence), counts["unverified"]
    containers = partial["coverage"]["units"]
    print(
        f"\nThe partial audit read {containers['scanned']} of {containers['listed']} containers and is "
        f"{partial['outcome']['word']}: it calls {unverified} of {sum(whole['counts']['capture_session'].values())} "
        f"sessions unverified, and {absent} absent."
    )
    return absent + int(unverified == 0) + int(partial["complete"])


def keep_running() -> int:
    """Run the stack with the demo's world on the usual port until Ctrl-C; data stays in ``.state``."""
    print("Starting Postgres, Azurite and the app ...", flush=True)
    with demo_stack(STATE, PORT) as app:
        print(f"The app answers on {app.url}; its log is {app.log}.")
        print("Try: .venv/bin/auditctl run --wait      Stop with Ctrl-C; 'make clean' forgets the data.", flush=True)
        try:
            while not app.server.has_ended():
                time.sleep(0.5)
        except KeyboardInterrupt:
            print("\nStopping ...", flush=True)
            return 0
    print(f"The app has ended by itself; see {app.log}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
