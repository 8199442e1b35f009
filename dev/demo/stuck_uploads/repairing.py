"""The end of the demo: one run is started for each video that needs one, and what is processed is marked so."""

from typing import Any

from dev.demo.repairing import Auditctl, applied, subjects

ENGINEER, ANOTHER, REASON = "Ann of the demo", "Bob of the demo", "Looked at it."
STARTED = ("never_started", "run_lost", "partial_outputs", "finished_not_analyzed", "unknown_history")
MARKED = ("finished_not_marked", "error_contradicted")
FULL = ("--profile", "stuck-uploads", "--mode", "full", "--grace-minutes", "0")


def repair(url: str, audit_id: str) -> int:
    """Start one run and take it back, then repair what can be repaired, and print before and after; returns how many
    are not as they should be then.
    """
    ctl = Auditctl(url, FULL)
    one = _of(ctl, audit_id, STARTED, ENGINEER, "--max", "1")
    # At once: a run can be taken back only as long as no worker may have taken it.
    undone = applied(ctl, ctl.json("repair", "undo", one["id"], "--by", ENGINEER), ENGINEER, REASON)
    wrong = int(undone["counts"]["done"] != one["counts"]["done"])
    print(f"Of these runs, {undone['counts']['done']} were cancelled again before a worker took them.\n")
    started = _of(ctl, audit_id, STARTED, ENGINEER)
    marked = _of(ctl, audit_id, MARKED, ANOTHER)
    before = {**subjects(started), **subjects(marked)}
    after = ctl.audited()
    wrong += int(not before)
    print(f"  {'video':<38}{'before':<26}after")
    for subject, verdict in before.items():
        now = after.get(subject, "nothing")
        mark = " " if now == ("processing" if verdict in STARTED else "healthy") else "!"
        wrong += mark == "!"
        print(f"{mark} {subject:<38}{verdict:<26}{now}")
    return wrong


def _of(ctl: Auditctl, audit_id: str, verdicts: tuple[str, ...], approver: str, *more: str) -> dict[str, Any]:
    chosen = [word for verdict in verdicts for word in ("--verdict", verdict)]
    return applied(ctl, ctl.json("repair", "plan", audit_id, "--by", ENGINEER, *chosen, *more), approver, REASON)
