from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.coverage import Coverage
from reconciliation.screened import Screening


def pieces(numbers: list[int], lookups: int = 1) -> list[tuple[int, int]]:
    blocks = [(number, 10 * at, 10) for at, number in enumerate(numbers)]
    return Screening(datetime(2026, 1, 31, tzinfo=UTC), {}, Coverage(0), {}, frozenset(), blocks, lookups).shards


@given(st.lists(st.integers(1, 50)))
def test_together_they_are_all_blocks_in_order(numbers: list[int]) -> None:
    found = pieces(numbers)
    assert sum(length for _, length in found) == 10 * len(numbers)
    assert [offset for offset, _ in found] == [sum(length for _, length in found[:at]) for at in range(len(found))]


@pytest.mark.parametrize("blocks", [1, 20, 21, 2560, 2561, 2566, 3000, 5119, 5121, 20_000])
def test_there_are_at_most_256_by_numbers_and_bytes_however_much_is_in_doubt(blocks: int) -> None:
    found = pieces([50] * (blocks - 1) + [7])
    assert len(found) <= 256
    assert len(found) >= min(128, blocks // 20) * 9 // 10 - 1, "and not many fewer than half of them by either"


def test_none_where_nothing_is_looked_up_again() -> None:
    assert pieces([50] * 30, lookups=0) == []
