"""Coverage is proved, never assumed: ``listed = scanned + skipped + failed``, or the audit is wrong about itself."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from reconciliation.evidence import Record, Unread
from reconciliation.fields import Fields

DELETED_DURING_SCAN = "deleted during the scan"
"""Why a unit was skipped that existed when the units were listed; a deleted unit leaves no hole in the coverage."""


class Gap(NamedTuple):
    """Why something may have been overlooked although every unit that was listed is accounted for.

    ``what`` continues a sentence ("..., but ``what``"); ``next_step`` is a whole sentence.
    """

    what: str
    next_step: str


@dataclass
class Coverage:
    """A running count of what an audit did with every unit that was listed, and why that may not be all.

    ``harmless`` are the reasons for skipping a unit that leave no hole in the coverage.
    """

    listed: int
    harmless: frozenset[str] = frozenset({DELETED_DURING_SCAN})
    scanned: int = 0
    blobs: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: list[Unread] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def count(self, record: Record) -> None:
        """Each listed unit must be counted exactly once."""
        if not isinstance(record, Unread):
            self.scanned += 1
            self.blobs += record.things
        elif record.failed:
            self.failed.append(record)
        else:
            self.skipped[record.reason] += 1

    @property
    def is_complete(self) -> bool:
        """True when every unit that could matter was read; only then may anything be reported as absent."""
        return not self.failed and not self.gaps and self.skipped.keys() <= self.harmless

    @property
    def left_out(self) -> int:
        """How many were skipped for a reason that leaves a hole, because the request excluded them."""
        return sum(count for reason, count in self.skipped.items() if reason not in self.harmless)

    def check(self) -> None:
        """Raise ``AssertionError`` unless the counts add up."""
        accounted = self.scanned + self.skipped.total() + len(self.failed)
        if accounted != self.listed:
            raise AssertionError(
                f"coverage does not add up: {self.listed} units listed, {accounted} accounted for "
                f"({self.scanned} scanned, {self.skipped.total()} skipped, {len(self.failed)} failed)"
            )

    def kept(self) -> dict[str, Any]:
        """A JSON object of all fields; ``from_kept`` gives back an equal value."""
        return {
            "listed": self.listed,
            "scanned": self.scanned,
            "blobs": self.blobs,
            "harmless": sorted(self.harmless),
            "skipped": dict(self.skipped),
            "failed": [[unread.unit, unread.reason] for unread in self.failed],
            "gaps": [list(gap) for gap in self.gaps],
        }

    @classmethod
    def from_kept(cls, fields: Fields) -> Self:
        """Raises ``ValueError`` or ``TypeError`` if it is not what ``kept`` makes."""
        skipped = fields.inner("skipped")
        return cls(
            fields.whole("listed"),
            frozenset(fields.texts("harmless")),
            fields.whole("scanned"),
            fields.whole("blobs"),
            Counter({reason: skipped.whole(reason) for reason in skipped.members}),
            [Unread(unit, reason, failed=True) for unit, reason in fields.members["failed"]],
            [Gap(what, next_step) for what, next_step in fields.members["gaps"]],
        )

    def to_json(self, noun: str) -> dict[str, Any]:
        """The coverage as a report shows it: counts, then every unit that could not be read. ``noun`` is the word for
        one unit.
        """
        return {
            "complete": self.is_complete,
            "units": {
                "noun": noun,
                "listed": self.listed,
                "scanned": self.scanned,
                "skipped": self.skipped.total(),
                "failed": len(self.failed),
            },
            "blobs": self.blobs,
            "skipped_by_reason": dict(sorted(self.skipped.items())),
            "gaps": [gap._asdict() for gap in self.gaps],
            "failed_units": [
                {"unit": unread.unit, "error": unread.reason}
                for unread in sorted(self.failed, key=lambda unread: unread.unit)
            ],
        }


COUNTS = ("scanned", "skipped", "failed", "blobs")


def counts_of(records: Iterable[Record]) -> dict[str, int]:
    """One number for each of ``COUNTS``."""
    coverage = Coverage(listed=0)
    for record in records:
        coverage.count(record)
    counts = (coverage.scanned, coverage.skipped.total(), len(coverage.failed), coverage.blobs)
    return dict(zip(COUNTS, counts, strict=True))
