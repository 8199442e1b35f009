"""The end of the demo: what may be deleted is copied by one engineer, and rows are set to what files hold by two."""

from typing import Any

from dev.demo.repairing import Auditctl, applied, subjects

ENGINEER, ANOTHER, REASON = "Ann of the demo", "Bob of the demo", "Looked at it."
COPIED = ("expiring_unpromoted", "orphan_pcm", "orphan_mp3")
SET = ("recording_zero_duration", "recording_files_wrong")
_AUDIT = ("--profile", "temp-recordings", "--grace-minutes", "0")
_AFTER = {"expiring_unpromoted": "rescued_unpromoted", "orphan_pcm": "orphan_pcm", "orphan_mp3": "orphan_mp3"}
"""What is left of a verdict when it is repaired, if anything: a copy gives no file its row."""


def repair(url: str, audit_id: str) -> int:
    """Repair, and print before and after; returns how many are not as they should be then."""
    ctl = Auditctl(url, _AUDIT)
    copied = _of(ctl, audit_id, COPIED, ENGINEER)
    rows = _of(ctl, audit_id, SET, ANOTHER)
    before = {**subjects(copied), **subjects(rows)}
    after, wrong = ctl.audited(), int(not before)
    print(f"  {'subject':<59}{'before':<26}after")
    for subject, verdict in before.items():
        now = after.get(subject, "in order")
        mark = " " if now == _AFTER.get(verdict, "in order") else "!"
        wrong += mark == "!"
        print(f"{mark} {subject:<59}{verdict:<26}{now}")
    number = sum(verdict == "in_rescue" for verdict in after.values())
    print(f"\n{number} files lie in rescue/ now; the bot's clean-up knows none of them.")
    return wrong


def _of(ctl: Auditctl, audit_id: str, verdicts: tuple[str, ...], approver: str) -> dict[str, Any]:
    chosen = [word for verdict in verdicts for word in ("--verdict", verdict)]
    return applied(ctl, ctl.json("repair", "plan", audit_id, "--by", ENGINEER, *chosen), approver, REASON)
