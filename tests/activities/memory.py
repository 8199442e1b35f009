"""The outside world of the activities, in memory: a run store, a storage account and a database, with failures."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from adapters.connections import StorageConnection
from adapters.listing.lister import RestLister
from adapters.postgres import Database
from adapters.readers import Portion
from adapters.services import Services
from adapters.settings import Settings
from adapters.store.blobs import BlobEntry, BlobStore, Stored
from adapters.store.recent import Recent
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from profiles.pre_capture_sessions import PROFILE, queries
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from reconciliation.database import DatabaseState
from reconciliation.errors import (
    AuditError,
    ContainerGoneError,
    DatabaseUnavailableError,
    RunStoreError,
    StorageRefusedError,
)
from reconciliation.evidence import Unread
from reconciliation.lookups import ALL, Blob, BlobPage, Suffixes
from reconciliation.queries import SqlRows as Query
from tests.profiles.pre_capture_sessions.world import AS_OF, MOMENTS, PARAMETERS, page

FINAL, INGEST, ELSEWHERE = (
    StorageConnection(name.upper(), f"https://{name}.blob.core.windows.net", name)
    for name in ("finalsa", "ingestsa", "reportsa")
)
FORBIDDEN = StorageRefusedError("403 Forbidden")
GONE = ContainerGoneError("It was deleted.")
Account = Mapping[str, Sequence[Blob] | AuditError]
"""A storage account: the blobs of each container, or what happens to whoever lists it."""


class MemoryBlobs(BlobStore):
    """Blobs in memory; they are read in pieces of ``piece`` bytes."""

    def __init__(self, piece: int = 1000) -> None:
        self.blobs: dict[str, bytes] = {}
        self.told: dict[str, Mapping[str, str]] = {}
        self._piece = piece
        self.recent = Recent()

    @property
    def where(self) -> str:
        return "memory"

    async def write(self, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> None:
        self.blobs[path] = data
        self.told[path] = metadata or {}
        self.recent.note(path, data, "", metadata)

    async def write_stream(
        self, path: str, chunks: AsyncIterator[bytes], metadata: Mapping[str, str] | None = None
    ) -> None:
        await self.write(path, b"".join([chunk async for chunk in chunks]), metadata)

    async def create_stream(
        self, path: str, chunks: AsyncIterator[bytes], metadata: Mapping[str, str] | None = None
    ) -> bool:
        return await self.create(path, b"".join([chunk async for chunk in chunks]), metadata)

    async def append(self, path: str, data: bytes) -> None:
        self.blobs[path] = self.blobs.get(path, b"") + data
        self.told.setdefault(path, {})

    async def create(self, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        if path in self.blobs:
            return False
        await self.write(path, data, metadata)
        return True

    async def replace(self, path: str, data: bytes, etag: str, metadata: Mapping[str, str] | None = None) -> bool:
        await self.write(path, data, metadata)
        return True

    async def put(
        self, path: str, data: bytes, etag: str | None, metadata: Mapping[str, str] | None = None
    ) -> str | None:
        done = await (self.create(path, data, metadata) if etag is None else self.replace(path, data, etag, metadata))
        return "etag" if done else None

    async def metadata(self, path: str) -> Mapping[str, str] | None:
        return self.told.get(path) if path in self.blobs else None

    async def delete(self, path: str, etag: str | None = None) -> bool:
        return self.blobs.pop(path, None) is not None

    async def listing(self, prefix: str) -> AsyncIterator[BlobEntry]:
        for path in sorted(self.blobs):
            if path.startswith(prefix):
                yield BlobEntry(path, len(self.blobs[path]), self.told.get(path, {}), AS_OF)

    async def read(self, path: str, *, offset: int | None = None, length: int | None = None) -> Stored | None:
        if path not in self.blobs:
            return None
        start = offset or 0
        return Stored(self.blobs[path][start : None if length is None else start + length], "etag")

    async def read_stream(self, path: str) -> AsyncIterator[bytes]:
        if path not in self.blobs:
            raise RunStoreError(f"There is no {path} in memory.")
        for start in range(0, len(self.blobs[path]), self._piece):
            yield self.blobs[path][start : start + self._piece]

    async def folders(self, prefix: str = "", delimiter: str = "/") -> AsyncIterator[str]:
        rest = [path.removeprefix(prefix) for path in self.blobs if path.startswith(prefix)]
        for name in sorted({path.partition(delimiter)[0] for path in rest if delimiter in path}):
            yield name


@dataclass
class MemoryStorage:
    """An account whose containers are listed two names a page; ``listed`` notes whose blobs were."""

    account: Account
    listed: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta()

    async def clock_ahead(self) -> timedelta:
        return self.ahead

    async def containers(self) -> AsyncIterator[list[str]]:
        names = sorted(self.account)
        for start in range(0, len(names), 2):
            yield names[start : start + 2]

    async def blobs(self, container: str, keep: Suffixes = ALL, prefix: str = "") -> list[BlobPage]:
        self.listed.append(container)
        found = self.account.get(container, GONE)
        if isinstance(found, AuditError):
            raise found
        return [page(found)]


@dataclass
class MemoryDatabase:
    """PRE's database: its answers to the profile's four queries. The first ``failures`` snapshots cannot be had; of the
    statements in ``cut`` only the first row can.
    """

    candidates: Sequence[Candidate] = ()
    rows: Sequence[RegisteredRecording] = ()
    others: Sequence[Candidate] = ()
    failures: int = 0
    cut: frozenset[str] = frozenset()
    replayed_until: datetime | None = None
    asked: list[Query] = field(default_factory=list)
    where: tuple[str | None, str | None] = ("db.example", "pre")
    ahead: timedelta = timedelta()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["MemoryDatabase"]:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailableError("The database cannot be reached.")
        yield self

    async def state(self) -> DatabaseState:
        return DatabaseState(
            AS_OF + self.ahead, is_replica=self.replayed_until is not None, replayed_until=self.replayed_until
        )

    async def lines(self, query: Query) -> AsyncIterator[Portion]:
        self.asked.append(query)
        texts = [json.dumps(value) for value in self._answer(query)]
        if query.sql in self.cut:
            yield texts[:1]
            yield Unread("row 2", "It broke off.", failed=True)
            return
        for start in range(0, len(texts), 2):
            yield texts[start : start + 2]

    def _answer(self, query: Query) -> list[Any]:
        ids = set(query.values.get("ids", ()))
        sessions = [one.to_json() for one in (*self.candidates, *self.others) if one.session_id in ids]
        results: dict[str, list[Any]] = {
            queries.candidates(PARAMETERS, MOMENTS).sql: [candidate.to_json() for candidate in self.candidates],
            queries.registered(MOMENTS).sql: sorted(self.rows),
            queries.sessions_again(PARAMETERS, MOMENTS, ()).sql: sessions,
            queries.recordings_again(MOMENTS, ()).sql: [one for one in self.rows if one.recording_id in ids],
        }
        return results[query.sql]


@dataclass
class Outside:
    """All of it together, as the activities get it; its parts may be exchanged between two steps."""

    storage: MemoryStorage
    database: MemoryDatabase
    ingest: MemoryStorage | None = None
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    per_shard: int = 2
    now: datetime = AS_OF
    strict: bool = False

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """From here on another process is at work, which remembers nothing."""
        self.records = AuditRecords(self.blobs, [PROFILE.name])
        self.store = RunStore.of(self.blobs)

    @property
    def services(self) -> Services:
        settings = Settings(
            ELSEWHERE,
            {PROFILE.name: PROFILE},
            {"SOURCE_STORAGE": FINAL, "INGEST_STORAGE": INGEST, "PRE_DATABASE": "postgresql://db.example/pre"},
            scan_concurrency=2,
            shard_containers=self.per_shard,
            allow_mostly_missing=not self.strict,
            environment="production",
        )
        listers = {"SOURCE_STORAGE": self.storage, "INGEST_STORAGE": self.ingest}
        return _Services(
            settings,
            self.records,
            self.store,
            {name: cast("RestLister", one) for name, one in listers.items() if one is not None},
            now=lambda: self.now,
            sleep=_at_once,
            memory=self.database,
        )


async def _at_once(_seconds: float) -> None:
    """Nothing has to be waited for."""


@dataclass(frozen=True)
class _Services(Services):
    memory: MemoryDatabase = field(default_factory=MemoryDatabase)

    def database(self, setting: str) -> Database:
        return cast("Database", self.memory)
