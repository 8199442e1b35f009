import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.evidence import Blob, ContainerEvidence, Unread
from reconciliation.facts import Facts
from reconciliation.parameters import NO_STATUS, AuditParameters, Mode
from reconciliation.profiles import DEFAULT_PROFILE, PROFILES
from reconciliation.profiles.pre_capture_sessions import (
    PROFILE,
    RULES,
    STATUSES,
    STILL_WORKING,
    candidates,
)
from reconciliation.reconcile import Finding
from reconciliation.verdicts import Severity
from tests.reconciliation import strategies
from tests.reconciliation.world import (
    AS_OF,
    CLOCK,
    LONG_AGO,
    MINUTE,
    PARAMETERS,
    Record,
    audited,
    container,
    encoded,
    finding,
    key_of,
    manifest,
    row,
    seen_in,
    session,
    track,
    unread,
    uuid_of,
)

KEY = key_of()
EDGE_OF_GRACE = AS_OF - CLOCK.grace
EDGE_OF_SETTLE = AS_OF - CLOCK.settle
ABSENCE = {"no_media", "incomplete_encode"}
UNDER_A_GAP = {"already_registered", "in_flight", "ambiguous_containers", "unregistered_recording", "unverified"}


@dataclass(frozen=True)
class Case:
    """One session with what storage holds, the row of the rule table that must decide, and why."""

    why: str
    rule: int
    verdict: str
    session: Candidate
    records: tuple[Record, ...] = ()
    rows: tuple[RegisteredRecording, ...] = ()


def with_track(name: str, size: int = 40_000) -> ContainerEvidence:
    return container("recording", Blob(name, size, LONG_AGO), manifest("any"))


def inputs_of(name: str) -> ContainerEvidence:
    return seen_in(name, [track(KEY), manifest(KEY)])


