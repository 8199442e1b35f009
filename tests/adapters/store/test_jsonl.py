import gzip
import json
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.store.jsonl import Unpacker, loads, pack, pack_lines, unpack

texts = st.text(st.characters(), max_size=40)
odd = st.sampled_from(
    ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x00", "\r\n", "\ud800", "\udfff", "😀", "\\u0000"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts | odd
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
# Lines as a database makes them: any characters but a line feed, not only ASCII.
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=30)
members = st.lists(st.lists(lines, max_size=4), max_size=4)


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The data cut into pieces of these sizes, over and over."""
    at = 0
    while at < len(data):
        for size in sizes:
            yield data[at : at + size]
            at += size


def read(chunks: Iterator[bytes] | list[bytes]) -> list[bytes]:
    unpacker = Unpacker()
    found = [line for chunk in chunks for line in unpacker.lines(chunk)]
    unpacker.finish()
    return found


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


@given(st.lists(values, max_size=4))
def test_texts_that_a_database_made_are_packed_as_they_are(written: list[Any]) -> None:
    spaced = [json.dumps(value, separators=(" , ", " : ")) for value in written]
    data = pack_lines(spaced)
    assert gzip.decompress(data).decode() == "".join(f"{text}\n" for text in spaced)
    assert unpack(data) == written


# --- unpacking as the bytes arrive ------------------------------------------------------------------------------------


@given(members, st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_members_in_pieces_of_any_size_give_the_same_lines(packed: list[list[str]], sizes: list[int]) -> None:
    data = b"".join(pack_lines(member) for member in packed)
    assert read(pieces(data, sizes)) == [line.encode() for member in packed for line in member]


@given(members)
def test_members_byte_by_byte_or_with_nothing_in_between_give_the_same_lines(packed: list[list[str]]) -> None:
    data = b"".join(pack_lines(member) for member in packed)
    expected = [line.encode() for member in packed for line in member]
    assert read(pieces(data, [1])) == expected
    assert read(pieces(data, [1, 0])) == expected
    assert read([data]) == expected


@given(members, st.data())
def test_members_cut_anywhere_but_between_two_of_them_are_never_taken_for_all(
    packed: list[list[str]], data: st.DataObject
) -> None:
    blobs = [pack_lines(member) for member in packed]
    whole = b"".join(blobs)
    ends = {0, *accumulate(map(len, blobs))}
    for length in set(range(len(whole))) - ends:
        with pytest.raises(ValueError, match="damaged"):
            read([whole[:length]])
    if len(whole) > 1:
        length = data.draw(st.sampled_from(sorted(set(range(len(whole))) - ends)))
        with pytest.raises(ValueError, match="damaged"):
            read(pieces(whole[:length], data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))))


@given(members.filter(any))
def test_the_lines_before_a_cut_are_the_first_ones_and_unharmed(packed: list[list[str]]) -> None:
    whole = b"".join(pack_lines(member) for member in packed)
    expected = [line.encode() for member in packed for line in member]
    counts = []
    for length in range(len(whole) + 1):
        found = Unpacker().lines(whole[:length])
        assert found == expected[: len(found)]
        counts.append(len(found))
    assert all(before <= after for before, after in pairwise(counts))
    assert counts[-1] == len(expected)


def test_a_line_is_given_as_soon_as_its_bytes_are_there() -> None:
    unpacker = Unpacker()
    assert unpacker.lines(pack_lines(["1", "2"])) == [b"1", b"2"]
    assert unpacker.lines(pack_lines(["3"])) == [b"3"]
    assert unpacker.lines(b"") == []
    unpacker.finish()


def test_nothing_at_all_is_no_line_and_no_damage() -> None:
    assert unpack(b"") == []
    assert read([]) == []
    assert unpack(pack([])) == []


# --- damage -----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("texts", [[b"{"], [b"1", b""], [b"\x00"], [b"\xff"], [b"1 2"], [b"]", b"["]])
def test_a_line_that_is_no_json_text_raises(texts: list[bytes]) -> None:
    with pytest.raises(ValueError, match="damaged"):
        loads(texts)
