"""``auditctl resume``: an audit that broke off or failed is begun again."""

import json

import pytest

from tests.auditctl.conftest import Auditctl
from tests.auditctl.processes import terminal
from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    DROPPED,
    SOON,
    Reply,
    ScriptedService,
    accepted_document,
    audit_document,
    ended_document,
)

RESUME = f"{AUDIT}/resume"
OTHER = "20260131-093000-1a2b3c4d"


def test_without_wait_it_ends_when_accepted(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", RESUME, Reply(accepted_document(), 202))

    ran = auditctl("resume", AUDIT_ID)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith(
        f'event=accepted audit={AUDIT_ID} profile=pre state=queued watch="auditctl watch {AUDIT_ID}"\n'
    )
    assert [asked.body for asked in service.asked] == [None]


def test_json_prints_the_accepted_document(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", RESUME, Reply(accepted_document(), 202))

    ran = auditctl("resume", AUDIT_ID, "--json")

    assert (ran.code, json.loads(ran.out), ran.err) == (0, accepted_document(), "")


@pytest.mark.parametrize(
    ("code", "word", "state"),
    [(0, "clean", "completed"), (1, "findings", "completed"), (3, "incomplete", "incomplete")],
)
def test_with_wait_the_exit_code_is_the_outcome(
    service: ScriptedService, auditctl: Auditctl, code: int, word: str, state: str
) -> None:
    service.on("POST", RESUME, Reply(accepted_document(), 202, SOON))
    service.on("GET", AUDIT, Reply(audit_document(resumes=1), headers=SOON), Reply(ended_document(code, word, state)))

    ran = auditctl("resume", AUDIT_ID, "--wait")

    assert (ran.code, ran.err) == (code, "")
    assert f"outcome={word} code={code}" in ran.out


def test_one_that_fails_again_is_a_failure_that_names_the_way_on(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", RESUME, Reply(accepted_document(), 202, SOON))
    service.on("GET", AUDIT, Reply(audit_document("failed", error="No login.", outcome={"code": 4, "word": "failed"})))

    ran = auditctl("resume", AUDIT_ID, "--wait")

    assert ran.code == 4
    assert "The audit failed: No login.\n" in ran.err
    assert f"resume it: auditctl resume {AUDIT_ID} --wait\n" in ran.err


def test_nothing_to_resume_is_told_as_the_service_tells_it(service: ScriptedService, auditctl: Auditctl) -> None:
    detail = f"Audit {AUDIT_ID} is completed: there is nothing to resume."
    service.on("POST", RESUME, Reply({"title": "Conflict", "detail": detail, "state": "completed"}, 409))

    ran = auditctl("resume", AUDIT_ID, "--wait")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"auditctl: {detail}\n")


def test_another_active_audit_is_named_with_the_command_to_watch_it(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    service.on("POST", RESUME, Reply({"title": "Conflict", "detail": "Busy.", "active_id": OTHER}, 409))

    ran = auditctl("resume", AUDIT_ID)

    assert ran.code == 2
    assert f"\n  active audit: {OTHER}\n" in ran.err
    assert f"next:  Watch the active one: auditctl watch {OTHER}\n" in ran.err


def test_a_lost_connection_is_not_tried_again(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", RESUME, DROPPED)

    ran = auditctl("resume", AUDIT_ID, "--wait")

    assert ran.code == 4
    assert "it may have accepted the request" in ran.err
    assert service.times("POST", RESUME) == 1


@pytest.mark.parametrize("words", [[], ["nonsense id"], [AUDIT_ID, "--patience", "long"], [AUDIT_ID, "--replay"]])
def test_bad_usage_asks_nobody(service: ScriptedService, auditctl: Auditctl, words: list[str]) -> None:
    assert auditctl("resume", *words).code == 2
    assert service.asked == []


def test_the_summary_says_how_often_it_was_resumed_and_what_stayed_unread(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    service.on("GET", AUDIT, Reply(ended_document(3, "incomplete", "incomplete", resumes=2, dead_letters=1)))

    out = auditctl("watch", AUDIT_ID).out

    assert f"event=resumed audit={AUDIT_ID} times=2\n" in out
    assert f'event=dead_letters audit={AUDIT_ID} shards=1 see="auditctl dead-letters {AUDIT_ID}"\n' in out


def test_an_audit_without_either_says_nothing_of_them(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", AUDIT, Reply(ended_document(0, "clean", resumes=0, dead_letters=0)))

    out = auditctl("watch", AUDIT_ID).out

    assert "event=resumed" not in out
    assert "event=dead_letters" not in out


@pytest.mark.parametrize(
    ("resolved", "in_a_pipe", "on_a_terminal"),
    [(1, "resolved=1", "2 new, 1,204 persisting, 1 resolved"), (None, "resolved=-", "2 new, 1,204 persisting")],
)
def test_the_summary_says_what_changed_since_the_last_audit(
    service: ScriptedService, auditctl: Auditctl, resolved: int | None, in_a_pipe: str, on_a_terminal: str
) -> None:
    since = {"previous": {"id": "before"}, "new": 2, "persisting": 1204, "resolved": resolved}
    ended = ended_document(1, "findings")
    service.on("GET", AUDIT, Reply(ended | {"summary": {**ended["summary"], "since_last": since}}))

    line = f"event=since_last audit={AUDIT_ID} previous=before new=2 persisting=1204 {in_a_pipe}\n"
    assert line in auditctl("watch", AUDIT_ID).out
    with terminal("watch", AUDIT_ID) as screen:
        screen.wait()
    assert f" changes     {on_a_terminal} since audit before\n" in screen.text


def test_the_summary_on_a_terminal(service: ScriptedService) -> None:
    service.on("GET", AUDIT, Reply(ended_document(3, "incomplete", "incomplete", resumes=1, dead_letters=2)))

    with terminal("watch", AUDIT_ID) as screen:
        code = screen.wait()

    assert code == 3
    assert " resumed     1 time\n" in screen.text
    assert f" unread      2 of its shards, not to their end; see: auditctl dead-letters {AUDIT_ID}\n" in screen.text
