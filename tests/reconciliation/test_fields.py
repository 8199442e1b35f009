from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.fields import Fields
from reconciliation.lifecycle import State

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
READERS = ("text", "texts", "whole", "moment", "inner", "objects")
KINDS: dict[str, type] = {
    "text": str,
    "texts": tuple,
    "whole": int,
    "moment": datetime,
    "inner": Fields,
    "objects": list,
}


@given(st.sampled_from(READERS), VALUES)
def test_whatever_a_member_is_it_is_of_the_kind_that_was_asked_for_or_an_error_that_names_it(
    reader: str, value: Any
) -> None:
    fields = Fields({"seen": value})
    told = ""
    try:
        read = getattr(fields, reader)("seen")
    except ValueError as error:
        told = str(error)
    if told:
        assert told.startswith("its seen is not ")
    else:
        assert isinstance(read, KINDS[reader])
        assert not isinstance(read, bool)
    if value is None:
        assert fields.optional("seen", getattr(fields, reader)) is None


@pytest.mark.parametrize("reader", READERS)
def test_what_is_not_there_is_an_error_unless_it_may_be_absent(reader: str) -> None:
    fields = Fields({})
    with pytest.raises(ValueError, match="its seen is not"):
        getattr(fields, reader)("seen")
    assert fields.optional("seen", getattr(fields, reader)) is None


@pytest.mark.parametrize("value", [None, 7, "x", [], True])
def test_only_an_object_has_members(value: Any) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        Fields.of(value)


@pytest.mark.parametrize("version", [None, 0, 2, "1", 1.0, True, "v" * 99])
def test_another_schema_is_told_in_short(version: Any) -> None:
    with pytest.raises(ValueError, match=r"its schema_version is .{1,45}, and this release reads 1") as refused:
        Fields.of_version({"schema_version": version}, 1)
    assert len(str(refused.value)) < 100
    assert Fields.of_version({"schema_version": 1}, 1).whole("schema_version") == 1


def test_a_document_of_an_earlier_schema_is_read_where_that_is_known() -> None:
    assert Fields.of_version({"schema_version": 1}, 2, 1).whole("schema_version") == 1
    with pytest.raises(ValueError, match="its schema_version is 3, and this release reads 2"):
        Fields.of_version({"schema_version": 3}, 2, 1)


def test_a_word_is_a_member_and_an_unknown_one_is_named() -> None:
    assert Fields({"state": "failed"}).word("state", State) is State.FAILED
    with pytest.raises(ValueError, match="its state is 'paused', which this release does not know"):
        Fields({"state": "paused"}).word("state", State)


def test_a_moment_comes_back_in_utc() -> None:
    moment = Fields({"at": "2026-01-31T10:30:00+01:00"}).moment("at")
    assert moment == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
