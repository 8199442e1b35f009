"""The verdicts on containers, row by row of the table and over the whole space of facts."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.containers import RULES
from profiles.pre_capture_sessions.evidence import Record
from profiles.pre_capture_sessions.facts import ContainerFacts
from profiles.pre_capture_sessions.keys import ContainerKind, container_kind
from profiles.pre_capture_sessions.kinds import CONTAINER
from reconciliation.evidence import Unread
from reconciliation.rules import Severity, judge
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    MINUTE,
    REGISTERED,
    container,
    encode,
    encoded,
    key_of,
    manifest,
    reconciled,
    row,
    seen_in,
    session,
    track,
    unread,
    uuid_of,
)

KEY = key_of()
HIGH, MEDIUM, LOW, UNKNOWN, INFO = Severity
NAMELESS = (track("index"), manifest("index"))
MIXED = container("recording", track(KEY), track(key_of("other")), manifest(KEY))
OWN_NAME = str(uuid_of("recording"))[:32]
EDGE = AS_OF - CLOCK.settle


def facts(
    record: Record, recording: RegisteredRecording | None = None, sessions: str = "", in_question: str | None = None
) -> ContainerFacts:
    """``sessions`` and ``in_question`` are names of sessions with blanks between."""
    keys = frozenset(key_of(name) for name in sessions.split())
    wanted = keys if in_question is None else frozenset(key_of(name) for name in in_question.split())
    return ContainerFacts(record, recording, CLOCK, keys, wanted)


WITNESSES = (
    facts(unread()),
    facts(seen_in(f"{uuid_of('source')}-input", encode()), sessions="session"),
    facts(encoded(), row("recording", "session", "deleted"), sessions="session"),
    facts(encoded(), row(), sessions="session"),
    facts(container("recording")),
    facts(encoded(at=AS_OF), sessions="session"),
    facts(container("recording", track(OWN_NAME)), sessions=""),
    facts(container("recording", *NAMELESS)),
    facts(MIXED, sessions="session other"),
    facts(encoded(), sessions="session", in_question=""),
    facts(encoded(), sessions="session"),
)


def test_no_row_of_the_table_is_out_of_reach() -> None:
    for rule, witness in zip(RULES, WITNESSES, strict=True):
        assert judge(RULES, witness).rule is rule, rule.verdict


def test_the_closed_list_of_verdicts_with_their_usual_severity() -> None:
    assert {rule.verdict: rule.severity for rule in RULES if not rule.counted} == {
        "evidence_error": UNKNOWN,
        "still_changing": INFO,
        "orphan_edit_output": MEDIUM,
        "unattributed_media": HIGH,
        "mixed_container": HIGH,
    }
    assert {rule.verdict for rule in RULES if rule.counted} == {
        "not_a_recording",
        "registered",
        "deleted_recording_retained",
        "empty_container",
        "outside_question",
        "attributed",
    }


@dataclass(frozen=True)
class Case:
    """One container beside rows and sessions, its verdict, and why."""

    why: str
    verdict: str
    severity: Severity
    record: Record
    rows: tuple[RegisteredRecording, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    others: tuple[Candidate, ...] = ()


ASKED, OUTSIDE = (session(),), (session(**REGISTERED, in_question=False),)
CASES = (
    Case("it could not be read", "evidence_error", UNKNOWN, unread()),
    Case("it has a row, and could not be read", "evidence_error", UNKNOWN, unread(), (row("unread"),)),
    Case(
        "its name is none of a recording, and it could not be read",
        "evidence_error",
        UNKNOWN,
        Unread("$logs", "403", failed=True),
    ),
    Case("the source of an edit", "not_a_recording", INFO, seen_in(f"{uuid_of('x')}-input", encode()), (), ASKED),
    Case("a name in upper case", "not_a_recording", INFO, seen_in(str(uuid_of("x")).upper(), encode()), (), ASKED),
    Case("a longer name", "not_a_recording", INFO, seen_in(f"{uuid_of('x')}-copy", encode()), (), ASKED),
    Case("the importer's reports", "not_a_recording", INFO, seen_in("mk-import-reports", [])),
    Case("registered", "registered", INFO, encoded(), (row(),)),
    Case("registered and still being written", "registered", INFO, encoded(at=AS_OF), (row(),)),
    Case("registered and empty", "registered", INFO, container("recording"), (row(),)),
    Case(
        "soft-deleted: the media stays",
        "deleted_recording_retained",
        INFO,
        encoded(),
        (row("recording", "session", "deleted"),),
    ),
    Case("of a running encode, with nothing in it yet", "empty_container", INFO, container("recording")),
    Case("a manifest alone", "empty_container", INFO, container("recording", manifest(KEY)), (), ASKED),
    Case(
        "changed a second less than the settle time ago",
        "still_changing",
        INFO,
        encoded(at=EDGE + timedelta(seconds=1)),
        (),
        ASKED,
    ),
    Case("settled to the second", "attributed", INFO, encoded(at=EDGE), (), ASKED),
    Case("nameless and still being written", "still_changing", INFO, container("x", track("index", at=AS_OF - MINUTE))),
    Case(
        "the output of an edit whose row was never written",
        "orphan_edit_output",
        MEDIUM,
        container("recording", track(OWN_NAME), manifest(OWN_NAME)),
    ),
    Case(
        "an edit beside a session's track is an edit",
        "orphan_edit_output",
        MEDIUM,
        container("recording", track(OWN_NAME), *encode()),
        (),
        ASKED,
    ),
    Case("named after another container", "unattributed_media", MEDIUM, container("x", track(OWN_NAME))),
    Case("the index era names no session", "unattributed_media", HIGH, container("x", *NAMELESS)),
    Case("nameless and broken", "unattributed_media", MEDIUM, container("x", track("index"))),
    Case(
        "32 hex digits that are no session", "unattributed_media", HIGH, container("x", track("0" * 32), manifest("0"))
    ),
    Case(
        "a 33rd hex digit is another name",
        "unattributed_media",
        HIGH,
        container("x", track(f"{KEY}a"), manifest("0")),
        (),
        ASKED,
    ),
    Case("tracks of two sessions", "mixed_container", HIGH, MIXED, (), (session(), session("other"))),
    Case(
        "tracks of two sessions, one asked for",
        "mixed_container",
        HIGH,
        MIXED,
        (),
        ASKED,
        (session("other", in_question=False),),
    ),
    Case("tracks of a session and of nobody we know", "attributed", INFO, MIXED, (), ASKED),
    Case("its session was not asked for", "outside_question", INFO, encoded(), (), (), OUTSIDE),
    Case(
        "its session was not asked for, and neither is it whole",
        "outside_question",
        INFO,
        container("x", track(KEY)),
        (),
        (),
        OUTSIDE,
    ),
    Case("its session's verdict tells", "attributed", INFO, encoded(), (), ASKED),
    Case(
        "of a session that is no candidate, whose verdict tells",
        "attributed",
        INFO,
        encoded(),
        (),
        (),
        (session(**REGISTERED),),
    ),
    Case(
        "named and broken: the session's verdict tells",
        "attributed",
        INFO,
        container("x", track(KEY, size=0)),
        (),
        ASKED,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_a_container_gets_the_verdict_that_is_meant_for_it(case: Case) -> None:
    done = reconciled(case.candidates, [case.record], case.rows, case.others)
    assert done.counts(CONTAINER) == {case.verdict: 1}
    listed = [found for found in done.findings if found.kind is CONTAINER]
    assert [found.judgement.severity for found in listed] in ([], [case.severity])
    assert bool(listed) is not next(rule for rule in RULES if rule.verdict == case.verdict).counted


KEYS = frozenset(key_of(name) for name in "ab")


@given(
    strategies.evidence() | strategies.unread_containers(),
    st.none() | strategies.recordings(),
    st.frozensets(st.sampled_from(sorted(KEYS))),
    st.frozensets(st.sampled_from(sorted(KEYS))),
)
def test_any_facts_get_exactly_one_verdict_and_a_sentence_that_says_why(
    record: Record, recording: RegisteredRecording | None, known: frozenset[str], asked: frozenset[str]
) -> None:
    given_facts = ContainerFacts(record, recording, CLOCK, known, asked)
    judgement = judge(RULES, given_facts)
    assert not any(rule.holds(given_facts) for rule in RULES[: RULES.index(judgement.rule)])
    if judgement.rule.counted:
        assert (judgement.rule.why(given_facts), judgement.severity) == ("", INFO)
        return
    text = judgement.rule.why(given_facts)
    assert text.endswith(".")
    assert "None" not in text
    assert judgement.rule.next_step.endswith(".")
    assert recording is None or judgement.verdict == "evidence_error"


@given(strategies.evidence())
def test_a_container_that_cannot_be_a_recording_is_never_a_finding(record: Record) -> None:
    verdict = judge(RULES, facts(record)).verdict
    assert (verdict == "not_a_recording") is (container_kind(record.unit) is not ContainerKind.RECORDING)


def reason(given_facts: ContainerFacts) -> str:
    return judge(RULES, given_facts).rule.why(given_facts)


def test_media_of_nobody_is_told_by_its_number_and_time_and_never_by_its_name() -> None:
    legacy = container("x", track("R v Doe 2019"), track("Smith"), manifest("R v Doe 2019"))
    assert reason(facts(legacy)) == (
        "It has no row in recordings and holds 2 tracks, last changed on 2026-01-31 09:30 UTC; complete; their names "
        "carry no session id."
    )


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["0" * 32], "the id in their names is of no known session."),
        (["0" * 32, "f" * 32], "the ids in their names are of no known session."),
    ],
)
def test_ids_that_are_no_session_are_told(names: list[str], words: str) -> None:
    text = reason(facts(container("x", *(track(name) for name in names))))
    assert "40,000 bytes of them" in text or "80,000 bytes of them" in text
    assert "not complete" in text
    assert text.endswith(words)


def test_why_a_container_was_not_read_is_told() -> None:
    assert reason(facts(unread())) == "It could not be read: 403 Forbidden."
    assert reason(facts(Unread("x", "Grant the role.", failed=True))) == "It could not be read: Grant the role."


def test_the_sessions_of_a_mixed_container_are_named() -> None:
    text = reason(facts(MIXED, sessions="session other"))
    assert "its tracks name 2 sessions: " in text
    assert KEY in text
    assert key_of("other") in text
