"""Repairs as the service describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from auditctl.fields import Fields, printable
from auditctl.outcome import Outcome

WAITING: Final = frozenset({"proposing"})
DECIDABLE: Final = "proposed"
ACTIVE: Final = frozenset({"approved", "deferred", "applying", "interrupted", "stopping"})
_OUTCOMES: Final = {"applied": Outcome.CLEAN, "undone": Outcome.CLEAN, "rejected": Outcome.CLEAN}
_PARTLY: Final = frozenset({"partly_applied", "stopped"})


@dataclass(frozen=True)
class Change:
    """One change of a plan: what it does, the facts to decide by, and how it ended, if it has.

    ``left`` is what it left in the audited system, such as the id of a run.
    """

    number: int
    subject: str
    verdict: str
    says: str
    shown: Mapping[str, str]
    left_to_people: str
    ending: str | None
    why: str
    left: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What is to be approved."""

    environment: str
    expires_at: str
    changes: tuple[Change, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Repair:
    """One repair; what it does not have yet is None or empty."""

    id: str
    profile: str
    audit_id: str
    undoes: str | None
    state: str
    digest: str | None
    until: str | None
    error: str | None
    proposed_by: str | None
    counts: Mapping[str, int]
    plan: Plan | None

    @property
    def outcome(self) -> Outcome:
        """The outcome of a repair that has ended: everything was done, some of it, or nothing."""
        if self.state in _PARTLY or (self.state in {"expired", "failed"} and self.counts.get("done")):
            return Outcome.INCOMPLETE
        return _OUTCOMES.get(self.state, Outcome.FAILED)


def read_repair(fields: Fields) -> Repair:
    """Raises UnexpectedResponseError."""
    plan = fields.inner("plan") if fields.members.get("plan") is not None else None
    counts = fields.inner("counts")
    return Repair(
        id=fields.text("id"),
        profile=fields.text("profile"),
        audit_id=fields.text("audit_id"),
        undoes=fields.optional_text("undoes"),
        state=fields.text("state"),
        digest=fields.optional_text("digest"),
        until=fields.optional_text("until"),
        error=fields.optional_text("error"),
        proposed_by=fields.optional_text("proposed_by"),
        counts={printable(name): counts.whole(name) or 0 for name in counts.members},
        plan=None if plan is None else _plan(plan, fields),
    )


def _plan(plan: Fields, repair: Fields) -> Plan:
    endings = {one.whole("number"): one for one in repair.objects("ledger")}
    return Plan(
        environment=plan.inner("audited").text("environment"),
        expires_at=plan.text("expires_at"),
        changes=tuple(_change(one, endings.get(one.whole("number"))) for one in plan.objects("changes")),
        left_out=tuple((one.inner("subject").text("id"), one.text("why")) for one in plan.objects("left_out")),
        notes=plan.texts("notes"),
    )


def _change(change: Fields, ending: Fields | None) -> Change:
    shown = change.inner("shown").members
    return Change(
        number=change.whole("number") or 0,
        subject=change.inner("subject").text("id"),
        verdict=change.text("verdict"),
        says=change.text("says"),
        shown={printable(name): _shown(value) for name, value in shown.items()},
        left_to_people=change.optional_text("left_to_people") or "",
        ending=None if ending is None else ending.text("ending"),
        why="" if ending is None else ending.optional_text("why") or "",
        left={} if ending is None else _left(ending.inner("left")),
    )


def _left(fields: Fields) -> Mapping[str, str]:
    """Empty from an older service that does not tell."""
    return {printable(name): _shown(value) for name, value in fields.members.items() if value is not None}


def _shown(value: object) -> str:
    match value:
        case None:
            return "not known"
        case list():
            return "; ".join(map(_shown, value)) or "none"
        case dict():
            return ", ".join(f"{name} {_shown(member)}" for name, member in value.items())
        case _:
            return printable(str(value))
