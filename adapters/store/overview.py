"""What there is of an audit, without reading any of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.store.blobs import Listed
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
    """Which steps of an audit have left their result, with its metadata; how far each shard has come, and how many have
    dead letters.
    """

    names: Mapping[str, Mapping[str, str]]
    shards: Mapping[int, ShardProgress]
    last_modified: datetime | None
    scan_started_at: datetime | None
    dead_letters: int = 0

    def progress(self, plan: Plan | None) -> Progress:
        """How far the scan has come; ``plan`` is None before it is made."""
        shards = None if plan is None else len(plan.shards)
        listed, skipped = (None, 0) if plan is None else (plan.listed, sum(plan.skipped.values()))
        return sum_progress(shards, listed, skipped, self.shards.values())


class Overview:
    """Listings of whole folders."""

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
                # "0007.jsonl.gz" is listed before "0007.progress", and is the one to believe.
                with understood(blob.path, self._folder.blobs.where):
                    progress = _progress(blob, done=shard[2] == "jsonl.gz")
                shards.setdefault(int(shard[1]), progress)
            if name.endswith("/screened.json"):
                with understood(blob.path, self._folder.blobs.where):
                    _counts(blob, ("shards",))
        letters = sum(_DEAD_LETTER.fullmatch(name) is not None for name in names)
        return Artefacts(names, shards, max(moments, default=None), scan_started_at, letters)

    async def last_modified(self, audit: str) -> datetime | None:
        """When anything in an audit's folder was last written, whatever it is; None if there is nothing."""
        return max([blob.last_modified async for blob in self._folder.blobs.listing(f"{audit}/")], default=None)

    async def delete(self, audit: str) -> None:
        """Delete an audit's whole folder, its record last: what is cut short is done again."""
        paths = [blob.path async for blob in self._folder.blobs.listing(f"{audit}/")]
        for path in sorted(paths, key=lambda path: path.endswith("/run.json")):
            await self._folder.blobs.delete(path)


def _progress(blob: Listed, *, done: bool) -> ShardProgress:
    return ShardProgress(done=done, updated_at=blob.last_modified, **_counts(blob, COUNTS))


def _counts(blob: Listed, names: Iterable[str]) -> dict[str, int]:
    """Raises ``ValueError`` if the metadata do not hold counts of these names."""
    texts = {name: blob.metadata.get(name, "0") or "" for name in names}
    for name, text in texts.items():
        if not _COUNT.fullmatch(text):
            raise ValueError(f"its metadata's {name} is not a whole number")
    return {name: int(text) for name, text in texts.items()}
