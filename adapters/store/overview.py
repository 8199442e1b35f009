"""The artefacts of an audit, by listing them and reading none."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.store.blobs import BlobEntry
from adapters.store.documents import understood
from adapters.store.folder import Folder
from reconciliation.coverage import COUNTS
from reconciliation.plan import Plan
from reconciliation.progress import Progress, ShardProgress, sum_progress

_SHARD = re.compile(r"shards/([0-9]{4})\.(jsonl\.gz|progress)")
_DEAD_LETTER = re.compile(r"dead-letters/([0-9]{4})\.json")
_COUNT = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Artefacts:
    """The names of an audit's artefacts with their metadata; the progress of each shard, and how many have dead
    letters.
    """

    names: Mapping[str, Mapping[str, str]]
    shards: Mapping[int, ShardProgress]
    last_modified: datetime | None
    scan_started_at: datetime | None
    dead_letters: int = 0

    def progress(self, plan: Plan | None) -> Progress:
        """The progress of the scan; ``plan`` is None before it is made."""
        shards = None if plan is None else len(plan.shards)
        listed, skipped = (None, 0) if plan is None else (plan.listed, sum(plan.skipped.values()))
        return sum_progress(shards, listed, skipped, self.shards.values())


class Overview:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def artefacts(self, audit: str) -> Artefacts:
        """Everything that an audit has written so far, from one listing."""
        names: dict[str, Mapping[str, str]] = {}
        shards: dict[int, ShardProgress] = {}
        moments: list[datetime] = []
        scan_started_at: datetime | None = None
        async for blob in self._folder.blobs.listing(f"{audit}/"):
            name = blob.path.removeprefix(f"{audit}/")
            moments.append(blob.last_modified)
            names[name] = blob.metadata
            if name == "plan.json":
                scan_started_at = blob.last_modified
            if shard := _SHARD.fullmatch(name):
                # "0007.jsonl.gz" comes before "0007.progress", and counts.
                with understood(blob.path, self._folder.blobs.where):
                    progress = _progress(blob, done=shard[2] == "jsonl.gz")
                shards.setdefault(int(shard[1]), progress)
            if name.endswith("/screened.json"):
                with understood(blob.path, self._folder.blobs.where):
                    _counts(blob, ("shards",))
        letters = sum(_DEAD_LETTER.fullmatch(name) is not None for name in names)
        return Artefacts(names, shards, max(moments, default=None), scan_started_at, letters)

    async def last_modified(self, audit: str) -> datetime | None:
        """When any blob in an audit's folder was last written; None if there is none."""
        return max([blob.last_modified async for blob in self._folder.blobs.listing(f"{audit}/")], default=None)

    async def delete(self, audit: str) -> None:
        """Delete an audit's whole folder, its record last, so that an interrupted deletion can be repeated."""
        await self._folder.delete(f"{audit}/", lambda path: path.endswith("/run.json"))


def _progress(blob: BlobEntry, *, done: bool) -> ShardProgress:
    return ShardProgress(done=done, updated_at=blob.last_modified, **_counts(blob, COUNTS))


def _counts(blob: BlobEntry, names: Iterable[str]) -> dict[str, int]:
    """Counts from the metadata, 0 if missing. Raises ``ValueError`` if one is not a whole number."""
    texts = {name: blob.metadata.get(name, "0") or "" for name in names}
    for name, text in texts.items():
        if not _COUNT.fullmatch(text):
            raise ValueError(f"its metadata's {name} is not a whole number")
    return {name: int(text) for name, text in texts.items()}