INCOMPLETE = container("recording", track(KEY))
MOVING = encoded(at=EDGE_OF_SETTLE + MINUTE)
CASES = (
    # 0: the database knows a live recording
    Case(
        "the row is there, only the status was left behind",
        0,
        "already_registered",
        session(status="PROCESSING", live_recordings=1),
        (encoded(),),
        (row(),),
    ),
    Case(
        "a second encode of a registered take hides nothing",
        0,
        "already_registered",
        session(live_recordings=1),
        (encoded("second"),),
    ),
    Case(
        "registered, though its container could not be read",
        0,
        "already_registered",
        session(live_recordings=2),
        (unread(),),
    ),
    # 1: on its way
    Case(
        "processing for four minutes is healthy",
        1,
        "in_flight",
        session(status="PROCESSING", started_at=AS_OF - 90 * MINUTE, finished_at=AS_OF - 4 * MINUTE),
    ),
    Case(
        "finished one second less than the grace time ago",
        1,
        "in_flight",
        session(status="PROCESSING", finished_at=EDGE_OF_GRACE + timedelta(seconds=1)),
    ),
    Case(
        "the live event still runs",
        1,
        "in_flight",
        session(status="RECORDING", started_at=AS_OF - 30 * MINUTE, finished_at=None),
    ),
    Case("the encoder still writes into the container", 1, "in_flight", session(), (MOVING,)),
    Case(
        "the encoder began to write after the audit had begun",
        1,
        "in_flight",
        session(status="FAILURE"),
        (encoded(at=AS_OF + 5 * MINUTE),),
    ),
    Case("one of two containers still moves", 1, "in_flight", session(), (encoded("first"), MOVING)),
    Case(
        "the mp4 is there with zero bytes and still growing",
        1,
        "in_flight",
        session(status="PROCESSING"),
        (container("recording", track(KEY, size=0, at=AS_OF)),),
    ),
    # 2: more than one
    Case(
        "encoded twice: which one is the hearing is for a person to say",
        2,
        "ambiguous_containers",
        session(status="FAILURE"),
        (encoded("first"), encoded("second")),
    ),
    Case(
        "two were seen, and a third may be in what was not read",
        2,
        "ambiguous_containers",
        session(),
        (encoded("first"), encoded("second"), unread()),
    ),
    # 3: the recording that nobody can see
    Case(
        "swept: stuck by a redeployment, then called NO_RECORDING",
        3,
        "unregistered_recording",
        session(),
        (encoded(),),
    ),
    Case(
        "still PROCESSING after a month",
        3,
        "unregistered_recording",
        session(status="PROCESSING"),
        (encoded(),),
    ),
    Case(
        "the bug of July 2024 set FAILURE while the encode went on",
        3,
        "unregistered_recording",
        session(status="FAILURE"),
        (encoded(),),
    ),
    Case("older than the status column", 3, "unregistered_recording", session(status=None), (encoded(),)),
    Case(
        "closing the case deleted the session",
        3,
        "unregistered_recording",
        session(deleted_at=LONG_AGO, case_state="CLOSED"),
        (encoded(),),
    ),
    Case(
        "FAILURE is an end: no grace for it",
        3,
        "unregistered_recording",
        session(status="FAILURE", finished_at=AS_OF - 4 * MINUTE),
        (encoded(),),
    ),
    Case(
        "settled to the second",
        3,
        "unregistered_recording",
        session(),
        (encoded(at=EDGE_OF_SETTLE),),
    ),
    Case(
        "a file for each track is one recording, not two",
        3,
        "unregistered_recording",
        session(),
        (container("recording", track(KEY), track(f"{KEY}_2"), manifest(KEY)),),
    ),
    Case(
        "a complete encode beside a broken one",
        3,
        "unregistered_recording",
        session(),
        (encoded("good"), container("broken", track(KEY, size=0))),
    ),
    Case(
        "a deleted recording does not hide a second one",
        3,
        "unregistered_recording",
        session(deleted_recordings=1),
        (encoded("deleted"), encoded("hidden")),
        (row("deleted", deleted=True),),
    ),
    Case(
        "its name is in upper case, from a copy made by hand",
        3,
        "unregistered_recording",
        session(),
        (with_track(f"{KEY.upper()}_1280x720_4500k.MP4"),),
    ),
    Case(
        "its name has an extra suffix",
        3,
        "unregistered_recording",
        session(),
        (with_track(f"{KEY}_1280x720_4500k - Copy (2).mp4"),),
    ),
    Case("found, gap or no gap", 3, "unregistered_recording", session(), (encoded(), unread())),
    # 4: not everything was read
    Case("nothing seen, but not everything read", 4, "unverified", session(), (unread(),)),
    Case("a broken encode seen; a good one may be in the gap", 4, "unverified", session(), (INCOMPLETE, unread())),
    Case(
        "a deleted recording seen; a hidden one may be in the gap",
        4,
        "unverified",
        session(deleted_recordings=1),
        (encoded(), unread()),
        (row(deleted=True),),
    ),
    Case(
        "only some containers were asked for",
        4,
        "unverified",
        session(),
        (Unread(str(uuid_of("other")), "outside the requested prefixes", failed=False),),
    ),
    # 5: broken
    Case("the encode died before the manifest", 5, "incomplete_encode", session(), (INCOMPLETE,)),
    Case(
        "the manifest is empty",
        5,
        "incomplete_encode",
        session(),
        (container("recording", track(KEY), manifest(KEY, size=0)),),
    ),
    Case(
        "the track has no bytes",
        5,
        "incomplete_encode",
        session(),
        (container("recording", track(KEY, size=0), manifest(KEY)),),
    ),
    Case(
        "one of two tracks has no bytes",
        5,
        "incomplete_encode",
        session(),
        (container("recording", track(KEY), track(f"{KEY}_2", size=0), manifest(KEY)),),
    ),
    # 6: its containers are registered, though not as a live recording of this session
    Case(
        "somebody deleted the recording on purpose; its container stays",
        6,
        "already_registered",
        session(deleted_recordings=1),
        (encoded(),),
        (row(deleted=True),),
    ),
    Case(
        "the container is registered for another session",
        6,
        "already_registered",
        session(),
        (encoded(),),
        (row(of="another"),),
    ),
    # 7: nothing
    Case("never used: the hearing was adjourned", 7, "no_media", session()),
    Case(
        "exactly the grace time ago is past it",
        7,
        "no_media",
        session(status="PROCESSING", finished_at=EDGE_OF_GRACE),
    ),
    Case(
        "PROCESSING, and no clock to wait for",
        7,
        "no_media",
        session(status="PROCESSING", started_at=None, finished_at=None),
    ),
    Case("its booking's other session has the recording", 7, "no_media", session(), (encoded(of="sibling"),)),
    Case(
        "its id stands in an -input container, the source of an edit",
        7,
        "no_media",
        session(),
        (inputs_of(f"{uuid_of('source')}-input"),),
    ),
    Case(
        "its id stands in a container whose name is in upper case",
        7,
        "no_media",
        session(),
        (inputs_of(str(uuid_of("upper")).upper()),),
    ),
    Case(
        "its id stands in a container with a longer name",
        7,
        "no_media",
        session(),
        (inputs_of(f"{uuid_of('copy')}-copy"),),
    ),
    Case("the index era names no session", 7, "no_media", session(), (with_track("index_1280x720_4500k.mp4"),)),
    Case("a 33rd hex digit is another name", 7, "no_media", session(), (with_track(f"{KEY}a.mp4"),)),
    Case(
        "a legacy name of 32 hex digits that is no session",
        7,
        "no_media",
        session(),
        (with_track(f"{'0' * 32}_x.mp4"),),
    ),
    Case(
        "an edit is named after its own container",
        7,
        "no_media",
        session(),
        (with_track(f"{str(uuid_of('recording'))[:32]}_1280x720_4500k.mp4"),),
    ),
    Case("the container of a running encode is empty", 7, "no_media", session(), (container("recording"),)),
    Case("its id stands in a manifest only", 7, "no_media", session(), (container("recording", manifest(KEY)),)),
    Case(
        "a container that went away during the scan is no gap",
        7,
        "no_media",
        session(),
        (Unread(str(uuid_of("gone")), "deleted during the scan", failed=False),),
    ),
)


