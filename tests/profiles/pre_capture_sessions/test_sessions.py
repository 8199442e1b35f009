"""The verdicts on capture sessions, row by row of the table, at every boundary, and over the whole space of facts."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import Candidate
from profiles.pre_capture_sessions.evidence import Record
from profiles.pre_capture_sessions.facts import SessionFacts
from profiles.pre_capture_sessions.selection import OUTSIDE_PREFIXES
from profiles.pre_capture_sessions.sessions import (
    JOB_TIMEOUT,
    NOT_STOPPED,
    RULES,
    STILL_WORKING,
)
from profiles.pre_capture_sessions.trail import STOPS_ARE_WRITTEN_SINCE, Trail
from reconciliation.evidence import Unread
from reconciliation.lookups import Blob
from reconciliation.rules import SEVERITY_ORDER, Judgement, Severity, judge
from tests.profiles.pre_capture_sessions.strategies import session_facts
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    LONG_AGO,
    MINUTE,
    REGISTERED,
    STOPPED,
    SWEPT,
    container,
    encode,
    encoded,
    gone,
    key_of,
    manifest,
    reconciled,
    row,
    session,
    track,
    unread,
)

KEY = key_of()
SECOND = timedelta(seconds=1)
HIGH, MEDIUM, LOW, UNKNOWN, INFO = Severity
FAR = AS_OF.replace(year=2099)
EDGE_OF_GRACE = AS_OF - CLOCK.grace
EDGE_OF_SETTLE = AS_OF - CLOCK.settle
BROKEN = container("recording", track(KEY))
MOVING = encoded(at=EDGE_OF_SETTLE + SECOND)
MIXED = container("mixed", track(KEY), track(key_of("other")), manifest(KEY))
BEFORE_STOPS = STOPS_ARE_WRITTEN_SINCE - SECOND
OLD: dict[str, Any] = {"has_ingest_address": True, "processing_at": BEFORE_STOPS}


def facts(candidate: Candidate, *evidence: Record, **changes: Any) -> SessionFacts:
    """A session beside its own containers, when everything was read."""
    read = tuple(record for record in evidence if not isinstance(record, Unread))
    assert len(read) == len(evidence)
    return replace(SessionFacts(candidate, CLOCK, coverage_complete=True, fast=False, evidence=read), **changes)


def judged(candidate: Candidate, *evidence: Record, **changes: Any) -> Judgement[SessionFacts]:
    return judge(RULES, facts(candidate, *evidence, **changes))


def reason(candidate: Candidate, *evidence: Record, **changes: Any) -> str:
    given = facts(candidate, *evidence, **changes)
    return judge(RULES, given).rule.why(given)


# --- no row of the table is out of reach --------------------------------------------------------------------------

NO_WORD: dict[str, Any] = {"unreadable": {"status": "7"}}
NO_DATE: dict[str, Any] = {"unreadable": {"started_at": "infinity"}}

WITNESSES = (
    facts(session(**NO_WORD), encoded()),
    facts(session(origin="VODAFONE"), encoded()),
    facts(session(), encoded(), read_twice=False),
    facts(session(), MOVING),
    facts(session(**REGISTERED), encoded()),
    facts(session(**REGISTERED)),
    facts(session(live_recordings=1)),
    facts(session(deleted_recordings=1, withdrawn_recordings=1)),
    facts(session(deleted_recordings=1)),
    facts(session(deleted_at=LONG_AGO), encoded()),
    facts(session(case_state="CLOSED"), encoded()),
    facts(session(job_at=AS_OF - MINUTE)),
    facts(session(job_at=LONG_AGO)),
    facts(session(), encoded("one"), encoded("other")),
    facts(session(status="RECORDING"), encoded()),
    facts(session(status="RECORDING_AVAILABLE"), encoded()),
    facts(session(), encoded()),
    facts(session(**NO_DATE)),
    facts(session(), coverage_complete=False),
    facts(session(), BROKEN),
    facts(session(), mixed=(MIXED,)),
    facts(session(status="PROCESSING"), ingest_blobs=1),
    facts(session(**SWEPT)),
    facts(session()),
    facts(session(status="PROCESSING")),
)


def test_no_row_of_the_table_is_out_of_reach() -> None:
    for rule, witness in zip(RULES, WITNESSES, strict=True):
        assert judge(RULES, witness).rule is rule, rule.verdict


def test_the_closed_list_of_verdicts_in_its_order() -> None:
    assert [rule.verdict for rule in RULES] == [
        "unreadable_row",
        "legacy",
        "unverified",
        "in_flight",
        "extra_output",
        "already_registered",
        "status_behind",
        "undone_by_us",
        "deleted_elsewhere",
        "hidden_by_deletion",
        "blocked_case_state",
        "job_tracked",
        "job_stale",
        "ambiguous_containers",
        "ended_not_stopped",
        "available_without_row",
        "unregistered_recording",
        "unreadable_row",
        "unverified",
        "incomplete_encode",
        "in_mixed_container",
        "encode_lost",
        "suspect_lost",
        "expected_empty",
        "stuck_empty",
    ]


def test_the_usual_severities_are_those_of_the_contract() -> None:
    severities: dict[Severity, set[str]] = {severity: set() for severity in Severity}
    for rule in RULES:
        severities[rule.severity].add(rule.verdict)
    assert severities[HIGH] == {rule.verdict for rule in RULES if rule.alarm} | {"incomplete_encode", "encode_lost"}
    assert severities[MEDIUM] == {
        "unreadable_row",
        "status_behind",
        "job_stale",
        "in_mixed_container",
        "suspect_lost",
        "stuck_empty",
    }
    assert severities[INFO] == {rule.verdict for rule in RULES if rule.counted} | {
        "in_flight",
        "extra_output",
        "deleted_elsewhere",
        "job_tracked",
    }
    assert severities[UNKNOWN] == {"unverified"}
    assert {rule.verdict for rule in RULES if rule.counted} == {"legacy", "already_registered", "expected_empty"}
    assert {rule.verdict for rule in RULES if rule.alarm} == {
        "hidden_by_deletion",
        "blocked_case_state",
        "ambiguous_containers",
        "ended_not_stopped",
        "available_without_row",
        "unregistered_recording",
    }


# --- case by case, from rows and storage --------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One session with what storage holds of it, its verdict, and why."""

    why: str
    verdict: str
    severity: Severity
    session: Candidate
    records: tuple[Record, ...] = ()


