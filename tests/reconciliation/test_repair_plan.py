"""The document that is approved."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciliation.canonical import digest_of
from reconciliation.effects import Effect
from reconciliation.repair_plan import RepairPlan
from tests.reconciliation.repairs import AT, plan_of, planned


def test_a_plan_survives_and_its_digest_is_of_its_bytes() -> None:
    plan = plan_of(planned(1, copies_bytes=5), planned(2, effects=2, undo=None))
    again = RepairPlan.from_json(json.loads(plan.data()))
    assert again.data() == plan.data()
    assert plan.digest == digest_of(plan.data()) == again.digest
    assert again.changes == list(plan.changes)


@pytest.mark.parametrize(
    "change",
    [
        {"repair_id": "20260131-093000-1a2b3c4e"},
        {"profile": "others"},
        {"audit_id": "20260131-090000-1a2b3c4e"},
        {"audited": {"environment": "staging"}},
        {"identities": {"DATABASE": "8/d"}},
        {"release": "0.2.0"},
        {"proposer": "b" * 64},
        {"proposed_at": AT + timedelta(seconds=1)},
        {"expires_at": AT},
        {"left_out": ()},
        {"notes": ()},
        {"guards": {}},
        {"undoes": "20260131-080000-1a2b3c4d"},
        {"changes": ()},
        {"changes": (planned(says="Do something else."),)},
        {"changes": (planned(shown={}),)},
        {"changes": (planned(left_to_people=""),)},
        {"changes": (planned(number=2),)},
        {"changes": (planned(copies_bytes=1),)},
    ],
)
def test_the_digest_covers_all_of_it(change: dict[str, Any]) -> None:
    assert replace(plan_of(), **change).digest != plan_of().digest


@pytest.mark.parametrize(
    ("now", "differs"),
    [
        (planned(), []),
        (planned(shown={"files": []}, says="In other words.", left_to_people=""), []),
        (planned(seen={"token": "13", "status": "FAILURE"}), ["token"]),
        (planned(seen={"token": "12"}), ["status"]),
        (planned(seen={"token": "12", "status": "FAILURE", "more": 1}), ["more"]),
        (planned(seen={"token": "12", "status": None}), ["status"]),
        (planned(verdict="fine"), ["verdict"]),
        (planned(do=(Effect("do", {"id": "other"}),)), ["effects"]),
        (planned(undo=None), ["effects"]),
        (planned(repair="other"), ["effects"]),
        (planned(copies_bytes=7), ["copies_bytes"]),
    ],
)
def test_a_change_that_would_be_another_one_now_is_told_by_what_differs(now: Any, differs: list[str]) -> None:
    assert planned().differs_from(now) == differs


def test_a_plan_of_an_earlier_release_copies_nothing() -> None:
    value = json.loads(plan_of().data())
    del value["changes"][0]["copies_bytes"]
    assert [one.change.copies_bytes for one in RepairPlan.from_json(value).changes] == [0]


@pytest.mark.parametrize("wrong", [-1, 1.5, "7", True])
def test_how_much_is_copied_is_a_whole_number(wrong: object) -> None:
    value = json.loads(plan_of().data())
    value["changes"][0]["copies_bytes"] = wrong
    with pytest.raises(ValueError, match="copies_bytes"):
        RepairPlan.from_json(value)


@pytest.mark.parametrize("member", list(json.loads(plan_of().data())))
def test_a_plan_without_a_member_is_not_understood(member: str) -> None:
    value = json.loads(plan_of().data())
    del value[member]
    if member in {"undoes", "policy", "complete"}:  # plans of earlier releases know of no policy
        RepairPlan.from_json(value)
        return
    with pytest.raises(ValueError, match=r"its"):
        RepairPlan.from_json(value)
