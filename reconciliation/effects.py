"""What a change does, as data: statements that are in the code by their names, with the values that they are given.

A statement is SQL, a conversation with an HTTP API, or a copy within a bucket. None ever comes out of a document: an
effect that names a statement which its repair does not have is refused.
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid5

from reconciliation.fields import Fields
from reconciliation.lookups import Lookup
from reconciliation.queries import HttpAnswer, HttpCall, SqlRows

Scalar = str | int | bool | None
"""A value that an effect can hold: one that JSON writes in one way only."""
Values = Mapping[str, Scalar]

_TRACES = UUID("5b0f7d0c-6d5e-5d3f-9a57-2f3d1f0a9d41")
"""The namespace of the ids that tell our own rows from those of anybody else."""


@dataclass(frozen=True)
class Effect:
    """One step of a change."""

    statement: str
    values: Values

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {"statement": self.statement, "values": dict(self.values)}

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        return cls(fields.text("statement"), scalars(fields, "values"))


class Once(NamedTuple):
    """Names one effect of one change of one repair, for ever: however often it is delivered, it is the same one."""

    repair: str
    change: int
    effect: int

    @property
    def name(self) -> str:
        """``0007-1``: the effect within its repair."""
        return f"{self.change:04}-{self.effect}"

    def id(self, row: str) -> str:
        """The UUID of a row that this effect writes: nobody else can have made it, and it cannot be written twice."""
        return str(uuid5(_TRACES, f"{self.repair}/{self.name}/{row}"))


class Guard(NamedTuple):
    """What must be so when the change is made: a column of the guards' statement, and what it means in words.

    ``moved``: if it is not so, somebody else has taken care of the subject meanwhile.
    """

    name: str
    means: str
    moved: bool = False


@dataclass(frozen=True, kw_only=True)
class GuardedSql:
    """One READ COMMITTED transaction: lock, then guard, then change.

    The ``locks`` come first, each a statement of its own, so that the guards see what a rival has committed while we
    waited: the snapshot of a statement is from before its wait. Then ``guarded``, one row with a boolean column for
    each of ``guards``, all of which must be true; then the ``writes``, each of which changes exactly one row; then
    ``left``, one JSON object of texts with what an undo needs (row tokens, ids). ``trace`` gives true if the effect was
    applied: it asks for a row that only this effect can have written, and runs after the locks. Null: nobody can tell.

    All take the values of the effect by their names, and besides ``deadline`` (a moment after which nothing may be
    changed any more) and the UUIDs ``trace_rows``, one for each name there.
    """

    name: str
    means: str
    locks: tuple[str, ...]
    guards: tuple[Guard, ...]
    guarded: str
    writes: tuple[str, ...]
    left: str
    trace: str
    trace_rows: tuple[str, ...]

    def values(self, effect: Effect, once: Once, deadline: datetime) -> dict[str, Any]:
        """Everything that the statements are given."""
        return {**effect.values, "deadline": deadline, **{row: once.id(row) for row in self.trace_rows}}


@dataclass(frozen=True, kw_only=True)
class GuardedCalls:
    """A conversation with an HTTP API that changes something there, once.

    Just before, what must be so is read again by the connections of the profile: ``guarded`` gives one row, a JSON
    object with a boolean for each of some ``guards`` (it is given the deadline, too), and ``unchanged`` says of the
    others by the results of ``lookups``. Then ``apply`` converses: it looks once more, changes under a key that is the
    effect's own for ever, looks again, and says how it ended, all within ``most_seconds``. ``happened`` finds by that
    key what the effect left, and takes the last look if that may be missing; None: nothing, and it was not applied.

    The ``HttpCall.changes`` of the conversation are safe to repeat, or are sent ``once``: if one of those has no answer
    that tells, its ``AuditError`` is thrown into the conversation, which reads again before it does anything more.
    """

    name: str
    means: str
    guards: tuple[Guard, ...]
    guarded: Callable[[Values, datetime], SqlRows]
    lookups: Callable[[Values], tuple[Lookup, ...]]
    unchanged: Callable[[Values, Sequence[Any]], Mapping[str, bool]]
    apply: Callable[[Values, Once], Generator[HttpCall, HttpAnswer, "Ended"]]
    happened: Callable[[Values, Once], Generator[HttpCall, HttpAnswer, Values | None]]
    most_seconds: int


@dataclass(frozen=True, kw_only=True)
class GuardedCopy:
    """Copies one object of a bucket to a key of the same bucket at which there is none, and proves the copy.

    ``setting`` names the connection that writes; the guards are read as those of ``GuardedCalls``. The values of an
    effect name the ``source``, its ``source_version``, its ``sha256`` and its ``bytes``, and the ``target``. What is
    read must be of that version; it is written only where there is nothing (a store that does not refuse a second
    write, which is proved first, is refused), and read back: it is a copy if its SHA-256 is the one that was planned.
    It leaves ``target``, ``version`` and ``sha256``. It was applied if the target holds just those bytes.
    """

    name: str
    means: str
    setting: str
    guards: tuple[Guard, ...]
    guarded: Callable[[Values, datetime], SqlRows]
    lookups: Callable[[Values], tuple[Lookup, ...]] = lambda _values: ()
    unchanged: Callable[[Values, Sequence[Any]], Mapping[str, bool]] = lambda _values, _results: {}
    most_seconds: int


@dataclass(frozen=True, kw_only=True)
class GuardedRemoval:
    """Deletes the copy that a ``GuardedCopy`` has made, as long as it is as it was left, and the original is there.

    The values of an effect are ``source`` and ``sha256``, with what the copy left. Nothing is deleted unless ``source``
    holds the same bytes at that moment, and the copy is still of its ``version``. It leaves what the copy left. It was
    applied if there is no copy.
    """

    name: str
    means: str
    setting: str
    guards: tuple[Guard, ...]
    guarded: Callable[[Values, datetime], SqlRows]
    lookups: Callable[[Values], tuple[Lookup, ...]] = lambda _values: ()
    unchanged: Callable[[Values, Sequence[Any]], Mapping[str, bool]] = lambda _values, _results: {}
    most_seconds: int


Statement = GuardedSql | GuardedCalls | GuardedCopy | GuardedRemoval


class Ending(StrEnum):
    """What became of an effect."""

    DONE = "done"
    ALREADY_DONE = "already_done"  # it had been applied before, and its ending had not been written
    SOMEONE_ELSE_MOVED = "someone_else_moved"  # nothing was changed: the subject is not as it was planned for any more
    REFUSED = "refused"  # nothing was changed: a guard, a condition or a right stood against it
    FAILED = "failed"  # nothing was changed: it broke off, and it is certain that it was not applied
    UNKNOWN = "unknown"  # nobody can tell: a person must look

    @property
    def is_applied(self) -> bool:
        """True if the effect is in the audited system."""
        return self in {Ending.DONE, Ending.ALREADY_DONE}

    @property
    def changed_nothing(self) -> bool:
        """True if it is certain that the effect is not in the audited system."""
        return self in {Ending.SOMEONE_ELSE_MOVED, Ending.REFUSED, Ending.FAILED}


@dataclass(frozen=True)
class Ended:
    """The ending of an effect: ``why`` in words, and what it ``left``, if it was applied."""

    ending: Ending
    why: str = ""
    left: Values = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {"ending": self.ending.value, "why": self.why, "left": dict(self.left)}

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Raises ``ValueError`` if it is not what ``to_json`` makes."""
        return cls(fields.word("ending", Ending), fields.text("why"), scalars(fields, "left"))


def code_of(why: str) -> str | None:
    """The word that a reason begins with, such as ``active_flow_runs: ...``, for whoever counts reasons; None if it
    begins with none.
    """
    word, colon, _ = why.partition(":")
    return word if colon and re.fullmatch("[a-z_]+", word) else None


def refusal(guards: Sequence[Guard], hold: Mapping[str, bool]) -> Ended | None:
    """The ending where not all guards hold; None if they do. A guard of which nothing is said does not hold."""
    broken = [guard for guard in guards if hold.get(guard.name) is not True]
    if not broken:
        return None
    ending = Ending.SOMEONE_ELSE_MOVED if any(guard.moved for guard in broken) else Ending.REFUSED
    return Ended(ending, "Not so any more: " + "; ".join(guard.means for guard in broken) + ".")


def scalars(fields: Fields, name: str) -> Values:
    """A member that holds values for statements. Raises ``ValueError`` for anything else in it."""
    members = fields.inner(name).members
    for member, value in members.items():
        if not isinstance(value, Scalar):
            raise ValueError(f"its {name}.{member} is not a text, a whole number, true, false or null")  # noqa: TRY004
    return dict(members)