def hidden_as(verdict: str, why: str, **changes: Any) -> Case:
    return Case(why, verdict, HIGH, session(**changes), (encoded(),))


CASES = (
    Case("imported: no recording with a row by design", "legacy", INFO, session(origin="VODAFONE", live_recordings=1)),
    Case("imported, whatever is in storage", "legacy", INFO, session(origin="VODAFONE_VISIBLE"), (encoded(),)),
    # on its way
    Case(
        "processing for four minutes is healthy",
        "in_flight",
        INFO,
        session(status="PROCESSING", started_at=AS_OF - 90 * MINUTE, finished_at=AS_OF - 4 * MINUTE),
    ),
    Case(
        "one second less than the grace time ago",
        "in_flight",
        INFO,
        session(status="PROCESSING", finished_at=EDGE_OF_GRACE + SECOND),
    ),
    Case(
        "exactly the grace time ago is past it",
        "stuck_empty",
        MEDIUM,
        session(status="PROCESSING", finished_at=EDGE_OF_GRACE),
    ),
    Case(
        "no clock to wait for",
        "stuck_empty",
        MEDIUM,
        session(status="PROCESSING", started_at=None, finished_at=None, scheduled_for=AS_OF),
    ),
    Case(
        "the live event still runs: its start counts while it has no end",
        "in_flight",
        INFO,
        session(status="RECORDING", started_at=AS_OF - 30 * MINUTE, finished_at=None),
    ),
    Case(
        "the end counts before the start",
        "stuck_empty",
        MEDIUM,
        session(status="STANDBY", started_at=AS_OF, finished_at=LONG_AGO),
    ),
    Case(
        "its clock is ahead of ours",
        "in_flight",
        INFO,
        session(status="PROCESSING", finished_at=AS_OF + 5 * MINUTE),
    ),
    # a moment that has not come yet
    Case(
        "an end in 2099 is none: it began long ago",
        "stuck_empty",
        MEDIUM,
        session(status="PROCESSING", finished_at=FAR),
    ),
    Case(
        "an end in 2099 is no reason to wait for what is there",
        "unregistered_recording",
        HIGH,
        session(status="PROCESSING", finished_at=FAR),
        (encoded(),),
    ),
    Case(
        "an end in 2099, and a start a moment ago",
        "in_flight",
        INFO,
        session(status="PROCESSING", started_at=AS_OF - 5 * MINUTE, finished_at=FAR),
    ),
    Case(
        "neither start nor end has come",
        "stuck_empty",
        MEDIUM,
        session(status="RECORDING", started_at=FAR, finished_at=FAR),
    ),
    Case("blobs of 2099 are settled", "unregistered_recording", HIGH, session(), (encoded(at=FAR),)),
    Case(
        "a blob of 2099 beside one of a moment ago",
        "in_flight",
        INFO,
        session(),
        (container("recording", track(KEY, at=FAR), manifest(KEY, at=AS_OF)),),
    ),
    Case("a job of 2099 is no job at work", "job_stale", MEDIUM, session(job_at=FAR), (encoded(),)),
    Case("a stop in 2099 is none", "suspect_lost", MEDIUM, session(**SWEPT | {"stopped_at": FAR})),
    hidden_as("hidden_by_deletion", "deleted in 2099 is deleted", deleted_at=FAR),
    # a value that cannot be understood
    Case("a start that is no date", "unreadable_row", MEDIUM, session(**NO_DATE)),
    Case("a start that is no date, with a gap", "unreadable_row", MEDIUM, session(**NO_DATE), (unread(),)),
    hidden_as("unregistered_recording", "hidden whatever its start is", **NO_DATE),
    hidden_as("hidden_by_deletion", "deleted, though nobody can say when", unreadable={"deleted_at": "infinity"}),
    Case("a job of no date", "job_stale", MEDIUM, session(unreadable={"job_at": "infinity"}), (encoded(),)),
    Case(
        "registered, and its start is no date", "already_registered", INFO, session(**REGISTERED | NO_DATE), (unread(),)
    ),
    Case("a status that is no text could hide anything", "unreadable_row", MEDIUM, session(**NO_WORD), (encoded(),)),
    Case("the encoder still writes", "in_flight", INFO, session(), (MOVING,)),
    Case("settled to the second", "unregistered_recording", HIGH, session(), (encoded(at=EDGE_OF_SETTLE),)),
    Case("it began to write after the audit did", "in_flight", INFO, session(), (encoded(at=AS_OF + 5 * MINUTE),)),
    Case("one of two containers still moves", "in_flight", INFO, session(), (encoded("first"), MOVING)),
    Case(
        "the mp4 is there with zero bytes and still growing",
        "in_flight",
        INFO,
        session(status="PROCESSING"),
        (container("recording", track(KEY, size=0, at=AS_OF)),),
    ),
    # registered
    Case("registered and nothing beside it", "already_registered", INFO, session(**REGISTERED)),
    Case("a second encode of a registered take", "extra_output", INFO, session(**REGISTERED), (encoded("second"),)),
    Case("a broken second encode of it", "extra_output", INFO, session(**REGISTERED), (BROKEN,)),
    Case("registered, gap or no gap", "already_registered", INFO, session(**REGISTERED), (unread(),)),
    Case("a stale write put the status back", "status_behind", MEDIUM, session(live_recordings=1)),
    Case(
        "registered, and older than the status column", "status_behind", MEDIUM, session(status=None, live_recordings=2)
    ),
    Case(
        "its live recording counts before its deleted ones",
        "status_behind",
        MEDIUM,
        session(live_recordings=1, deleted_recordings=1),
        (encoded(),),
    ),
    Case(
        "a repair registered the recording, and an undo has hidden it",
        "undone_by_us",
        LOW,
        session(deleted_recordings=1, withdrawn_recordings=1),
    ),
    Case(
        "an undo has hidden one, and a person another one",
        "deleted_elsewhere",
        INFO,
        session(deleted_recordings=2, withdrawn_recordings=1),
    ),
    Case("a person deleted the recording on purpose", "deleted_elsewhere", INFO, session(deleted_recordings=1)),
    Case(
        "deleted, and a second encode has no row",
        "deleted_elsewhere",
        LOW,
        session(deleted_recordings=2, deleted_at=LONG_AGO),
        (encoded(),),
    ),
    # hidden, and something in the way
    hidden_as("hidden_by_deletion", "closing the case deleted the session", deleted_at=LONG_AGO, case_state="CLOSED"),
    hidden_as("hidden_by_deletion", "deleted while an encode job is kept", deleted_at=LONG_AGO, job_at=AS_OF),
    Case("deleted, and only a broken encode", "incomplete_encode", HIGH, session(deleted_at=LONG_AGO), (BROKEN,)),
    Case("deleted and never used", "expected_empty", INFO, session(deleted_at=LONG_AGO)),
    hidden_as("blocked_case_state", "the case is closed", case_state="CLOSED"),
    hidden_as("blocked_case_state", "the case is about to be closed", case_state="PENDING_CLOSURE"),
    hidden_as("blocked_case_state", "the booking or the case is deleted", case_live=False),
    Case("a closed case with nothing in storage", "expected_empty", INFO, session(case_state="CLOSED")),
    # encode jobs
    Case(
        "the service gives a job two hours",
        "job_tracked",
        INFO,
        session(status="PROCESSING", job_at=AS_OF - JOB_TIMEOUT + SECOND),
        (encoded(),),
    ),
    Case(
        "two hours to the second are over",
        "job_stale",
        MEDIUM,
        session(status="PROCESSING", job_at=AS_OF - JOB_TIMEOUT),
        (encoded(),),
    ),
    Case("the job began after the audit", "job_tracked", INFO, session(job_at=AS_OF + MINUTE)),
    # hidden
    Case(
        "encoded twice: which one is the hearing is for a person to say",
        "ambiguous_containers",
        HIGH,
        session(status="FAILURE"),
        (encoded("first"), encoded("second")),
    ),
    *(hidden_as("ended_not_stopped", f"{status} counts as live", status=status) for status in sorted(NOT_STOPPED)),
    hidden_as("available_without_row", "called available, and no row", status="RECORDING_AVAILABLE"),
    hidden_as("unregistered_recording", "swept: stuck by a redeployment, then called NO_RECORDING", **SWEPT),
    hidden_as("unregistered_recording", "a regular stop does not hide what is there", **STOPPED),
    hidden_as("unregistered_recording", "still PROCESSING after a month", status="PROCESSING"),
    hidden_as("unregistered_recording", "the bug of July 2024 set FAILURE while the encode went on", status="FAILURE"),
    hidden_as("unregistered_recording", "older than the status column", status=None),
    hidden_as(
        "unregistered_recording", "FAILURE is an end: no grace for it", status="FAILURE", finished_at=AS_OF - MINUTE
    ),
    Case(
        "a sibling's recording lowers it and never hides it",
        "unregistered_recording",
        MEDIUM,
        session(sibling_recordings=1),
        (encoded(),),
    ),
    Case(
        "a file for each track is one recording, not two",
        "unregistered_recording",
        HIGH,
        session(),
        (container("recording", track(KEY), track(f"{KEY}_2"), manifest(KEY)),),
    ),
    Case(
        "a complete encode beside a broken one",
        "unregistered_recording",
        HIGH,
        session(),
        (encoded("good"), container("broken", track(KEY, size=0))),
    ),
    Case(
        "its name is in upper case, from a copy made by hand",
        "unregistered_recording",
        HIGH,
        session(),
        (container("recording", Blob(f"{KEY.upper()}_1280x720.MP4", 1, LONG_AGO), manifest("any")),),
    ),
    Case(
        "its name has an extra suffix",
        "unregistered_recording",
        HIGH,
        session(),
        (container("recording", Blob(f"{KEY}_1280x720 - Copy (2).mp4", 1, LONG_AGO), manifest("any")),),
    ),
    Case(
        "beside another name that is of no session we know",
        "unregistered_recording",
        HIGH,
        session(),
        (container("recording", track(KEY), track("0" * 32), manifest(KEY)),),
    ),
    Case("found, gap or no gap", "unregistered_recording", HIGH, session(), (encoded(), unread())),
    # gaps
    Case("nothing seen, but not everything read", "unverified", UNKNOWN, session(), (unread(),)),
    Case("a broken encode seen; a good one may be in the gap", "unverified", UNKNOWN, session(), (BROKEN, unread())),
    Case(
        "only some containers were asked for",
        "unverified",
        UNKNOWN,
        session(),
        (Unread("not to be read", OUTSIDE_PREFIXES, failed=False),),
    ),
    Case("what went away during the scan is no gap", "expected_empty", INFO, session(), (gone("short-lived"),)),
    # broken
    Case("the encode died before the manifest", "incomplete_encode", HIGH, session(), (BROKEN,)),
    Case(
        "the manifest is empty",
        "incomplete_encode",
        HIGH,
        session(),
        (container("recording", track(KEY), manifest(KEY, size=0)),),
    ),
    Case(
        "one of two tracks has no bytes",
        "incomplete_encode",
        HIGH,
        session(),
        (container("recording", track(KEY), track(f"{KEY}_2", size=0), manifest(KEY)),),
    ),
    Case(
        "broken, and a sibling has a recording", "incomplete_encode", MEDIUM, session(sibling_recordings=1), (BROKEN,)
    ),
    # lost
    Case("swept and nothing left", "suspect_lost", MEDIUM, session(**SWEPT)),
    Case("swept, and a sibling has a recording", "suspect_lost", LOW, session(**SWEPT, sibling_recordings=1)),
    Case("processed before stops were written down", "suspect_lost", LOW, session(**OLD)),
    Case("failed after its ingest had begun", "suspect_lost", LOW, session(status="FAILURE", has_ingest_address=True)),
    Case("called available, and nothing is there", "suspect_lost", HIGH, session(status="RECORDING_AVAILABLE")),
    # empty
    Case("never used: the hearing was adjourned", "expected_empty", INFO, session()),
    Case("stopped in order, without content", "expected_empty", INFO, session(**STOPPED)),
    Case("a stop without processing is a stop", "expected_empty", INFO, session(stopped_at=LONG_AGO)),
    Case(
        "failed before it began",
        "expected_empty",
        INFO,
        session(status="FAILURE", **(STOPPED | {"has_ingest_address": False})),
    ),
    # stuck
    *(
        Case(f"{status or 'no status'}, and nothing anywhere", "stuck_empty", MEDIUM, session(status=status))
        for status in (*sorted(STILL_WORKING), None)
    ),
    Case("stuck, and a sibling has a recording", "stuck_empty", LOW, session(status=None, sibling_recordings=2)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_a_session_gets_the_verdict_that_is_meant_for_it(case: Case) -> None:
    done = reconciled([case.session], case.records)
    assert done.verdicts() == {case.session.session_id: case.verdict}
    [rule] = {rule.severity for rule in RULES if rule.verdict == case.verdict}
    listed = [found.judgement.severity for found in done.findings if found.id == case.session.session_id]
    assert (listed or [rule]) == [case.severity]


@pytest.mark.parametrize(
    ("left_at", "verdict", "severity"),
    [
        pytest.param(
            STOPS_ARE_WRITTEN_SINCE, "suspect_lost", MEDIUM, id="left on the day from which stops are written"
        ),
        pytest.param(BEFORE_STOPS, "suspect_lost", LOW, id="left a second before it: a stop would have left no row"),
        pytest.param(datetime(2025, 6, 12, 18, tzinfo=UTC), "suspect_lost", MEDIUM, id="by the first sweep of all"),
    ],
)
def test_the_day_from_which_stops_are_written_decides_what_their_absence_says(
    left_at: datetime, verdict: str, severity: Severity
) -> None:
    found = judged(session(has_ingest_address=True, processing_at=datetime(2024, 8, 1, tzinfo=UTC), left_at=left_at))
    assert (found.verdict, found.severity) == (verdict, severity)


def test_media_of_its_booking_in_the_ingest_account_makes_a_stuck_session_urgent() -> None:
    stuck = session(status="PROCESSING", sibling_recordings=1)
    assert judged(stuck, ingest_blobs=3).verdict == "encode_lost"
    assert judged(stuck, ingest_blobs=3).severity is HIGH
    assert [judged(stuck, ingest_blobs=seen).verdict for seen in (0, None)] == ["stuck_empty", "stuck_empty"]
    assert judged(replace(stuck, status="FAILURE", has_ingest_address=True), ingest_blobs=3).verdict == "suspect_lost"


def test_media_beside_another_sessions_is_for_a_person_to_part() -> None:
    both = [session(), session("other")]
    done = reconciled(both, [MIXED])
    assert set(done.verdicts().values()) == {"in_mixed_container"}
    beside_its_own = reconciled([session()], [MIXED, encoded()], others=[session("other", in_question=False)])
    assert beside_its_own.verdicts()[session().session_id] == "unregistered_recording"


# --- the whole space of facts -------------------------------------------------------------------------------------


@given(session_facts())
def test_any_facts_get_exactly_one_verdict_and_a_sentence_that_says_why(given_facts: SessionFacts) -> None:
    judgement = judge(RULES, given_facts)
    assert [rule for rule in RULES if rule is judgement.rule] == [judgement.rule]
    assert judgement.rule.holds(given_facts)
    assert not any(rule.holds(given_facts) for rule in RULES[: RULES.index(judgement.rule)])
    text, step = judgement.rule.why(given_facts), judgement.rule.next_step
    if judgement.rule.counted:
        assert (text, step, judgement.severity) == ("", "", INFO)
        return
    assert text.endswith(".")
    assert step.endswith(".")
    assert "None" not in text
    assert ".." not in text
    assert (judgement.verdict == "unverified") is (judgement.severity is UNKNOWN)


@given(session_facts())
def test_a_complete_recording_is_told_exactly_when_nothing_else_accounts_for_it(given_facts: SessionFacts) -> None:
    candidate = given_facts.session
    waits = given_facts.moving or (candidate.status in STILL_WORKING and given_facts.within_grace)
    elsewhere = candidate.live_recordings or candidate.deleted_recordings
    # An encode job is the service's own business, except where deletion or closure hides the outcome from it.
    job = candidate.job_at is not None and not (
        candidate.deleted_at is not None or not candidate.case_live or candidate.case_state != "OPEN"
    )
    accounted = candidate.origin != "PRE" or waits or elsewhere or job or not given_facts.read_twice
    assert judge(RULES, given_facts).rule.alarm is (bool(given_facts.complete) and not accounted)


ABSENCE = {
    "incomplete_encode",
    "in_mixed_container",
    "encode_lost",
    "suspect_lost",
    "expected_empty",
    "stuck_empty",
}


@given(session_facts())
def test_a_gap_takes_away_every_absence_and_never_a_finding(given_facts: SessionFacts) -> None:
    whole = judge(RULES, replace(given_facts, coverage_complete=True)).verdict
    gap = judge(RULES, replace(given_facts, coverage_complete=False)).verdict
    assert gap == ("unverified" if whole in ABSENCE else whole)


@given(session_facts())
def test_what_was_not_read_twice_is_no_finding(given_facts: SessionFacts) -> None:
    verdict = judge(RULES, replace(given_facts, read_twice=False)).verdict
    assert verdict == ("legacy" if given_facts.session.origin != "PRE" else "unverified")


@given(session_facts())
def test_a_sibling_lowers_and_never_suppresses(given_facts: SessionFacts) -> None:
    alone, beside = (
        judge(RULES, replace(given_facts, session=replace(given_facts.session, sibling_recordings=number)))
        for number in (0, 1)
    )
    assert alone.rule is beside.rule
    assert SEVERITY_ORDER.index(beside.severity) >= SEVERITY_ORDER.index(alone.severity)
    assert (beside.severity is INFO) is (alone.severity is INFO)


@given(session_facts(), st.permutations(range(3)))
def test_the_order_of_containers_does_not_matter(given_facts: SessionFacts, order: list[int]) -> None:
    shuffled = tuple(given_facts.evidence[number] for number in order if number < len(given_facts.evidence))
    one, other = judge(RULES, given_facts), judge(RULES, replace(given_facts, evidence=shuffled))
    assert (one.rule, one.severity) == (other.rule, other.severity)


@given(session_facts())
def test_whether_registered_containers_were_opened_changes_words_and_no_verdict(given_facts: SessionFacts) -> None:
    full, fast = (judge(RULES, replace(given_facts, fast=fast)) for fast in (False, True))
    assert full == fast


@given(session_facts())
def test_a_session_that_was_never_processed_is_not_called_lost_for_its_trail(given_facts: SessionFacts) -> None:
    verdict = judge(RULES, given_facts).verdict
    if verdict == "suspect_lost" and given_facts.session.status == "NO_RECORDING":
        assert given_facts.session.trail in {Trail.SWEPT, Trail.UNKNOWN}


# --- the words ----------------------------------------------------------------------------------------------------


def test_a_hidden_recording_is_told_with_its_container_tracks_bytes_and_time() -> None:
    assert reason(session(), encoded()) == (
        f"The session's status is NO_RECORDING, but container {encoded().container} (1 track, 40,000 bytes, of "
        "2026-01-31 09:30 UTC) holds a complete recording of it without a row in recordings."
    )


def test_only_the_tracks_of_the_session_are_told() -> None:
    shared = container("recording", track(KEY, 5), track("0" * 32, 70_000), manifest(KEY))
    assert "(1 track, 5 bytes" in reason(session(), shared)


def test_of_several_each_is_told_apart() -> None:
    text = reason(session(), encoded("a"), container("b", track(KEY, 7), manifest(KEY)))
    assert "2 containers hold complete recordings of it" in text
    assert all(name in text for name in (encoded("a").container, container("b").container, "40,000 bytes", "7 bytes"))


def test_of_very_many_five_are_told_and_the_number_of_all() -> None:
    copies = [encoded(f"copy {number}") for number in range(7)]
    text = reason(session(), *copies)
    assert "7 containers" in text
    assert sum(copy.container in text for copy in copies) == 5


def test_beside_a_gap_it_is_admitted_that_there_may_be_a_second() -> None:
    assert reason(session(), encoded(), coverage_complete=False).endswith(
        "Some containers could not be read, so a second copy is not ruled out."
    )


def test_everything_a_person_must_know_before_touching_the_row_is_said() -> None:
    hindered = session(status=None, deleted_at=LONG_AGO, case_live=False, case_state="CLOSED", case_closed_at=LONG_AGO)
    assert reason(hindered, encoded()).startswith(
        "The session's status is empty, it was deleted on 2026-01-31 09:30 UTC by the closure of its case, its booking "
        "or case was deleted, its case is CLOSED, but container "
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"case_state": "CLOSED", "case_closed_at": LONG_AGO + 60 * MINUTE}, True),
        ({"case_state": "CLOSED", "case_closed_at": LONG_AGO - 60 * MINUTE}, True),
        ({"case_state": "CLOSED", "case_closed_at": LONG_AGO + 61 * MINUTE}, False),
        ({"case_state": "CLOSED", "case_closed_at": None}, True),
        ({"case_state": "OPEN", "case_closed_at": LONG_AGO}, False),
    ],
)
def test_a_deletion_is_put_down_to_the_closure_only_if_they_happened_together(
    changes: dict[str, Any], told: bool
) -> None:
    text = reason(session(deleted_at=LONG_AGO, **changes), encoded())
    assert ("by the closure of its case" in text) is told


