from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.progress import Progress, ShardProgress, sum_progress
from tests.profiles.pre_capture_sessions.world import AS_OF


def handled(count: int, listed: int | None = 100, skipped_by_plan: int = 0) -> Progress:
    return Progress(
        shards=4,
        shards_done=0,
        shards_failed=0,
        listed=listed,
        skipped_by_plan=skipped_by_plan,
        scanned=count,
        skipped=skipped_by_plan,
        failed=0,
        blobs=0,
    )


def eta(progress: Progress, seconds: float) -> int | None:
    return progress.eta_seconds(started_at=AS_OF, now=AS_OF + timedelta(seconds=seconds))


COUNTS = st.integers(0, 1000)
PARTS = st.builds(
    ShardProgress,
    done=st.booleans(),
    scanned=COUNTS,
    skipped=COUNTS,
    failed=st.sampled_from([0, 0, 3]),
    blobs=COUNTS,
    updated_at=st.just(AS_OF),
)


@given(st.lists(PARTS, max_size=8), COUNTS)
def test_the_shards_and_what_is_in_none_of_them_add_up(parts: list[ShardProgress], skipped_by_plan: int) -> None:
    total = sum_progress(len(parts), 10_000, skipped_by_plan, parts)
    assert (total.shards, total.listed, total.skipped_by_plan) == (len(parts), 10_000, skipped_by_plan)
    assert total.scanned == sum(part.scanned for part in parts)
    assert total.skipped == skipped_by_plan + sum(part.skipped for part in parts)
    assert total.failed == sum(part.failed for part in parts)
    assert total.blobs == sum(part.blobs for part in parts)
    assert total.shards_done + total.shards_failed == sum(part.done for part in parts)
    assert total.shards_failed == sum(part.done and part.failed > 0 for part in parts)


@pytest.mark.parametrize(
    ("count", "listed", "percent"),
    [(0, None, None), (0, 0, 100), (0, 3, 0), (1, 3, 33), (299, 300, 99), (300, 300, 100)],
)
def test_percent_is_known_with_the_plan_and_reaches_100_only_at_the_end(
    count: int, listed: int | None, percent: int | None
) -> None:
    assert handled(count, listed).percent == percent


@pytest.mark.parametrize(
    ("progress", "seconds"),
    [
        pytest.param(handled(0, None), 60, id="nothing is planned"),
        pytest.param(handled(0, 0), 60, id="there is nothing to do"),
        pytest.param(handled(0), 60, id="nothing is done"),
        pytest.param(handled(4), 60, id="under a twentieth is done"),
        pytest.param(handled(50), 2.9, id="it has hardly begun"),
        pytest.param(handled(50), -60, id="the clocks disagree"),
        pytest.param(handled(100), 60, id="it is done"),
    ],
)
def test_a_guess_is_not_told_as_an_estimate(progress: Progress, seconds: float) -> None:
    assert eta(progress, seconds) is None


def test_without_a_start_there_is_no_estimate() -> None:
    assert handled(50).eta_seconds(started_at=None, now=AS_OF) is None


@pytest.mark.parametrize(("count", "seconds", "left"), [(5, 3, 57), (50, 60, 60), (99, 10, 1), (75, 30, 10)])
def test_the_estimate_is_the_pace_so_far(count: int, seconds: float, left: int) -> None:
    assert eta(handled(count), seconds) == left


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.floats(-10, 10_000))
def test_an_estimate_is_whole_seconds_and_never_zero_or_less(
    count: int, to_open: int, skipped_by_plan: int, seconds: float
) -> None:
    estimate = eta(handled(count, to_open + skipped_by_plan, skipped_by_plan), seconds)
    assert estimate is None or estimate >= 1


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 10_000), st.floats(-10, 10_000))
def test_what_is_not_to_be_opened_makes_no_progress_and_takes_no_time(
    count: int, to_open: int, skipped_by_plan: int, seconds: float
) -> None:
    alone, beside = handled(count, to_open), handled(count, to_open + skipped_by_plan, skipped_by_plan)
    assert beside.percent == alone.percent
    assert eta(beside, seconds) == eta(alone, seconds)


def test_a_fast_audit_with_nothing_to_open_is_through() -> None:
    assert handled(0, 300, skipped_by_plan=300).percent == 100


def test_the_progress_document_names_every_count() -> None:
    document = handled(50, 130, skipped_by_plan=30).to_json(eta_seconds=7, noun="container")
    assert document == {
        "shards": {"total": 4, "done": 0, "failed": 0},
        "units": {"noun": "container", "listed": 130, "scanned": 50, "skipped": 30, "failed": 0},
        "blobs": 0,
        "percent": 50,
        "eta_seconds": 7,
    }
