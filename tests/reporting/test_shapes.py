"""How what profiles declare is put into the models of documents."""

import json
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import Field, ValidationError
from typing_extensions import TypeAliasType

from profiles.pre_capture_sessions import PROFILE as PRE
from reconciliation.profile import Profile
from reconciliation.rules import Kind
from reconciliation.shapes import Count, Form, Moment
from reporting.declared import narrowed_to, report_of
from reporting.documents import Finding, Gap, Report, Subject
from reporting.shapes import Closed, Narrowing, literal, plain
from tests.reporting.samples import report
from tests.toy_profile import PROFILE as TOY
from tests.toy_profile import RULES, ToyShop

Word = TypeAliasType("Word", str)


class Inner(Closed):
    """Holds a word."""

    word: Word
    """As it was said."""


class Outer(Closed):
    """Holds them in every way there is."""

    one: Inner
    some: Annotated[list[Inner | None], Field(max_length=2)]
    """At most two."""
    by_name: dict[Word, Gap]


class Piece(TypedDict):
    """A piece."""

    size: Annotated[Count, "In bytes."]
    at: Moment | None


class Whole(TypedDict):
    """What is shown."""

    name: Annotated[str, Form("^[a-z]+$"), "In lower case."]
    pieces: list[Piece]


def test_a_type_is_replaced_however_deep_it_stands_and_what_is_said_of_it_stays() -> None:
    narrowing = Narrowing("OfTest", {Word: literal("yes", "no")})
    schema = plain(narrowing.model(Outer).model_json_schema())
    assert set(schema["$defs"]) == {"InnerOfTest", "Gap"}, "what holds no word is as it was"
    word = {"enum": ["yes", "no"], "type": "string", "description": "As it was said."}
    assert schema["$defs"]["InnerOfTest"]["properties"] == {"word": word}
    assert schema["$defs"]["InnerOfTest"]["description"] == "Holds a word."
    assert schema["properties"]["some"]["maxItems"] == 2
    assert schema["properties"]["some"]["description"] == "At most two."
    assert schema["properties"]["by_name"]["propertyNames"] == {"enum": ["yes", "no"]}


def test_a_model_that_is_not_narrowed_is_itself() -> None:
    assert Narrowing("OfTest").model(Outer) is Outer


def test_a_declared_shape_is_closed_to_its_last_member() -> None:
    model = Narrowing().model(Closed, "Shown", **Narrowing().shape(Whole))
    whole = {"name": "a", "pieces": [{"size": 1, "at": "2026-01-31T09:30:00Z"}]}
    model.model_validate_json(json.dumps(whole))
    for wrong in (
        {"name": "A"},
        {"other": 1},
        {"pieces": [{"size": -1, "at": None}]},
        {"pieces": [{"size": 1}]},
        {"pieces": [{"size": 1, "at": "yesterday"}]},
    ):
        with pytest.raises(ValidationError):
            model.model_validate_json(json.dumps(whole | wrong))
    schema = plain(model.model_json_schema())
    assert schema["properties"]["name"] == {"type": "string", "pattern": "^[a-z]+$", "description": "In lower case."}
    assert schema["$defs"]["Piece"]["properties"]["size"]["description"] == "In bytes."


def found(**shown: Any) -> dict[str, Any]:
    return {
        "subject": {"kind": "order", "id": "a-1"},
        "verdict": "paid_without_document",
        "severity": "high",
        "change": None,
        "reason": "It is paid, and its folder is empty.",
        "next_step": "Ask the shop for the document.",
        "due": None,
        **shown,
    }


class Undescribed(ToyShop):
    """Shows facts that it does not describe."""

    kinds = (Kind("order", "order", RULES, shown=lambda facts: facts._asdict()),)


@pytest.mark.parametrize(
    ("profile", "shown", "fits"),
    [
        (TOY, {"shop": "south", "paid": True, "invoices": 1, "documents": []}, True),
        (TOY, {"shop": "south", "paid": True, "invoices": 1}, False),
        (TOY, {"shop": "south", "paid": True, "invoices": 1, "documents": [], "more": 1}, False),
        (Undescribed(), {"anything": 1}, True),
        (Undescribed(), {"due": 7}, False),
    ],
)
def test_a_finding_shows_what_its_kind_declares(profile: Profile, shown: dict[str, Any], *, fits: bool) -> None:
    model = narrowed_to(profile).of(Finding)
    try:
        model.model_validate_json(json.dumps(found(**shown)))
    except ValidationError:
        assert not fits
    else:
        assert fits


def test_the_report_of_one_profile_is_none_of_another() -> None:
    report_of(PRE).model_validate_json(json.dumps(report()))
    with pytest.raises(ValidationError):
        report_of(TOY).model_validate_json(json.dumps(report()))


def test_what_every_profile_has_is_in_the_general_report() -> None:
    for profile in (PRE, TOY):
        assert set(Report.model_fields) == set(report_of(profile).model_fields)
    with pytest.raises(ValidationError):
        Subject.model_validate_json('{"kind": "order", "id": ""}')