@pytest.mark.parametrize(("live", "words"), [(1, "1 live recording of it is"), (2, "2 live recordings of it are")])
def test_registered_recordings_are_counted(live: int, words: str) -> None:
    assert reason(session(live_recordings=live)) == f"The session's status is NO_RECORDING, and {words} registered."
    assert reason(session(**REGISTERED | {"live_recordings": live}), encoded()).endswith(
        f"Beside it stands {encoded().container}, which has no row."
    )


def test_every_flaw_of_every_container_is_named() -> None:
    text = reason(
        session(),
        container("a", track(KEY, size=0), track(f"{KEY}_2", size=0)),
        container("b", track(KEY), manifest(KEY, size=0)),
    )
    assert f"{container('a').container} has 2 tracks of zero bytes and no manifest (.ism)" in text
    assert f"{container('b').container} has an empty manifest (.ism)" in text


def test_waiting_is_explained_by_the_clock_that_is_waited_for() -> None:
    assert reason(session(status="PROCESSING", finished_at=AS_OF - 4 * MINUTE)) == (
        "The session's status is PROCESSING, and its last activity was 4 minutes before this audit (allowed: 60)."
    )
    assert reason(session(), MOVING) == (
        f"Something in container {MOVING.container} changed within 20 minutes before this audit: the encode may still "
        "be running."
    )
    assert "was 0 minutes before" in reason(session(status="PROCESSING", finished_at=AS_OF + 5 * MINUTE))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (SWEPT, "the audit trail saw it being processed and has no regular stop of it"),
        (OLD, "too long ago to tell how that ended"),
        (STOPPED, "the audit trail has its regular stop"),
        ({}, "the audit trail never saw it being processed"),
    ],
)
def test_what_is_lost_or_stuck_is_told_with_its_trail(rows: dict[str, Any], words: str) -> None:
    assert words in reason(session(status="PROCESSING", **rows))


