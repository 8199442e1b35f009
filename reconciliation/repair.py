"""What a profile declares about repairing: which verdict is mended by what, under which guards.

As everywhere, a profile does no I/O: it makes a ``Change`` of what was read, or says in a sentence why there is none.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, NamedTuple

from reconciliation.closed_hours import ClosedHours
from reconciliation.effects import Effect, GuardedCopy, GuardedRemoval, Scalar, Statement, Values
from reconciliation.lookups import Lookup
from reconciliation.queries import HttpAnswer, HttpCall, SqlRows
from reconciliation.rules import FactsT

GONE = "gone"
"""What ``Repair.expects`` calls a subject that is not judged any more, where everything was read."""
MOST_CHANGES = 500
"""As many changes as one repair can have."""


class ForNow(str):
    """Why there is no change, where there may be one in a moment: a policy tries it again with the next audit."""

    __slots__ = ()


class Repairable(NamedTuple, Generic[FactsT]):
    """A subject as it was judged just now, with what was read for its repair.

    ``results`` are what the look-ups gave, in their order: an ``Unread`` where one could not be had. ``row`` is what
    ``Repair.rows`` gave of it, None if nothing. ``all_read``: all units there are were read, so that what was not found
    is not there. ``earlier`` is what an earlier repair of it has left (see ``Repair.in_two_steps``), empty if none has.
    """

    id: str
    verdict: str
    facts: FactsT
    results: Sequence[Any]
    row: Any
    all_read: bool
    earlier: Values = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Change:
    """One intended alteration of the audited system.

    ``says`` tells an approver in words what is done, ``shown`` holds the facts to decide by. ``seen`` is what must
    still be so when it is made: a change that would be planned otherwise by then is refused. ``do`` are its effects in
    order; ``undo`` the statement that takes it back, to which what the effects left is added; None: it cannot be taken
    back. ``left_to_people`` is what code does not do. ``waiting_since`` is when the subject came to be, where that is
    known: it tells how long it took until it was mended. ``copies_bytes`` is how much it copies.
    """

    says: str
    seen: Mapping[str, Scalar]
    do: tuple[Effect, ...]
    shown: Mapping[str, Any] = field(default_factory=dict)
    undo: Effect | None = None
    left_to_people: str = ""
    waiting_since: datetime | None = None
    copies_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Repair(Generic[FactsT]):
    """A way to mend subjects of one ``kind``: those whose verdict comes of a rule that names this repair.

    ``setting`` names the connection that changes are made by: another one than rows are read by, with the rights for
    just these ``statements``. A copy within a bucket names its own. Without those that it needs a plan can be made, and
    nothing is applied. ``rows`` reads of many subjects
    what their rows in the audit do not hold, each an array that begins with its id, of which ``row`` makes what
    ``change`` is given. ``lookups``, by the facts and that row, are looked up of each just before its change is made,
    as they are when it is planned. ``change`` makes the change, or says why there is none.

    ``use`` reads how subjects are used by now, each an array of its id and an object: what an approver must know of an
    undo.

    ``expects`` are the verdicts of a subject that was mended. ``two_persons``: whoever proposes cannot approve, unless
    a setting allows it. ``by_policy``: a setting may approve it in advance, within limits; but not of a subject with
    one of the verdicts ``asks_first``, about which somebody must be asked, nor where ``for_people`` says by the facts
    why a person must look (None: nobody need). ``by_bytes``: its changes copy something, so that such a policy limits
    how many bytes, too, and mends first what is due first. ``brake`` asks the API, by what the last changes of such a
    policy have left (newest first), why it should not go on without a person; None: nothing stands against it.
    ``has_rivals``: others do the same all the time, so that it stops a repair as little as it is a failure if they were
    faster. ``in_two_steps``: what one change of a subject leaves is given to the next one that is planned of it, in
    another plan. ``closed`` are the hours in which nothing is changed; ``zone`` is that of the people who approve, by
    its name in the IANA database.
    """

    name: str
    means: str
    kind: str
    setting: str
    statements: tuple[Statement, ...]
    lookups: Callable[[FactsT, Any], tuple[Lookup, ...]]
    change: Callable[[Repairable[FactsT]], "Change | str"]
    expects: frozenset[str]
    rows: Callable[[Sequence[str]], SqlRows] | None = None
    row: Callable[[Any], Any] = lambda value: value
    use: Callable[[Sequence[str]], SqlRows] | None = None
    two_persons: bool = True
    by_policy: bool = False
    by_bytes: bool = False
    asks_first: frozenset[str] = frozenset()
    for_people: Callable[[FactsT], str | None] = lambda _facts: None
    brake: Callable[[Sequence[Values]], Generator[HttpCall, HttpAnswer, str | None]] | None = None
    has_rivals: bool = False
    in_two_steps: bool = False
    closed: tuple[ClosedHours, ...] = ()
    zone: str = "UTC"

    @property
    def settings(self) -> list[str]:
        """The settings of all its statements, each once."""
        return list(dict.fromkeys(map(self.setting_of, self.statements)))

    def setting_of(self, statement: Statement) -> str:
        """The setting of the connection by which a statement changes something."""
        return statement.setting if isinstance(statement, GuardedCopy | GuardedRemoval) else self.setting

    def settings_of(self, effects: Sequence[Effect]) -> list[str]:
        """The settings that these effects need, each once. Raises ``LookupError`` for a statement that it has not."""
        return list(dict.fromkeys(self.setting_of(self.statement(one.statement)) for one in effects))

    def is_as_expected(self, before: str, now: str | None, *, undone: bool) -> bool:
        """True if a subject that had the verdict ``before`` was mended, by the one that it has ``now`` (None: that is
        not known); where its change was taken back (``undone``), if it is not mended any more, or as it was before.
        """
        if undone:
            return now is not None and (now == before or now not in self.expects)
        return now in self.expects

    def statement(self, name: str) -> Statement:
        """The statement of that name. Raises ``LookupError`` if the repair has none."""
        return {statement.name: statement for statement in self.statements}[name]
