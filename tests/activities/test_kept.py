"""Values and rows that are on disk where they are many."""

from collections.abc import Iterator

import pytest

from activities.kept import Each, Kept, RowsKept, RowsOf


def kept(numbers: Iterator[int] | range, in_memory: int) -> Kept[int]:
    values = Kept[int](int, in_memory)
    for number in numbers:
        values.add(number, lambda number=number: str(number))  # type: ignore[misc]
    return values


@pytest.mark.parametrize("in_memory", [0, 3, 10, 11])
def test_values_come_as_they_were_added_any_number_of_times(in_memory: int) -> None:
    values = kept(range(10), in_memory)
    assert ([*values], [*values], len(values)) == ([*range(10)], [*range(10)], 10)
    doubled = Each(values, lambda one: 2 * one)
    assert [*doubled] == [*doubled] == [*range(0, 20, 2)]
    values.close()


def test_values_can_be_gone_through_side_by_side() -> None:
    # More than one portion of the file.
    values = kept(range(100_000), 5)
    assert all(one == other for one, other in zip(values, values, strict=True))
    values.close()


def test_none_of_those_that_find_room_in_memory_is_written() -> None:
    values = Kept[int](int, 1)
    values.add(1, lambda: pytest.fail("it was written"))
    assert [*values] == [1]


def test_nothing_is_nothing() -> None:
    assert [*kept(range(0), 0)] == []


@pytest.mark.parametrize("in_memory", [0, 1, 2, 3, 100])
def test_rows_are_found_under_their_keys_in_their_order(in_memory: int) -> None:
    with RowsKept(in_memory) as rows:
        rows.add("left", [("a", "1", "1"), ("b", "2", "2"), ("a", "3", "3")])
        rows.add("right", [("a", "4", "4")])
        rows.add("left", [("a", "5", "5")])
        assert rows.under("left", "a", str) == ["1", "3", "5"]
        assert rows.under("left", "c", str) == []
        of = RowsOf(rows, "left", str)
        assert (of.get("b"), of.get("c"), of.get("c", ["none"])) == (["2"], (), ["none"])


@pytest.mark.parametrize("in_memory", [0, 1, 100])
def test_what_is_forgotten_is_that_source_alone(in_memory: int) -> None:
    with RowsKept(in_memory) as rows:
        rows.add("left", [("a", 1, "1")])
        rows.add("right", [("a", 2, "2")])
        rows.forget("left")
        assert (rows.under("left", "a", int), rows.under("right", "a", int)) == ([], [2])
        rows.add("left", [("a", 3, "3"), ("a", 4, "4")])
        assert rows.under("left", "a", int) == [3, 4]


def test_rows_that_find_room_in_memory_are_not_read_from_their_texts() -> None:
    with RowsKept(1) as rows:
        rows.add("left", [("a", "as it was", "1"), ("a", "on disk", "2")])
        assert rows.under("left", "a", lambda value: f"read {value}") == ["as it was", "read 2"]


def test_a_key_need_be_no_valid_text() -> None:
    with RowsKept(0) as rows:
        rows.add("left", [("\ud800", "", '"\\ud800"')])
        assert rows.under("left", "\ud800", str) == ["\ud800"]
