"""Effects as data, and what becomes of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciliation.effects import Effect, Ended, Ending, Guard, GuardedSql, Once, refusal
from reconciliation.fields import Fields

ONCE = Once("20260131-093000-1a2b3c4d", 7, 1)
STATEMENT = GuardedSql(
    name="do",
    means="does it",
    locks=("lock",),
    guards=(Guard("a", "a holds"), Guard("b", "b holds", moved=True)),
    guarded="guarded",
    writes=("write",),
    left="left",
    trace="trace",
    trace_rows=("audit_one", "audit_two"),
)


def test_an_effect_survives_as_json() -> None:
    effect = Effect("do", {"id": "x", "count": 3, "is": True, "none": None})
    assert Effect.from_json(Fields.of(effect.to_json())) == effect


@pytest.mark.parametrize("value", [1.5, [], {}, {"a": 1}])
def test_a_value_that_no_statement_takes_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"values\.id is not a text"):
        Effect.from_json(Fields.of({"statement": "do", "values": {"id": value}}))


def test_the_ids_of_its_rows_are_its_own() -> None:
    ids = {
        once.id(row)
        for once in (ONCE, ONCE._replace(effect=2), ONCE._replace(change=8), ONCE._replace(repair="another"))
        for row in ("audit_one", "audit_two")
    }
    assert len(ids) == 8
    assert ONCE.id("audit_one") == Once("20260131-093000-1a2b3c4d", 7, 1).id("audit_one")
    assert ONCE.name == "0007-1"


def test_a_statement_is_given_the_values_its_deadline_and_its_ids() -> None:
    deadline = datetime(2026, 1, 31, tzinfo=UTC)
    assert STATEMENT.values(Effect("do", {"id": "x"}), ONCE, deadline) == {
        "id": "x",
        "deadline": deadline,
        "audit_one": ONCE.id("audit_one"),
        "audit_two": ONCE.id("audit_two"),
    }


@pytest.mark.parametrize(
    ("hold", "ending"),
    [
        ({"a": True, "b": True}, None),
        ({"a": False, "b": True}, Ending.REFUSED),
        ({"a": True, "b": False}, Ending.SOMEONE_ELSE_MOVED),
        ({"a": False, "b": False}, Ending.SOMEONE_ELSE_MOVED),
        ({"a": None, "b": True}, Ending.REFUSED),
        ({"a": True}, Ending.SOMEONE_ELSE_MOVED),
        ({}, Ending.SOMEONE_ELSE_MOVED),
    ],
)
def test_only_guards_that_are_known_to_hold_let_a_change_through(hold: dict[str, Any], ending: Ending | None) -> None:
    refused = refusal(STATEMENT.guards, hold)
    assert (refused and refused.ending) == ending
    if refused:
        assert [guard.means in refused.why for guard in STATEMENT.guards] == [
            hold.get(guard.name) is not True for guard in STATEMENT.guards
        ]


@pytest.mark.parametrize("ending", Ending)
def test_an_ending_survives_as_json(ending: Ending) -> None:
    ended = Ended(ending, "why", {"token": "12"})
    assert Ended.from_json(Fields.of(ended.to_json())) == ended
    assert ending.is_applied is (ending in {Ending.DONE, Ending.ALREADY_DONE})
