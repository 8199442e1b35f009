import json
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.evidence import ContainerEvidence
from reconciliation.outcome import Outcome
from reconciliation.profiles.pre_capture_sessions import RULES
from reconciliation.reconcile import Reconciler
from reconciliation.verdicts import SEVERITY_ORDER, Severity
from tests.reconciliation import strategies
from tests.reconciliation.world import (
    AS_OF,
    CLOCK,
    LONG_AGO,
    MINUTE,
    Record,
    container,
    encoded,
    key_of,
    manifest,
    reconciled,
    row,
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
    assert result.verdicts().total() == len(candidates)
    assert sum(result.count_by(severity) for severity in Severity) == len(candidates)
    assert result.coverage.scanned == sum(isinstance(record, ContainerEvidence) for record in records)
    assert set(result.unattributed) <= {record.container for record in records}


@given(CANDIDATES, RECORDS, strategies.registered(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_come_in_does_not_matter(
    candidates: list[Candidate], records: list[Record], rows: list[RegisteredRecording], random: Random
) -> None:
    mixed_candidates, mixed_records, mixed_rows = list(candidates), list(records), list(rows)
    for mixed in (mixed_candidates, mixed_records, mixed_rows):
        random.shuffle(mixed)
    one, other = reconciled(candidates, records, rows), reconciled(mixed_candidates, mixed_records, mixed_rows)
    assert json.dumps([f.to_json() for f in one.findings]) == json.dumps([f.to_json() for f in other.findings])
    assert one.unattributed == other.unattributed
    assert one.coverage.to_json() == other.coverage.to_json()


@given(CANDIDATES, RECORDS)
def test_the_most_urgent_stands_first_then_the_oldest_hearing(
    candidates: list[Candidate], records: list[Record]
) -> None:
    findings = reconciled(candidates, records).findings
    severities = [SEVERITY_ORDER.index(finding.judgement.severity) for finding in findings]
    assert severities == sorted(severities)
    for severity in Severity:
        hearings = [f.facts.candidate.hearing_at for f in findings if f.judgement.severity is severity]
        known = [hearing for hearing in hearings if hearing is not None]
        assert hearings[: len(hearings) - len(known)] == [None] * (len(hearings) - len(known))
        assert known == sorted(known)


def test_hearings_within_one_second_stand_in_their_order_too() -> None:
    later = session("later", started_at=LONG_AGO + timedelta(microseconds=1))
    first = session("first", started_at=LONG_AGO)
    assert [finding.facts.candidate for finding in reconciled([later, first]).findings] == [first, later]


def test_a_candidate_that_comes_twice_is_an_error() -> None:
    with pytest.raises(AssertionError, match=f"session {uuid_of('session')} was pulled twice"):
        Reconciler([session(), session(status="FAILURE")], [], listed=0)


@pytest.mark.parametrize("listed", [0, 2])
def test_a_coverage_that_does_not_add_up_is_an_error(listed: int) -> None:
    reconciler = Reconciler([session()], [], listed=listed)
    reconciler.add(encoded())
    with pytest.raises(AssertionError, match="does not add up"):
        reconciler.judged(RULES, CLOCK)


def test_media_of_sessions_that_are_no_candidates_is_counted_and_not_kept() -> None:
    result = reconciled([session()], [encoded("other", of="available")])
    assert result.findings[0].facts.unregistered == ()
    assert result.coverage.scanned == 1
    assert result.unattributed == ()


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
    assert reconciled([], [record], rows).unattributed == ((str(uuid_of("x")),) if unattributed else ())


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
