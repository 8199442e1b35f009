"""The ledger of a repair: what was intended and how it ended, one entry before and one after each effect.

Entries are only ever added. A second ending that says something else is kept beside the first, and shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from reconciliation.effects import Ended, Ending
from reconciliation.fields import Fields
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import PlannedChange, RepairPlan
from reconciliation.times import to_text

SCHEMA_VERSION = 1


class Intended(NamedTuple):
    """What is about to be done, written before it is: of which plan, from when on, and until when at the latest.
    ``token`` tells whoever wrote it from everybody else.
    """

    digest: str
    at: datetime
    deadline: datetime
    token: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "digest": self.digest,
            "at": to_text(self.at),
            "deadline": to_text(self.deadline),
            "token": self.token,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        return cls(fields.text("digest"), fields.moment("at"), fields.moment("deadline"), fields.text("token"))


class Entry(NamedTuple):
    """An ending, and when it was written."""

    at: datetime
    ended: Ended

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {"schema_version": SCHEMA_VERSION, "complete": True, "at": to_text(self.at), **self.ended.to_json()}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        return cls(fields.moment("at"), Ended.from_json(fields))


@dataclass(frozen=True)
class EffectEntries:
    """All that the ledger holds of one effect."""

    intended: Intended | None = None
    endings: tuple[Entry, ...] = ()

    @property
    def ending(self) -> Ended | None:
        """How it ended, by all that was written of it: if its endings contradict each other, nobody can tell."""
        if not self.endings:
            return None
        # That nobody could tell at first contradicts nothing that was found out later.
        told = [entry.ended for entry in self.endings if entry.ended.ending is not Ending.UNKNOWN]
        if len({one.ending.is_applied for one in told}) <= 1:
            return told[0] if told else self.endings[0].ended
        words = " and ".join(dict.fromkeys(entry.ended.ending.value for entry in self.endings))
        return Ended(Ending.UNKNOWN, f"Its endings contradict each other: {words}. Look at the row itself.")

    def to_json(self) -> dict[str, Any]:
        """A JSON object with all that was written."""
        intended = None if self.intended is None else self.intended.to_json()
        return {"intended": intended, "endings": [entry.to_json() for entry in self.endings]}


@dataclass(frozen=True)
class Ledger:
    """The entries of a repair by the names of its effects (``0007-1``)."""

    effects: Mapping[str, EffectEntries] = field(default_factory=dict)

    def of(self, name: str) -> EffectEntries:
        """What is known of one effect; nothing, if it was not begun."""
        return self.effects.get(name, EffectEntries())

    def with_entries(self, name: str, entries: EffectEntries) -> "Ledger":
        """With what is known of one effect by now."""
        return Ledger({**self.effects, name: entries})

    def change(self, one: PlannedChange) -> Ended | None:
        """How a change ended, by its effects; None if it did not. The first that was not applied decides."""
        left: dict[str, Any] = {}
        applied = Ended(Ending.DONE)
        for name in one.effect_names:
            ended = self.of(name).ending
            if ended is None or not ended.ending.is_applied:
                return ended
            left |= ended.left
            if ended.ending is Ending.ALREADY_DONE:
                applied = ended
        return replace(applied, left=left)

    def applied_at(self, one: PlannedChange) -> datetime | None:
        """When it was first written that a change is applied; None if it is not."""
        ended = self.change(one)
        if ended is None or not ended.ending.is_applied:
            return None
        return max((self.of(name).endings[0].at for name in one.effect_names), default=None)


class Counts(NamedTuple):
    """How many changes ended how; ``open`` have not. They add up to the changes of the plan."""

    planned: int
    done: int
    moved: int
    refused: int
    failed: int
    unknown: int
    open: int

    @classmethod
    def of(cls, plan: RepairPlan, ledger: Ledger) -> Self:
        """Of a plan and its ledger. Raises ``AssertionError`` if they do not add up."""
        endings = [ledger.change(one) for one in plan.changes]
        words = [None if ended is None else ended.ending for ended in endings]
        counts = cls(
            planned=len(words),
            done=sum(word is not None and word.is_applied for word in words),
            moved=words.count(Ending.SOMEONE_ELSE_MOVED),
            refused=words.count(Ending.REFUSED),
            failed=words.count(Ending.FAILED),
            unknown=words.count(Ending.UNKNOWN),
            open=words.count(None),
        )
        assert counts.planned == sum(counts[1:]), counts
        return counts

    def outcome(self, *, as_expected: bool = True) -> RepairState:
        """What a repair is whose changes have all ended. ``as_expected``: every change that was done was found to be
        what it should be when it was looked at again.
        """
        if not self.done and not self.unknown:
            return RepairState.FAILED
        whole = self.done == self.planned and as_expected
        return RepairState.APPLIED if whole else RepairState.PARTLY_APPLIED
