import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.store.documents import ODD, document, read_document, understood
from reconciliation.errors import StorageUnavailableError, UnreadableError


def member(value: Any) -> Any:
    return value["member"]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_named(data: bytes) -> None:
    told = ""
    try:
        read_document("a/run.json", "here", data, member)
    except UnreadableError as error:
        told = str(error)
    assert told == "" or told.startswith("a/run.json in here cannot be read: ")


@pytest.mark.parametrize("data", [b'{"member": "\\ud800"}', b'{"member": NaN}', b'{"member": 1e999}', b"[" * 100_000])
def test_what_could_not_be_answered_again_is_not_taken_in(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_document("a", "here", data, member)


def test_a_document_comes_back() -> None:
    assert read_document("a", "here", document({"member": "ü"}), member) == "ü"
    assert json.loads(document({"member": "ü"})) == {"member": "ü"}


@pytest.mark.parametrize("kind", ODD)
def test_whatever_reading_ends_in_names_the_blob_and_tells_no_secret(kind: type[Exception]) -> None:
    why = kind("AccountKey=c2VjcmV0;" + "x" * 10_000)
    named = pytest.raises(UnreadableError, match=r"^a in here cannot be read: .+ start a new audit\.$")
    with named as told, understood("a", "here"):
        raise why
    assert told.value.path == "a"
    assert "c2VjcmV0" not in str(told.value)
    assert len(str(told.value)) < 500


@pytest.mark.parametrize("error", [StorageUnavailableError("Busy."), UnreadableError("b", "there", "cut"), OSError()])
def test_what_is_not_about_the_blob_goes_through_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as told, understood("a", "here"):
        raise error
    assert told.value is error
