"""Both looks together: one verdict for every subject, sums that add up, and no race that makes a finding."""

import json
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.facts import SessionFacts
from profiles.pre_capture_sessions.keys import session_id_of
from profiles.pre_capture_sessions.kinds import CONTAINER, KINDS, RECORDING, SESSION
from profiles.pre_capture_sessions.options import MODES
from profiles.pre_capture_sessions.screening import NAMES, SESSIONS
from profiles.pre_capture_sessions.selection import select
from reconciliation.evidence import has_failed
from reconciliation.looks import Group
from reconciliation.lookups import BlobCount
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open
from reconciliation.rules import Severity
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    IN_FAST_MODE,
    MINUTE,
    PARAMETERS,
    REGISTERED,
    SWEPT,
    Audited,
    World,
    asking,
    audited,
    container,
    encode,
    encoded,
    first_look,
    key_of,
    manifest,
    reconciled,
    row,
    session,
    track,
    unread,
    uuid_of,
)

ASKED = st.sampled_from(
    [
        PARAMETERS,
        IN_FAST_MODE,
        asking(PARAMETERS, container_prefixes=("0", "5", "9", "d")),
        replace(PARAMETERS, only=strategies.SESSIONS[:1]),
    ]
)
ID = session().session_id
MIXED = container("mixed", track(key_of()), track(key_of("other")), manifest(key_of()))


def told(done: Audited) -> dict[str, Any]:
    """All that an audit says, whatever the order it came in."""
    return {
        "findings": [found.to_json(None) for found in done.findings],
        "counted": sorted(done.counted),
        "tally": done.tally,
        "coverage": done.coverage.to_json("container"),
        "outcome": done.outcome,
    }


# --- the sums -----------------------------------------------------------------------------------------------------


@given(strategies.worlds(), ASKED, st.none() | strategies.worlds())
def test_every_subject_has_one_verdict_and_the_sums_add_up_whatever_happens_in_between(
    world: World, parameters: AuditParameters, then: World | None
) -> None:
    done = audited(world, parameters, then=then)
    tally, coverage = done.tally, done.coverage
    assert coverage.scanned + coverage.skipped.total() + len(coverage.failed) == coverage.listed == len(world.records)
    assert tally.judged(CONTAINER) == coverage.scanned + len(coverage.failed)
    assert tally.judged(RECORDING) == len(world.rows)
    sessions = [one for _, one in done.counted] + [found.id for found in done.findings if found.kind is SESSION]
    assert len(sessions) == len(set(sessions)) == tally.judged(SESSION)
    assert {candidate.session_id for candidate in world.candidates} <= set(sessions)
    assert tally.verdicts.keys() <= {kind.name for kind in KINDS}
    for kind in KINDS:
        assert set(tally.verdicts[kind.name]) <= {rule.verdict for rule in kind.rules}
        names = [found.id for found in done.findings if found.kind is kind]
        assert len(names) == len(set(names))
    assert tally.findings == len(done.findings)
    assert tally.severities == Counter(found.judgement.severity for found in done.findings)
    assert tally.alarms == sum(found.judgement.rule.alarm for found in done.findings)
    needing = Counter(
        found.kind.name
        for found in done.findings
        if found.judgement.severity not in {Severity.INFO, Severity.UNKNOWN} and not found.judgement.rule.alarm
    )
    assert tally.needing_a_person == needing
    assert tally.asking == sum(found.known is not None for found in done.findings)


@given(strategies.worlds(), ASKED)
def test_who_is_judged_beside_the_candidates_is_named_by_an_unregistered_container_and_asked_for(
    world: World, parameters: AuditParameters
) -> None:
    done = audited(world, parameters)
    beside = set(done.verdicts()) - {candidate.session_id for candidate in world.candidates}
    registered = {recording.recording_id for recording in world.rows}
    chosen = {
        name
        for name in world.stored
        if isinstance(select(Group(name, ([name], [1] * (name in registered), [])), parameters), Open)
    }
    named = {
        session_id_of(key)
        for record in world.records
        if isinstance(record, ContainerEvidence)
        # That it holds an edit's output as well makes it no evidence, and those whom it names are judged all the same.
        if record.container in chosen - registered - set(strategies.OTHER_NAMES)
        for key in record.keys
    }
    assert beside == {other.session_id for other in world.others if other.in_question and other.session_id in named}