def test_it_is_told_what_of_storage_was_read() -> None:
    assert reason(session(**SWEPT)).endswith("no unregistered container holds media with its id; all were read.")
    assert reason(session(**SWEPT), fast=True).endswith("(registered ones were not opened).")
    assert reason(session(**SWEPT), ingest_blobs=0).endswith("The ingest account holds nothing of its booking either.")
    assert "still holds 2 blobs of its booking." in reason(session(status="PROCESSING"), ingest_blobs=2)
    assert "Another session of its booking has a recording" in reason(session(**SWEPT, sibling_recordings=1))


# --- by when something must be done -------------------------------------------------------------------------------

DAY = timedelta(days=1)
LOST: dict[str, Any] = {"status": "PROCESSING"}


def due(candidate: Candidate, *evidence: Record, **changes: Any) -> tuple[str, datetime | None]:
    given = facts(candidate, *evidence, **changes)
    judgement = judge(RULES, given)
    return judgement.verdict, judgement.rule.due(given)


def test_what_can_be_encoded_again_says_until_when() -> None:
    deletion = LONG_AGO + 90 * DAY
    assert due(session(**LOST), ingest_blobs=2) == ("encode_lost", deletion)
    assert due(session(), BROKEN) == ("incomplete_encode", deletion)
    for told in (reason(session(**LOST), ingest_blobs=2), reason(session(), BROKEN)):
        assert (
            " What is marked for deletion in the ingest account is deleted from 2026-05-01 09:30 UTC on, if "
            "production's rule of 90 days holds there." in told
        )


