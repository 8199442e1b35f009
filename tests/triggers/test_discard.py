import json

import pytest

from reconciliation.errors import BadRequestError
from triggers.requests import read_discard


def refused(body: bytes) -> dict[str, str]:
    """The fields that a body is refused for, each with what is allowed."""
    with pytest.raises(BadRequestError) as caught:
        read_discard(body)
    return {problem.field: problem.allowed for problem in caught.value.problems}


def test_a_reason_and_a_name_are_read_without_the_space_around_them() -> None:
    asked = read_discard(b'{"reason": "  It is known to be broken. ", "by": "Zo\\u00eb O\'Hara"}')
    assert (asked.reason, asked.by) == ("It is known to be broken.", "Zoë O'Hara")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"reason": "", "by": ""}', b'{"reason": "    ", "by": " \\t"}'])
def test_nothing_said_is_refused_for_both(body: bytes) -> None:
    assert set(refused(body)) == {"reason", "by"}


@pytest.mark.parametrize("text", ["two\nlines", "bell\x07", "\u202eturned", "nul\x00", "x" * 501, 7, None, ["long"]])
def test_a_reason_is_one_printable_line(text: object) -> None:
    told = refused(json.dumps({"reason": text, "by": "A"}).encode())
    assert list(told) == ["reason"]
    assert "on one line" in told["reason"]


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"{}" + b" " * 70_000])
def test_a_body_that_is_no_json_object_says_what_would_be(body: bytes) -> None:
    assert list(refused(body)) == ["body"]


def test_a_field_that_is_not_known_is_named() -> None:
    assert list(refused(b'{"reason": "abc", "by": "A", "when": "now"}')) == ["when"]
