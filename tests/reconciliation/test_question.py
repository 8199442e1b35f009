"""Which audits asked the same, of the same."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.parameters import AuditParameters
from reconciliation.question import MOST_KEPT, CompletedAudits, question_of
from tests.profiles.pre_capture_sessions.strategies import moments, parameters, texts
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    AUDITED,
    IN_FAST_MODE,
    LONG_AGO,
    MINUTE,
    PARAMETERS,
    asking,
)

BEGUN = st.tuples(moments(), texts())


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"storage_account": "stagingsa"}, False),
        ({"database": {"host": "staging.example", "name": "pre"}}, False),
        ({"database": {"host": "db.example", "name": "pre_copy"}}, False),
        ({"ingest_account": "another"}, True),
        ({"ingest_account": None}, True),
    ],
)
def test_it_is_the_same_of_the_same_places_whatever_they_are_called(changes: dict[str, Any], *, same: bool) -> None:
    then = replace(AUDITED, places={**AUDITED.places, **changes}, named="as it was called then")
    assert (question_of(PARAMETERS, then) == question_of(PARAMETERS, AUDITED)) is same


def test_how_much_was_opened_does_not_matter() -> None:
    assert question_of(IN_FAST_MODE, AUDITED) == question_of(PARAMETERS, AUDITED)


def test_a_mode_that_is_compared_apart_asks_another_question() -> None:
    apart = question_of(IN_FAST_MODE, AUDITED, [IN_FAST_MODE.mode])
    assert apart != question_of(IN_FAST_MODE, AUDITED)
    assert question_of(PARAMETERS, AUDITED, [IN_FAST_MODE.mode]) == question_of(PARAMETERS, AUDITED)


@pytest.mark.parametrize(
    "another",
    [
        asking(statuses=("FAILURE",)),
        replace(PARAMETERS, grace_minutes=61),
        replace(PARAMETERS, since=LONG_AGO),
        replace(PARAMETERS, until=LONG_AGO),
        asking(container_prefixes=("a",)),
        replace(PARAMETERS, only=("a",)),
        asking(ingest_address_contains="in-"),
        replace(PARAMETERS, profile="another"),
    ],
)
def test_another_question_is_not_the_same(another: AuditParameters) -> None:
    assert question_of(PARAMETERS, AUDITED) != question_of(another, AUDITED)


@given(parameters(), parameters())
def test_any_other_difference_does(one: AuditParameters, other: AuditParameters) -> None:
    same = replace(one, mode="") == replace(other, mode="")
    assert (question_of(one, AUDITED) == question_of(other, AUDITED)) is same


@given(st.lists(BEGUN, max_size=3).map(tuple))
def test_what_is_known_of_a_question_survives_the_run_store(audits: tuple[Any, ...]) -> None:
    known = CompletedAudits(audits)
    written = json.loads(json.dumps(known.to_json()))
    assert CompletedAudits.from_json(written) == known
    assert (written["schema_version"], written["complete"]) == (1, True)


@given(st.lists(BEGUN, max_size=MOST_KEPT + 5), BEGUN)
def test_the_newest_are_known_each_once(audits: list[Any], begun: Any) -> None:
    known = CompletedAudits()
    for one in [*audits, *audits]:
        known = known.beside(one)
    newest = sorted(set(audits), reverse=True)[:MOST_KEPT]
    assert known.audits == tuple(newest)
    assert known.before(begun) == [audit_id for at, audit_id in newest if (at, audit_id) < begun]


def test_of_two_that_began_at_once_the_id_tells_which_is_earlier() -> None:
    known = CompletedAudits().beside((AS_OF, "a")).beside((AS_OF, "c")).beside((AS_OF - MINUTE, "d"))
    assert known.before((AS_OF, "b")) == ["a", "d"]
    assert known.before((AS_OF + timedelta(1), "")) == ["c", "a", "d"]
