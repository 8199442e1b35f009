import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.jsonl import pack, unpack

texts = st.text(st.characters(), max_size=40)
odd = st.sampled_from(
    ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x00", "\r\n", "\ud800", "\udfff", "😀", "\\u0000"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts | odd
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


@given(st.lists(values, max_size=8))
def test_values_come_back_as_they_were(lines: list[Any]) -> None:
    assert unpack(pack(lines)) == lines


@given(st.lists(st.lists(values, max_size=3), max_size=4))
def test_members_behind_each_other_are_one_list(members: list[list[Any]]) -> None:
    data = b"".join(pack(member) for member in members)
    assert unpack(data) == [value for member in members for value in member]


@given(st.lists(values, max_size=4))
def test_the_same_values_make_the_same_bytes(lines: list[Any]) -> None:
    assert pack(lines) == pack(iter(lines))


def test_there_is_one_ascii_line_for_each_value() -> None:
    data = gzip.decompress(pack(["ü\u2028\n", {"a": 1}]))
    assert data.isascii()
    assert data.count(b"\n") == 2


def damaged() -> list[bytes]:
    whole = pack([{"container": "a" * 40, "blobs": n} for n in range(50)])
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 0xFF
    wrong_sum = bytearray(whole)
    wrong_sum[-5] ^= 0x01
    cut = [whole[:-1], whole[: len(whole) // 2], whole[:5]]
    changed = [bytes(flipped), bytes(wrong_sum), b"plain text", whole + b"x"]
    return [*cut, *changed, gzip.compress(b'{"cut": '), gzip.compress(b"\xff\xfe\n")]


@pytest.mark.parametrize("data", damaged(), ids=range(9))
def test_damaged_data_raises(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack(data)
