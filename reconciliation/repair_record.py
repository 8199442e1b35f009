"""repair.json: what the run store says of a repair as a whole; and decision.json, which binds a person to a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from reconciliation.fields import Fields
from reconciliation.policy import NamedPolicy
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import Named
from reconciliation.times import optional_text, to_text

SCHEMA_VERSION = 1
LONGEST_REASON = 500
DIGEST = r"^[0-9a-f]{64}$"


@dataclass(frozen=True)
class Chosen:
    """Which findings of an audit are to be repaired: these, those of these verdicts, or all that can be; at most
    ``most`` of them. What a policy has chosen copies at most ``most_bytes``.
    """

    findings: tuple[Named, ...] = ()
    verdicts: tuple[str, ...] = ()
    most: int = 0
    most_bytes: int | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "findings": [one._asdict() for one in self.findings],
            "verdicts": list(self.verdicts),
            "most": self.most,
            "most_bytes": self.most_bytes,
        }

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        named = fields.members.get("findings")
        if isinstance(named, list) and named and isinstance(named[0], str):
            # An earlier release kept ids alone; what it did stays readable.
            found = tuple(Named("", one) for one in fields.texts("findings"))
        else:
            found = tuple(Named(one.text("kind"), one.text("id")) for one in fields.objects("findings"))
        most_bytes = fields.optional("most_bytes", fields.whole)
        return cls(found, fields.texts("verdicts"), fields.whole("most"), most_bytes)


@dataclass(frozen=True)
class RepairRecord:
    """One repair, of the findings of an audit, or (``undoes``) of what an earlier repair has done.

    ``proposer`` is the seal of a person, or of the ``policy`` that it rests on. ``until`` is when a plan expires, or
    when a deferred repair goes on. ``counts`` are how its changes ended, ``verified`` how many of them were looked at
    again and what was found; both are complete once it has ended. ``etag`` is the run store's mark of the version that
    was read.
    """

    repair_id: str
    profile: str
    audit_id: str
    chosen: Chosen
    proposer: str
    state: RepairState
    created_at: datetime
    updated_at: datetime
    undoes: str | None = None
    policy: NamedPolicy | None = None
    digest: str | None = None
    until: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    resumes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    verified: Mapping[str, int] = field(default_factory=dict)
    etag: str = field(default="", compare=False, repr=False)

    @property
    def folder(self) -> str:
        """Where all of it is kept."""
        return f"{self.profile}/repairs/{self.repair_id}"

    def moved(self, state: RepairState, at: datetime, **changes: Any) -> Self:
        """The record in another state."""
        return replace(self, state=state, updated_at=at, ended_at=at if state.has_ended else None, **changes)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": self.state.has_ended,
            "id": self.repair_id,
            "profile": self.profile,
            "audit_id": self.audit_id,
            "chosen": self.chosen.to_json(),
            "proposer": self.proposer,
            "state": self.state.value,
            "created_at": to_text(self.created_at),
            "updated_at": to_text(self.updated_at),
            "undoes": self.undoes,
            "policy": None if self.policy is None else self.policy._asdict(),
            "digest": self.digest,
            "until": optional_text(self.until),
            "ended_at": optional_text(self.ended_at),
            "error": self.error,
            "resumes": self.resumes,
            "counts": dict(self.counts),
            "verified": dict(self.verified),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        return cls(
            repair_id=fields.text("id"),
            profile=fields.text("profile"),
            audit_id=fields.text("audit_id"),
            chosen=Chosen.from_json(fields.inner("chosen")),
            proposer=fields.text("proposer"),
            state=fields.word("state", RepairState),
            created_at=fields.moment("created_at"),
            updated_at=fields.moment("updated_at"),
            undoes=fields.optional("undoes", fields.text),
            policy=NamedPolicy.optional_in(fields),
            digest=fields.optional("digest", fields.text),
            until=fields.optional("until", fields.moment),
            ended_at=fields.optional("ended_at", fields.moment),
            error=fields.optional("error", fields.text),
            resumes=fields.whole("resumes"),
            counts=_numbers(fields.inner("counts")),
            verified=_numbers(fields.inner("verified")),
        )


@dataclass(frozen=True)
class Decision:
    """What a person decided about a plan: exactly the one whose digest it is. ``person`` is a seal."""

    approves: bool
    digest: str
    person: str
    reason: str
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "approves": self.approves,
            "digest": self.digest,
            "person": self.person,
            "reason": self.reason,
            "at": to_text(self.at),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        approves = fields.members.get("approves")
        if not isinstance(approves, bool):
            raise ValueError("its approves is not true or false")  # noqa: TRY004 - one kind of error
        return cls(approves, fields.text("digest"), fields.text("person"), fields.text("reason"), fields.moment("at"))


def _numbers(fields: Fields) -> dict[str, int]:
    return {name: fields.whole(name) for name in fields.members}
