"""What a host and a worker process say to each other over their socket: pickled messages, each behind its length."""

import asyncio
import pickle
import struct
from dataclasses import dataclass
from typing import Any, Literal

from dev.devhost.engine.port import ActivityFailedError, FunctionFailedError
from dev.devhost.worker.functions import AppFunction

Method = Literal["run_orchestrator", "run_activity", "run_http", "run_timer"]
"""A method of `Calls`, in the worker."""
_LENGTH = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A worker's first message: it has loaded the app, and can be called."""

    functions: tuple[AppFunction, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A worker's first message instead, and its last: why it cannot load the app."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """The host wants a method to be called; the answer has the same number."""

    number: int
    method: Method
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """The host no longer waits for the answer to a call."""

    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned, or how it failed."""

    number: int
    result: Any = None
    error: ActivityFailedError | FunctionFailedError | None = None


Message = Loaded | Refused | Call | Cancel | Answer


def send(writer: asyncio.StreamWriter, message: Message) -> None:
    """Send a message. What the other end does not take yet waits in memory; if there is none any more, it is lost."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    writer.write(_LENGTH.pack(len(data)) + data)


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None when the other end is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        message: Message = pickle.loads(await reader.readexactly(length))  # noqa: S301 - both ends are ours
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return message
