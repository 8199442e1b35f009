"""What statements find in a SQLite database that a bucket keeps as one gzipped object.

The file is somebody else's: its size, what it unpacks to, and how long a statement may take are bounded; and so is what
all take together that are unpacked at once.
"""

import asyncio
import gzip
import math
import sqlite3
import threading
import time
import zlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from adapters.buckets.bucket import Bucket, Download, patiently
from adapters.buckets.room import Room
from reconciliation.errors import TooLargeError
from reconciliation.lookups import SqliteAnswer, SqliteRows

_PIECE = 1024 * 1024
_INSTRUCTIONS_BETWEEN_CHECKS = 100_000
_LONGEST_WHY = 200
# Nothing of deflate unpacks to more: https://zlib.net/zlib_tech.html
_LARGEST_FACTOR = 1032
_AT_FIRST = 64 * 1024 * 1024
"""What is taken before the size of an object is known: enough for one of some 60 KB, whatever is in it."""
# https://www.sqlite.org/fileformat.html#magic_header_string
_BEGINNING = b"SQLite format 3\0"
_NOT_THERE = ("no such table", "no such column")
# What a profile's statement can be blamed for, and not the file.
_OF_THE_STATEMENT = ("syntax error", "incomplete input", "no such function")


@dataclass(frozen=True)
class Limits:
    """What is read of one object, in bytes as stored and unpacked, rows of a statement, and seconds for all of them."""

    packed: int = 256 * 1024 * 1024
    unpacked: int = 1024 * 1024 * 1024
    rows: int = 1_000_000
    seconds: float = 60.0


def room_for_one(limits: Limits | None = None) -> Room:
    """As much room as the largest object takes that is read, packed and unpacked: all together take no more."""
    limits = limits or Limits()
    return Room(limits.packed + limits.unpacked)


class _DamagedError(Exception):
    """The object is no gzipped SQLite database; the message is ``why``."""


class _TooMuchError(Exception):
    """A limit; the message says which."""


class _MoreRoomError(Exception):
    """An object may take more room than it has; ``needed`` is how much."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


async def sqlite_rows(
    bucket: Bucket, lookup: SqliteRows, limits: Limits | None = None, room: Room | None = None
) -> SqliteAnswer:
    """The answer to the look-up. A value that JSON has not (bytes, an infinite number) is null.

    ``room`` is what all take at once; it is waited for. Raises as ``Bucket`` does, and ``TooLargeError`` for an object
    that the limits do not allow to be checked.
    """
    limits, needed = limits or Limits(), _AT_FIRST
    room = room or room_for_one(limits)
    while True:
        try:
            async with room.of(needed):
                return await _in_room(bucket, lookup, limits, needed)
        except _MoreRoomError as more:
            needed = more.needed


async def _in_room(bucket: Bucket, lookup: SqliteRows, limits: Limits, room: int) -> SqliteAnswer:
    what = f"check {lookup.key!r} in bucket {bucket.name}"
    with TemporaryDirectory(prefix="capture-audit-") as folder:
        packed = Path(folder, "packed")

        async def fetched() -> str | None:
            async with bucket.download(lookup.key) as download:
                return None if download is None else await _kept(download, packed, limits, room)

        try:
            version = await patiently(fetched, what, bucket.patience, downloads=True)
            if version is None:
                return SqliteAnswer(state="missing", why="", version="", rows=[])
            rows = await _in_a_thread(packed, lookup.statements, limits)
        except _DamagedError as damaged:
            return SqliteAnswer(state="damaged", why=str(damaged), version=version or "", rows=[])
        except _TooMuchError as most:
            raise TooLargeError(f"Cannot {what}: {most}. Look at it by hand.") from None
        return SqliteAnswer(state="read", why="", version=version, rows=rows)


async def _kept(download: Download, path: Path, limits: Limits, room: int) -> str:
    """Writes the object to a file; its version. Raises ``_MoreRoomError`` before anything of it is written."""
    if download.size > limits.packed:
        raise _TooMuchError(f"it has {download.size:,} bytes, and no more than {limits.packed:,} are read")
    needed = download.size + min(download.size * _LARGEST_FACTOR, limits.unpacked)
    if needed > room:
        raise _MoreRoomError(needed)
    with path.open("wb") as file:
        async for piece in download.pieces:
            file.write(piece)
    return download.version


async def _in_a_thread(packed: Path, statements: tuple[str, ...], limits: Limits) -> list[list[list[Any]] | None]:
    stop = threading.Event()
    try:
        return await asyncio.to_thread(_rows, packed, statements, limits, stop)
    finally:
        stop.set()  # a thread that nobody waits for any more


def _rows(
    packed: Path, statements: tuple[str, ...], limits: Limits, stop: threading.Event
) -> list[list[list[Any]] | None]:
    database = packed.with_name("database")
    _unpack(packed, database, limits.unpacked, stop)
    deadline = time.monotonic() + limits.seconds

    def is_over() -> bool:
        return stop.is_set() or time.monotonic() > deadline

    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro&immutable=1", uri=True)) as connection:
            connection.set_progress_handler(is_over, _INSTRUCTIONS_BETWEEN_CHECKS)
            connection.text_factory = lambda text: text.decode(errors="replace")
            # Views of a stranger's file may call no function that does more than to compute.
            connection.execute("pragma trusted_schema = off")
            return [_found(connection, statement, limits.rows) for statement in statements]
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise _TooMuchError(f"its statements take longer than {limits.seconds:g} s") from None
        if any(words in str(error) for words in _OF_THE_STATEMENT):
            raise
        raise _DamagedError(f"It cannot be read as a SQLite database ({str(error)[:_LONGEST_WHY]}).") from None


def _found(connection: sqlite3.Connection, statement: str, most: int) -> list[list[Any]] | None:
    try:
        found = connection.execute(statement).fetchmany(most + 1)
    except sqlite3.OperationalError as error:
        if str(error).startswith(_NOT_THERE):
            return None
        raise
    if len(found) > most:
        raise _TooMuchError(f"a statement finds more than {most:,} rows in it")
    return [[_value(value) for value in row] for row in found]


def _value(value: Any) -> Any:
    has_none = isinstance(value, bytes) or (isinstance(value, float) and not math.isfinite(value))
    return None if has_none else value


def _unpack(packed: Path, database: Path, most: int, stop: threading.Event) -> None:
    size = 0
    try:
        with gzip.open(packed) as source, database.open("wb") as target:
            while (piece := source.read(_PIECE)) and not stop.is_set():
                size += len(piece)
                if size > most:
                    raise _TooMuchError(f"it unpacks to more than {most:,} bytes")
                target.write(piece)
    except EOFError:
        raise _DamagedError("It is cut short.") from None
    except (gzip.BadGzipFile, zlib.error):
        raise _DamagedError("It is no gzip file, or a damaged one.") from None
    if size == 0:
        raise _DamagedError("It holds nothing.")
    with database.open("rb") as file:
        if file.read(len(_BEGINNING)) != _BEGINNING:
            raise _DamagedError("What is packed in it is not a database of SQLite.")
