"""Reading containers: every page of each, many at a time, and a record of every one of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from adapters.services import Services
from profiles.pre_capture_sessions.evidence import Record, read_evidence
from profiles.pre_capture_sessions.keys import MATTERING_SUFFIXES
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.errors import AuditError, ContainerGoneError
from reconciliation.evidence import Unread, has_failed, is_gone
from reconciliation.lookups import ALL, BlobPage, Suffixes

SECONDS_BETWEEN_PASSES = 2.0
OUT_OF_TIME = "its shard ran out of time before it was read"
_GONE_ONCE = "one answer says that it is gone, and it was there before"


class BlobLister(Protocol):
    """What reading needs of storage."""

    async def blobs(self, container: str, keep: Suffixes = ALL) -> list[BlobPage]:
        """All pages of a container's listing; raises an ``AuditError`` when it cannot be read to its end."""
        ...


@dataclass(frozen=True)
class Reader:
    """Reads containers of one account, ``concurrency`` at a time.

    ``latest`` tells the last moment that a blob can have been changed at when it is read: what storage says beyond it
    lies in the future.
    """

    lister: BlobLister
    concurrency: int
    latest: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def read(self, container: str) -> Record:
        """All pages of one container as evidence, or the reason why it could not be read."""
        try:
            return read_evidence(container, await self.lister.blobs(container, MATTERING_SUFFIXES), self.latest())
        except ContainerGoneError:
            return Unread(container, DELETED_DURING_SCAN, failed=False)
        except AuditError as error:
            return Unread(container, str(error), failed=True)

    async def read_all(
        self, containers: Sequence[str], records: list[Record], timeout_seconds: float | None = None
    ) -> None:
        """Read containers, adding a record for each to ``records`` as it is done.

        Those that were not read to their end when the time is up are recorded as failed: the next pass takes them up.
        """
        waiting = iter(containers)
        done: set[str] = set()

        async def work() -> None:
            for container in waiting:
                record = await self.read(container)
                records.append(record)  # at once, not at the end: the progress is counted from this list
                done.add(container)

        try:
            async with asyncio.timeout(timeout_seconds), asyncio.TaskGroup() as group:
                for _ in range(self.concurrency):
                    group.create_task(work())
        except TimeoutError:
            late = (container for container in containers if container not in done)
            records += [Unread(container, OUT_OF_TIME, failed=True) for container in late]

    async def read_patiently(
        self, containers: Sequence[str], passes: int, seen_before: Set[str] = frozenset()
    ) -> dict[str, Record]:
        """The records by name; what cannot be read is tried again in as many passes as a scan has.

        A container that was ``seen_before`` is gone only when two answers say so; by one alone it cannot be read.
        """
        seen: dict[str, Record] = {}
        gone_once: set[str] = set()
        for attempt in range(passes):
            if attempt:
                await self.sleep(SECONDS_BETWEEN_PASSES)
            records: list[Record] = []
            await self.read_all(containers, records)
            seen |= {record.unit: record for record in records}
            gone = {record.unit for record in records if is_gone(record)}
            first_time = (gone & seen_before) - gone_once
            gone_once |= first_time
            seen |= {container: Unread(container, _GONE_ONCE, failed=True) for container in first_time}
            containers = [name for name in containers if has_failed(seen[name])]
            if not containers:
                break
        return seen


def reader_of(services: Services, storage_ahead: timedelta, lister: BlobLister | None = None) -> Reader:
    """A reader of the audited account, or of another one, by the settings and the clocks of this audit."""
    latest = services.settings.clock_tolerance + storage_ahead
    return Reader(
        lister or services.lister, services.settings.scan_concurrency, lambda: services.now() + latest, services.sleep
    )
