"""What the second look has read, on disk where it is too much for memory."""

import json
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import IO, Any, Generic, TypeVar

from adapters.store.jsonl import loads, to_text

_CHUNK_BYTES, _ROWS_IN_MEMORY = 256 * 1024, 1000
ValueT = TypeVar("ValueT")
MadeT = TypeVar("MadeT")


class Kept(Generic[ValueT]):
    """Values in the order in which they were added, to be gone through any number of times. Those after the first
    ``in_memory`` are on disk, as JSON, of which ``read`` makes them again.
    """

    def __init__(self, read: Callable[[Any], ValueT], in_memory: int) -> None:
        self._read = read
        self._in_memory = in_memory
        self._held: list[ValueT] = []
        self._file: IO[bytes] | None = None
        self._on_disk = 0

    def __len__(self) -> int:
        return len(self._held) + self._on_disk

    def __iter__(self) -> Iterator[ValueT]:
        yield from self._held
        at = 0
        while self._file is not None:
            self._file.seek(at)
            lines = self._file.readlines(_CHUNK_BYTES)
            if not lines:
                return
            at = self._file.tell()
            yield from map(self._read, loads(lines))

    def add(self, value: ValueT, to_json: Callable[[], Any]) -> None:
        """Add a value; ``to_json`` is called if it goes to disk. Not while the values are gone through."""
        if len(self._held) < self._in_memory:
            self._held.append(value)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="capture-audit-")  # noqa: SIM115 - closed by close
        self._file.write(to_text(to_json()).encode() + b"\n")
        self._on_disk += 1

    def close(self) -> None:
        """Forget what is on disk."""
        if self._file is not None:
            self._file.close()


@dataclass(frozen=True)
class Each(Generic[ValueT, MadeT]):
    """What ``make`` makes of each of the values, each time that they are gone through."""

    values: Iterable[ValueT]
    make: Callable[[ValueT], MadeT]

    def __iter__(self) -> Iterator[MadeT]:
        return map(self.make, self.values)


class RowsKept:
    """Rows of sources under their keys, those after the first ``in_memory`` on disk; ``with`` forgets them."""

    def __init__(self, in_memory: int = _ROWS_IN_MEMORY) -> None:
        self._room = in_memory
        self._held: defaultdict[str, dict[str, list[Any]]] = defaultdict(dict)
        self._on_disk: set[str] = set()
        # Without a name it is a temporary file, which is written to once its cache of some megabytes is full.
        # It is judged from in a thread of its own, while nobody else asks.
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.executescript(
            "pragma journal_mode = off; create table kept (source text, key blob, line blob);"
            "create index of_key on kept (source, key);"
        )

    def __enter__(self) -> "RowsKept":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, source: str, rows: Iterable[tuple[str, Any, str]]) -> None:
        """Add rows, each with its key and its JSON text."""
        coming = iter(rows)
        for key, row, _ in islice(coming, self._room):
            self._held[source].setdefault(key, []).append(row)
            self._room -= 1
        if self._room:
            return
        self._on_disk.add(source)
        self._database.executemany(
            "insert into kept values (?, ?, ?)", ((source, _bytes(key), _bytes(line)) for key, _, line in coming)
        )

    def forget(self, source: str) -> None:
        self._room += sum(map(len, self._held.pop(source, {}).values()))
        self._on_disk.discard(source)
        self._database.execute("delete from kept where source = ?", (source,))

    def under(self, source: str, key: str, read: Callable[[Any], Any]) -> list[Any]:
        """The rows under a key, in the order in which they were added; ``read`` makes one of the JSON on disk."""
        held = self._held[source].get(key, [])
        if source not in self._on_disk:
            return held
        wanted = "select line from kept where source = ? and key = ? order by rowid"
        on_disk = self._database.execute(wanted, (source, _bytes(key)))
        return held + [read(json.loads(line)) for (line,) in on_disk]


@dataclass(frozen=True)
class RowsOf:
    """The rows of one source by their keys, as a mapping has them."""

    kept: RowsKept
    source: str
    row: Callable[[Any], Any]

    def get(self, key: str, default: Sequence[Any] = ()) -> Sequence[Any]:
        return self.kept.under(self.source, key, self.row) or default


def _bytes(text: str) -> bytes:
    """Also of what is no valid text, which names in storage may be."""
    return text.encode("utf-8", "surrogatepass")
