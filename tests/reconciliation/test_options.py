import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.options import Option, shortened

COLOURS = Option("colours", ("red",), "Only these.", "1 to 3 colours", choices=("red", "blue"), least=1, most=3)
STARTS = Option("starts", (), "Only these.", "at most 2 beginnings", form="[a-z]{1,3}", most=2)
PART = Option("part", None, "Only with this in it.", "a text of 1 to 5 characters", least=1, most=5)
OPTIONS = st.sampled_from([COLOURS, STARTS, PART, replace(PART, default="x"), replace(COLOURS, default="red", most=9)])
WORDS = st.sampled_from(["red", "blue", "green", "a", "abc", "abcd", "", "a\n", "\x00"]) | st.text(max_size=7)
GIVEN = st.none() | st.booleans() | st.integers() | WORDS | st.lists(WORDS | st.integers(), max_size=4)


def is_good(option: Option, text: Any) -> bool:
    """As ``Option`` describes a text."""
    return (
        isinstance(text, str)
        and text.isprintable()
        and bool(re.fullmatch(option.form, text))
        and (not option.choices or text in option.choices)
    )


@given(OPTIONS, GIVEN)
def test_what_has_no_problem_is_read_and_everything_else_is_refused(option: Option, value: Any) -> None:
    problems = list(option.problems(value))
    if problems:
        with pytest.raises(ValueError, match=re.escape(f"{option.name} is not {option.allowed}")):
            option.read(value)
    else:
        read = option.read(value)
        assert isinstance(read, tuple) is option.is_list
        assert list(option.problems(list(read) if isinstance(read, tuple) else read)) == []


@given(OPTIONS, GIVEN)
def test_what_is_read_is_what_was_given_each_text_once(option: Option, value: Any) -> None:
    if value is None:
        assert option.read(value) == option.default
        return
    given_texts = [value] if option.is_list and isinstance(value, str) else value
    whole = isinstance(given_texts, list if option.is_list else str) and option.least <= len(given_texts) <= option.most
    good = whole and all(is_good(option, text) for text in (given_texts if option.is_list else [value]))
    assert good is not any(True for _ in option.problems(value))
    if good:
        assert option.read(value) == (tuple(dict.fromkeys(given_texts)) if option.is_list else value)


@given(OPTIONS, GIVEN)
def test_a_problem_names_its_place_and_can_be_shown(option: Option, value: Any) -> None:
    for problem in option.problems(value):
        assert problem.field == option.name or problem.field.startswith(f"{option.name}.")
        assert problem.value.isprintable()
        assert len(problem.value) < 100
        assert problem.allowed


@pytest.mark.parametrize(
    ("option", "value", "problems"),
    [
        (COLOURS, ["red", "pink", 7], {"colours": "'pink'", "colours.2": "7"}),
        (COLOURS, [], {"colours": "[]"}),
        (COLOURS, ["red"] * 4, {"colours": "['red', 'red', 'red', 'red']"}),
        (COLOURS, "pink", {"colours": "'pink'"}),
        (STARTS, ["ab", "", "x\n"], {"starts": "['ab', '', 'x\\n']"}),
        (STARTS, ["ab", "A"], {"starts.1": "'A'"}),
        (STARTS, "A", {"starts": "'A'"}),
        (PART, "", {"part": "''"}),
        (PART, ["a"], {"part": "['a']"}),
        (PART, "123456", {"part": "'123456'"}),
    ],
)
def test_problems_say_what_was_seen(option: Option, value: Any, problems: dict[str, str]) -> None:
    assert {problem.field: problem.value for problem in option.problems(value)} == problems


def test_a_text_alone_stands_for_a_list_of_one() -> None:
    assert COLOURS.read("blue") == COLOURS.read(["blue"]) == ("blue",)
    assert PART.read("blue") == "blue"


@given(st.text() | st.lists(st.text()))
def test_what_an_error_shows_is_printable_and_not_long(value: Any) -> None:
    for quoted in (True, False):
        text = shortened(value, quoted=quoted)
        assert text.isprintable()
        assert len(text) <= 83


MINUTES = Option("minutes", 10, "Not before.", "a whole number from 1 to 60", least=1, most=60)


@pytest.mark.parametrize(("given", "value"), [(None, 10), (1, 1), (60, 60), ("7", 7), ("07", 7)])
def test_a_number_may_be_given_as_one_or_by_its_digits(given: object, value: int) -> None:
    assert list(MINUTES.problems(given)) == []
    assert MINUTES.read(given) == value


@pytest.mark.parametrize("given", [0, 61, -1, 1.5, True, "", "x", "1.5", "-1", "61", "9" * 10, "٣", [1], {}])
def test_what_is_no_such_number_is_named_with_what_is_allowed(given: object) -> None:
    [problem] = MINUTES.problems(given)
    assert (problem.field, problem.allowed) == ("minutes", MINUTES.allowed)
    with pytest.raises(ValueError, match="minutes"):
        MINUTES.read(given)
