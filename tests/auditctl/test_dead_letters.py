"""``auditctl dead-letters``: what an audit could not read is shown, replayed or discarded."""

import json

import pytest

from tests.auditctl.conftest import Auditctl
from tests.auditctl.processes import terminal
from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    SOON,
    Document,
    Reply,
    ScriptedService,
    accepted_document,
    ended_document,
)

LETTERS = f"{AUDIT}/dead-letters"
DISCARD = ("--discard", "--reason", "Known to be broken", "--by", "Ann Other")


def letter(shard: int = 7, **changes: object) -> Document:
    document: Document = {
        "schema_version": 1,
        "complete": True,
        "shard": shard,
        "start": "7f3c",
        "units": 1_500,
        "failed": 2,
        "errors": [{"container": "7f3c1", "error": "403: no access"}, {"container": "7f3c2", "error": "other"}],
        "attempts": 3,
        "first_at": "2026-01-31T08:00:00Z",
        "last_at": "2026-01-31T08:05:00Z",
        "discarded": None,
    }
    return document | changes


DISCARDED = letter(9, discarded={"reason": "Known to be broken", "by": "Ann Other", "at": "2026-02-01T10:00:00Z"})
SHOWN: Document = {"id": AUDIT_ID, "dead_letters": [letter(), DISCARDED]}


