"""Which changes are in a plan: over any that could be made, never more than may be, the first ones first."""

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.repair_plan import LeftOut, Named, PlannedChange
from reconciliation.repair_record import Chosen
from reconciliation.selection import selected, selected_by_policy
from tests.reconciliation.repairs import planned

COPY, MARK = "rescue_copy", "mark_done"
CANNOT = LeftOut(Named("thing", "odd"), "odd", "It cannot be mended.")
FOUND = st.lists(
    st.just(CANNOT) | st.builds(lambda repair, size: (repair, size), st.sampled_from([COPY, MARK]), st.integers(0, 40)),
    max_size=12,
).map(
    lambda some: [
        one if isinstance(one, LeftOut) else planned(number, repair=one[0], copies_bytes=one[1])
        for number, one in enumerate(some, 1)
    ]
)
LIMITS = st.none() | st.integers(0, 100)


def plan_of(result: list[PlannedChange | LeftOut]) -> list[PlannedChange]:
    return [one for one in result if isinstance(one, PlannedChange)]


@given(FOUND, st.integers(0, 12), LIMITS, st.sets(st.sampled_from([COPY, MARK])))
def test_a_policy_never_copies_more_than_is_left_and_says_of_each_other_why(
    found: list[PlannedChange | LeftOut], most: int, most_bytes: int | None, approves: set[str]
) -> None:
    result = selected_by_policy(found, Chosen(most=most, most_bytes=most_bytes), approves)
    taken = plan_of(result)
    assert sum(one.change.copies_bytes for one in taken) <= (most_bytes or 0)
    assert len(taken) <= most
    assert [one.number for one in taken] == list(range(1, len(taken) + 1))
    assert {one.repair for one in taken} <= approves
    assert [one.subject for one in result] == [one.subject for one in found]
    left_out = [one for one in result if isinstance(one, LeftOut)]
    assert all(one.why for one in left_out)
    assert all(one.for_now for one in left_out if one is not CANNOT)


@given(FOUND, st.integers(0, 12), LIMITS)
def test_what_comes_first_is_left_out_only_where_it_does_not_fit_behind_those_before_it(
    found: list[PlannedChange | LeftOut], most: int, most_bytes: int | None
) -> None:
    result = selected_by_policy(found, Chosen(most=most, most_bytes=most_bytes), {COPY, MARK})
    for place, (before, after) in enumerate(zip(found, result, strict=True)):
        taken = plan_of(result[:place])
        copied = sum(one.change.copies_bytes for one in taken)
        if isinstance(before, PlannedChange):
            fits = len(taken) < most and copied + before.change.copies_bytes <= (most_bytes or 0)
            assert isinstance(after, PlannedChange) is fits


@given(FOUND, st.integers(0, 12), LIMITS)
def test_what_a_person_asks_for_has_no_limit_of_bytes(
    found: list[PlannedChange | LeftOut], most: int, most_bytes: int | None
) -> None:
    result = selected(found, Chosen(most=most, most_bytes=most_bytes))
    could = [one for one in found if isinstance(one, PlannedChange)]
    assert [one.subject for one in plan_of(result)] == [one.subject for one in could[:most]]


def test_what_does_not_fit_is_said_with_both_numbers() -> None:
    small, large = planned(1, repair=COPY, copies_bytes=1000), planned(2, repair=COPY, copies_bytes=5000)
    taken, left_out = selected_by_policy([small, large], Chosen(most=9, most_bytes=4000), {COPY})
    assert taken == small
    assert isinstance(left_out, LeftOut)
    assert left_out.why == "It copies 5,000 bytes, and the policy may copy 3,000 more just now."
