"""The worker processes of a host: calls go to them in turn, and one that dies is replaced."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.devhost.protocol.responses import Response
from dev.devhost.worker.functions import AppFunction, HttpAnswer, HttpCall, LoadError, TimerCall, Trigger, durable_names
from dev.devhost.worker.process import WorkerProcess
from dev.devhost.worker.restarts import Restarts

_log = logging.getLogger("devhost")


@dataclass(frozen=True, slots=True)
class Crash:
    """How many calls ended with a worker that was killed."""

    activities: int
    orchestrators: int


class WorkerPool:
    """So many worker processes for the app in a folder.

    Each takes its turn among those that are up; while none is, calls wait. When they have died too often a dead one is
    not replaced, and with the last of them ``give_up`` is called, so that the host ends too.
    """

    def __init__(self, root: Path, processes: int, give_up: Callable[[], None]) -> None:
        self._root = root
        self._processes = processes
        self._give_up = give_up
        self._restarts = Restarts(processes)
        self._workers: list[WorkerProcess] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._left = set(range(processes))
        self._die_at_orchestrator: set[int] = set()
        self._turns = itertools.count()
        self._changed = asyncio.Event()
        self.functions: tuple[AppFunction, ...] = ()
        """The app's functions, in order of definition."""
        self.activities: frozenset[str] = frozenset()
        """The registered activity names, in lower case."""
        self.orchestrators: dict[str, str] = {}
        """The orchestrator names as they were registered, by lower-case name."""
        self.crashes = 0
        """How many workers have died."""

    async def start(self) -> None:
        """Start all."""
        for _ in range(self._processes):
            self._workers.append(await WorkerProcess.start(self._root))

    async def loaded(self) -> tuple[AppFunction, ...]:
        """Wait until each has loaded the app; its functions. Raises LoadError."""
        self.functions, *_ = await asyncio.gather(*(worker.loaded() for worker in self._workers))
        self.activities = frozenset(durable_names(self.functions, Trigger.ACTIVITY))
        self.orchestrators = durable_names(self.functions, Trigger.ORCHESTRATION)
        self._keepers = [asyncio.create_task(self._keep(number)) for number in range(self._processes)]
        return self.functions

    async def close(self) -> None:
        """End all of them at once."""
        for keeper in self._keepers:
            keeper.cancel()
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            await worker.ended()

    async def run_orchestrator(self, name: str, body: str) -> Response:
        """As `Calls.run_orchestrator`; raises WorkerDiedError."""
        number = await self._next()
        if number in self._die_at_orchestrator:
            self._die_at_orchestrator.discard(number)
            self._workers[number].kill()
        response: Response = await self._workers[number].call("run_orchestrator", name, body)
        return response

    async def run_activity(self, name: str, text: str | None) -> str | None:
        """As `Calls.run_activity`; raises WorkerDiedError."""
        result: str | None = await self._workers[await self._next()].call("run_activity", name, text)
        return result

    async def run_http(self, name: str, call: HttpCall, clients: dict[str, str]) -> HttpAnswer:
        """As `Calls.run_http`, but raises FunctionFailedError or WorkerDiedError."""
        answer: HttpAnswer = await self._workers[await self._next()].call("run_http", name, call, clients)
        return answer

    async def run_timer(self, name: str, call: TimerCall, clients: dict[str, str]) -> None:
        """As `Calls.run_timer`, but raises FunctionFailedError or WorkerDiedError."""
        await self._workers[await self._next()].call("run_timer", name, call, clients)

    async def crash(self, number: int | None) -> Crash:
        """Kill a worker, None being the first that there is, once it is up, and wait for its end. Raises LookupError
        if there is no such worker.
        """
        while self._left:
            worker = self._workers[self._existing(number)]
            if worker.is_up:
                crash = Crash(worker.in_flight("run_activity"), worker.in_flight("run_orchestrator"))
                worker.kill()
                await worker.ended()
                return crash
            await self._change()
        return Crash(0, 0)  # the host is about to end

    def crash_at_next_orchestrator(self, number: int | None) -> None:
        """Kill a worker as soon as it is to call an orchestrator function: the one moment that an instance does not
        survive. Raises LookupError if there is no such worker.
        """
        if self._left:
            self._die_at_orchestrator.add(self._existing(number))

    def _existing(self, number: int | None) -> int:
        if number is None:
            return min(self._left)
        if number not in self._left:
            raise LookupError(f"There is no worker process {number}; they are counted from 0.")
        return number

    async def _next(self) -> int:
        """The number of the worker whose turn it is; waits while none is up."""
        while not (up := [number for number, worker in enumerate(self._workers) if worker.is_up]):
            await self._change()
        return up[next(self._turns) % len(up)]

    async def _change(self) -> None:
        """Wait until a worker is up again, or there is one less."""
        self._changed.clear()
        await self._changed.wait()

    async def _keep(self, number: int) -> None:
        """Replace a worker whenever it has died, until that has happened too often."""
        while True:
            code = await self._workers[number].ended()
            self.crashes += 1
            _log.warning("Language Worker Process exited. python exited with code %d.", code)
            if not self._restarts.allowed(asyncio.get_running_loop().time()):
                break
            worker = self._workers[number] = await WorkerProcess.start(self._root)
            try:
                await worker.loaded()
            except LoadError as error:
                _log.error("The worker process could not load the app: %s", error)
            self._changed.set()
        self._left.discard(number)
        self._changed.set()
        if not self._left:
            _log.error(
                "Exceeded language worker restart retry count for runtime:python. Shutting down and proactively "
                "recycling the Functions Host to recover"
            )
            self._give_up()
