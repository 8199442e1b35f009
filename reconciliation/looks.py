"""What a profile is shown of one key, and what it says of that: at first sight, and when it was read again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from reconciliation.clock import Clock
from reconciliation.coverage import Coverage
from reconciliation.database import DatabaseState
from reconciliation.lookups import Lookup
from reconciliation.parameters import AuditParameters
from reconciliation.rules import Judgement, Kind
from reconciliation.times import optional_from_text

PLACED, MISSING = "placed", "missing"
"""What is told of a row that tells whether this is the storage of these rows: its unit is there, or nowhere."""
UNITS = "units"
"""What stands for the scan among the names of sources, in ``Group.lost`` and ``Rule.needs``."""


@dataclass(frozen=True)
class Audit:
    """What there is to know of an audit as such.

    ``lost`` are the sources that could not be read to their end. ``told`` adds up what
    ``Screened.told`` said: how often each was, and the furthest moment. ``databases`` is what those that were read
    again said of themselves, by setting.
    """

    asked: AuditParameters
    clock: Clock
    coverage: Coverage
    lost: frozenset[str] = frozenset()
    told: Mapping[str, "Told"] = field(default_factory=dict)
    databases: Mapping[str, DatabaseState] = field(default_factory=dict)

    @property
    def known_lost(self) -> frozenset[str]:
        """What could not be read to its end, as far as is known by now; ``UNITS`` if the coverage has a hole."""
        return self.lost if self.coverage.is_complete else self.lost | {UNITS}


class Told(NamedTuple):
    """How often something was told of, and the furthest moment that was named with it."""

    times: int
    furthest: datetime | None

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Of its two values, the moment as a text. Raises ``ValueError`` or ``TypeError`` for anything else."""
        times, furthest = value
        return cls(int(times), optional_from_text(furthest))


class Group(NamedTuple):
    """All that is held of one key.

    ``rows`` are those of each source of the join, in its order. ``evidence`` is what the scan made of its unit, or an
    ``Unread``; None: it was not opened. ``links`` is the evidence of other groups that names this key. ``late`` are the
    answers to what was looked up for the second look only, in the order of ``Again.late``: an ``Unread`` where one
    could not be had, None where its setting is not given. ``lost`` are sources that could not be read for this group.
    """

    key: str
    rows: tuple[Sequence[Any], ...]
    evidence: Any = None
    links: Sequence[Any] = ()
    late: Sequence[Any] = ()
    lost: frozenset[str] = frozenset()


class Screened(NamedTuple):
    """What a profile says of a group at first sight: which of its subjects are in order, as kind, id and judgement; and
    whether anything is ``in_doubt``, so that it is read again.

    ``links`` are keys of a later join that its evidence names. ``told`` names what is to be added up over the audit.
    """

    in_order: Sequence[tuple[Kind[Any], str, Judgement[Any]]] = ()
    in_doubt: bool = False
    links: Sequence[tuple[str, str]] = ()
    told: Sequence[tuple[str, datetime | None]] = ()


class Again(NamedTuple):
    """What is looked up a second time of a group in doubt: its unit, and whatever else."""

    unit: bool = False
    late: tuple[Lookup, ...] = ()


class Doubt(NamedTuple):
    """A group in doubt, as it was at first sight and when it was read again."""

    join: str
    first: Group
    again: Group


class Subject(NamedTuple):
    """Something that gets a verdict by its facts; ``lost`` is what could not be read for it. ``doubtful``: it was read
    twice and stays in doubt, so that the audit is not complete.
    """

    kind: Kind[Any]
    id: str
    facts: Any
    lost: frozenset[str] = frozenset()
    doubtful: bool = False
