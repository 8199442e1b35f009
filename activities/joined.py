"""Reading the groups of a join from the run store."""

import heapq
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from activities.step import Job
from adapters.services import Services
from adapters.store.rows import Item
from reconciliation.errors import ListingError
from reconciliation.joining import Held, OutOfOrderError, Pair, cogroup
from reconciliation.profile import Join, Source

Stream = AsyncIterator[list[Pair[Any]]]
_PORTION, _RUN = 1000, 10_000
_key = itemgetter(0)


class Place(NamedTuple):
    """The folder in the audit's folder with the rows of a source, and how many there must be (None: any number)."""

    audit: str
    folder: str
    rows: int | None


async def groups(
    job: Job,
    places: Mapping[str, Place],
    join: Join,
    beside: Sequence[Stream] = (),
) -> AsyncIterator[list[Held[Any]]]:
    """The groups of a join's sources, followed in each group by the items of the streams ``beside``.

    ``places`` has the place of each source's rows; a source without one has no rows. Raises ``UnreadableError`` if rows
    are missing, and ``ListingError`` if a source that should ascend does not.
    """
    streams = [_stream(job.services, places, job.profile.source(name), key) for name, key in join.of]
    try:
        async for held in cogroup([*streams, *beside]):
            yield held
    except OutOfOrderError as error:
        if error.stream >= len(join.of):
            raise
        name, _ = join.of[error.stream]
        raise ListingError(f"The source {name} does not come in the order of its keys: {error}.") from error


def _stream(services: Services, places: Mapping[str, Place], source: Source, key: Callable[[Any], str]) -> Stream:
    if source.name not in places:
        return _nothing()
    audit, folder, rows = places[source.name]
    items = services.store.rows.items(audit, source.name, source.row, key, folder, expected=rows)
    return items if source.ascends else _sorted(items, source)


async def _nothing() -> Stream:
    for portion in list[list[Pair[Any]]]():
        yield portion


async def _sorted(items: Stream, source: Source) -> Stream:
    """The items sorted by key, stably; in runs, which are merged from disk."""
    with tempfile.TemporaryDirectory(prefix="capture-audit-") as folder:
        run, files = list[Pair[Any]](), list[Path]()
        async for portion in items:
            run += portion
            if len(run) >= _RUN:
                files.append(_written(run, Path(folder, str(len(files)))))
                run = []
        run.sort(key=_key)
        merged = heapq.merge(*[_read(file, source) for file in files], run, key=_key)
        while portion := list(islice(merged, _PORTION)):
            yield portion


def _written(run: list[Pair[Any]], file: Path) -> Path:
    with file.open("wb") as out:
        for key, (item,) in sorted(run, key=_key):
            out.write(json.dumps(key).encode() + b"\t" + item[1] + b"\n")
    return file


def _read(file: Path, source: Source) -> Iterator[Pair[Any]]:
    with file.open("rb") as lines:
        for line in lines:
            key, _, row = line[:-1].partition(b"\t")
            yield json.loads(key), ((source.row(json.loads(row)), row),)


async def keyed(pairs: Iterable[tuple[str, Any]]) -> Stream:
    """A stream of pairs that are in memory and ascend by key."""
    ready = [(key, (item,)) for key, item in pairs]
    for at in range(0, len(ready), _PORTION):
        yield ready[at : at + _PORTION]


def rows_of(items: Sequence[tuple[Item, ...]]) -> tuple[tuple[Any, ...], ...]:
    """The rows of each source, of its items."""
    # Nearly every source has one row of a key, or none.
    return tuple([((of[0][0],) if len(of) == 1 else tuple([row for row, _ in of])) if of else () for of in items])
