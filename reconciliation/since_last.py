"""What changed since the previous completed audit of the same question."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from reconciliation.repair_plan import Named
from reconciliation.times import to_text

MOST_RESOLVED_SHOWN = 1000


class Change(StrEnum):
    """How a finding stands to the previous audit."""

    NEW = "new"
    PERSISTING = "persisting"


class Known(NamedTuple):
    """A finding that needed a person, as a later audit knows it."""

    kind: str
    id: str
    verdict: str


@dataclass(frozen=True)
class Previous:
    """A completed audit to compare with, and its findings that needed a person. ``repaired`` names the repairs since by
    what they have changed.
    """

    audit_id: str
    as_of: datetime
    mode: str
    findings: frozenset[Known]
    repaired: Mapping[Named, str] = field(default_factory=dict)


Shows = Callable[[str, Known], bool]
"""Whether an audit of a mode can have a finding."""


@dataclass(frozen=True)
class SinceLast:
    """The comparison: counts and what was resolved; None where nothing can be said, with ``why_not``."""

    previous: Previous | None
    new: int | None = None
    persisting: int | None = None
    resolved: tuple[Known, ...] | None = None
    why_not: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The member of a report; at most ``MOST_RESOLVED_SHOWN`` resolved findings one by one."""
        return {
            "previous": None
            if self.previous is None
            else {"id": self.previous.audit_id, "as_of": to_text(self.previous.as_of)},
            "why_not": self.why_not,
            "new": self.new,
            "persisting": self.persisting,
            "resolved": None if self.resolved is None else len(self.resolved),
            "resolved_findings": [self._shown(known) for known in (self.resolved or ())[:MOST_RESOLVED_SHOWN]],
        }

    def _shown(self, known: Known) -> dict[str, Any]:
        subject = Named(known.kind, known.id)
        repair = None if self.previous is None else self.previous.repaired.get(subject)
        return {"subject": subject._asdict(), "verdict": known.verdict, "repair": repair}


NO_PREVIOUS = SinceLast(None, why_not="There is no earlier completed audit of the same question.")


def change_of(previous: Previous | None, finding: Known, shows: Shows) -> Change | None:
    """Whether a finding is new; None if the mode of the previous audit could not have found it.

    A subject with a different verdict than before counts as new.
    """
    if previous is None:
        return None
    if finding in previous.findings:
        return Change.PERSISTING
    return Change.NEW if shows(previous.mode, finding) else None


def compare(previous: Previous | None, now: Iterable[Known], shows: Shows, *, mode: str, complete: bool) -> SinceLast:
    """Compare an audit's findings that need a person with those of the previous one.

    Nothing counts as resolved if this audit is incomplete, nor what its mode does not show.
    """
    if previous is None:
        return NO_PREVIOUS
    findings = frozenset(now)
    changes = Counter(change_of(previous, finding, shows) for finding in findings)
    resolved = None
    why_not = "This audit is incomplete, so nothing can be called resolved." if not complete else None
    if complete:
        gone = previous.findings - findings
        resolved = tuple(sorted(known for known in gone if shows(mode, known)))
    return SinceLast(previous, changes[Change.NEW], changes[Change.PERSISTING], resolved, why_not)
