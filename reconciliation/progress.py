"""The progress of an audit, counted from what its shards have written."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

_MIN_SHARE_FOR_ETA = 0.05
_MIN_SECONDS_FOR_ETA = 3.0


@dataclass(frozen=True)
class ShardProgress:
    """What one shard has done so far; ``done`` when its result is complete."""

    done: bool
    scanned: int
    skipped: int
    failed: int
    blobs: int
    updated_at: datetime


@dataclass(frozen=True)
class Progress:
    """The sum over all shards. ``listed`` and ``shards`` are None until the plan is made.

    ``skipped_by_plan`` of the listed units are in no shard; ``skipped`` includes them.
    """

    shards: int | None
    shards_done: int
    shards_failed: int
    listed: int | None
    skipped_by_plan: int
    scanned: int
    skipped: int
    failed: int
    blobs: int

    @property
    def percent(self) -> int | None:
        """Units dealt with, of all that are to be opened; None until that is known."""
        if self.listed is None:
            return None
        return 100 * self._handled // self._to_open if self._to_open else 100

    @property
    def _to_open(self) -> int:
        return (self.listed or 0) - self.skipped_by_plan

    @property
    def _handled(self) -> int:
        return self.scanned + self.skipped + self.failed - self.skipped_by_plan

    def eta_seconds(self, *, started_at: datetime | None, now: datetime) -> int | None:
        """Seconds until the scan ends at the pace so far; None while that would be a guess."""
        if not self._to_open or started_at is None:
            return None
        elapsed = (now - started_at) / timedelta(seconds=1)
        if elapsed < _MIN_SECONDS_FOR_ETA or not _MIN_SHARE_FOR_ETA <= self._handled / self._to_open < 1:
            return None
        return max(1, round((self._to_open - self._handled) * elapsed / self._handled))

    def to_json(self, eta_seconds: int | None, noun: str) -> dict[str, Any]:
        """The ``progress`` member of an audit's status; ``noun`` is what a unit is called."""
        return {
            "shards": {"total": self.shards, "done": self.shards_done, "failed": self.shards_failed},
            "units": {
                "noun": noun,
                "listed": self.listed,
                "scanned": self.scanned,
                "skipped": self.skipped,
                "failed": self.failed,
            },
            "blobs": self.blobs,
            "percent": self.percent,
            "eta_seconds": eta_seconds,
        }


class Reached(NamedTuple):
    """The progress of an audit when it ended: the ``progress`` member of its status, and its number of dead letters."""

    progress: dict[str, Any]
    dead_letters: int


def sum_progress(
    shards: int | None, listed: int | None, skipped_by_plan: int, parts: Iterable[ShardProgress]
) -> Progress:
    """Add up what the shards have written; a shard with failed units counts as failed until a pass reads them."""
    written = list(parts)
    return Progress(
        shards=shards,
        shards_done=sum(part.done and not part.failed for part in written),
        shards_failed=sum(part.done and part.failed > 0 for part in written),
        listed=listed,
        skipped_by_plan=skipped_by_plan,
        scanned=sum(part.scanned for part in written),
        skipped=skipped_by_plan + sum(part.skipped for part in written),
        failed=sum(part.failed for part in written),
        blobs=sum(part.blobs for part in written),
    )
