from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.progress import Progress, ShardProgress, sum_progress
from tests.reconciliation.world import AS_OF


def handled(count: int, listed: int | None = 100) -> Progress:
    return Progress(
        shards=4, shards_done=0, shards_failed=0, listed=listed, scanned=count, skipped=0, failed=0, blobs=0
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


@given(st.lists(PARTS, max_size=8))
def test_the_shards_add_up(parts: list[ShardProgress]) -> None:
    total = sum_progress(len(parts), 10_000, parts)
    assert total.scanned == sum(part.scanned for part in parts)
    assert total.skipped == sum(part.skipped for part in parts)
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


@given(st.integers(0, 500), st.integers(0, 500), st.floats(-10, 10_000))
def test_an_estimate_is_whole_seconds_and_never_zero_or_less(count: int, listed: int, seconds: float) -> None:
    estimate = eta(handled(count, listed), seconds)
    assert estimate is None or estimate >= 1


def test_the_progress_document_names_every_count() -> None:
    document = handled(50).to_json(eta_seconds=7)
    assert document == {
        "shards": {"total": 4, "done": 0, "failed": 0},
        "containers": {"listed": 100, "scanned": 50, "skipped": 0, "failed": 0},
        "blobs": 0,
        "percent": 50,
        "eta_seconds": 7,
    }
