"""Fires durable timers when they are due."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime

from dev.devhost.engine.records import Timer
from dev.devhost.engine.store import Store
from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event
from dev.devhost.protocol.times import stamp

_LONGEST_SLEEP_SECONDS = 3600.0


class TimerQueue:
    """Timers that have not fired, soonest first. ``posted`` is called after each was turned into a message.

    Never early, unlike the real host: its timers may fire up to a second before their time.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], posted: Callable[[str, Event], None]) -> None:
        self._store = store
        self._clock = clock
        self._posted = posted
        self._timers: list[Timer] = []
        self._added = asyncio.Event()

    def add(self, timer: Timer) -> None:
        """Queue a timer that is in the store. One that is deleted there later does not fire."""
        heapq.heappush(self._timers, timer)
        self._added.set()

    async def serve(self) -> None:
        """Fire timers, for ever. Only one of these may run."""
        while True:
            wait = self._fire_due()
            self._added.clear()
            try:
                async with asyncio.timeout(min(wait, _LONGEST_SLEEP_SECONDS)):
                    await self._added.wait()
            except TimeoutError:
                continue

    def _fire_due(self) -> float:
        """Fire what is due; the seconds until the next one is."""
        now = self._clock()
        while self._timers and self._timers[0].fire_at <= now:
            timer = heapq.heappop(self._timers)
            event = ev.timer_fired(timer.created, timer.task_id, stamp(timer.fire_at))
            if self._store.fire_timer(timer, event):
                self._posted(timer.instance_id, event)
        return (self._timers[0].fire_at - now).total_seconds() if self._timers else _LONGEST_SLEEP_SECONDS