@given(strategies.worlds(), ASKED, st.none() | strategies.worlds(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_come_in_does_not_matter(
    world: World, parameters: AuditParameters, then: World | None, random: Random
) -> None:
    def mixed(values: Any) -> list[Any]:
        return random.sample(list(values), len(values))

    shuffled = replace(
        world,
        candidates=mixed(world.candidates),
        records=mixed(world.records),
        rows=mixed(world.rows),
        others=mixed(world.others),
    )
    one, other = audited(world, parameters, then=then or world), audited(shuffled, parameters, then=then or shuffled)
    assert told(one) == told(other)


@given(strategies.worlds(), ASKED)
def test_findings_come_by_urgency_then_kind_then_hearing(world: World, parameters: AuditParameters) -> None:
    severities, kinds = list(Severity), list(KINDS)
    order = [
        (
            severities.index(found.judgement.severity),
            kinds.index(found.kind),
            hearing is not None and found.kind is SESSION,
            hearing.isoformat() if hearing else "",
            found.id,
        )
        for found in audited(world, parameters).findings
        for hearing in [found.facts.session.hearing_at if isinstance(found.facts, SessionFacts) else None]
    ]
    assert order == sorted(order)


@given(strategies.worlds(), ASKED, st.none() | strategies.worlds())
def test_every_finding_says_why_and_survives_as_json(
    world: World, parameters: AuditParameters, then: World | None
) -> None:
    for found in audited(world, parameters, then=then).findings:
        assert found.reason.endswith(".")
        assert found.judgement.rule.next_step.endswith(".")
        assert json.loads(json.dumps(found.to_json(None))) == found.to_json(None)
        shown = found.to_json(None)
        assert (shown["session"] is not None) is (found.kind is SESSION)
        assert (shown["recording"] is not None) >= (found.kind is RECORDING)


@given(strategies.worlds(), st.none() | strategies.worlds())
def test_a_fast_and_a_full_audit_agree_on_all_that_is_unregistered(world: World, then: World | None) -> None:
    opened = [record for record in world.records if isinstance(record, ContainerEvidence)]
    whole = replace(world, records=opened)
    fast, full = (audited(whole, asked, then=then) for asked in (IN_FAST_MODE, PARAMETERS))
    assert fast.verdicts() == full.verdicts()
    assert fast.verdicts(CONTAINER) == full.verdicts(CONTAINER)
    severities = [
        {found.id: found.judgement.severity for found in done.findings if found.kind is not RECORDING}
        for done in (fast, full)
    ]
    assert severities[0] == severities[1]


@given(strategies.worlds())
def test_a_fast_audit_says_of_rows_only_what_shows_without_opening_them(world: World) -> None:
    counts = set(audited(world, IN_FAST_MODE).counts(RECORDING))
    assert not counts & {"row_without_media", "no_ism", "filename_missing", "session_mismatch", "sound"}


@given(strategies.worlds())
def test_a_gap_takes_certainty_from_sessions_and_never_a_hidden_recording(world: World) -> None:
    gap = replace(world, records=[*world.records, unread("a gap")])
    before, after = audited(world).verdicts(), audited(gap).verdicts()
    hidden = {rule.verdict for rule in SESSION.rules if rule.alarm}
    assert {one: verdict for one, verdict in before.items() if verdict in hidden} == {
        one: verdict for one, verdict in after.items() if verdict in hidden
    }
    assert audited(gap).outcome is Outcome.INCOMPLETE


@pytest.mark.parametrize(
    ("world", "outcome"),
    [
        pytest.param(World([session()]), Outcome.CLEAN, id="nothing anywhere"),
        pytest.param(World([session()], [encoded()], [row()]), Outcome.CLEAN, id="all in order"),
        pytest.param(World([session()], [encoded()]), Outcome.FINDINGS, id="a hidden recording"),
        pytest.param(World([], [container("x", track("index"))]), Outcome.FINDINGS, id="media of nobody"),
        pytest.param(World([], [], [row()]), Outcome.FINDINGS, id="a row without its container"),
        pytest.param(World([session(job_at=AS_OF)]), Outcome.CLEAN, id="what asks for nothing is no finding"),
        pytest.param(World([session()], [encoded(), unread()]), Outcome.INCOMPLETE, id="a gap outweighs a finding"),
    ],
)
def test_how_an_audit_ends(world: World, outcome: Outcome) -> None:
    assert audited(world).outcome is outcome


# --- what is looked at a second time ------------------------------------------------------------------------------


@given(strategies.worlds(), ASKED)
def test_everything_that_is_listed_was_in_doubt_and_looked_at_again(world: World, parameters: AuditParameters) -> None:
    _, doubts = first_look(world, parameters)
    doubted = {join: [one.group.key for one in doubts if one.join == join] for join in (NAMES, SESSIONS)}
    for found in audited(world, parameters).findings:
        assert found.id in doubted[SESSIONS if found.kind is SESSION else NAMES]
    for keys in doubted.values():
        assert len(keys) == len(set(keys))
    for doubt in doubts:
        if doubt.join == NAMES:
            assert doubt.again.unit is not has_failed(doubt.group.evidence)


def test_what_is_in_order_is_forgotten_at_once() -> None:
    names = [f"registered {number}" for number in range(5)]
    world = World([session()], [encoded(name) for name in names], [row(name) for name in names])
    look, doubts = first_look(world)
    assert doubts == []
    assert look.counted == {(SESSIONS, SESSION.name, "expected_empty"): [ID]}


@pytest.mark.parametrize("name", [str(uuid_of("recording")), "mk-import-reports", "$logs"])
def test_what_could_not_be_read_was_tried_often_enough_and_what_is_disputed_is_opened(name: str) -> None:
    failed = World([], [unread()._replace(unit=name)])
    [doubt] = first_look(failed)[1]
    assert doubt.again.unit is False
    [doubt] = first_look(World(), then=World([], [encoded()._replace(container=name)]))[1]
    assert doubt.again.unit is True


def test_a_row_whose_id_cannot_be_the_name_of_a_container_is_not_looked_up_in_storage() -> None:
    odd = row()._replace(recording_id="R v Doe", marks=("unreadable",))
    [doubt] = first_look(World([], [], [odd]))[1]
    assert (doubt.group.key, doubt.again.unit) == ("R v Doe", False)
    assert audited(World([], [], [odd])).counts(RECORDING) == {"unreadable_row": 1}


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, True),
        ({"status": "FAILURE"}, True),
        ({"status": None}, False),
        ({"status": "RECORDING_AVAILABLE"}, False),
        ({"live_recordings": 1}, False),
    ],
)
def test_the_ingest_account_is_asked_for_bookings_of_sessions_that_may_have_left_something_there(
    changes: dict[str, Any], *, asked: bool
) -> None:
    stuck = session(**{"status": "PROCESSING", **changes})
    [doubt] = [one for one in first_look(World([stuck], [encoded()]))[1] if one.join == SESSIONS]
    assert doubt.again.late == ((BlobCount("INGEST_STORAGE", stuck.booking_id),) if asked else ())
    assert doubt.again.unit is False


