"""How the throttle finds an account's limit: tried on an account without a clock, so that each figure is exact."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.listing.throttle import FIRST_UNDER_WAY, LEAST_PER_SECOND, Throttle
from tests.adapters.listing.throttled_account import LATENCY, Account, ask


def without_limit() -> Account:
    return Account(1e9, 1e9)


@pytest.mark.parametrize("hint", [None, 1.0])
@pytest.mark.parametrize("rate", [500, 5000])
def test_a_throttled_account_gives_nine_tenths_of_what_it_allows_and_hardly_refuses(
    rate: float, hint: float | None
) -> None:
    course = ask(Account(rate, rate / 10), Throttle(None), 90, hint)
    assert course.per_second(0, 90) >= 0.9 * rate
    assert course.refused_share <= 0.005


@settings(max_examples=25, deadline=None)
@given(
    st.floats(200, 5000),
    st.floats(0.02, 1.0),
    st.sampled_from([None, 1.0]),
    st.sampled_from([16, 128]),
    st.integers(),
)
def test_whatever_the_limit_at_least_half_of_it_is_used_and_little_is_refused(
    rate: float, burst: float, hint: float | None, most: int, seed: int
) -> None:
    course = ask(Account(rate, max(2, rate * burst)), Throttle(None), 60, hint, connections=most, seed=seed)
    reached = min(rate, most / (sum(LATENCY) / 2))
    assert course.per_second(20, 60) >= 0.5 * reached
    assert course.refused_share <= 0.03


def test_requests_begin_few_at_a_time_and_double() -> None:
    throttle = Throttle(None)
    begun = 0
    while throttle.wait(0.0) == 0:
        throttle.begin(0.0)
        begun += 1
    assert begun == FIRST_UNDER_WAY
    assert throttle.wait(0.0) is None
    rounds = [begun]
    while rounds[-1] < 128:
        for _ in range(rounds[-1]):
            throttle.end()
        begun = 0
        while throttle.wait(0.1) == 0:
            throttle.begin(0.1)
            begun += 1
        rounds.append(begun)
    assert rounds == [16, 32, 64, 128]


@pytest.mark.parametrize("ceiling", [1.0, 250.0, 5000.0])
def test_a_ceiling_is_kept_to_in_each_second(ceiling: float) -> None:
    course = ask(without_limit(), Throttle(ceiling), 5)
    assert len(course.begun) <= 5 * ceiling + 1
    assert len(course.begun) >= 4.9 * ceiling
    for second in range(5):
        # What comes late is made up for, within a twentieth of a second.
        assert sum(second <= at < second + 1 for at in course.begun) <= ceiling * 1.05 + 1


def test_a_pause_that_is_asked_for_is_everybodys() -> None:
    throttle = Throttle(None)
    throttle.begin(0.0)
    throttle.begin(0.0)
    throttle.end_refused(0.0, 1.0, 2.0)
    assert throttle.wait(2.99) != 0
    assert throttle.wait(3.2 + 1 / LEAST_PER_SECOND) == 0


@pytest.mark.parametrize(("hint", "least"), [(3600.0, 7.0), (-5.0, 0.0), (0.0, 0.0), (None, 0.0)])
def test_a_hint_is_no_shorter_than_nothing_and_no_longer_than_the_longest_pause(
    hint: float | None, least: float
) -> None:
    throttle = Throttle(None, longest_pause=7.0)
    throttle.begin(0.0)
    throttle.end_refused(0.0, 1.0, hint)
    wait = throttle.wait(1.0)
    assert wait is not None
    assert least < wait <= 1.1 * max(least, 0.06)


def test_a_burst_of_refusals_cuts_the_pace_once() -> None:
    paces = []
    for refused in (1, 10):
        throttle = Throttle(5000.0)
        for _ in range(16):
            throttle.begin(0.0)
        for _ in range(refused):
            throttle.end_refused(0.0, 0.5, None)
        paces.append(throttle.per_second)
    assert paces[0] == paces[1]
    assert paces[0] is not None
    assert paces[0] < 5000


def test_a_later_hint_of_the_same_burst_still_lengthens_the_pause() -> None:
    throttle = Throttle(None)
    throttle.begin(0.0)
    throttle.begin(0.0)
    throttle.end_refused(0.0, 0.1, None)
    throttle.end_refused(0.0, 0.2, 5.0)
    wait = throttle.wait(0.2)
    assert wait is not None
    assert wait >= 5.0


def test_refusals_that_have_nothing_to_do_with_the_pace_do_not_stop_everything() -> None:
    throttle = Throttle(None)
    for number in range(1000):
        throttle.begin(float(number))
        throttle.end_refused(float(number), number + 0.01, None)
    assert throttle.per_second == LEAST_PER_SECOND


def test_a_refusal_while_little_is_asked_for_tells_no_limit_and_is_made_up_for_in_seconds() -> None:
    throttle = Throttle(5000.0)
    for start in (0, 60):
        throttle.begin(start)
        throttle.end_refused(start, start + 0.01, 1.0)
        assert throttle.per_second == LEAST_PER_SECOND
        for tenth in range(20, 200):
            throttle.begin(start + tenth / 10)
            throttle.end()
        assert throttle.per_second == 5000


def test_half_of_the_limit_is_left_at_once_and_taken_back_in_time() -> None:
    course = ask(Account(5000, 500), Throttle(None), 180, 1.0, changes={40.0: 2500.0, 80.0: 5000.0})
    assert course.per_second(20, 40) >= 0.9 * 5000
    assert course.per_second(60, 80) >= 0.85 * 2500
    assert course.per_second(140, 180) >= 0.9 * 5000
    assert course.refused_share <= 0.005


def test_without_a_refusal_there_is_no_pace() -> None:
    throttle = Throttle(None)
    for _ in range(1000):
        throttle.begin(1.0)
        throttle.end()
    assert throttle.per_second is None
    assert throttle.wait(1.0) == 0
