"""A worker process as its host sees it."""

import asyncio
import itertools
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dev.devhost.engine.port import WorkerDiedError
from dev.devhost.worker.functions import AppFunction, LoadError
from dev.devhost.worker.link import Answer, Call, Cancel, Loaded, Method, Refused, receive, send

_REPOSITORY = Path(__file__).parents[3]
_SECONDS_TO_EXIT = 1.0


@dataclass(frozen=True, slots=True)
class _Pending:
    method: Method
    answer: asyncio.Future[Any]


class WorkerProcess:
    """One worker process and the connection to it."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._writer = writer
        self._numbers = itertools.count()
        self._pending: dict[int, _Pending] = {}
        self._functions: asyncio.Future[tuple[AppFunction, ...]] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(reader))
        self._ending = asyncio.create_task(self._end())
        self.is_up = False
        """True while calls may be handed to it."""

    @classmethod
    async def start(cls, root: Path) -> Self:
        """Start one for the app in a folder; it inherits this process's environment and its output."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "dev.devhost.worker", str(theirs.fileno()), str(root)),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=_REPOSITORY,
            )
        return cls(process, *await asyncio.open_connection(sock=ours))

    async def loaded(self) -> tuple[AppFunction, ...]:
        """The functions of the app, once it has loaded it. Raises LoadError."""
        return await asyncio.shield(self._functions)

    async def ended(self) -> int:
        """Wait until it has ended, and all that was in flight in it has failed; its exit code, as a shell tells it."""
        return await asyncio.shield(self._ending)

    def in_flight(self, method: Method) -> int:
        """How many calls of a method run at this moment."""
        return sum(pending.method == method for pending in self._pending.values())

    def kill(self) -> None:
        """End it, whatever it does."""
        self.is_up = False
        with suppress(ProcessLookupError):
            self._process.kill()

    async def call(self, method: Method, *arguments: Any) -> Any:
        """The result of a method. Raises ActivityFailedError, FunctionFailedError or WorkerDiedError."""
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = _Pending(method, answer)
        send(self._writer, Call(number, method, arguments))
        try:
            return await answer
        except asyncio.CancelledError:
            send(self._writer, Cancel(number))
            raise
        finally:
            del self._pending[number]

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while (message := await receive(reader)) is not None:
            match message:
                case Loaded(functions):
                    self._functions.set_result(functions)
                    self.is_up = True
                case Refused(text):
                    self._functions.set_exception(LoadError(text))
                case Answer(number):
                    self._settle(number, message)
        self.is_up = False
        await asyncio.sleep(_SECONDS_TO_EXIT)
        self.kill()

    def _settle(self, number: int, answer: Answer) -> None:
        pending = self._pending.get(number)
        if pending is None or pending.answer.done():  # cancelled meanwhile
            return
        if answer.error is None:
            pending.answer.set_result(answer.result)
        else:
            pending.answer.set_exception(answer.error)

    async def _end(self) -> int:
        status = await self._process.wait()
        code = 128 - status if status < 0 else status
        self.is_up = False
        self._reading.cancel()
        self._writer.close()
        death = WorkerDiedError(code)
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(death)
        if not self._functions.done():
            self._functions.set_exception(LoadError(f"The worker ended before it had loaded the app: {death}."))
        return code
