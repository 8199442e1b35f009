"""The groups of a join, out of the run store."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from activities.step import Job
from adapters.services import Services
from adapters.store.rows import Item
from reconciliation.joining import Held, OutOfOrderError, Pair, cogroup
from reconciliation.profile import Join, Source

Stream = AsyncIterator[list[Pair[Any]]]
_PORTION = 1000


class Place(NamedTuple):
    """Where the rows of a source are kept, and how many; None if that is not told."""

    folder: str
    rows: int | None


async def groups(
    job: Job,
    places: Mapping[str, Place],
    join: Join,
    beside: Callable[[], Sequence[Stream]] = lambda: (),
) -> AsyncIterator[list[Held[Any]]]:
    """What the sources of a join hold of each key, and behind them the streams ``beside``.

    ``places`` tells where the rows of each source are; one that is not there holds nothing. A source that does not
    ascend is sorted first. Raises ``UnreadableError`` where rows are missing.
    """
    unordered: set[str] = set()
    while True:
        streams = []
        for name, key in join.of:
            items = _stream(job.services, places, job.profile.source(name), key)
            streams.append(_sorted(items) if name in unordered else items)
        begun = False
        try:
            async for held in cogroup([*streams, *beside()]):
                begun = True
                yield held
        except OutOfOrderError as error:
            if error.stream >= len(join.of) or begun:
                raise
            unordered.add(join.of[error.stream][0])
        else:
            return


def _stream(services: Services, places: Mapping[str, Place], source: Source, key: Callable[[Any], str]) -> Stream:
    if source.name not in places:
        return _nothing()
    where, rows = places[source.name]
    folder, _, place = where.rpartition("/")
    return services.store.rows.items(folder, source.name, source.row, key, place, expected=rows)


async def _nothing() -> Stream:
    for portion in list[list[Pair[Any]]]():
        yield portion


async def _sorted(items: Stream) -> Stream:
    everything = [pair async for portion in items for pair in portion]
    everything.sort(key=lambda pair: pair[0])
    for at in range(0, len(everything), _PORTION):
        yield everything[at : at + _PORTION]


async def keyed(pairs: Iterable[tuple[str, Any]]) -> Stream:
    """A stream of what is at hand, ascending."""
    ready = [(key, (item,)) for key, item in pairs]
    for at in range(0, len(ready), _PORTION):
        yield ready[at : at + _PORTION]


def rows_of(items: tuple[Item, ...]) -> tuple[Any, ...]:
    """The rows alone."""
    return tuple(item.row for item in items)