def test_a_date_that_has_passed_is_told_as_passed() -> None:
    long_ago = session(**LOST, started_at=AS_OF - 91 * DAY)
    assert due(long_ago, ingest_blobs=2) == ("encode_lost", AS_OF - DAY)
    assert "What was marked for deletion in the ingest account was deleted from 2026-03-01" in reason(
        long_ago, ingest_blobs=2
    )


def test_of_a_hearing_without_a_start_only_the_latest_date_is_known() -> None:
    ended = session(**LOST, started_at=None, finished_at=LONG_AGO)
    assert due(ended, ingest_blobs=2) == ("encode_lost", LONG_AGO + 90 * DAY)
    assert "is deleted at the latest from 2026-05-01 09:30 UTC on" in reason(ended, ingest_blobs=2)


@pytest.mark.parametrize(
    ("changes", "blobs"),
    [
        ({"started_at": None, "finished_at": None}, None),  # when it was recorded is not known
        ({"started_at": AS_OF + DAY}, None),  # nor believed, if it is still to come
        ({"started_at": datetime(9999, 12, 31, tzinfo=UTC)}, None),
        ({}, 0),  # the account was looked at, and nothing is there to be deleted
    ],
)
def test_without_a_copy_or_its_moment_no_deletion_is_told(changes: dict[str, Any], blobs: int | None) -> None:
    broken = session(**changes)
    assert due(broken, BROKEN, ingest_blobs=blobs) == ("incomplete_encode", None)
    assert "marked for deletion" not in reason(broken, BROKEN, ingest_blobs=blobs)


def test_no_other_verdict_knows_a_date() -> None:
    given = facts(session(), encoded(), ingest_blobs=2)
    dated = {rule.verdict for rule in RULES if rule.due(given) is not None}
    assert dated == {"encode_lost", "incomplete_encode"}


def test_what_was_seen_beside_a_gap_is_told() -> None:
    assert BROKEN.container in reason(session(), BROKEN, coverage_complete=False)
    assert encoded().container in reason(session(), encoded(), read_twice=False)


def test_a_name_that_carries_no_session_is_never_in_a_reason() -> None:
    named = container("recording", *encode(), track("R v Doe"))
    assert "Doe" not in reason(session(), named)
    assert "Doe" not in str([found.to_json(None) for found in reconciled([session()], [named]).findings])


def test_a_session_of_a_registered_container_is_not_named_by_it() -> None:
    assert reconciled([session()], [encoded()], [row(of="another")]).verdicts() == {
        session().session_id: "expected_empty"
    }
