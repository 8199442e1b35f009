"""Every exit code, and what an operator is told with it."""

import socket

import pytest

from auditctl.outcome import Outcome, outcome_of
from tests.auditctl.conftest import Auditctl
from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    SOON,
    Reply,
    ScriptedService,
    accepted_document,
    audit_document,
    ended_document,
)


@pytest.mark.parametrize(
    ("state", "code", "word"),
    [("completed", 0, "clean"), ("completed", 1, "findings"), ("incomplete", 3, "incomplete")],
)
@pytest.mark.parametrize("words", [("watch", AUDIT_ID), ("run", "--wait")])
def test_the_exit_code_is_the_outcome(
    service: ScriptedService, auditctl: Auditctl, *, words: tuple[str, ...], state: str, code: int, word: str
) -> None:
    service.on("POST", "/audits", Reply(accepted_document(), 202, SOON))
    service.on("GET", AUDIT, Reply(ended_document(code, word, state)))

    ran = auditctl(*words)

    assert ran.code == code
    assert f"outcome={word} code={code}" in ran.out
    assert ran.err == ""


@pytest.mark.parametrize(
    ("state", "next_step"),
    [
        ("failed", "Mend what it names. Then, unless it asks for a new audit, resume it: auditctl resume"),
        ("cancelled", "Start another: auditctl run --profile"),
    ],
)
def test_an_audit_without_a_report_is_a_failure(
    service: ScriptedService, auditctl: Auditctl, state: str, next_step: str
) -> None:
    failed = audit_document(state, error="The database refused the login", outcome={"code": 4, "word": "failed"})
    service.on("GET", AUDIT, Reply(failed))

    ran = auditctl("watch", AUDIT_ID)

    assert ran.code == 4
    assert "event=report" not in ran.out
    assert f"{state}: The database refused the login" in ran.err
    assert f"where: {service.url}{AUDIT}" in ran.err
    assert f"next:  {next_step}" in ran.err


@pytest.mark.parametrize(
    ("state", "code", "word", "outcome"),
    [
        ("completed", 0, "clean", Outcome.CLEAN),
        ("completed", 3, "incomplete", Outcome.INCOMPLETE),
        ("completed", 0, "findings", Outcome.FAILED),
        ("completed", 1, "clean", Outcome.FAILED),
        ("completed", 2, "bad usage", Outcome.FAILED),
        ("completed", 7, "splendid", Outcome.FAILED),
        ("completed", None, None, Outcome.FAILED),
        ("incomplete", 0, "clean", Outcome.INCOMPLETE),
        ("failed", 0, "clean", Outcome.FAILED),
        ("cancelled", 0, "clean", Outcome.FAILED),
        ("interrupted", None, None, Outcome.FAILED),
    ],
)
def test_what_is_unknown_or_contradicts_itself_is_never_clean(
    state: str, code: int | None, word: str | None, outcome: Outcome
) -> None:
    assert outcome_of(state, code, word) is outcome


