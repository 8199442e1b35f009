"""The worker as the host sees it: a process that can die, and is replaced at once by a new one.

devhost runs the app in its own process, so a death is played: every call in flight ends with `WorkerDiedError`, its
task is cancelled, and the app's own modules are imported again for the calls that follow.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import azure.functions as func

from dev.devhost.engine.port import WorkerDiedError
from dev.devhost.protocol.responses import Response
from dev.devhost.worker.calling import Calls
from dev.devhost.worker.functions import AppFunction, TimerCall

_log = logging.getLogger("devhost")
_MOST_EXITS = 3
_EXITS_WITHIN_SECONDS = 1800.0
Result = TypeVar("Result")


class WorkerProcess:
    """Calls the functions of the app that ``load`` gives; `crash` plays the death of the process behind it.

    After the third death within half an hour no new one is started: ``give_up`` is called, so that the host ends too.
    A function that was replaced by a reload is looked up by its name, so callers may keep the `AppFunction` they have.
    """

    def __init__(self, load: Callable[[], list[AppFunction]], give_up: Callable[[], None]) -> None:
        self._load = load
        self._give_up = give_up
        self._exits: list[float] = []
        self._start(load())
        self._dead: asyncio.Future[None] | None = None
        self._dies_at_orchestrator = False
        self.crashes = 0

    def _start(self, functions: list[AppFunction]) -> None:
        self.functions = functions
        self._by_name = {function.name: function for function in functions}
        self._calls = Calls(functions)

    @property
    def activities(self) -> frozenset[str]:
        """The registered activity names, in lower case."""
        return self._calls.activities

    @property
    def orchestrators(self) -> dict[str, str]:
        """The orchestrator names as they were registered, by lower-case name."""
        return self._calls.orchestrators

    def close(self) -> None:
        """Let go of the threads without waiting for what they do."""
        self._calls.close()

    def crash(self) -> None:
        """End every call in flight, and load the app again. A sync function's thread goes on; its result is dropped."""
        self.crashes += 1
        _log.warning("Language Worker Process exited. python exited with code 137.")
        dead, self._dead = self._dead, None
        if dead is not None:
            dead.set_result(None)
        self._calls.close()
        now = asyncio.get_running_loop().time()
        if self._exits and now - self._exits[0] > _EXITS_WITHIN_SECONDS:
            self._exits.clear()
        self._exits.append(now)
        if self.has_given_up:
            _log.error(
                "Exceeded language worker restart retry count for runtime:python. Shutting down and proactively "
                "recycling the Functions Host to recover"
            )
            self._give_up()
            return
        asyncio.get_running_loop().set_exception_handler(_without_unclosed)
        self._start(self._load())
        asyncio.get_running_loop().call_later(1, gc.collect)  # a process takes its connections with it

    @property
    def has_given_up(self) -> bool:
        """True when the process died too often to be started again; calls then never return."""
        return len(self._exits) >= _MOST_EXITS

    def crash_at_next_orchestrator(self) -> None:
        """Crash as soon as an orchestrator function is called: the one moment that an instance does not survive."""
        self._dies_at_orchestrator = True

    async def run_orchestrator(self, name: str, body: str) -> Response:
        """As `Calls.run_orchestrator`; raises WorkerDiedError."""
        call = self._calls.run_orchestrator(name, body)
        if self._dies_at_orchestrator:
            self._dies_at_orchestrator = False
            asyncio.get_running_loop().call_soon(self.crash)
            call.close()
            return await self._alive(_for_ever())
        return await self._alive(call)

    async def run_activity(self, name: str, text: str | None) -> str | None:
        """As `Calls.run_activity`; raises WorkerDiedError."""
        return await self._alive(self._calls.run_activity(name, text))

    async def run_http(self, function: AppFunction, request: func.HttpRequest, clients: dict[str, str]) -> Any:
        """As `Calls.run_http`; raises WorkerDiedError."""
        return await self._alive(self._calls.run_http(self._by_name[function.name], request, clients))

    async def run_timer(self, function: AppFunction, call: TimerCall, clients: dict[str, str]) -> None:
        """As `Calls.run_timer`; raises WorkerDiedError."""
        await self._alive(self._calls.run_timer(self._by_name[function.name], call, clients))

    async def _alive(self, call: Coroutine[Any, Any, Result]) -> Result:
        """The call's response. Raises WorkerDiedError if the worker dies first."""
        if self.has_given_up:
            call.close()
            await _for_ever()
        if self._dead is None:
            self._dead = asyncio.get_running_loop().create_future()
        dead = self._dead
        task = asyncio.ensure_future(call)
        either: set[asyncio.Future[Any]] = {task, dead}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not dead.done():
            return task.result()
        # An answer of the same moment did not get out either.
        task.cancel()
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        raise WorkerDiedError


async def _for_ever() -> Any:
    return await asyncio.get_running_loop().create_future()


def _without_unclosed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A dead worker closes nothing; what its connections say when they are collected is no news."""
    if not str(context.get("message", "")).startswith("Unclosed "):
        loop.default_exception_handler(context)
