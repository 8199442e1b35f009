import json
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.evidence import ContainerEvidence
from reconciliation.outcome import Outcome
from reconciliation.parameters import Mode
from reconciliation.reconcile import EvidenceIndex
from tests.reconciliation import strategies
from tests.reconciliation.world import (
    AS_OF,
    CLOCK,
    MINUTE,
    Record,
    audited,
    container,
    encoded,
    indexed,
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

CANDIDATES = st.lists(strategies.candidates(), max_size=4, unique_by=lambda candidate: candidate.session_id)
RECORDS = st.lists(strategies.evidence() | strategies.unread_containers(), max_size=6, unique_by=lambda r: r.container)


@given(CANDIDATES, RECORDS, strategies.registered())
def test_nothing_falls_out_between_the_rows_and_the_report(
    candidates: list[Candidate], records: list[Record], rows: list[RegisteredRecording]
) -> None:
    result = reconciled(candidates, records, rows)
    judged = sorted(finding.facts.candidate.session_id for finding in result.findings)
    assert judged == sorted(candidate.session_id for candidate in candidates)
    tally = result.result.tally
    assert tally.total == tally.verdicts.total() == tally.severities.total() == len(candidates)
    assert tally.verdicts == Counter(finding.judgement.verdict for finding in result.findings)
    assert tally.severities == Counter(finding.judgement.severity for finding in result.findings)
    assert indexed(candidates, records, rows).candidates == len(candidates)
    assert result.coverage.scanned == sum(isinstance(record, ContainerEvidence) for record in records)
    assert set(result.unattributed) <= {record.container for record in records}


@given(CANDIDATES, RECORDS, strategies.registered(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_come_in_does_not_matter(
    candidates: list[Candidate], records: list[Record], rows: list[RegisteredRecording], random: Random
) -> None:
    mixed_records, mixed_rows = list(records), list(rows)
    for mixed in (mixed_records, mixed_rows):
        random.shuffle(mixed)
    one, other = reconciled(candidates, records, rows), reconciled(candidates, mixed_records, mixed_rows)
    assert json.dumps([f.to_json() for f in one.findings]) == json.dumps([f.to_json() for f in other.findings])
    assert one.unattributed == other.unattributed
    assert one.coverage.to_json() == other.coverage.to_json()


@given(CANDIDATES, RECORDS, strategies.registered(), st.randoms(use_true_random=False))
def test_a_candidate_gets_the_same_finding_whoever_stands_before_it(
    candidates: list[Candidate], records: list[Record], rows: list[RegisteredRecording], random: Random
) -> None:
    mixed = list(candidates)
    random.shuffle(mixed)
    one, other = reconciled(candidates, records, rows), reconciled(mixed, records, rows)
    by_id = {found.facts.candidate.session_id: found.to_json() for found in other.findings}
    assert {found.facts.candidate.session_id: found.to_json() for found in one.findings} == by_id
    assert one.result.tally == other.result.tally
    assert one.unattributed == other.unattributed


@given(CANDIDATES, RECORDS, strategies.registered())
def test_the_facts_of_a_candidate_are_exactly_the_containers_that_name_it(
    candidates: list[Candidate], records: list[Record], rows: list[RegisteredRecording]
) -> None:
    index = indexed(candidates, records, rows)
    known = {row.recording_id: row for row in rows}
    read = [record for record in records if isinstance(record, ContainerEvidence)]
    for candidate in candidates:
        facts = index.facts(candidate, CLOCK, Mode.FULL)
        naming = {record.container for record in read if candidate.key in record.keys}
        recordings = {name for name in naming if name in strategies.CONTAINERS}
        assert {c.container for c in facts.registered} == set(facts.rows) == recordings & set(known)
        assert {c.container for c in facts.unregistered} == recordings - set(known)
        assert {c.container for c in facts.elsewhere} == naming - recordings
        assert all(known[name] == row for name, row in facts.rows.items())
        assert facts.coverage_complete is index.coverage.is_complete


@pytest.mark.parametrize(("mode", "fast"), [(Mode.FAST, True), (Mode.FULL, False)])
def test_the_facts_say_whether_registered_containers_were_opened(mode: Mode, fast: bool) -> None:
    assert indexed([session()]).facts(session(), CLOCK, mode).fast is fast


@pytest.mark.parametrize("between", [[], [session("another")]])
def test_a_candidate_that_comes_twice_is_an_error(between: list[Candidate]) -> None:
    twice = [session(), *between, session(status="FAILURE")]
    with pytest.raises(AssertionError, match=f"session {key_of()} was pulled twice"):
        EvidenceIndex((candidate.key for candidate in twice), listed=0, skipped={})


@pytest.mark.parametrize("listed", [0, 2])
def test_a_coverage_that_does_not_add_up_is_an_error(listed: int) -> None:
    index = EvidenceIndex([session().key], listed=listed, skipped={})
    index.add(encoded(), None)
    with pytest.raises(AssertionError, match="does not add up"):
        index.coverage.check()


def test_what_the_plan_skipped_is_part_of_the_coverage() -> None:
    skipped = {"registered": 2, "not a recording by its name": 1}
    index = EvidenceIndex([session().key], listed=4, skipped=skipped)
    index.add(encoded(), None)
    index.coverage.check()
    assert index.coverage.to_json()["skipped_by_reason"] == skipped
    assert skipped == {"registered": 2, "not a recording by its name": 1}


def test_media_of_sessions_that_are_no_candidates_is_counted_and_not_kept() -> None:
    result = reconciled([session()], [encoded("other", of="available")])
    assert result.findings[0].facts.unregistered == ()
    assert result.coverage.scanned == 1
    assert list(result.unattributed) == []


def test_a_container_that_names_two_candidates_is_shown_to_both() -> None:
    shared = container("shared", track(key_of("one")), track(key_of("two")), manifest(key_of("one")))
    result = reconciled([session("one"), session("two")], [shared])
    assert [finding.facts.unregistered for finding in result.findings] == [(shared,), (shared,)]


def test_containers_of_a_finding_stand_in_the_order_of_their_names_however_they_came_in() -> None:
    one, other = sorted((encoded("one", of="session"), encoded("other", of="session")), key=lambda c: c.container)
    for records in ([one, other], [other, one]):
        assert reconciled([session()], records).findings[0].facts.unregistered == (one, other)


NAMELESS = (track("index"), manifest("index"))


@pytest.mark.parametrize(
    ("record", "rows", "unattributed"),
    [
        pytest.param(container("x", *NAMELESS), (), True, id="media without a name and without a row"),
        pytest.param(container("x", *NAMELESS), (row("x"),), False, id="it is registered"),
        pytest.param(container("x", *NAMELESS), (row("x", deleted=True),), False, id="it was registered"),
        pytest.param(container("x", *NAMELESS, track(key_of())), (), False, id="another of its tracks names a session"),
        pytest.param(container("x", manifest("index")), (), False, id="no media at all"),
        pytest.param(container("x"), (), False, id="empty"),
        pytest.param(
            container("x", track("index", at=AS_OF - MINUTE)), (), False, id="its encode may still be running"
        ),
        pytest.param(container("x", track("index", at=AS_OF - CLOCK.settle)), (), True, id="settled to the second"),
    ],
)
def test_media_that_names_no_session_is_listed_for_a_person(
    record: Record, rows: tuple[RegisteredRecording, ...], unattributed: bool
) -> None:
    for mode in Mode:
        expected = [str(uuid_of("x"))] if unattributed else []
        assert list(audited([], [record], rows, mode).unattributed) == expected


def test_media_that_names_no_session_is_nothing_where_no_recording_can_be() -> None:
    assert list(reconciled([], [seen_in(f"{uuid_of('x')}-input", NAMELESS)]).unattributed) == []


def test_unattributed_containers_ascend_however_they_came_in() -> None:
    one, other = container("one", *NAMELESS), container("other", *NAMELESS)
    for records in ([one, other], [other, one]):
        assert list(reconciled([], records).unattributed) == sorted([one.container, other.container])


def test_a_container_is_called_unattributed_only_when_it_has_stopped_moving_by_the_clock_that_is_asked() -> None:
    index = indexed([], [container("x", track("index", at=AS_OF - MINUTE)), container("y", *NAMELESS)])
    assert index.unattributed(CLOCK) == [str(uuid_of("y"))]
    later = replace(CLOCK, as_of=AS_OF + CLOCK.settle)
    assert index.unattributed(later) == sorted([str(uuid_of("x")), str(uuid_of("y"))])


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        pytest.param([], Outcome.CLEAN, id="nothing anywhere"),
        pytest.param([encoded("other", of="other")], Outcome.CLEAN, id="media of others"),
        pytest.param([encoded()], Outcome.FINDINGS, id="a hidden recording"),
        pytest.param([container("x", *NAMELESS)], Outcome.FINDINGS, id="media that nobody can attribute"),
        pytest.param([encoded(), unread()], Outcome.INCOMPLETE, id="a gap outweighs a finding"),
    ],
)
def test_how_an_audit_ends(records: list[Record], outcome: Outcome) -> None:
    assert reconciled([session()], records).outcome is outcome


def test_the_containers_of_a_finding_say_what_became_of_them() -> None:
    result = reconciled(
        [session()], [encoded("good"), container("broken", track(key_of())), encoded("old")], [row("old")]
    )
    evidence = {item["container"]: item for item in result.findings[0].to_json()["evidence"]}
    good, broken, old = (evidence[str(uuid_of(name))] for name in ("good", "broken", "old"))
    assert (good["registered"], good["complete"], good["kind"]) == (False, True, "recording")
    assert (broken["registered"], broken["complete"]) == (False, False)
    assert old["registered"] is True
