"""The commands about repairs, as a pipe sees them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.auditctl.conftest import Auditctl
from tests.auditctl.scripted_service import AUDIT, AUDIT_ID, Reply, ScriptedService

REPAIR_ID = "20260131-100000-1a2b3c4d"
REPAIR = f"/repairs/{REPAIR_ID}"
DIGEST = "d" * 64
ACCEPTED = {"id": REPAIR_ID, "profile": "pre", "state": "proposing", "links": {}}


def repair(state: str = "proposed", **changes: Any) -> dict[str, Any]:
    """A repair of two changes as the service tells of it."""
    change = {
        "number": 1,
        "subject": {"kind": "capture_session", "id": "s-1"},
        "verdict": "unregistered_recording",
        "repair": "register_recording",
        "says": "Insert recording r-1 of session s-1.",
        "shown": {"live_shares": 2, "files": [{"name": "a\x1b.mp4", "bytes": 10}], "duration": None},
        "left_to_people": "Play it back.",
    }
    document: dict[str, Any] = {
        "id": REPAIR_ID,
        "profile": "pre",
        "audit_id": AUDIT_ID,
        "undoes": None,
        "state": state,
        "digest": DIGEST,
        "until": None,
        "error": None,
        "proposed_by": "Ann",
        "counts": {"planned": 2},
        "plan": {
            "audited": {"environment": "production"},
            "expires_at": "2026-02-01T10:00:00Z",
            "changes": [change, change | {"number": 2, "says": "Insert another."}],
            "left_out": [{"subject": {"kind": "capture_session", "id": "s-9"}, "why": "A person must decide."}],
            "notes": ["Nothing is changed at 17:45-19:30 UTC."],
        },
        "decision": None,
        "ledger": [],
    }
    return document | changes


def ended(state: str, *endings: str) -> dict[str, Any]:
    ledger = [{"number": number, "ending": ending, "why": "why"} for number, ending in enumerate(endings, 1)]
    done = endings.count("done")
    return repair(state, ledger=ledger, counts={"planned": 2, "done": done, "open": 2 - len(endings)})


def test_a_plan_is_waited_for_and_shown_with_all_that_an_approver_needs(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    service.on("POST", f"{AUDIT}/repairs", Reply(ACCEPTED, status=202))
    service.on("GET", REPAIR, Reply(repair("proposing", plan=None)), Reply(repair()))

    ran = auditctl("repair", "plan", AUDIT_ID, "--by", "Ann", "--verdict", "unregistered_recording", "--max", "2")

    assert ran.code == 0
    assert service.asked[0].body == {"by": "Ann", "verdicts": ["unregistered_recording"], "max": 2}
    for text in (
        "2 changes in production",
        "1. Insert recording r-1 of session s-1.",
        "live shares: 2",
        "duration: not known",
        "left to people: Play it back.",
        "left out: s-9: A person must decide.",
        "note: Nothing is changed at 17:45-19:30 UTC.",
        f"digest: {DIGEST}",
        "expires: 2026-02-01T10:00:00Z",
    ):
        assert text in ran.out
    assert "\x1b" not in ran.out
    assert "is proposing" in ran.err


def test_a_plan_that_cannot_be_made_fails_with_the_reason(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", f"{AUDIT}/repairs", Reply(ACCEPTED, status=202))
    service.on("GET", REPAIR, Reply(repair("failed", plan=None, error="There is nothing to change.")))

    ran = auditctl("repair", "plan", AUDIT_ID, "--by", "Ann")

    assert (ran.code, "There is nothing to change." in ran.out) == (4, True)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (ended("applied", "done", "done"), 0),
        (ended("partly_applied", "done", "refused"), 3),
        (ended("stopped", "done"), 3),
        (ended("expired", "done"), 3),
        (ended("expired"), 4),
        (ended("failed", "refused", "failed"), 4),
    ],
)
def test_an_approved_repair_is_watched_to_its_end_and_exits_with_what_became_of_it(
    service: ScriptedService, auditctl: Auditctl, document: dict[str, Any], code: int
) -> None:
    service.on("POST", f"{REPAIR}/approve", Reply(ACCEPTED | {"state": "approved"}, status=202))
    service.on("GET", REPAIR, Reply(repair("applying", counts={"planned": 2, "open": 1})), Reply(document))

    ran = auditctl("repair", "approve", REPAIR_ID, "--digest", DIGEST, "--by", "Bob", "--reason", "It is.", "--wait")

    assert ran.code == code
    assert service.asked[0].body == {"digest": DIGEST, "reason": "It is.", "by": "Bob"}
    assert "is applying: 1 of 2 changes" in ran.err
    for one in document["ledger"]:
        assert f"[{one['ending']}]" in ran.out


def test_an_approval_that_is_not_watched_says_where_to_look(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", f"{REPAIR}/approve", Reply(ACCEPTED | {"state": "approved"}, status=202))

    ran = auditctl("repair", "approve", REPAIR_ID, "--digest", DIGEST, "--by", "Bob", "--reason", "It is.")

    assert ran.code == 0
    assert f"repair show {REPAIR_ID}" in ran.out


def test_a_refusal_is_explained(service: ScriptedService, auditctl: Auditctl) -> None:
    problem = {"title": "Forbidden", "status": 403, "detail": "Whoever proposed a repair cannot approve it."}
    service.on("POST", f"{REPAIR}/approve", Reply(problem, status=403))

    ran = auditctl("repair", "approve", REPAIR_ID, "--digest", DIGEST, "--by", "Ann", "--reason", "It is.")

    assert (ran.code, "Whoever proposed a repair cannot approve it." in ran.err) == (4, True)


def test_a_rejection_and_a_stop_say_what_follows(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", f"{REPAIR}/reject", Reply(repair("rejected")))
    service.on("POST", f"{REPAIR}/stop", Reply(ACCEPTED | {"state": "applying"}, status=202))

    rejected = auditctl("repair", "reject", REPAIR_ID, "--digest", DIGEST, "--by", "Bob", "--reason", "No.")
    stopped = auditctl("repair", "stop", REPAIR_ID, "--by", "Bob")

    assert (rejected.code, "is never applied" in rejected.out) == (0, True)
    assert (stopped.code, "before its next change" in stopped.out) == (0, True)


def test_an_undo_is_a_plan_of_its_own(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", f"{REPAIR}/undo", Reply(ACCEPTED, status=202))
    service.on("GET", REPAIR, Reply(repair(undoes="20260131-090000-1a2b3c4d")))

    ran = auditctl("repair", "undo", REPAIR_ID, "--by", "Ann")

    assert (ran.code, "takes back 20260131-090000-1a2b3c4d" in ran.out) == (0, True)


def test_repairs_are_listed(service: ScriptedService, auditctl: Auditctl) -> None:
    in_short = {name: value for name, value in ended("applied", "done", "done").items() if name != "plan"}
    listing = {"repairs": [in_short], "unreadable": ["pre/repairs/x/repair.json"]}
    service.on("GET", "/repairs", Reply(listing))

    ran = auditctl("repair", "list", "--limit", "5")

    assert ran.code == 0
    assert REPAIR_ID in ran.out
    assert "2 done" in ran.out
    assert "cannot be read: pre/repairs/x/repair.json" in ran.out


def test_a_repair_is_exported_whole(service: ScriptedService, auditctl: Auditctl, tmp_path: Path) -> None:
    whole = {"plan": "{}", "digest": hashlib.sha256(b"{}").hexdigest(), "ledger": {}, "verified": {}}
    service.on("GET", f"{REPAIR}/export", Reply(whole))

    ran = auditctl("repair", "export", REPAIR_ID, "--output", str(tmp_path / "repair.json"))

    assert ran.code == 0
    assert json.loads((tmp_path / "repair.json").read_text()) == whole


OF_NOTHING = hashlib.sha256(b"{}").hexdigest()


@pytest.mark.parametrize(
    ("plan", "decision"),
    [("{ }", None), ("{}", {"digest": "0" * 64})],
    ids=["another text", "another one was approved"],
)
def test_a_plan_that_is_not_that_of_its_digest_is_not_saved(
    service: ScriptedService, auditctl: Auditctl, tmp_path: Path, plan: str, decision: object
) -> None:
    service.on("GET", f"{REPAIR}/export", Reply({"plan": plan, "digest": OF_NOTHING, "decision": decision}))

    ran = auditctl("repair", "export", REPAIR_ID, "--output", str(tmp_path / "repair.json"))

    assert (ran.code, "not that of its digest" in ran.err) == (4, True)
    assert not (tmp_path / "repair.json").exists()


def test_somebody_is_called_otherwise(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", f"{REPAIR}/pseudonym", Reply({"id": REPAIR_ID, "people": 2}))

    ran = auditctl("repair", "pseudonym", REPAIR_ID, "--name", "Ann", "--pseudonym", "P1", "--by", "Bob")

    assert (ran.code, "2 of repair" in ran.out) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ["repair"],
        ["repair", "plan"],
        ["repair", "approve", REPAIR_ID],
        ["repair", "approve", REPAIR_ID, "--digest", DIGEST],
        ["repair", "export", REPAIR_ID],
        ["repair", "show", "no id"],
        ["repair", "plan", AUDIT_ID, "--max", "0"],
    ],
)
def test_what_is_missing_or_wrong_is_bad_usage(auditctl: Auditctl, words: list[str]) -> None:
    assert auditctl(*words).code == 2
