"""Coverage is proved, never assumed: ``listed = scanned + skipped + failed``, or the audit is wrong about itself."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from reconciliation.evidence import Unread

OUTSIDE_PREFIXES = "outside the requested prefixes"
DELETED_DURING_SCAN = "deleted during the scan"
REGISTERED = "registered"
NOT_A_RECORDING = "not a recording by its name"

# Skips that leave no hole where an unregistered recording could be: it has no row, is named like a recording, and is
# still there.
_HARMLESS_SKIPS = frozenset({DELETED_DURING_SCAN, REGISTERED, NOT_A_RECORDING})


class Gap(NamedTuple):
    """Why something may have been overlooked although every container that was listed is accounted for.

    ``what`` goes on a sentence ("..., but ``what``"); ``next_step`` is a sentence of its own.
    """

    what: str
    next_step: str


_MOST_NAMED = 5
NO_CONTAINER = Gap(
    "storage listed no container at all",
    "Check that the setting names the account of the recordings, then audit again.",
)


def no_sessions(ids: Sequence[str]) -> Gap:
    """The question speaks of sessions that are not there, so it was not understood as it was meant."""
    first = ", ".join(ids[:_MOST_NAMED]) + (", ..." if len(ids) > _MOST_NAMED else "")
    what = "an id that was asked for is" if len(ids) == 1 else f"{len(ids):,} ids that were asked for are"
    return Gap(
        f"{what} no session's ({first})", "Ask for ids of capture sessions, not of bookings, cases or recordings."
    )


@dataclass
class Coverage:
    """A running count of what an audit did with every container that was listed, and why that may not be all."""

    listed: int
    scanned: int = 0
    blobs: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: list[Unread] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def count(self, record: Record) -> None:
        """Account for one container; each listed container must be counted exactly once."""
        if isinstance(record, ContainerEvidence):
            self.scanned += 1
            self.blobs += record.blobs
        elif record.failed:
            self.failed.append(record)
        else:
            self.skipped[record.reason] += 1

    def recount(self, before: ContainerEvidence, now: Record) -> None:
        """Account for a container that was counted as read, by what a later reading of it gave."""
        self.scanned -= 1
        self.blobs -= before.blobs
        self.count(now)

    @property
    def is_complete(self) -> bool:
        """True when every container that could matter was read: only then may anything be called absent."""
        return not self.failed and not self.gaps and set(self.skipped) <= _HARMLESS_SKIPS

    def check(self) -> None:
        """Raise ``AssertionError`` unless the counts add up."""
        accounted = self.scanned + self.skipped.total() + len(self.failed)
        if accounted != self.listed:
            raise AssertionError(
                f"coverage does not add up: {self.listed} containers listed, {accounted} accounted for "
                f"({self.scanned} scanned, {self.skipped.total()} skipped, {len(self.failed)} failed)"
            )

    def to_json(self) -> dict[str, Any]:
        """The proof as it stands in a report: counts, then every container that could not be read."""
        return {
            "complete": self.is_complete,
            "containers": {
                "listed": self.listed,
                "scanned": self.scanned,
                "skipped": self.skipped.total(),
                "failed": len(self.failed),
            },
            "blobs": self.blobs,
            "skipped_by_reason": dict(sorted(self.skipped.items())),
            "gaps": [gap._asdict() for gap in self.gaps],
            "failed_containers": [
                {"container": unread.unit, "error": unread.reason}
                for unread in sorted(self.failed, key=lambda unread: unread.unit)
            ],
        }


COUNTS = ("scanned", "skipped", "failed", "blobs")


def counts_of(records: Iterable[Record]) -> dict[str, int]:
    """What became of some containers, as numbers: one for each of ``COUNTS``."""
    coverage = Coverage(listed=0)
    for record in records:
        coverage.count(record)
    counts = (coverage.scanned, coverage.skipped.total(), len(coverage.failed), coverage.blobs)
    return dict(zip(COUNTS, counts, strict=True))