def deciding_rule(facts: Facts) -> int:
    return next(index for index, rule in enumerate(RULES) if rule.holds(facts))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_a_session_gets_the_verdict_of_the_rule_that_is_meant_for_it(case: Case) -> None:
    found = finding(case.session, case.records, case.rows)
    assert found.judgement.verdict == case.verdict
    assert deciding_rule(found.facts) == case.rule
    rule = RULES[case.rule]
    assert (found.judgement.severity, found.judgement.next_step) == (rule.severity, rule.next_step)


def test_no_row_of_the_table_is_out_of_reach() -> None:
    assert {case.rule for case in CASES} == set(range(len(RULES)))


# --- the whole space of facts -------------------------------------------------------------------------------------

RECORDS = st.lists(strategies.evidence() | strategies.unread_containers(), max_size=5, unique_by=lambda r: r.container)
WORLDS = st.tuples(strategies.candidates(), RECORDS, strategies.registered())
World = tuple[Candidate, list[Record], list[RegisteredRecording]]


@given(WORLDS)
def test_every_session_gets_one_verdict_of_the_closed_list_and_a_sentence_that_says_why(world: World) -> None:
    judgement = finding(*world).judgement
    assert judgement.verdict in PROFILE.verdicts()
    assert judgement.reason.endswith(".")
    assert "None" not in judgement.reason
    assert judgement.next_step.endswith(".")


@given(WORLDS)
def test_under_a_gap_nothing_is_called_absent_or_broken(world: World) -> None:
    candidate, records, rows = world
    found = finding(candidate, [*records, unread()], rows)
    assert found.judgement.verdict in UNDER_A_GAP
    assert found.judgement.verdict not in ABSENCE
    assert "all of them were read" not in found.judgement.reason


@given(WORLDS)
def test_a_gap_takes_away_certainty_and_never_a_finding(world: World) -> None:
    candidate, records, rows = world
    whole = finding(candidate, [r for r in records if isinstance(r, ContainerEvidence)], rows)
    gap = finding(candidate, [*(r for r in records if isinstance(r, ContainerEvidence)), unread()], rows)
    decided_without_absence = deciding_rule(whole.facts) < 4
    assert gap.judgement.verdict == (whole.judgement.verdict if decided_without_absence else "unverified")


