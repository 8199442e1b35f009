"""Declarations of what a source reads; an adapter for each kind of them gives a JSON text for each row."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from reconciliation.evidence import Unread


class Moments(NamedTuple):
    """A moment from ``recent`` to ``latest`` counts as just now when rows are read; one after ``latest`` is in the
    future and counts as not given. ``earliest`` are the earliest moments of the sources that were read before, by name
    (see ``Source.dated``).
    """

    recent: datetime
    latest: datetime
    earliest: Mapping[str, datetime] = MappingProxyType({})

    @property
    def values(self) -> dict[str, datetime]:
        """``recent`` and ``latest`` as the values of a statement."""
        return {"recent": self.recent, "latest": self.latest}


@dataclass(frozen=True)
class SqlRows:
    """The rows of one read-only statement: its SQL is fixed in the code, its values travel as bound parameters.

    It gives one column: a JSON text for each row, made by the database, so that rows pass through us as they are.
    """

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Containers:
    """The names of all containers of a storage account, ascending."""


@dataclass(frozen=True)
class Prefixes:
    """The folders of a bucket that lie ``depth`` levels below the folder ``root``, and every object above them,
    ascending: a folder's path, which ends in a slash, or the key of an object.

    ``root`` is empty or ends in a slash.
    """

    root: str = ""
    depth: int = 1


@dataclass(frozen=True)
class KeysUnder:
    """The keys of all objects of a bucket that begin with any of ``prefixes``, of which none begins with another."""

    prefixes: tuple[str, ...]


class HttpCall(NamedTuple):
    """One call of an HTTP API: the path below the setting's address, and the JSON that is posted there; without one it
    is a GET. ``expects`` are the statuses of answers that mean something; any other one is an error. ``changes``: it
    may change something there; it can be repeated all the same, and then changes nothing more. ``once``: it rests on
    what was read just before, so it is never sent again; in ``GuardedCalls`` the error is thrown into the conversation.
    """

    path: str
    body: Any = None
    expects: tuple[int, ...] = (200,)
    changes: bool = False
    once: bool = False


class HttpAnswer(NamedTuple):
    """What an HTTP API answered: JSON; ``at`` is its own clock, if it tells."""

    status: int
    body: Any
    at: datetime | None = None


Conversation = Generator[HttpCall | list[Any] | Unread, HttpAnswer, None]
"""Yields a call, and is sent its answer; or a list of rows. An ``Unread`` is the last that it yields: it says that rows
are missing. Raises ``ListingError`` for an answer that cannot be trusted.
"""


@dataclass(frozen=True)
class HttpRows:
    """The rows that an HTTP API gives in a conversation; ``talk`` begins one and does no I/O."""

    talk: Callable[[], Conversation]


Query = SqlRows | Containers | Prefixes | KeysUnder | HttpRows
