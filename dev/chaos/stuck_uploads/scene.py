"""What happens around the repairs of one race while they talk to Prefect: everybody else, at their moments."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dev.chaos.repairs.rivals import write
from dev.chaos.stuck_uploads.engine import Engine
from dev.chaos.stuck_uploads.gate import Asked, Fate, HttpGate
from dev.chaos.stuck_uploads.race import Moment, Race, Taken
from dev.chaos.stuck_uploads.rivals import When

HELD_SECONDS = 5.5
"""Longer than a worker of races waits for an answer."""
LATE_SECONDS = 25.0
"""Beyond the deadline of a change in races, and within the time for which nobody says yet that nothing was changed."""
ABREAST_SECONDS = 3.0
"""Shorter than a worker of races waits for an answer."""
_FATE = {
    Moment.CUT_BEFORE: Fate.CUT,
    Moment.CUT_AFTER: Fate.CUT,
    Moment.BUSY_BEFORE: Fate.BUSY,
    Moment.BUSY_AFTER: Fate.BUSY,
    Moment.KILLED_BEFORE: Fate.CUT,
    Moment.KILLED_AFTER: Fate.CUT,
    Moment.SERVER_KILLED: Fate.CUT,
}


@dataclass
class Scene:
    """Watches the gates of a race; ``kill`` kills the worker behind a gate.

    ``race.moment`` is for the first repair that comes so far. What came of it: ``visible`` (the runs of somebody else,
    and since when each was there), ``row_moved`` (when somebody had written the row), ``happened`` (what that repair
    suffered), ``is_taken``, ``creators`` (the run that was told to whoever asked for one, by its gate).
    """

    race: Race
    engine: Engine
    database: str
    deployment: str
    kill: Callable[[HttpGate], Awaitable[None]]
    visible: dict[str, datetime] = field(default_factory=dict)
    row_moved: datetime | None = None
    happened: Moment | None = None
    is_taken: bool = False
    creators: dict[int, str] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _about_to_create: set[int] = field(default_factory=set)
    _all_abreast: asyncio.Event = field(default_factory=asyncio.Event)

    async def act(self, when: When) -> None:
        """Let everybody else act whose moment this is; whoever comes meanwhile waits until that is done."""
        race = self.race
        async with self._turn:
            if race.run is not None and race.run_when is when and not self.visible:
                run = await asyncio.to_thread(self.engine.start, self.deployment, race.video, race.run)
                self.visible[run] = self.engine.now()
            if race.row is not None and race.row_when is when and self.row_moved is None and not race.row_before_plan:
                await asyncio.to_thread(write, self.database, race.row, race.video)
                self.row_moved = self.engine.now()

    async def asked(self, gate: HttpGate, what: Asked) -> Fate:
        """As ``Watcher.asked``."""
        if what is not Asked.CREATE:
            return Fate.PASSED
        if self.race.abreast:
            await self._abreast(gate)
        await self.act(When.BEFORE_INSERT)
        return await self._disturbed(gate, before=True)

    async def answered(self, gate: HttpGate, what: Asked, body: Any) -> Fate:
        """As ``Watcher.answered``."""
        if body is None:
            return Fate.PASSED
        if what is Asked.CREATE:
            self.creators[id(gate)] = body["id"]
            await self.act(When.AFTER_INSERT)
            await self._take(Taken.AT_ONCE, body["id"])
            return await self._disturbed(gate, before=False)
        if what is Asked.LOOK and id(gate) in self.creators:
            await self.act(When.AFTER_LAST_LOOK)
            await self._take(Taken.AFTER_ITS_LOOK, self.creators[id(gate)])
        return Fate.PASSED

    async def _abreast(self, gate: HttpGate) -> None:
        """Wait until all repairs of the race have come so far; one that has ended before is not waited for for ever."""
        self._about_to_create.add(id(gate))
        if len(self._about_to_create) == self.race.racers:
            self._all_abreast.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_abreast.wait(), ABREAST_SECONDS)

    async def _take(self, when: Taken, run: str) -> None:
        async with self._turn:
            if self.race.taken is when and not self.is_taken:
                self.is_taken = True
                await asyncio.to_thread(self.engine.take, run)

    async def _disturbed(self, gate: HttpGate, *, before: bool) -> Fate:
        """What becomes of the first creation; once."""
        moment = self.race.moment
        if moment is None or moment.is_before is not before or self.happened is not None:
            return Fate.PASSED
        self.happened = moment
        if moment in {Moment.KILLED_BEFORE, Moment.KILLED_AFTER, Moment.LATE}:
            await self.kill(gate)
        elif moment is Moment.SERVER_KILLED:
            await self.engine.kill()
        if moment is Moment.LATE:
            await asyncio.sleep(LATE_SECONDS)
        elif moment not in _FATE:
            await asyncio.sleep(HELD_SECONDS)
        return _FATE.get(moment, Fate.PASSED)
