"""What the ledger says of a repair."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.effects import Ended, Ending
from reconciliation.ledger import Counts, EffectEntries, Entry, Intended, Ledger
from reconciliation.repair_lifecycle import RepairState
from tests.reconciliation.repairs import AT, plan_of, planned


def entries(*endings: Ending) -> EffectEntries:
    intended = Intended("a" * 64, AT, AT + timedelta(seconds=60), "t")
    return EffectEntries(intended, tuple(Entry(AT, Ended(one, one.value, {one.value: "1"})) for one in endings))


def ledger(**effects: EffectEntries) -> Ledger:
    return Ledger({name.removeprefix("e").replace("_", "-"): of for name, of in effects.items()})


def test_entries_survive_as_json() -> None:
    intended = Intended("a" * 64, AT, AT + timedelta(seconds=60), "t")
    assert Intended.from_json(json.loads(json.dumps(intended.to_json()))) == intended
    entry = Entry(AT, Ended(Ending.DONE, "", {"token": "12"}))
    assert Entry.from_json(json.loads(json.dumps(entry.to_json()))) == entry


def test_a_change_is_done_when_all_of_its_effects_are() -> None:
    one, two = planned(effects=1), planned(effects=2)
    assert ledger().change(two) is None
    assert ledger(e0001_1=entries(Ending.DONE)).change(two) is None
    assert ledger(e0001_1=entries(), e0001_2=entries(Ending.DONE)).change(two) is None
    done = ledger(e0001_1=entries(Ending.DONE), e0001_2=entries(Ending.ALREADY_DONE)).change(two)
    assert done == Ended(Ending.ALREADY_DONE, "already_done", {"done": "1", "already_done": "1"})
    assert ledger(e0001_1=entries(Ending.DONE)).change(one) == Ended(Ending.DONE, left={"done": "1"})


def test_a_change_is_applied_since_the_last_of_its_effects_is() -> None:
    later = replace(entries(Ending.DONE), endings=(Entry(AT + timedelta(minutes=1), Ended(Ending.ALREADY_DONE)),))
    two = planned(effects=2)
    assert ledger(e0001_1=entries(Ending.DONE), e0001_2=later).applied_at(two) == AT + timedelta(minutes=1)
    assert ledger(e0001_1=entries(Ending.DONE)).applied_at(two) is None
    assert ledger(e0001_1=entries(Ending.DONE), e0001_2=entries(Ending.REFUSED)).applied_at(two) is None


@pytest.mark.parametrize("ending", [one for one in Ending if not one.is_applied])
def test_the_first_effect_that_was_not_applied_decides(ending: Ending) -> None:
    of = ledger(e0001_1=entries(Ending.DONE), e0001_2=entries(ending), e0001_3=entries(Ending.DONE))
    change = of.change(planned(effects=3))
    assert change is not None
    assert change.ending is ending


@pytest.mark.parametrize("first", Ending)
@pytest.mark.parametrize("second", Ending)
def test_endings_that_contradict_each_other_are_for_a_person(first: Ending, second: Ending) -> None:
    both = entries(first, second)
    assert both.ending is not None
    if Ending.UNKNOWN in {first, second}:
        # Nobody could tell at first, or for whoever came late.
        assert both.ending.ending is ({first, second} - {Ending.UNKNOWN} or {Ending.UNKNOWN}).pop()
    elif first.is_applied is second.is_applied:
        assert both.ending.ending is first
    else:
        assert both.ending.ending is Ending.UNKNOWN
        assert (first.value in both.ending.why, second.value in both.ending.why) == (True, True)


@given(st.lists(st.none() | st.sampled_from(Ending), max_size=8))
def test_the_counts_add_up_to_the_plan(endings: list[Ending | None]) -> None:
    plan = plan_of(changes=[planned(number) for number in range(1, len(endings) + 1)])
    written = {f"{number:04}-1": entries(one) for number, one in enumerate(endings, 1) if one}
    counts = Counts.of(plan, Ledger(written))
    assert counts.planned == len(endings) == sum(counts[1:])
    assert counts.done == sum(bool(one and one.is_applied) for one in endings)
    assert counts.open == endings.count(None)


def counted(**numbers: int) -> Counts:
    given = dict.fromkeys(Counts._fields, 0) | numbers
    return Counts(**given | {"planned": sum(given.values())})


@pytest.mark.parametrize(
    ("counts", "as_expected", "state"),
    [
        (counted(done=3), True, RepairState.APPLIED),
        (counted(done=3), False, RepairState.PARTLY_APPLIED),
        (counted(done=2, refused=1), True, RepairState.PARTLY_APPLIED),
        (counted(done=2, unknown=1), True, RepairState.PARTLY_APPLIED),
        (counted(unknown=1), True, RepairState.PARTLY_APPLIED),
        (counted(refused=2, moved=1, failed=1), True, RepairState.FAILED),
    ],
)
def test_what_became_of_a_repair(counts: Counts, as_expected: bool, state: RepairState) -> None:
    assert counts.outcome(as_expected=as_expected) is state
