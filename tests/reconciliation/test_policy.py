"""What a policy may do, and where it is: limits, waiting, pauses, and what is kept of all that."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.fields import Fields
from reconciliation.people import Person, Sealed
from reconciliation.policy import (
    HOUR,
    MOST_WAITING,
    NEXT_TRY,
    NamedPolicy,
    Policy,
    PolicyState,
    bytes_left,
    still_allowed,
)

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
ANN = Sealed.of(Person.declared("Ann"), "5a17" * 8)
MOMENTS = st.integers(-3 * 86_400, 0).map(lambda seconds: NOW + timedelta(seconds=seconds))
NAMES = st.text(min_size=1, max_size=8)
STATES = st.builds(
    PolicyState,
    paused_at=st.none() | MOMENTS,
    why=st.text(max_size=20),
    resumed_at=st.none() | MOMENTS,
    resumed_by=st.none() | st.just(ANN),
    reason=st.text(max_size=20),
    waiting=st.dictionaries(NAMES, MOMENTS, max_size=6),
)


def policy(most: int = 3, most_per_hour: int = 5, repairs: tuple[str, ...] = ("start_run",)) -> Policy:
    return Policy("things", "AUDIT_AUTO_REPAIR__THINGS", "start_run", repairs, most, most_per_hour)


# --- what it approves -------------------------------------------------------------------------------------------------


def test_its_text_says_what_it_approves_and_how_much() -> None:
    assert policy(repairs=("one", "two")).text == (
        "one and two of what a scheduled audit finds, without a person: at most 3 changes by one audit and 5 within an "
        "hour."
    )


def test_its_text_says_how_much_it_may_copy_where_it_copies() -> None:
    assert replace(policy(), most_bytes=1_000_000).text.endswith(
        "an hour, which copy at most 1,000,000 bytes within an hour."
    )


@given(st.none() | st.integers(1, 9), st.none() | st.integers(1, 9))
def test_a_plan_rests_on_other_words_where_the_limit_of_bytes_is_another(one: int | None, two: int | None) -> None:
    first, second = (replace(policy(), most_bytes=most) for most in (one, two))
    assert (first.named() == second.named()) is (one == two)


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_a_plan_rests_on_other_words_where_a_limit_is_another(one: tuple[int, int], two: tuple[int, int]) -> None:
    assert (policy(*one).named() == policy(*two).named()) is (one == two)


def test_nobody_can_declare_to_be_a_policy() -> None:
    acting = policy().person
    assert (acting.name, acting.is_verified, acting.roles) == ("policy", False, frozenset())
    for name in ("policy", "policy:things", "Policy"):
        assert not Sealed.of(acting, "5a17").is_of(Person.declared(name))


def test_what_plans_keep_of_it_survives() -> None:
    named = policy().named()
    assert NamedPolicy.optional_in(Fields.of({"policy": named._asdict()})) == named
    assert NamedPolicy.optional_in(Fields.of({"policy": None})) is None
    with pytest.raises(ValueError, match="value"):
        NamedPolicy.optional_in(Fields.of({"policy": {"setting": "A", "text": "B"}}))


@given(st.lists(st.integers(-600, 3 * 3600)), st.integers(1, 20), st.integers(1, 20))
def test_never_more_than_are_left_of_the_hour_nor_than_one_audit_may_lead_to(
    ago: list[int], most: int, most_per_hour: int
) -> None:
    begun = [NOW - timedelta(seconds=seconds) for seconds in ago]
    allowed = still_allowed(policy(most, most_per_hour), begun, NOW)
    recent = sum(seconds < HOUR.total_seconds() for seconds in ago)  # what a faster clock wrote counts, too
    assert 0 <= allowed <= most
    assert allowed == 0 or allowed + recent <= most_per_hour
    assert allowed == most or allowed + recent >= most_per_hour
    assert still_allowed(policy(most, most_per_hour), begun[::-1], NOW) == allowed


@given(st.lists(st.tuples(st.integers(-600, 3 * 3600), st.integers(0, 50))), st.integers(1, 100))
def test_never_more_bytes_than_are_left_of_the_hour(ago: list[tuple[int, int]], most_bytes: int) -> None:
    begun = [(NOW - timedelta(seconds=seconds), copied) for seconds, copied in ago]
    left = bytes_left(replace(policy(), most_bytes=most_bytes), begun, NOW)
    recent = sum(copied for seconds, copied in ago if seconds < HOUR.total_seconds())
    assert left == max(0, most_bytes - recent)
    assert bytes_left(policy(), begun, NOW) is None


@pytest.mark.parametrize(("seconds", "allowed"), [(3599, 0), (3600, 1), (3601, 1)])
def test_a_change_counts_for_exactly_an_hour(seconds: int, allowed: int) -> None:
    assert still_allowed(policy(1, 1), [NOW - timedelta(seconds=seconds)], NOW) == allowed


# --- where it is ------------------------------------------------------------------------------------------------------


@given(STATES)
def test_a_state_survives(state: PolicyState) -> None:
    assert PolicyState.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize("name", ["why", "reason", "waiting", "schema_version"])
def test_a_state_that_lacks_something_is_none(name: str) -> None:
    value = PolicyState().to_json()
    del value[name]
    with pytest.raises(ValueError, match=name):
        PolicyState.from_json(value)


def test_a_state_whose_person_is_another_one_is_none() -> None:
    value = PolicyState().resumed(ANN, "Mended.", NOW).to_json()
    value["resumed_by"]["identity"] = "declared:bea"
    with pytest.raises(ValueError, match="not that of its identity"):
        PolicyState.from_json(value)


@given(STATES, st.text(), MOMENTS)
def test_it_is_paused_until_a_person_lets_it_go_on_and_for_the_first_reason(
    state: PolicyState, why: str, at: datetime
) -> None:
    paused = state.paused(why, at)
    assert paused.paused_at is not None
    assert paused.paused("another", NOW) == paused
    if state.paused_at is not None:
        assert paused == state
    assert paused.left_alone(["one"], NOW).paused_at == paused.paused_at
    resumed = paused.resumed(ANN, "Mended.", at)
    assert (resumed.paused_at, resumed.why, resumed.resumed_at, resumed.resumed_by) == (None, "", at, ANN)
    assert resumed.waiting == state.waiting


@given(STATES, st.lists(NAMES, max_size=4))
def test_a_subject_waits_for_a_day(state: PolicyState, subjects: list[str]) -> None:
    left = state.left_alone(subjects, NOW)
    for one in subjects:
        assert left.is_waiting(one, NOW)
        assert left.is_waiting(one, NOW + NEXT_TRY - timedelta(seconds=1))
        assert not left.is_waiting(one, NOW + NEXT_TRY)
    for one in {*state.waiting} - {*subjects}:
        assert left.is_waiting(one, NOW) is state.is_waiting(one, NOW)
        assert (one in left.waiting) is state.is_waiting(one, NOW)
    assert left.left_alone(subjects, NOW) == left


def test_of_more_than_can_be_kept_the_newest_are() -> None:
    old = PolicyState().left_alone([f"old-{number}" for number in range(MOST_WAITING)], NOW - timedelta(hours=1))
    left = old.left_alone(["new"], NOW)
    assert len(left.waiting) == MOST_WAITING
    assert left.is_waiting("new", NOW)