@given(WORLDS, st.randoms(use_true_random=False))
def test_the_order_of_storage_and_rows_does_not_matter(world: World, random: Random) -> None:
    candidate, records, rows = world
    shuffled_records, shuffled_rows = list(records), list(rows)
    random.shuffle(shuffled_records)
    random.shuffle(shuffled_rows)
    assert finding(candidate, shuffled_records, shuffled_rows).judgement == finding(*world).judgement


@given(WORLDS)
def test_what_names_another_session_changes_nothing(world: World) -> None:
    candidate, records, rows = world
    others = [encoded("stranger", of="stranger"), container("nameless", track("index"), manifest("index"))]
    assert finding(candidate, [*records, *others], rows).judgement == finding(*world).judgement


@given(strategies.candidates(), RECORDS)
def test_a_recording_that_has_a_row_is_never_called_unregistered(candidate: Candidate, records: list[Record]) -> None:
    everything = [RegisteredRecording(record.container, candidate.session_id, deleted=False) for record in records]
    verdict = finding(candidate, records, everything).judgement.verdict
    assert verdict in {"already_registered", "in_flight", "unverified", "no_media"}


# --- fast ---------------------------------------------------------------------------------------------------------

# Every container is one thing only: a scan reads it or it does not, and it is listed once.
READ = st.lists(strategies.evidence(), max_size=6, unique_by=lambda record: record.container)


def high(candidate: Candidate, records: list[Record], rows: list[RegisteredRecording], mode: Mode) -> object:
    """The judgement, if it is one of those that a person must act on."""
    [found] = audited([candidate], records, rows, mode).findings
    return found.judgement if found.judgement.severity is Severity.HIGH else None


@given(strategies.candidates(), READ, strategies.registered())
def test_a_fast_and_a_full_audit_agree_on_whatever_a_person_must_act_on(
    candidate: Candidate, records: list[Record], rows: list[RegisteredRecording]
) -> None:
    assert high(candidate, records, rows, Mode.FAST) == high(candidate, records, rows, Mode.FULL)


@given(WORLDS)
def test_beside_gaps_a_fast_audit_finds_all_that_a_full_one_finds_and_proves_no_less(world: World) -> None:
    candidate, records, rows = world
    [fast], [full] = (audited([candidate], records, rows, mode).findings for mode in (Mode.FAST, Mode.FULL))
    if full.judgement.severity is Severity.HIGH:
        assert fast.judgement.verdict == full.judgement.verdict
    elif fast.judgement.severity is Severity.HIGH:
        # The gap is in a registered container, or in none that can be a recording: a fast audit never goes there.
        assert full.judgement.verdict == "unverified"
        assert fast.judgement.verdict == "incomplete_encode"
    if fast.judgement.verdict == "unverified":
        assert full.judgement.verdict == "unverified"


@given(WORLDS)
def test_a_fast_audit_speaks_of_unregistered_containers_only(world: World) -> None:
    candidate, records, rows = world
    [found] = audited([candidate], records, rows, Mode.FAST).findings
    assert (found.facts.registered, found.facts.elsewhere, found.facts.rows) == ((), (), {})
    assert deciding_rule(found.facts) != 6
    assert "all of them were read" not in found.judgement.reason


@pytest.mark.parametrize(
    ("stored", "skipped"),
    [
        pytest.param(encoded(), {"registered": 1}, id="in a registered container"),
        pytest.param(
            inputs_of(f"{uuid_of('source')}-input"), {"not a recording by its name": 1}, id="in the source of an edit"
        ),
    ],
)
def test_a_fast_audit_says_that_it_did_not_open_the_registered_ones(
    stored: ContainerEvidence, skipped: dict[str, int]
) -> None:
    done = audited([session()], [stored, encoded("other", of="other")], [row()], Mode.FAST)
    [found] = done.findings
    assert found.judgement.verdict == "no_media"
    assert found.judgement.reason == (
        "The session's status is NO_RECORDING, and no unregistered container holds media with its id; registered ones "
        "were not opened."
    )
    assert done.coverage.is_complete
    assert done.coverage.to_json()["skipped_by_reason"] == skipped
    assert done.coverage.to_json()["containers"] == {"listed": 2, "scanned": 1, "skipped": 1, "failed": 0}


