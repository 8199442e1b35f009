"""Approval by policy: what is repaired without a person, how much of it, and what pauses it.

A policy is explicit: the settings of an app name the repairs that it may approve. Whatever stands in its way, it does
less, never more: it pauses itself where its runs break, and only a person lets it go on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from reconciliation.fields import Fields
from reconciliation.people import Person, Sealed
from reconciliation.times import optional_text, to_text

SCHEMA_VERSION = 1
HOUR = timedelta(hours=1)
NEXT_TRY = timedelta(days=1)
"""A subject for which no change could be planned is left alone for so long: nothing has to happen to it meanwhile."""
LAST = 10
"""Of so many changes that a policy has made, the last ones, it is asked what became of them."""
OLDEST = timedelta(days=30)
"""What a policy has made before tells nothing about now."""
MOST_WAITING = 2000
NAME = "policy"
"""What a policy is called where a person's name would stand; no person may declare it."""


@dataclass(frozen=True)
class Policy:
    """What the settings of a profile approve in advance: these ``repairs``, at most ``most`` changes by one audit, and
    ``most_per_hour``. ``setting`` and ``value`` are the app setting that says so, and its text. ``most_bytes`` is how
    much its changes copy within an hour, and so by one audit; None: it approves no change that copies anything.
    """

    profile: str
    setting: str
    value: str
    repairs: tuple[str, ...]
    most: int
    most_per_hour: int
    most_bytes: int | None = None

    @property
    def text(self) -> str:
        """The policy in a sentence, for plans and for whoever reads them."""
        copying = "" if self.most_bytes is None else f", which copy at most {self.most_bytes:,} bytes within an hour"
        return (
            f"{' and '.join(self.repairs)} of what a scheduled audit finds, without a person: at most {self.most} "
            f"changes by one audit and {self.most_per_hour} within an hour{copying}."
        )

    @property
    def person(self) -> Person:
        """Who acts where a person would."""
        return Person(f"{NAME}:{self.profile}", NAME, is_verified=False)

    def named(self) -> "NamedPolicy":
        """What plans and records keep of it."""
        return NamedPolicy(self.setting, self.value, self.text)


class NamedPolicy(NamedTuple):
    """The policy that a plan rests on: its app setting, the text of that, and what it says."""

    setting: str
    value: str
    text: str

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Raises ``ValueError`` if it is not the object of these members."""
        return cls(fields.text("setting"), fields.text("value"), fields.text("text"))

    @classmethod
    def optional_in(cls, fields: Fields) -> Self | None:
        """That of the member ``policy`` of a record or a plan; None where a person proposed it."""
        policy = fields.optional("policy", fields.inner)
        return None if policy is None else cls.from_json(policy)


def still_allowed(policy: Policy, begun: Iterable[datetime], now: datetime) -> int:
    """How many changes a policy may begin now, by when it began others (in any order)."""
    return max(0, min(policy.most, policy.most_per_hour - within_hour(begun, now)))


def within_hour(begun: Iterable[datetime], now: datetime) -> int:
    """How many of these changes were begun within the last hour."""
    return sum(now - moment < HOUR for moment in begun)


def bytes_within_hour(begun: Iterable[tuple[datetime, int]], now: datetime) -> int:
    """How much these changes copy, given as when each was begun and its bytes, that were begun within the last hour."""
    return sum(copied for moment, copied in begun if now - moment < HOUR)


def bytes_left(policy: Policy, begun: Iterable[tuple[datetime, int]], now: datetime) -> int | None:
    """How much a policy may copy now, by what it began before; None if it approves no change that copies anything."""
    return None if policy.most_bytes is None else max(0, policy.most_bytes - bytes_within_hour(begun, now))


@dataclass(frozen=True)
class PolicyState:
    """Where the policy of a profile is: whether it has paused itself, when a person last let it go on, and which
    subjects wait for their next try (by id, since when).
    """

    paused_at: datetime | None = None
    why: str = ""
    resumed_at: datetime | None = None
    resumed_by: Sealed | None = None
    reason: str = ""
    waiting: Mapping[str, datetime] = field(default_factory=dict)

    def paused(self, why: str, at: datetime) -> Self:
        """It paused itself; the first reason stays until a person lets it go on."""
        return self if self.paused_at is not None else replace(self, paused_at=at, why=why)

    def resumed(self, by: Sealed, reason: str, at: datetime) -> Self:
        """A person lets it go on: what its runs did before does not count any more."""
        return replace(self, paused_at=None, why="", resumed_at=at, resumed_by=by, reason=reason)

    def left_alone(self, subjects: Iterable[str], at: datetime) -> Self:
        """With these subjects waiting from now on, and without those whose time has come; the newest are kept."""
        waiting = {one: since for one, since in self.waiting.items() if at - since < NEXT_TRY}
        waiting |= dict.fromkeys(subjects, at)
        newest = sorted(waiting.items(), key=lambda item: item[1], reverse=True)[:MOST_WAITING]
        return replace(self, waiting=dict(newest))

    def is_waiting(self, subject: str, now: datetime) -> bool:
        """True if the next try of a subject is still to come."""
        since = self.waiting.get(subject)
        return since is not None and now - since < NEXT_TRY

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "paused_at": optional_text(self.paused_at),
            "why": self.why,
            "resumed_at": optional_text(self.resumed_at),
            "resumed_by": None if self.resumed_by is None else self.resumed_by.to_json(),
            "reason": self.reason,
            "waiting": {one: to_text(since) for one, since in self.waiting.items()},
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        waiting = fields.inner("waiting")
        return cls(
            paused_at=fields.optional("paused_at", fields.moment),
            why=fields.text("why"),
            resumed_at=fields.optional("resumed_at", fields.moment),
            resumed_by=None
            if fields.members.get("resumed_by") is None
            else Sealed.from_json(fields.members["resumed_by"]),
            reason=fields.text("reason"),
            waiting={one: waiting.moment(one) for one in waiting.members},
        )