# --- the races ----------------------------------------------------------------------------------------------------

BEFORE = World([session(status="PROCESSING", **SWEPT)], [encoded()])


def test_registered_in_between_is_no_finding() -> None:
    then = World([session(**REGISTERED)], [encoded()], [row("recording", "session", "recent")])
    done = audited(BEFORE, then=then)
    assert done.findings == ()
    assert done.verdicts() == {ID: "already_registered"}
    assert done.counts(CONTAINER) == {"registered": 1}
    assert done.outcome is Outcome.CLEAN


def test_registered_and_deleted_in_between_is_no_finding_that_asks_for_anything() -> None:
    then = World([session(deleted_recordings=1)], [encoded()], [row("recording", "session", "deleted")])
    done = audited(BEFORE, then=then)
    assert done.verdicts() == {ID: "deleted_elsewhere"}
    assert done.counts(CONTAINER) == {"deleted_recording_retained": 1}
    assert done.outcome is Outcome.CLEAN


def test_a_container_made_after_the_listing_beside_its_row_is_not_missed() -> None:
    then = World([], [encoded()], [row()])
    done = audited(World([], [], [row()]), then=then)
    assert done.findings == ()
    assert done.counts(RECORDING) == {"not_opened": 1}


def test_a_container_deleted_in_between_hides_nothing_any_more() -> None:
    done = audited(BEFORE, then=replace(BEFORE, records=[]))
    assert done.counts(CONTAINER) == {"empty_container": 1}
    assert done.verdicts() == {ID: "stuck_empty"}
    assert done.result.is_complete


def test_a_container_of_a_row_deleted_in_between_is_missing() -> None:
    broken = World([], [container("recording", track(key_of()))], [row()])
    assert audited(broken).counts(RECORDING) == {"no_ism": 1}
    assert audited(broken, then=replace(broken, records=[])).counts(RECORDING) == {"row_without_container": 1}


def test_a_status_that_changed_in_between_is_the_one_that_counts() -> None:
    then = replace(BEFORE, candidates=[session(status="FAILURE", in_question=False)])
    done = audited(BEFORE, then=then)
    assert done.verdicts() == {ID: "unregistered_recording"}
    assert "status is FAILURE" in done.finding().reason
    assert done.counts(CONTAINER) == {"attributed": 1}, "its session was asked for when the audit began"