def test_a_full_audit_beside_it_says_where_the_media_stands() -> None:
    [found] = audited([session()], [encoded()], [row(of="another")], Mode.FULL).findings
    assert found.judgement.verdict == "already_registered"
    assert str(uuid_of("another")) in found.judgement.reason


# --- the words ----------------------------------------------------------------------------------------------------


def reason(candidate: Candidate, *records: Record, rows: tuple[RegisteredRecording, ...] = ()) -> str:
    return finding(candidate, records, rows).judgement.reason


def test_a_hidden_recording_is_told_with_its_container_tracks_and_bytes() -> None:
    assert reason(session(), encoded()) == (
        f"The session's status is NO_RECORDING, but container {uuid_of('recording')} holds 1 complete track with its "
        "id (40,000 bytes) and has no row in recordings."
    )


def test_only_the_tracks_of_the_session_are_counted_in_a_container_of_two() -> None:
    shared = container("recording", track(KEY, 5), track(key_of("other"), 70_000), manifest(KEY))
    assert "holds 1 complete track with its id (5 bytes)" in reason(session(), shared)


def test_a_hidden_recording_found_beside_a_gap_admits_that_there_may_be_a_second() -> None:
    assert reason(session(), encoded(), unread()).endswith(
        "Some containers could not be read, so a second copy is not ruled out."
    )


def test_everything_a_person_must_know_before_touching_the_row_is_said() -> None:
    hindered = session(status=None, deleted_at=LONG_AGO, case_live=False, case_state="CLOSED")
    assert reason(hindered, encoded()).startswith(
        "The session's status is empty, it was deleted on 2026-01-31T09:30:00Z, its booking or case was deleted, "
        "its case is CLOSED, but container "
    )


@pytest.mark.parametrize(
    ("live", "words"), [(1, "1 live recording of it is registered."), (2, "2 live recordings of it are registered.")]
)
def test_registered_recordings_are_counted(live: int, words: str) -> None:
    assert reason(session(live_recordings=live)).endswith(words)


def test_every_flaw_of_every_container_is_named() -> None:
    broken = container("a", track(KEY, size=0), track(f"{KEY}_2", size=0))
    cut = container("b", track(KEY), manifest(KEY, size=0))
    text = reason(session(), broken, cut)
    assert f"{uuid_of('a')} has 2 tracks of zero bytes and no manifest (.ism)" in text
    assert f"{uuid_of('b')} has an empty manifest (.ism)" in text


def test_waiting_is_explained_by_the_clock_that_is_waited_for() -> None:
    fresh = session(status="PROCESSING", finished_at=AS_OF - 4 * MINUTE)
    assert reason(fresh) == (
        "The session's status is PROCESSING, and its last activity was 4 minutes before this audit (allowed: 60)."
    )
    assert reason(session(), MOVING) == (
        f"Container {uuid_of('recording')} changed within 20 minutes before this audit: the encode may still be "
        "running."
    )


def test_activity_after_the_audit_began_is_told_as_zero_minutes() -> None:
    assert "was 0 minutes before" in reason(session(status="PROCESSING", finished_at=AS_OF + 5 * MINUTE))


def test_what_was_seen_beside_a_gap_is_told() -> None:
    assert str(uuid_of("recording")) in reason(session(), INCOMPLETE, unread())


def test_a_container_registered_for_another_session_names_that_session() -> None:
    text = reason(session(), encoded(), rows=(row(of="another"),))
    assert f"as a live recording of session {uuid_of('another')}." in text
    assert reason(session(), encoded(), rows=(row(deleted=True),)).endswith(
        "as a soft-deleted recording of this session."
    )


