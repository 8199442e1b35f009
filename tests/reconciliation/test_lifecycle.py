import pytest

from reconciliation.lifecycle import ENDED, State, may_become

ALIVE = {State.QUEUED, State.RUNNING, State.INTERRUPTED}


def test_a_state_has_ended_or_can_be_worked_on() -> None:
    assert {state for state in State if not state.has_ended} == ALIVE
    assert ALIVE.isdisjoint(ENDED)
    assert set(State) == ALIVE | ENDED


@pytest.mark.parametrize("ended", sorted(ENDED))
def test_the_first_end_stays(ended: State) -> None:
    assert not any(may_become(ended, then) for then in ENDED | {State.RUNNING})


def test_only_what_failed_or_has_gaps_is_begun_again() -> None:
    assert {state for state in ENDED if may_become(state, State.QUEUED)} == {State.FAILED, State.INCOMPLETE}


@pytest.mark.parametrize("ended", sorted(ENDED))
def test_an_audit_may_end_in_every_way(ended: State) -> None:
    assert may_become(State.QUEUED, ended)


def test_an_audit_that_broke_off_is_begun_again() -> None:
    assert may_become(State.QUEUED, State.QUEUED)


@pytest.mark.parametrize("seen", [State.RUNNING, State.INTERRUPTED])
@pytest.mark.parametrize("now", list(State))
def test_whether_somebody_works_on_it_is_seen_and_never_written(now: State, seen: State) -> None:
    assert not may_become(now, seen)
    assert not may_become(seen, now)
