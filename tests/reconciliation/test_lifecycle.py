import pytest

from reconciliation.lifecycle import ENDED, State, may_become

ALIVE = {State.QUEUED, State.RUNNING, State.INTERRUPTED}


def test_a_state_has_ended_or_can_be_worked_on() -> None:
    assert {state for state in State if not state.has_ended} == ALIVE
    assert ALIVE.isdisjoint(ENDED)
    assert set(State) == ALIVE | ENDED


@pytest.mark.parametrize("ended", sorted(ENDED))
def test_the_first_end_stays(ended: State) -> None:
    assert not any(may_become(ended, then) for then in State)


@pytest.mark.parametrize("ended", sorted(ENDED))
@pytest.mark.parametrize("now", [State.QUEUED, State.RUNNING])
def test_an_audit_may_end_in_every_way_from_wherever_it_stands(now: State, ended: State) -> None:
    assert may_become(now, ended)


def test_an_audit_never_goes_back() -> None:
    assert may_become(State.QUEUED, State.RUNNING)
    assert not may_become(State.RUNNING, State.QUEUED)


@pytest.mark.parametrize("now", list(State))
def test_interrupted_is_seen_and_never_written(now: State) -> None:
    assert not may_become(now, State.INTERRUPTED)
    assert not may_become(State.INTERRUPTED, now)