def test_an_id_seen_where_no_recording_can_be_is_told() -> None:
    source = f"{uuid_of('source')}-input"
    assert f"Its id does appear in {source}, which cannot be a recording." in reason(session(), inputs_of(source))


def test_of_many_containers_five_are_named_and_the_rest_counted() -> None:
    text = reason(session(), *(encoded(f"copy {number}") for number in range(7)))
    assert "7 complete containers carry its id" in text
    assert text.endswith(" and 2 more.")


# --- the declaration ----------------------------------------------------------------------------------------------


def test_the_profile_is_listed_and_asks_for_the_stuck_and_the_empty_by_default() -> None:
    assert PROFILES[DEFAULT_PROFILE] is PROFILE
    assert PROFILE.default_statuses == ("PROCESSING", "NO_RECORDING", "FAILURE", NO_STATUS)
    assert set(PROFILE.default_statuses) <= set(STATUSES)
    assert set(STATUSES) >= STILL_WORKING


def test_the_closed_list_of_verdicts() -> None:
    assert PROFILE.verdicts() == [
        "already_registered",
        "in_flight",
        "ambiguous_containers",
        "unregistered_recording",
        "unverified",
        "incomplete_encode",
        "no_media",
    ]


def test_a_verdict_weighs_the_same_wherever_it_stands_in_the_table() -> None:
    severities = {rule.verdict: rule.severity for rule in RULES}
    assert all(rule.severity is severities[rule.verdict] for rule in RULES)
    assert {verdict for verdict, severity in severities.items() if severity is Severity.UNKNOWN} == {"unverified"}
    assert {verdict for verdict, severity in severities.items() if severity is Severity.HIGH} == {
        "ambiguous_containers",
        "unregistered_recording",
        "incomplete_encode",
    }


def test_rules_of_gives_each_wanted_verdict_once_in_the_order_of_the_table() -> None:
    assert [rule.verdict for rule in PROFILE.rules_of(["no_media", "already_registered"])] == [
        "already_registered",
        "no_media",
    ]
    assert PROFILE.rules_of(["already_registered"]) == [RULES[0]]
    assert PROFILE.rules_of([]) == []


def test_what_is_asked_travels_as_bound_values_and_never_as_sql() -> None:
    hostile = "'; drop table recordings; --"
    query = candidates(AuditParameters(PROFILE.name, (hostile,), 60, ingest_address_contains=hostile))
    assert hostile not in query.sql
    assert query.sql == candidates(PARAMETERS).sql
    assert query.values["statuses"] == [hostile]
    assert query.values["ingest"] == hostile


def test_the_empty_status_is_asked_for_by_its_own_name() -> None:
    with_it = candidates(PARAMETERS).values
    assert (with_it["statuses"], with_it["no_status"]) == (["PROCESSING", "NO_RECORDING", "FAILURE"], True)
    without = candidates(AuditParameters(PROFILE.name, ("FAILURE",), 60)).values
    assert (without["statuses"], without["no_status"]) == (["FAILURE"], False)


def test_no_ids_means_every_candidate() -> None:
    assert candidates(PARAMETERS).values["only"] is None
    asked = AuditParameters(PROFILE.name, ("FAILURE",), 60, only=("a", "b"))
    assert candidates(asked).values["only"] == ["a", "b"]


def test_every_value_that_the_query_names_is_bound() -> None:
    query = candidates(PARAMETERS)
    assert set(re.findall(r"%\((\w+)\)s", query.sql)) == set(query.values)


def test_rows_in_another_zone_are_the_same_moment() -> None:
    moved = LONG_AGO.astimezone(timezone(timedelta(hours=5)))
    assert session(started_at=moved).to_json()["started_at"] == "2026-01-31T09:30:00Z"
    assert datetime.fromisoformat(session(started_at=moved).to_json()["started_at"]).tzinfo == UTC


def test_a_finding_knows_the_facts_it_rests_on() -> None:
    found: Finding = finding(session(), [encoded(), inputs_of("x-input")], ())
    assert [c.container for c in found.facts.unregistered] == [str(uuid_of("recording"))]
    assert [c.container for c in found.facts.elsewhere] == ["x-input"]
    assert found.facts.registered == ()
