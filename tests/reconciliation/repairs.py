"""Plans and ledgers to test with."""

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciliation.effects import Effect
from reconciliation.repair import Change
from reconciliation.repair_plan import LeftOut, Named, PlannedChange, RepairPlan

AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def planned(number: int = 1, effects: int = 1, **changes: Any) -> PlannedChange:
    """A change; ``changes`` of its own members, or of those of its ``Change``."""
    of_change = {name: value for name, value in changes.items() if name in Change.__dataclass_fields__}
    change: dict[str, Any] = {
        "says": "Do it.",
        "seen": {"token": "12", "status": "FAILURE"},
        "do": tuple(Effect("do", {"id": f"{number}-{effect}"}) for effect in range(1, effects + 1)),
        "shown": {"files": [{"name": "a", "bytes": 1}]},
        "undo": Effect("undo", {"id": str(number)}),
        "left_to_people": "Look.",
    }
    given: dict[str, Any] = {
        "number": number,
        "subject": Named("thing", f"id-{number}"),
        "verdict": "broken",
        "repair": "mend",
    }
    given |= {name: value for name, value in changes.items() if name not in of_change}
    return PlannedChange(**given, change=Change(**change | of_change))


def plan_of(*changes: PlannedChange, **members: Any) -> RepairPlan:
    """A plan with these changes."""
    given: dict[str, Any] = {
        "repair_id": "20260131-093000-1a2b3c4d",
        "profile": "things",
        "audit_id": "20260131-090000-1a2b3c4d",
        "audited": {"environment": "test", "database": {"host": "h", "name": "d"}},
        "identities": {"DATABASE": "7/d"},
        "release": "0.1.0",
        "proposer": "a" * 64,
        "proposed_at": AT,
        "expires_at": AT + timedelta(days=1),
        "changes": changes or (planned(),),
        "left_out": (LeftOut(Named("thing", "id-9"), "odd", "It cannot be mended."),),
        "notes": ("Look.",),
        "guards": {"do": ("it is so",)},
    }
    return RepairPlan(**given | members)
