"""The end of the demo: what was found is repaired after an approval, audited again, and one repair is taken back."""

import json
import os
import subprocess
import sys
from typing import Any

PROPOSER, APPROVER, REASON = "Ann of the demo", "Bob of the demo", "Played back: it is the hearing."
FIRST = "unregistered_recording"


def repair(url: str, audit_id: str) -> int:
    """Repair all findings of an audit that can be repaired, and print before and after; returns how many are not as
    they should be then.
    """
    ctl = Auditctl(url)
    one = applied(ctl, ctl.json("repair", "plan", audit_id, "--by", PROPOSER, "--verdict", FIRST, "--max", "1"))
    rest = applied(ctl, ctl.json("repair", "plan", audit_id, "--by", PROPOSER))
    before = {subject: verdict for done in (one, rest) for subject, verdict in subjects(done).items()}
    after = ctl.audited()
    wrong = 0
    print(f"  {'session':<38}{'before':<26}after")
    for subject, verdict in before.items():
        now = after.get(subject, "already_registered")
        mark = " " if now == "already_registered" else "!"
        wrong += mark == "!"
        print(f"{mark} {subject:<38}{verdict:<26}{now}")
    undo = applied(ctl, ctl.json("repair", "undo", one["id"], "--by", PROPOSER))
    [subject] = subjects(undo)
    now = ctl.audited().get(subject, "nothing")
    print(f"\nOne of them was taken back: {subject} is {now} now.")
    return wrong + (now != "undone_by_us") + (not before)


def applied(ctl: "Auditctl", planned: dict[str, Any], approver: str = APPROVER, reason: str = REASON) -> dict[str, Any]:
    """Approve a plan and wait until it is applied."""
    assert planned["state"] == "proposed", planned["error"]
    given = ("--digest", planned["digest"], "--by", approver, "--reason", reason)
    done = ctl.json("repair", "approve", planned["id"], *given, "--wait")
    print(f"Repair {done['id']} is {done['state']}: {done['counts']['done']} of {done['counts']['planned']} changes.")
    return done


def subjects(repair: dict[str, Any]) -> dict[str, str]:
    """The subjects of its changes with the verdicts that they had."""
    return {change["subject"]["id"]: change["verdict"] for change in repair["plan"]["changes"]}


class Auditctl:
    """The command line; ``run`` are the options of an audit."""

    def __init__(self, url: str, run: tuple[str, ...] = ()) -> None:
        self._environment, self._run = {**os.environ, "AUDITCTL_URL": url}, run

    def json(self, *words: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "auditctl", *words, "--json"]
        done = subprocess.run(command, env=self._environment, check=False, capture_output=True, text=True)
        assert done.stdout, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def audited(self) -> dict[str, str]:
        """Audit again; the verdicts by the ids of their subjects, also of those that are only counted."""
        self.json("run", "--wait", *self._run)
        command = [sys.executable, "-m", "auditctl", "report", "--latest"]
        done = subprocess.run(command, env=self._environment, check=True, capture_output=True, text=True)
        report = json.loads(done.stdout)
        counted = [verdicts for of_kind in report["counted"].values() for verdicts in of_kind.items()]
        found = {one["subject"]["id"]: one["verdict"] for one in report["findings"]}
        return found | {subject: verdict for verdict, ids in counted for subject in ids}