def test_an_empty_session_that_was_used_in_between_is_waited_for() -> None:
    stuck = World([session(status="STANDBY")])
    assert audited(stuck).verdicts() == {ID: "stuck_empty"}
    then = World([session(status="RECORDING", started_at=AS_OF + MINUTE, finished_at=None)])
    assert audited(stuck, then=then).verdicts() == {ID: "in_flight"}


def test_a_session_whose_row_vanished_is_unverified() -> None:
    done = audited(BEFORE, then=replace(BEFORE, candidates=[]))
    assert done.verdicts() == {ID: "unverified"}
    assert done.finding().judgement.severity is Severity.UNKNOWN
    assert done.tally.alarms == 0


def test_a_row_that_vanished_is_no_finding() -> None:
    world = World([], [], [row()])
    done = audited(world, then=World())
    assert done.findings == ()
    assert done.counts(RECORDING) == {"vanished_row": 1}


def test_a_row_that_was_deleted_or_mended_in_between_is_no_finding() -> None:
    doubled = World([], [encoded()], [row("recording", "session", "double", "no_duration")])
    assert audited(doubled).counts(RECORDING) == {"double_v1": 1}
    mended = replace(doubled, rows=[row()])
    assert audited(doubled, then=mended).counts(RECORDING) == {"sound": 1}
    deleted = replace(doubled, rows=[row("recording", "session", "deleted")])
    assert audited(doubled, then=deleted).counts(RECORDING) == {"deleted_row": 1}


def test_media_that_came_back_in_between_is_no_finding() -> None:
    lost = World([], [container("recording")], [row()])
    assert audited(lost).counts(RECORDING) == {"row_without_media": 1}
    assert audited(lost, then=World([], [encoded()], [row()])).counts(RECORDING) == {"sound": 1}


def test_a_container_that_can_be_read_no_more_leaves_its_session_unverified() -> None:
    then = replace(BEFORE, records=[unread("recording")])
    done = audited(BEFORE, then=then)
    assert done.verdicts() == {ID: "unverified"}
    assert done.verdicts(CONTAINER) == {encoded().container: "evidence_error"}
    assert "could not be read a second time" in done.finding().reason
    assert done.coverage.is_complete
    assert not done.result.is_complete
    assert done.outcome is Outcome.INCOMPLETE


def test_one_that_can_be_read_no_more_harms_no_other_session() -> None:
    world = World([session("one"), session("two")], [encoded("a", of="one"), encoded("b", of="two")])
    done = audited(world, then=replace(world, records=[unread("a"), world.records[1]]))
    assert done.finding("one").judgement.verdict == "unverified"
    assert done.finding("two").judgement.verdict == "unregistered_recording"


def test_a_rows_container_that_can_be_read_no_more_is_no_finding_but_a_gap() -> None:
    lost = World([], [container("recording")], [row()])
    done = audited(lost, then=replace(lost, records=[unread("recording")]))
    assert done.verdicts(RECORDING) == {encoded().container: "unverified"}
    assert done.outcome is Outcome.INCOMPLETE


def test_a_container_still_growing_at_the_second_look_is_waited_for() -> None:
    done = audited(BEFORE, then=replace(BEFORE, records=[encoded(at=AS_OF + 5 * MINUTE)]))
    assert done.verdicts() == {ID: "in_flight"}
    assert done.counts(CONTAINER) == {"still_changing": 1}


def test_a_broken_encode_that_was_mended_in_between_is_what_it_is_now() -> None:
    broken = replace(BEFORE, records=[container("recording", track(key_of()))])
    assert audited(broken).verdicts() == {ID: "incomplete_encode"}
    mended = container("recording", track(key_of()), manifest(key_of(), at=AS_OF - 30 * MINUTE))
    assert audited(broken, then=replace(BEFORE, records=[mended])).verdicts() == {ID: "unregistered_recording"}


def test_a_container_that_is_not_the_same_twice_and_has_nothing_newer_is_not_believed() -> None:
    """A page that was left out of an answer looks just like blobs that were deleted."""
    half = replace(BEFORE, records=[container("recording", manifest(key_of()))])
    done = audited(BEFORE, then=half)
    assert done.verdicts() == {ID: "unverified"}
    assert done.verdicts(CONTAINER) == {str(uuid_of("recording")): "evidence_error"}
    assert done.outcome is Outcome.INCOMPLETE


