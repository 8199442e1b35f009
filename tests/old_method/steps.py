"""The search that this audit replaces, step by step as its four scripts and their README document it, faults and all.

It is here to be compared with, never to be used. What each step leaves behind is a text file, as it was.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient

from dev.demo.prodlike.media import Blobs

# Word for word, its cut-off in no time zone included.
SESSIONS = """
SELECT id FROM capture_sessions
WHERE (origin::text = 'PRE'::text)
AND ingest_address LIKE '%mediakind.com%'
AND (deleted_at IS NULL)
AND ((finished_at > '2024-07-18 00:03:59.000')
AND (status::text = 'NO_RECORDING'::text) )
"""
PREFIXES = "0123456789abcdef"
MOST_CONTAINERS = 20_000  # of a prefix; the rest is announced on a channel that nobody reads
MOST_BLOBS = 5_000
TRACK = re.compile(r"[a-z0-9]{32}[a-z0-9_]+\.mp4")


class Storage(Protocol):
    """What the scripts ask of storage. Both raise ``AzureError`` where storage refuses."""

    def containers(self, prefix: str) -> Sequence[str]:
        """Names that begin with the prefix, ascending."""
        ...

    def blobs(self, container: str) -> Sequence[str]:
        """Names of blobs, ascending."""
        ...


@dataclass(frozen=True)
class RealStorage:
    """A blob service."""

    service: BlobServiceClient

    def containers(self, prefix: str) -> list[str]:
        return [container.name for container in self.service.list_containers(name_starts_with=prefix)]

    def blobs(self, container: str) -> list[str]:
        return list(self.service.get_container_client(container).list_blob_names())


@dataclass(frozen=True)
class ListedStorage:
    """The containers of a world that was built and need not be planted to be searched."""

    account: dict[str, Blobs]

    def containers(self, prefix: str) -> list[str]:
        return sorted(name for name in self.account if name.startswith(prefix))

    def blobs(self, container: str) -> list[str]:
        return sorted(blob.name for blob in self.account[container])


@dataclass(frozen=True)
class OldMethod:
    """The four scripts and the folder that they work in."""

    folder: Path

    @property
    def sessions(self) -> Path:
        return self.folder / "sessions.txt"

    @property
    def conclusions(self) -> Path:
        return self.folder / "conclusions.txt"

    def run(self, database: str, storage: Storage) -> list[str]:
        """All steps in order; the rows of conclusions, those of earlier runs included."""
        self.pull_sessions(database)
        for prefix in PREFIXES:
            self.search(storage, self.list_prefix(storage, prefix), prefix)
        self.conclude()
        return self.conclusions.read_text(encoding="utf-8").splitlines()

    def pull_sessions(self, database: str) -> None:
        """Step 1: the ids of sessions to look for; none when the query fails."""
        try:
            with psycopg.connect(database) as connection:
                ids = [str(row[0]) for row in connection.execute(SESSIONS.encode())]
        except psycopg.Error:
            ids = []
        self.sessions.write_text("".join(f"{session}\n" for session in ids), encoding="utf-8")

    def list_prefix(self, storage: Storage, prefix: str) -> list[str]:
        """Step 2: containers of a prefix; none when their listing fails."""
        try:
            return list(storage.containers(prefix))[:MOST_CONTAINERS]
        except AzureError:
            return []

    def search(self, storage: Storage, containers: Sequence[str], prefix: str) -> None:
        """Step 3: a line for each track that looks like a session's, added to those of earlier runs."""
        with (self.folder / f"tracks-{prefix}.txt").open("a", encoding="utf-8") as lines:
            for container in containers:
                try:
                    blobs = list(storage.blobs(container))[:MOST_BLOBS]
                except AzureError:
                    blobs = []
                lines.writelines(f"{container} {name}\n" for name in blobs if TRACK.fullmatch(name))

    def conclude(self) -> None:
        """Step 4: every line in which a session's id stands, added to the conclusions of earlier runs."""
        tracks = [
            line
            for path in sorted(self.folder.glob("tracks-*.txt"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
        with self.conclusions.open("a", encoding="utf-8") as conclusions:
            for session in self.sessions.read_text(encoding="utf-8").split():
                key = session.replace("-", "")
                conclusions.writelines(f"{session} {line}\n" for line in tracks if key in line)
