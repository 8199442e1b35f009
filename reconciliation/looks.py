"""What a profile is given of one key, and what it decides about it, in the first look and in the second."""

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
"""Names of the sightings that show whether storage and database belong together: a row's unit exists, or does not."""
UNITS = "units"
"""The name of the scan among the names of sources, in ``Group.lost`` and ``Rule.needs``."""


@dataclass(frozen=True)
class Audit:
    """What profiles may know of an audit as a whole.

    ``lost`` are the sources that could not be read to their end. ``sightings`` adds up ``Screened.sightings``, by name.
    ``databases`` is the state of the database servers that were read again, by setting. ``tables`` are the rows of the
    sources that are read whole, by name; if one could not be read to its end it is ``lost``, and rows may be missing.
    ``earliest`` are the moments that bounded sources, in both looks (see ``Moments.earliest``). ``is_look``: it judges
    a few subjects again, before or after a repair.
    """

    asked: AuditParameters
    clock: Clock
    coverage: Coverage
    lost: frozenset[str] = frozenset()
    sightings: Mapping[str, "Sighting"] = field(default_factory=dict)
    databases: Mapping[str, DatabaseState] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    earliest: Mapping[str, datetime] = field(default_factory=dict)
    is_look: bool = False

    @property
    def all_lost(self) -> frozenset[str]:
        """``lost``, and ``UNITS`` if the coverage has a hole."""
        return self.lost if self.coverage.is_complete else self.lost | {UNITS}


class Sighting(NamedTuple):
    """How often something was noted, and the latest moment that was noted with it."""

    times: int
    furthest: datetime | None

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """From ``[times, moment as text or null]``. Raises ``ValueError`` or ``TypeError`` for anything else."""
        times, furthest = value
        return cls(int(times), optional_from_text(furthest))


class Group(NamedTuple):
    """Everything that was read under one key.

    ``rows`` are those of each source of the join, in its order. ``evidence`` is what the scan made of its unit, or an
    ``Unread``; None: it was not opened. ``links`` is the evidence of other groups that names this key. ``late`` are the
    results of the look-ups of the second look, in the order of ``Again.late``: an ``Unread`` where one failed, None
    where its setting is not configured. ``lost`` are sources that could not be read for this group.
    """

    key: str
    rows: tuple[Sequence[Any], ...]
    evidence: Any = None
    links: Sequence[Any] = ()
    late: Sequence[Any] = ()
    lost: frozenset[str] = frozenset()


class Screened(NamedTuple):
    """What a profile decides about a group in the first look: which of its subjects are in order, as kind, id and
    judgement; and whether anything is ``in_doubt``, so that it is read again.

    ``links`` are the keys of a later join that its evidence names, as join and key. ``sightings`` are names, each with
    a moment or None, to be added up over the audit.
    """

    in_order: Sequence[tuple[Kind[Any], str, Judgement[Any]]] = ()
    in_doubt: bool = False
    links: Sequence[tuple[str, str]] = ()
    sightings: Sequence[tuple[str, datetime | None]] = ()


class Again(NamedTuple):
    """What the second look reads of a group in doubt: its unit or not, and further look-ups."""

    unit: bool = False
    late: tuple[Lookup, ...] = ()


class Doubt(NamedTuple):
    """A group in doubt, as the first look and the second look read it."""

    join: str
    first: Group
    again: Group


class Subject(NamedTuple):
    """What gets a verdict, and the facts for it; ``lost`` is what could not be read for it. ``doubtful``: it was read
    twice and is still in doubt, so the audit is incomplete.
    """

    kind: Kind[Any]
    id: str
    facts: Any
    lost: frozenset[str] = frozenset()
    doubtful: bool = False
