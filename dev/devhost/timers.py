"""Timer triggers: when each is due, and firing them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.devhost.engine.port import FunctionFailedError, WorkerDiedError
from dev.devhost.protocol.ncrontab import Schedule, ScheduleError, parse_schedule, resolve_settings
from dev.devhost.worker.functions import AppFunction, TimerCall
from dev.devhost.worker.pool import WorkerPool

_log = logging.getLogger("devhost.timers")
_LONGEST_SLEEP_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class TimerFunction:
    """A timer function with its parsed schedule."""

    function: AppFunction
    schedule: Schedule


def enabled_timers(functions: Iterable[AppFunction], settings: dict[str, str]) -> tuple[list[TimerFunction], list[str]]:
    """The timers that can run, and one sentence for each that is disabled, in the real host's words."""
    timers, problems = [], []
    for function in functions:
        try:
            schedule = parse_schedule(resolve_settings(function.schedule, settings))
        except ScheduleError as error:
            problems.append(
                f"The '{function.name}' function is in error: Microsoft.Azure.WebJobs.Host: "
                f"Error indexing method 'Functions.{function.name}'. Microsoft.Azure.WebJobs.Host: {error}"
            )
        else:
            timers.append(TimerFunction(function, schedule))
    return timers, problems


class TimerLoop:
    """Fires timers until stopped. A timer never overlaps with itself."""

    def __init__(
        self, timers: list[TimerFunction], workers: WorkerPool, clients: Callable[[AppFunction], dict[str, str]]
    ) -> None:
        self._timers = {timer.function.name.lower(): timer for timer in timers}
        self._workers = workers
        self._clients = clients
        self._last: dict[str, datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin. The socket must be open: timers may call back."""
        for timer in self._timers.values():
            self._spawn(self._loop(timer))

    async def stop(self) -> None:
        """Stop at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def fire(self, name: str) -> bool:
        """Fire one by hand; False if there is no such timer. Names ignore case."""
        timer = self._timers.get(name.lower())
        if timer is not None:
            self._spawn(self._fire(timer))
        return timer is not None

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _loop(self, timer: TimerFunction) -> None:
        while True:
            due = timer.schedule.next_after(datetime.now(UTC))
            await _sleep_until(due)
            await self._fire(timer)

    async def _fire(self, timer: TimerFunction) -> None:
        name = timer.function.name
        now = datetime.now(UTC)
        call = TimerCall(past_due=False, last=self._last.get(name), next=timer.schedule.next_after(now))
        self._last[name] = now
        _log.info("Executing 'Functions.%s'", name)
        try:
            await self._workers.run_timer(name, call, self._clients(timer.function))
        except (FunctionFailedError, WorkerDiedError) as error:
            _log.error("Executed 'Functions.%s' (Failed)\n%s", name, error)
        else:
            _log.info("Executed 'Functions.%s' (Succeeded)", name)


async def _sleep_until(moment: datetime) -> None:
    """Sleep in pieces, so that a changed clock or a suspended machine is noticed."""
    while (wait := (moment - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110 - nothing would set an event
        await asyncio.sleep(min(wait, _LONGEST_SLEEP_SECONDS))