def test_a_completed_audit_with_an_unknown_outcome_is_explained(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", AUDIT, Reply(ended_document(9, "splendid")))

    ran = auditctl("watch", AUDIT_ID)

    assert ran.code == 4
    assert "its outcome is not a known one: splendid (9)" in ran.err


@pytest.mark.parametrize(
    ("status", "code", "next_step"),
    [
        (400, 2, "auditctl profiles"),
        (404, 2, "auditctl list"),
        (409, 2, "auditctl list"),
        (401, 4, "AUDITCTL_KEY"),
        (403, 4, "AUDITCTL_KEY"),
        (405, 4, "ends in /api"),
        (500, 4, "auditctl health"),
        (503, 4, "auditctl health"),
    ],
)
def test_refusals_say_what_where_and_what_next(
    service: ScriptedService, auditctl: Auditctl, status: int, code: int, next_step: str
) -> None:
    service.on("POST", "/audits", Reply({"title": "Not today", "detail": "It is Sunday.", "status": status}, status))

    ran = auditctl("run")

    what, where, what_next = ran.err.splitlines()
    assert ran.code == code
    assert what == "auditctl: Not today: It is Sunday."
    assert where.startswith(f"  where: POST {service.url}/audits answered {status} ")
    assert what_next.startswith("  next:  ")
    assert next_step in what_next
    assert ran.out == ""


def test_a_refusal_without_a_word_is_still_explained(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/audits", Reply(b"<html>", 404))

    ran = auditctl("list")

    assert ran.code == 2
    assert "The service answered 404 Not Found." in ran.err
    assert "the API's ends in /api" in ran.err


@pytest.mark.parametrize(
    "answer",
    [
        Reply(b"<html>welcome</html>"),
        Reply(b"\xff\xfe"),
        Reply(b"[" * 100_000),
        Reply([1]),
        Reply({}),
        Reply(audit_document("paused")),
        Reply(audit_document(id="../x")),
        Reply(audit_document(progress={"percent": "many"})),
        Reply(audit_document(progress={"units": {"listed": True}})),
        Reply(audit_document(progress={"blobs": -1})),
        Reply(audit_document(progress=[])),
        Reply(b'{"id": "a", "profile": "p", "state": "running", "progress": {"percent": NaN}}'),
        Reply(audit_document(), 302, {"location": "/elsewhere"}),
    ],
)
def test_unexpected_answers_are_failures(service: ScriptedService, auditctl: Auditctl, answer: Reply) -> None:
    service.on("GET", AUDIT, answer)

    ran = auditctl("watch", AUDIT_ID)

    assert ran.code == 4
    assert ran.err.startswith("auditctl: The ")
    assert f"where: GET {service.url}{AUDIT}" in ran.err
    assert "next:  Check that the address is the audit service's API" in ran.err


@pytest.mark.parametrize("words", [("list",), ("profiles",), ("health",)])
def test_an_answer_without_its_list_is_not_an_empty_one(
    service: ScriptedService, auditctl: Auditctl, words: tuple[str, ...]
) -> None:
    service.on("GET", f"/{'audits' if words == ('list',) else words[0]}", Reply({}))

    assert auditctl(*words).code == 4


@pytest.mark.parametrize("words", [("run",), ("list",), ("report", AUDIT_ID), ("health",)])
def test_an_unreachable_service_is_a_failure(
    auditctl: Auditctl, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("AUDITCTL_URL", f"http://127.0.0.1:{port}/api")

    ran = auditctl(*words)

    assert ran.code == 4
    assert "The service cannot be reached" in ran.err
    assert f"Check that it runs at http://127.0.0.1:{port}/api" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("dance",),
        ("run", "--grace-minutes", "-1"),
        ("run", "--option", "statuses"),
        ("run", "--option", "=FAILURE"),
        ("run", "--patience", "inf"),
        ("run", "--wai"),
        ("watch",),
        ("watch", "../health"),
        ("watch", "a", "b"),
        ("list", "--limit", "0"),
        ("report", AUDIT_ID, "--format", "pdf"),
        ("report",),
        ("report", AUDIT_ID, "--latest"),
        ("report", AUDIT_ID, "--profile", "pre"),
        ("--print-completion", "csh"),
    ],
)
def test_bad_usage_sends_nothing(service: ScriptedService, auditctl: Auditctl, words: tuple[str, ...]) -> None:
    ran = auditctl(*words)

    assert ran.code == 2
    assert ran.err.startswith("auditctl: ")
    assert "next:  auditctl" in ran.err
    assert service.asked == []


def test_the_help_shows_every_exit_code(auditctl: Auditctl) -> None:
    ran = auditctl("--help")

    assert ran.code == 0
    for outcome in Outcome:
        assert f"\n  {outcome.value}    {outcome.word} " in ran.out
    assert "\n  130  stopped " in ran.out
