"""The moves of a repair."""

from itertools import product

from reconciliation.repair_lifecycle import ACTIVE, ALLOWED_FROM, ENDED, RepairState, may_become

S = RepairState
DERIVED = {S.INTERRUPTED, S.STOPPING}


def test_what_is_derived_is_never_written() -> None:
    assert not [(now, then) for now, then in product(S, DERIVED) if may_become(now, then)]
    assert not DERIVED & ALLOWED_FROM.keys()


def test_an_ending_stays_unless_it_is_taken_back() -> None:
    for now, then in product(ENDED, S):
        assert may_become(now, then) is (then is S.UNDONE and now not in {S.REJECTED, S.UNDONE}), (now, then)


def test_nothing_is_changed_without_an_approval() -> None:
    before = {S.PROPOSING, S.PROPOSED, S.REJECTED}
    working = {S.APPLYING, S.DEFERRED, S.APPLIED, S.PARTLY_APPLIED, S.STOPPED}
    assert not [(now, then) for now, then in product(before, working) if may_become(now, then)]
    assert [now for now in S if may_become(now, S.APPROVED)] == [S.PROPOSED, S.APPROVED]


def test_every_state_is_waiting_active_or_ended() -> None:
    assert {S.PROPOSING, S.PROPOSED} | ACTIVE | ENDED == set(S)
    assert not ACTIVE & ENDED
    assert all(state.has_ended is (state in ENDED) and state.may_change is (state in ACTIVE) for state in S)


def test_every_state_that_is_written_can_be_reached() -> None:
    reached = {S.PROPOSING}
    while more := {then for now, then in product(reached, S) if may_become(now, then)} - reached:
        reached |= more
    assert reached == set(S) - DERIVED
