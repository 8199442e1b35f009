"""Rows without a key: each is a group of its own, and is never asked for again."""

from collections.abc import Iterable
from typing import Any

from activities.second_look import Looked, RowsAgain, doubts_of, looked_before
from reconciliation.evidence import Unread
from reconciliation.looks import Again, Group
from reconciliation.lookups import BlobCount
from reconciliation.screened import DoubtKept
from tests.reconciliation.shelves import SHELVES

LOOKUP = BlobCount("SHELVES", "back-room")


def kept(key: str, *rows: Any, late: bool = False) -> DoubtKept:
    return DoubtKept("books", Group(key, (rows, ())), Again(late=(LOOKUP,) if late else ()))


def rows_of(looked: Iterable[Looked], again: RowsAgain) -> list[Any]:
    return [doubt.again.rows for doubt in doubts_of(list(looked), SHELVES, again)]


def test_a_row_without_a_key_is_as_it_was_although_its_source_was_read_again() -> None:
    looked = [Looked.never(kept("", "nameless")), Looked.never(kept("a", "before"))]
    again = RowsAgain({"catalogue": {"a": ["after"]}, "loans": {}}, frozenset(), {})
    assert rows_of(looked, again) == [(("nameless",), ()), (["after"], ())]


def test_rows_without_a_key_keep_their_own_answers() -> None:
    first, second = kept("", "one", late=True), kept("", "two", late=True)
    looked = [Looked(first, None, [1]), Looked(second, None, [2])]
    assert [one.late for one in looked_before([second, first], looked)] == [[2], [1]]


def test_what_was_not_in_doubt_before_was_not_looked_up_and_says_so() -> None:
    [new] = looked_before([kept("", "three", late=True)], [Looked(kept("", "one", late=True), None, [1])])
    assert new.late == [Unread("", "it was not looked up again", failed=True)]
