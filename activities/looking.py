"""Looking up units concurrently, with a record for each of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from activities.remembering import Remembering
from adapters.probers import Prober
from adapters.services import Services
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.errors import AuditError, ContainerGoneError
from reconciliation.evidence import Read, Record, Unread, has_failed, is_gone
from reconciliation.lookups import AudioUnder, BlobsOf, Lookup
from reconciliation.plan import Plan
from reconciliation.profile import Scan

logger = logging.getLogger("capture_audit.looking")

SECONDS_BETWEEN_PASSES = 2.0
OUT_OF_TIME = "its shard ran out of time before it was read"
_GONE_ONCE = "one answer says that it is gone, and it was there before"
_NEVER_ALIKE = "it was read several times, and no two answers are alike"
ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class Looker:
    """Looks up units of a scan, ``concurrency`` at a time.

    ``latest`` gives the last moment that does not count as future. ``passes`` is how often a unit of the second look is
    tried. What ``memory`` knows of the bytes of objects is not read again.
    """

    scan: Scan
    prober: Prober
    concurrency: int
    passes: int
    latest: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    memory: Remembering | None = None

    async def read(self, unit: str, hint: Any) -> Record:
        """All look-ups of one unit, as evidence; or the reason why it could not be read."""
        lookups = self.scan.lookups(unit, hint)
        try:
            results = [await self._look(unit, lookup) for lookup in lookups]
            things = sum([lookup.things(result) for lookup, result in zip(lookups, results, strict=True)])
            return Read(unit, things, self.scan.reduce(unit, results, self.latest()))
        except ContainerGoneError:
            for lookup in lookups:
                if isinstance(lookup, BlobsOf) and lookup.prefix:
                    # The unit is a part of a container; without that, the unit is not just deleted.
                    return Unread(unit, f"There is no container {lookup.container!r} in {lookup.setting}.", failed=True)
            return Unread(unit, DELETED_DURING_SCAN, failed=False)
        except AuditError as error:
            return Unread(unit, str(error), failed=True)

    def _look(self, unit: str, lookup: Lookup) -> Awaitable[Any]:
        if self.memory is None or not isinstance(lookup, AudioUnder):  # nothing else reads bytes
            return self.prober.look(lookup)
        return self.prober.look(lookup, self.memory.of(unit))

    async def read_all(
        self, units: Sequence[tuple[str, Any]], records: list[Record], timeout_seconds: float | None = None
    ) -> None:
        """Read units, adding a record for each to ``records`` as it is done.

        Those that are not done when the time is up are recorded as failed, for the next pass, which goes on with what
        is remembered of them.
        """

        async def one(unit: tuple[str, Any]) -> None:
            records.append(await self.read(*unit))  # at once, not at the end: the progress is counted from this list

        try:
            async with asyncio.timeout(timeout_seconds):
                await self.each(units, one)
        except TimeoutError:
            done = {record.unit for record in records}
            records += [Unread(unit, OUT_OF_TIME, failed=True) for unit, _ in units if unit not in done]
        if self.memory is not None:
            await self.memory.settle()

    async def each(self, items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[None]]) -> None:
        """Call ``work`` for each item, ``concurrency`` at a time."""
        waiting = iter(items)

        async def take() -> None:
            for item in waiting:
                await work(item)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.concurrency):
                group.create_task(take())

    async def read_again(self, unit: str, hint: Any, before: Any) -> Record:
        """Read a unit again; ``before`` is its evidence so far (None: it was not opened).

        A result that differs from ``before`` counts if two consecutive reads give it; that the unit is gone counts only
        if no read found it.
        """
        last: Record | None = None
        was_there = False
        for attempt in range(max(2, self.passes) + 1):
            if attempt and (last is None or has_failed(last)):
                await self.sleep(SECONDS_BETWEEN_PASSES)
            now = await self.read(unit, hint)
            if has_failed(now):
                if attempt + 1 >= self.passes:
                    return now
            elif self._says_the_same(now, before) or (self._are_alike(now, last) and not (was_there and is_gone(now))):
                return now
            last, was_there = now, was_there or isinstance(now, Read)
        if last is not None and is_gone(last):
            return Unread(unit, _GONE_ONCE, failed=True)
        return last if has_failed(last) and last is not None else Unread(unit, _NEVER_ALIKE, failed=True)

    def _says_the_same(self, now: Record, before: Any) -> bool:
        if isinstance(now, Unread) or before is None:
            return before is None and isinstance(now, Read)
        if isinstance(before, Unread):
            return False
        return bool(now.evidence == before or self.scan.pack(now.evidence) == self.scan.pack(before))

    def _are_alike(self, now: Record, last: Record | None) -> bool:
        if last is None or has_failed(last):
            return False
        if isinstance(now, Unread) or isinstance(last, Unread):
            return is_gone(now) and is_gone(last)
        return bool(self.scan.pack(now.evidence) == self.scan.pack(last.evidence))

    async def late(self, lookups: Sequence[Lookup]) -> list[Any]:
        """The results of look-ups, as JSON; an ``Unread`` where one failed."""
        return [await self._late(lookup) for lookup in lookups]

    async def _late(self, lookup: Lookup) -> Any:
        try:
            return await self.prober.look(lookup)
        except AuditError as error:
            logger.warning("%s in %s could not be looked up: %s", lookup.place, lookup.setting, error)
            return Unread("", str(error), failed=True)


def looker_of(services: Services, scan: Scan, plan: Plan, memory: Remembering) -> Looker:
    latest = services.settings.clock_tolerance + timedelta(seconds=plan.storage_ahead_seconds)
    return Looker(
        scan,
        Prober(services),
        services.settings.scan_concurrency,
        services.settings.max_passes,
        lambda: services.now() + latest,
        services.sleep,
        memory,
    )