def test_a_pipe_gets_one_line_for_each(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", LETTERS, Reply(SHOWN))

    ran = auditctl("dead-letters", AUDIT_ID)

    assert (ran.code, ran.err) == (0, "")
    known = "start=7f3c units=1500 failed=2 attempts=3 first_at=2026-01-31T08:00:00Z last_at=2026-01-31T08:05:00Z"
    assert ran.out.splitlines() == [
        f'audit={AUDIT_ID} shard=7 {known} state=open discarded_by=- discarded_at=- reason=- error="403: no access"',
        (
            f'audit={AUDIT_ID} shard=9 {known} state=discarded discarded_by="Ann Other" '
            'discarded_at=2026-02-01T10:00:00Z reason="Known to be broken" error="403: no access"'
        ),
    ]


def test_none_are_no_lines(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", LETTERS, Reply({"id": AUDIT_ID, "dead_letters": []}))

    ran = auditctl("dead-letters", AUDIT_ID)

    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_json_prints_the_document(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", LETTERS, Reply(SHOWN))

    ran = auditctl("dead-letters", AUDIT_ID, "--json")

    assert (ran.code, json.loads(ran.out), ran.err) == (0, SHOWN, "")


def test_a_terminal_gets_a_table_and_what_can_be_done(service: ScriptedService) -> None:
    service.on("GET", LETTERS, Reply(SHOWN))

    with terminal("--url", service.url, "dead-letters", AUDIT_ID) as screen:
        code = screen.wait()

    assert code == 0
    lines = [" ".join(line.split()) for line in screen.text.splitlines()]
    assert lines[:3] == [
        "shard unread attempts last (UTC) state why",
        "7 2/1,500 3 2026-01-31 08:05 open 403: no access",
        "9 2/1,500 3 2026-01-31 08:05 discarded Ann Other: Known to be broken",
    ]
    command = f"auditctl --url {service.url} dead-letters {AUDIT_ID}"
    assert f"scan again {command} --replay --wait" in lines
    assert f"give up {command} --discard --reason TEXT --by NAME" in lines


@pytest.mark.parametrize(
    ("letters", "told"), [([], f"Audit {AUDIT_ID} has no dead letters.\n"), ([DISCARDED], "Known to be broken")]
)
def test_a_terminal_offers_nothing_where_nothing_is_open(
    service: ScriptedService, letters: list[Document], told: str
) -> None:
    service.on("GET", LETTERS, Reply({"id": AUDIT_ID, "dead_letters": letters}))

    with terminal("dead-letters", AUDIT_ID) as screen:
        code = screen.wait()

    assert code == 0
    assert told in screen.text
    assert "--replay" not in screen.text


def test_hostile_text_commands_neither_a_terminal_nor_a_reader_of_lines(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    hostile = letter(errors=[{"container": "x", "error": "\x1b[2Jx\nshard=1"}], start="a b\x07")
    service.on("GET", LETTERS, Reply({"id": AUDIT_ID, "dead_letters": [hostile]}))

    with terminal("dead-letters", AUDIT_ID) as screen:
        screen.wait()
    ran = auditctl("dead-letters", AUDIT_ID)

    assert "\x1b[2J" not in screen.raw
    assert ran.out.count("\n") == 1
    assert r'start="a b\\u0007"' in ran.out


@pytest.mark.parametrize(
    "document",
    [{}, {"dead_letters": {}}, {"dead_letters": [{"shard": "7"}]}, {"dead_letters": [letter(discarded={"by": "A"})]}],
)
def test_an_answer_of_another_shape_is_a_failure(
    service: ScriptedService, auditctl: Auditctl, document: Document
) -> None:
    service.on("GET", LETTERS, Reply(document))

    ran = auditctl("dead-letters", AUDIT_ID)

    assert (ran.code, ran.out) == (4, "")
    assert "which is not" in ran.err


def test_a_replay_ends_when_accepted(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", f"{LETTERS}/replay", Reply(accepted_document(), 202))

    ran = auditctl("dead-letters", AUDIT_ID, "--replay")

    assert (ran.code, ran.err) == (0, "")
    assert f"event=accepted audit={AUDIT_ID}" in ran.out


@pytest.mark.parametrize(
    ("code", "word", "state"),
    [(0, "clean", "completed"), (1, "findings", "completed"), (3, "incomplete", "incomplete")],
)
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_replay_that_is_waited_for_ends_with_the_outcome(
    service: ScriptedService, auditctl: Auditctl, *, words: list[str], code: int, word: str, state: str
) -> None:
    service.on("POST", f"{LETTERS}/replay", Reply(accepted_document(), 202, SOON))
    service.on("GET", AUDIT, Reply(ended_document(code, word, state)))

    ran = auditctl("dead-letters", AUDIT_ID, "--replay", "--wait", *words)

    assert (ran.code, ran.err) == (code, "")
    assert word in ran.out


def test_a_replay_while_one_runs_is_refused(service: ScriptedService, auditctl: Auditctl) -> None:
    detail = f"Audit {AUDIT_ID} is running with 1 open dead letters: there is nothing to do."
    service.on("POST", f"{LETTERS}/replay", Reply({"title": "Conflict", "detail": detail, "state": "running"}, 409))

    ran = auditctl("dead-letters", AUDIT_ID, "--replay", "--wait")

    assert (ran.code, ran.out) == (2, "")
    assert detail in ran.err


def test_a_discard_sends_the_reason_and_the_name_and_says_what_was_discarded(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    service.on("POST", f"{LETTERS}/discard", Reply({"id": AUDIT_ID, "dead_letters": [DISCARDED]}))

    ran = auditctl("dead-letters", AUDIT_ID, *DISCARD)

    assert (ran.code, ran.err) == (0, "")
    assert [asked.body for asked in service.asked] == [{"reason": "Known to be broken", "by": "Ann Other"}]
    first, second = ran.out.splitlines()
    assert 'state=discarded discarded_by="Ann Other"' in first
    assert second == f"Discarded. A new report is being written; watch it: auditctl watch {AUDIT_ID}"


def test_a_discard_as_json_prints_the_document(service: ScriptedService, auditctl: Auditctl) -> None:
    document = {"id": AUDIT_ID, "dead_letters": [DISCARDED]}
    service.on("POST", f"{LETTERS}/discard", Reply(document))

    ran = auditctl("dead-letters", AUDIT_ID, *DISCARD, "--json")

    assert (ran.code, json.loads(ran.out), ran.err) == (0, document, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--discard"], "--discard needs --reason TEXT and --by NAME"),
        (["--discard", "--reason", "x"], "--discard needs --reason TEXT and --by NAME"),
        (["--discard", "--by", "x", "--reason", ""], "--discard needs --reason TEXT and --by NAME"),
        (["--reason", "x"], "--reason and --by belong to --discard"),
        (["--replay", "--by", "x"], "--reason and --by belong to --discard"),
        (["--wait"], "--wait belongs to --replay"),
        ([*DISCARD, "--wait"], "--wait belongs to --replay"),
        ([*DISCARD, "--replay"], "not allowed with argument"),
    ],
)
def test_options_that_do_not_go_together_ask_nobody(
    service: ScriptedService, auditctl: Auditctl, words: list[str], told: str
) -> None:
    ran = auditctl("dead-letters", AUDIT_ID, *words)

    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert service.asked == []


@pytest.mark.parametrize("words", [[], ["--replay"], list(DISCARD)])
@pytest.mark.parametrize(("status", "code"), [(400, 2), (404, 2), (409, 2), (401, 4), (500, 4), (503, 4)])
def test_refusals_end_with_their_code(
    service: ScriptedService, auditctl: Auditctl, *, words: list[str], status: int, code: int
) -> None:
    refusal = Reply({"title": "No", "detail": "Not so."}, status)
    for method, path in (("GET", LETTERS), ("POST", f"{LETTERS}/replay"), ("POST", f"{LETTERS}/discard")):
        service.on(method, path, refusal)

    ran = auditctl("dead-letters", AUDIT_ID, *words)

    assert (ran.code, ran.out) == (code, "")
    assert "Not so." in ran.err