@given(strategies.worlds(), ASKED)
def test_without_the_database_everything_in_doubt_is_unverified_and_nothing_is_invented(
    world: World, parameters: AuditParameters
) -> None:
    done = audited(world, parameters, then=replace(world, database=False))
    assert {found.judgement.verdict for found in done.findings} <= {"unverified", "evidence_error", "unreadable_row"}
    assert done.tally.alarms == 0
    assert done.outcome is Outcome.INCOMPLETE
    assert set(done.verdicts()) == {candidate.session_id for candidate in world.candidates}
    doubted = {found.id for found in done.findings if found.kind is SESSION}
    listed = {found.id for found in audited(world, parameters).findings if found.kind is SESSION}
    assert listed & set(done.verdicts()) <= doubted | {
        one for one, verdict in done.verdicts().items() if verdict == "legacy"
    }
    assert set(audited(world, parameters).verdicts(RECORDING)) <= set(done.verdicts(RECORDING))


def test_without_the_database_what_was_seen_is_still_shown() -> None:
    done = audited(BEFORE, then=replace(BEFORE, database=False))
    [found] = done.findings
    assert found.judgement.verdict == "unverified"
    assert encoded().container in found.reason
    assert [shown["container"] for shown in found.to_json(None)["evidence"]] == [encoded().container]


# --- whom a container names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (session(**REGISTERED), "extra_output"),
        (session(status="RECORDING_AVAILABLE"), "available_without_row"),
        (session(status="RECORDING"), "ended_not_stopped"),
        (session(origin="VODAFONE"), "legacy"),
        (session(status="RECORDING_AVAILABLE", deleted_recordings=1), "deleted_elsewhere"),
    ],
)
def test_a_session_that_is_no_candidate_is_judged_when_a_container_names_it(other: Any, verdict: str) -> None:
    done = reconciled([], [encoded()], [], [other])
    assert done.verdicts() == {ID: verdict}
    assert done.counts(CONTAINER) == {"attributed": 1}


def test_a_session_outside_the_question_is_not_judged_and_its_container_says_so() -> None:
    done = reconciled([session("asked")], [encoded()], [], [session(in_question=False)])
    assert done.verdicts() == {str(uuid_of("asked")): "expected_empty"}
    assert done.counts(CONTAINER) == {"outside_question": 1}
    assert done.outcome is Outcome.CLEAN


def test_a_container_of_two_sessions_is_shown_to_each_and_belongs_to_neither() -> None:
    done = reconciled([session()], [MIXED], [], [session("other", status="RECORDING_AVAILABLE")])
    assert set(done.verdicts().values()) == {"in_mixed_container"}
    for name in ("session", "other"):
        assert [shown["container"] for shown in done.finding(name).to_json(None)["evidence"]] == [MIXED.container]
    assert done.finding("mixed").judgement.verdict == "mixed_container"


def test_a_key_of_nobody_beside_a_sessions_does_not_make_a_container_mixed() -> None:
    done = reconciled([session()], [container("x", *encode(), track("0" * 32))])
    assert done.verdicts() == {ID: "unregistered_recording"}


def test_containers_of_a_finding_stand_by_name_however_they_came_in() -> None:
    both: list[Record] = [encoded("one"), encoded("two")]
    for records in (both, both[::-1]):
        [found] = reconciled([session()], records).findings
        assert [shown.unit for shown in found.facts.evidence] == sorted(record.unit for record in both)


def test_the_containers_of_a_finding_say_what_became_of_them() -> None:
    done = reconciled([session()], [encoded("good"), container("broken", track(key_of()))])
    shown = {item["container"]: item for item in done.finding().to_json(None)["evidence"]}
    good, broken = (shown[str(uuid_of(name))] for name in ("good", "broken"))
    assert (good["registered"], good["complete"], good["kind"]) == (False, True, "recording")
    assert (broken["registered"], broken["complete"]) == (False, False)


def test_the_ingest_account_is_asked_by_booking() -> None:
    stuck = session(status="PROCESSING")
    for blobs, verdict in ((2, "encode_lost"), (0, "stuck_empty")):
        assert audited(World([stuck], ingest={stuck.booking_id: blobs})).verdicts() == {ID: verdict}
    assert audited(World([stuck], ingest={"another": 2})).verdicts() == {ID: "stuck_empty"}


@given(strategies.worlds(), ASKED, st.sampled_from(MODES))
def test_a_name_without_a_session_is_nowhere_in_an_audit(world: World, parameters: AuditParameters, mode: str) -> None:
    legacy = container("legacy", track("R v Doe"), manifest("R v Doe"))
    beside = container("beside", *encode(), track("R v Doe"))
    done = audited(replace(world, records=[*world.records, legacy, beside]), replace(parameters, mode=mode))
    assert "Doe" not in json.dumps([found.to_json(None) for found in done.findings])
