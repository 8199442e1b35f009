import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.selection import HARMLESS_SKIPS, NOT_A_RECORDING, OUTSIDE_PREFIXES, REGISTERED
from reconciliation.coverage import DELETED_DURING_SCAN, Coverage, Gap, counts_of
from reconciliation.evidence import Read, Record, Unread
from reconciliation.fields import Fields
from tests.profiles.pre_capture_sessions.strategies import CONTAINERS, texts, unread_containers
from tests.profiles.pre_capture_sessions.world import unread

READ = Read("a container", 2, None)
RECORDS = st.lists(st.builds(Read, st.sampled_from(CONTAINERS), st.integers(0, 9), st.none()) | unread_containers())
GAPS = st.lists(st.builds(Gap, texts(), texts()), max_size=3)


def coverage_of(records: list[Record], listed: int | None = None) -> Coverage:
    coverage = Coverage(listed=len(records) if listed is None else listed, harmless=HARMLESS_SKIPS)
    for record in records:
        coverage.count(record)
    return coverage


@given(RECORDS)
def test_every_record_is_counted_once(records: list[Record]) -> None:
    coverage = coverage_of(records)
    coverage.check()
    counts = coverage.to_json("container")["units"]
    assert counts["listed"] == counts["scanned"] + counts["skipped"] + counts["failed"] == len(records)
    assert coverage.blobs == sum(record.things for record in records if isinstance(record, Read))
    assert sum(coverage.to_json("container")["skipped_by_reason"].values()) == counts["skipped"]


@given(RECORDS, st.integers(-5, 5).filter(bool))
def test_counts_that_do_not_add_up_are_refused(records: list[Record], off: int) -> None:
    coverage = coverage_of(records, listed=len(records) + off)
    with pytest.raises(AssertionError, match=f"{len(records) + off} units listed, {len(records)} accounted for"):
        coverage.check()


@pytest.mark.parametrize(
    ("record", "complete"),
    [
        pytest.param(READ, True, id="read"),
        pytest.param(Unread("gone", DELETED_DURING_SCAN, failed=False), True, id="what is gone holds no recording"),
        pytest.param(Unread("far", OUTSIDE_PREFIXES, failed=False), False, id="not asked for is not looked at"),
        pytest.param(Unread("known", REGISTERED, failed=False), True, id="what has a row is no unregistered recording"),
        pytest.param(Unread("input", NOT_A_RECORDING, failed=False), True, id="its name rules a recording out"),
        pytest.param(Unread("odd", "a reason nobody knows", failed=False), False, id="an unknown reason is no excuse"),
        pytest.param(unread(), False, id="could not be read"),
        pytest.param(Unread("gone", DELETED_DURING_SCAN, failed=True), False, id="a failure, whatever its text"),
    ],
)
def test_coverage_is_complete_only_when_everything_that_matters_was_read(record: Record, complete: bool) -> None:
    coverage = coverage_of([READ._replace(unit="another"), record])
    assert coverage.is_complete is complete
    assert coverage.to_json("container")["complete"] is complete


@given(RECORDS, st.dictionaries(st.sampled_from([REGISTERED, NOT_A_RECORDING, OUTSIDE_PREFIXES]), st.integers(1, 9)))
def test_what_the_plan_skipped_is_counted_beside_what_the_scan_skipped(
    records: list[Record], planned: dict[str, int]
) -> None:
    scanned = coverage_of(records)
    coverage = Coverage(listed=len(records) + sum(planned.values()), harmless=HARMLESS_SKIPS, skipped=Counter(planned))
    for record in records:
        coverage.count(record)
    coverage.check()
    assert coverage.skipped == scanned.skipped + Counter(planned)
    assert coverage.is_complete is (scanned.is_complete and OUTSIDE_PREFIXES not in planned)


def test_an_empty_account_is_covered() -> None:
    coverage = coverage_of([])
    coverage.check()
    assert coverage.is_complete


def test_containers_that_could_not_be_read_are_named_in_order_with_their_reason() -> None:
    coverage = coverage_of([Unread("b", "timed out", failed=True), Unread("a", "403", failed=True)])
    assert coverage.to_json("container")["failed_units"] == [
        {"unit": "a", "error": "403"},
        {"unit": "b", "error": "timed out"},
    ]


@given(RECORDS, GAPS, st.frozensets(texts()))
def test_a_coverage_survives_the_run_store(records: list[Record], gaps: list[Gap], harmless: frozenset[str]) -> None:
    coverage = coverage_of(records)
    coverage.gaps, coverage.harmless = gaps, harmless
    kept = Coverage.from_kept(Fields.of(json.loads(json.dumps(coverage.kept()))))
    assert kept == coverage
    assert kept.is_complete is coverage.is_complete


def test_a_gap_is_a_hole_although_everything_was_read() -> None:
    coverage = coverage_of([READ])
    coverage.gaps.append(Gap("storage left something out", "Find out what."))
    assert not coverage.is_complete
    assert coverage.to_json("container")["gaps"] == [
        {"what": "storage left something out", "next_step": "Find out what."}
    ]


@given(RECORDS)
def test_a_shard_tells_the_same_counts_as_the_coverage(records: list[Record]) -> None:
    coverage = coverage_of(records)
    assert counts_of(records) == {
        "scanned": coverage.scanned,
        "skipped": coverage.skipped.total(),
        "failed": len(coverage.failed),
        "blobs": coverage.blobs,
    }
