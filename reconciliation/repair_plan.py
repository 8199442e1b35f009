"""The plan of a repair: everything that is approved, in one document whose bytes have a digest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from reconciliation.canonical import canonical, digest_of
from reconciliation.effects import Effect, Once, Scalar, scalars
from reconciliation.fields import Fields
from reconciliation.policy import NamedPolicy
from reconciliation.repair import Change
from reconciliation.times import optional_text, to_text

SCHEMA_VERSION = 1


class Named(NamedTuple):
    """A subject of a kind, by its id."""

    kind: str
    id: str


@dataclass(frozen=True)
class PlannedChange:
    """A change of a plan: which subject, its verdict when it was planned, and the repair that does it."""

    number: int
    subject: Named
    verdict: str
    repair: str
    change: Change

    def once(self, repair_id: str) -> list[Once]:
        """The names of its effects, in order, for ever."""
        return [Once(repair_id, self.number, effect) for effect in range(1, len(self.change.do) + 1)]

    @property
    def effect_names(self) -> list[str]:
        """The names of its effects within the repair, in order."""
        return [once.name for once in self.once("")]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        change = self.change
        return {
            "number": self.number,
            "subject": self.subject._asdict(),
            "verdict": self.verdict,
            "repair": self.repair,
            "says": change.says,
            "shown": change.shown,
            "seen": dict(change.seen),
            "do": [effect.to_json() for effect in change.do],
            "undo": None if change.undo is None else change.undo.to_json(),
            "left_to_people": change.left_to_people,
            "waiting_since": optional_text(change.waiting_since),
            "copies_bytes": change.copies_bytes,
        }

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        subject, undo = fields.inner("subject"), fields.optional("undo", fields.inner)
        change = Change(
            says=fields.text("says"),
            seen=scalars(fields, "seen"),
            do=tuple(map(Effect.from_json, fields.objects("do"))),
            shown=fields.inner("shown").members,
            undo=None if undo is None else Effect.from_json(undo),
            left_to_people=fields.text("left_to_people"),
            waiting_since=fields.optional("waiting_since", fields.moment),
            # Earlier releases knew none that copies anything.
            copies_bytes=fields.optional("copies_bytes", fields.whole) or 0,
        )
        named = Named(subject.text("kind"), subject.text("id"))
        return cls(fields.whole("number"), named, fields.text("verdict"), fields.text("repair"), change)

    def differs_from(self, now: "PlannedChange") -> list[str]:
        """In what the change that would be planned now is another one; empty if it is this one.

        What is only shown may differ: it decides nothing.
        """
        before, after = self.change, now.change
        differing = [name for name, value in before.seen.items() if after.seen.get(name, ...) != value]
        differing += [name for name in after.seen if name not in before.seen]
        if self.verdict != now.verdict:
            differing.insert(0, "verdict")
        if (self.repair, before.do, before.undo) != (now.repair, after.do, after.undo):
            differing.append("effects")
        if before.copies_bytes != after.copies_bytes:
            differing.append("copies_bytes")
        return differing


class LeftOut(NamedTuple):
    """A subject that was chosen and is not in the plan, and why. ``for_now``: it may be another time, since not
    everything could be read just now, or no more changes were asked for.
    """

    subject: Named
    verdict: str
    why: str
    for_now: bool = False


@dataclass(frozen=True, kw_only=True)
class RepairPlan:
    """What is approved, as a whole.

    ``audited`` names environment, storage accounts and databases; ``identities`` are what the databases say of
    themselves, by setting: a copy of an environment has other ones. ``proposer`` is the seal of a person. ``notes`` are
    what an approver must know of the plan as a whole, ``undoes`` is the repair that this one takes back. ``policy`` is
    what it rests on where no person proposed it.
    """

    repair_id: str
    profile: str
    audit_id: str
    audited: Mapping[str, Any]
    identities: Mapping[str, Scalar]
    release: str
    proposer: str
    proposed_at: datetime
    expires_at: datetime
    changes: Sequence[PlannedChange]
    left_out: Sequence[LeftOut] = ()
    notes: Sequence[str] = ()
    undoes: str | None = None
    policy: NamedPolicy | None = None
    guards: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The plan as JSON; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "id": self.repair_id,
            "profile": self.profile,
            "audit_id": self.audit_id,
            "undoes": self.undoes,
            "policy": None if self.policy is None else self.policy._asdict(),
            "audited": self.audited,
            "identities": dict(self.identities),
            "release": self.release,
            "proposer": self.proposer,
            "proposed_at": to_text(self.proposed_at),
            "expires_at": to_text(self.expires_at),
            "changes": [change.to_json() for change in self.changes],
            "left_out": [
                {"subject": one.subject._asdict(), "verdict": one.verdict, "why": one.why} for one in self.left_out
            ],
            "notes": list(self.notes),
            "guards": {name: list(guards) for name, guards in self.guards.items()},
        }

    def data(self) -> bytes:
        """The bytes that are kept, and whose digest is approved."""
        return canonical(self.document())

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if it is not what ``data`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        guards = fields.inner("guards")
        return cls(
            repair_id=fields.text("id"),
            profile=fields.text("profile"),
            audit_id=fields.text("audit_id"),
            undoes=fields.optional("undoes", fields.text),
            policy=NamedPolicy.optional_in(fields),
            audited=fields.inner("audited").members,
            identities=scalars(fields, "identities"),
            release=fields.text("release"),
            proposer=fields.text("proposer"),
            proposed_at=fields.moment("proposed_at"),
            expires_at=fields.moment("expires_at"),
            changes=[PlannedChange.from_json(one) for one in fields.objects("changes")],
            left_out=[_left_out(one) for one in fields.objects("left_out")],
            notes=fields.texts("notes"),
            guards={name: guards.texts(name) for name in guards.members},
        )

    @property
    def digest(self) -> str:
        """What an approval names."""
        return digest_of(self.data())


def _left_out(fields: Fields) -> LeftOut:
    subject = fields.inner("subject")
    named = Named(subject.text("kind"), subject.text("id"))
    return LeftOut(named, fields.text("verdict"), fields.text("why"))
