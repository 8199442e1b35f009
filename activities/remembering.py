"""The memory of an audit for the objects whose bytes it has read, which survives the death of a worker."""

import asyncio
import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass

from adapters.buckets.audio import Memory
from adapters.store.readings import Reading, Readings
from reconciliation.errors import AuditError
from reconciliation.lookups import AudioAnswer
from reconciliation.plan import Plan

logger = logging.getLogger("capture_audit.remembering")


class Remembering:
    """What was read of the objects of some units (None: of all in the shards that are asked about).

    A shard's readings are fetched when the first of its units asks. Those of several units that end together are stored
    together, one write after the other; ``keep`` returns when its own is. What was broken off while it was stored is
    stored by ``settle``. The memory only saves work: where it cannot be read or written, that is logged and objects are
    read again.
    """

    def __init__(self, readings: Readings, audit: str, plan: Plan, units: Set[str] | None = None) -> None:
        self._readings = readings
        self._audit = audit
        self._starts = [planned.shard.start for planned in plan.shards]
        self._units = units
        self._known: dict[tuple[str, str, str], AudioAnswer] = {}
        self._fetched: set[int] = set()
        self._waiting: defaultdict[int, list[Reading]] = defaultdict(list)
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, unit: str) -> Memory:
        """The memory of one unit."""
        return _OfUnit(self, unit)

    async def known(self, unit: str, key: tuple[str, str, str]) -> AudioAnswer | None:
        shard = self._shard(unit)
        async with self._locks[shard]:
            if shard not in self._fetched:
                await self._fetch(shard)
                self._fetched.add(shard)
        return self._known.get(key)

    async def keep(self, reading: Reading) -> None:
        shard = self._shard(reading.unit)
        self._note(reading)
        self._waiting[shard].append(reading)
        await self._store(shard)

    async def settle(self) -> None:
        """Store what is not stored yet."""
        for shard in list(self._waiting):
            await self._store(shard)

    def _shard(self, unit: str) -> int:
        return max(bisect_right(self._starts, unit) - 1, 0)

    def _note(self, one: Reading) -> None:
        self._known[one.setting, one.key, one.answer["version"]] = one.answer

    async def _fetch(self, shard: int) -> None:
        try:
            async for one in self._readings.of(self._audit, shard):
                if self._units is None or one.unit in self._units:
                    self._note(one)
        except AuditError as error:
            logger.warning("What shard %d of %s has read before is not known: %s", shard, self._audit, error)

    async def _store(self, shard: int) -> None:
        async with self._locks[shard]:
            taken = self._waiting[shard]
            if not taken:
                return  # another has stored it with its own
            self._waiting[shard] = []
            try:
                await self._readings.append(self._audit, shard, taken)
            except AuditError as error:
                logger.warning("%d readings of shard %d of %s are lost: %s", len(taken), shard, self._audit, error)
            except asyncio.CancelledError:
                self._waiting[shard] = taken + self._waiting[shard]
                raise


@dataclass(frozen=True)
class _OfUnit:
    """See ``Memory``."""

    all: Remembering
    unit: str

    async def known(self, setting: str, key: str, version: str) -> AudioAnswer | None:
        return await self.all.known(self.unit, (setting, key, version))

    async def keep(self, setting: str, key: str, answer: AudioAnswer) -> None:
        await self.all.keep(Reading(self.unit, setting, key, answer))
