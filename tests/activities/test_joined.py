"""The groups of a join out of the run store, in whatever order its sources give their rows."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities import joined
from activities.joined import Place, groups, rows_of
from activities.step import Job
from reconciliation.errors import ListingError, UnreadableError
from reconciliation.profile import Join, Source
from reconciliation.queries import SqlRows
from reconciliation.run_record import RunRecord
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.reconciliation.shelves import Shelves

FOLDER = "shelves/20260302-093000-aaaaaaaa"
Row = tuple[str, int]


class Sources(Shelves):
    """A profile whose sources come in any order, unless they say otherwise."""

    sources = (
        Source("left", "LIBRARY", lambda *_: SqlRows(""), row=tuple),
        Source("right", "LIBRARY", lambda *_: SqlRows(""), row=tuple, ascends=True),
    )


JOIN = Join("both", (("left", lambda row: row[0]), ("right", lambda row: row[0])))


async def held(
    left: Sequence[Row], right: Sequence[Row], rows: int | None = None
) -> list[tuple[str, tuple[Any, ...], tuple[Any, ...]]]:
    outside = Outside(MemoryStorage({}), MemoryDatabase())
    for name, given_rows in (("left", left), ("right", right)):
        await outside.store.rows.write(FOLDER, name, portions(given_rows))
    places = {
        "left": Place(FOLDER, "rows", len(left) if rows is None else rows),
        "right": Place(FOLDER, "rows", len(right)),
    }
    job = Job(outside.services, RunRecord.__new__(RunRecord), Sources())
    found = [one async for portion in groups(job, places, JOIN) for one in portion]
    return [(key, left_rows, right_rows) for key, items in found for left_rows, right_rows in [rows_of(items)]]


async def portions(rows: Sequence[Row]) -> AsyncIterator[list[str]]:
    for at in range(0, len(rows), 3):
        yield [json.dumps(row) for row in rows[at : at + 3]]


KEYS = st.sampled_from(["", "a", "b", "c\td", "é", "\U0001f4a1", '"'])
ROWS = st.lists(st.tuples(KEYS, st.integers()), max_size=20)


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "_RUN", 4)
    monkeypatch.setattr(joined, "_PORTION", 3)


@given(ROWS, ROWS)
async def test_rows_in_any_order_are_brought_together_and_those_of_one_key_stay_in_theirs(
    left: list[Row], right: list[Row]
) -> None:
    right = sorted(right, key=lambda row: row[0])
    expected = {
        key: (tuple(row for row in left if row[0] == key), tuple(row for row in right if row[0] == key))
        for key in {row[0] for row in (*left, *right) if row[0]}
    }
    found = await held(left, right)
    keyed = [(key, one, other) for key, one, other in found if key]
    assert {key: (one, other) for key, one, other in keyed} == expected
    assert [key for key, _, _ in keyed] == sorted(expected)
    alone = [row for key, one, other in found if not key for row in (*one, *other)]
    assert sorted(alone) == sorted(row for row in (*left, *right) if not row[0])


async def test_a_source_that_says_that_it_ascends_and_does_not_is_an_error_that_names_it() -> None:
    with pytest.raises(ListingError, match="The source right does not come in the order of its keys: 'a' comes after"):
        await held([], [("b", 1), ("a", 2)])


async def test_rows_that_are_missing_are_an_error_that_names_the_file() -> None:
    with pytest.raises(UnreadableError, match=r"rows/left\.jsonl\.gz.*it holds 1 of 2 rows"):
        await held([("a", 1)], [], rows=2)
