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
@pytest.mark.parametrize("now", [State.QUEUED, State.RUNNING])
def test_an_audit_may_end_in_every_way_from_wherever_it_stands(now: State, ended: State) -> None:
    assert may_become(now, ended)


@pytest.mark.parametrize("now", [State.QUEUED, State.RUNNING])
def test_an_audit_that_broke_off_is_begun_again(now: State) -> None:
    assert may_become(now, State.QUEUED)


@pytest.mark.parametrize("now", list(State))
def test_interrupted_is_seen_and_never_written(now: State) -> None:
    assert not may_become(now, State.INTERRUPTED)
    assert not may_become(State.INTERRUPTED, now)
