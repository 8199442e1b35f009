"""The second look: everything in doubt, with both readings."""

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain, zip_longest
from typing import Any, NamedTuple, Protocol

from activities.doubts import LookedUp, Same, doubt_from_json, looked_up_from_json
from activities.kept import Each, Kept, RowsKept, RowsOf
from activities.looking import SECONDS_BETWEEN_PASSES
from activities.step import Job
from adapters.readers import Reader, Reading, reader
from reconciliation.database import DatabaseState
from reconciliation.errors import AuditError, RunStoreError
from reconciliation.evidence import Unread, has_failed
from reconciliation.looks import Audit, Doubt, Group
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Profile, Source
from reconciliation.queries import Moments, Query
from reconciliation.screened import DoubtKept, Screening

logger = logging.getLogger("capture_audit.second_look")

_KEYS_IN_ONE_QUERY = 5000
_IN_MEMORY = 1000
_NOT_LOOKED_AT = "it was not looked up again"


class Rows(Protocol):
    """The rows of one source by their keys."""

    def get(self, key: str, default: Sequence[Any], /) -> Sequence[Any]: ...


class Looked(NamedTuple):
    """A group in doubt, with the second look's evidence of its unit and the late results."""

    kept: DoubtKept
    evidence: Any
    late: Sequence[Any]

    @classmethod
    def never(cls, kept: DoubtKept) -> "Looked":
        """A group that was not looked up again: with ``Unread`` for each look-up."""
        missing = Unread(kept.group.key, _NOT_LOOKED_AT, failed=True)
        return cls(kept, missing if kept.again.unit else None, [missing] * len(kept.again.late))

    def doubt(self, rows: tuple[Sequence[Any], ...], lost: frozenset[str] = frozenset()) -> Doubt:
        """The doubt, with the rows that were read again."""
        first = self.kept.group
        return Doubt(self.kept.join, first, Group(first.key, rows, self.evidence, first.links, self.late, lost))


@dataclass(frozen=True)
class RowsAgain:
    """The rows that were read again, by source and key; the sources that could not be; the states of the databases, by
    setting; and all rows of the sources that are read whole.
    """

    rows: Mapping[str, Rows]
    lost: frozenset[str]
    databases: Mapping[str, DatabaseState]
    tables: Mapping[str, Sequence[Any]] = field(default_factory=dict)


class InDoubt:
    """All groups in doubt with the results of their look-ups, joins in their order, to be gone through any number of
    times; of each join those after the first thousand are on disk. ``keys`` are their keys by join. ``complete`` is
    False if any look-up failed or is missing.
    """

    def __init__(self, profile: Profile) -> None:
        in_memory = profile.scan.at_once(_IN_MEMORY) if profile.scan else _IN_MEMORY
        read = partial(_looked_from_json, profile=profile)
        self._of_joins = {join.name: Kept[Looked](read, in_memory) for join in profile.joins}
        self.keys: defaultdict[str, set[str]] = defaultdict(set)
        self.complete = True

    def __len__(self) -> int:
        return sum(map(len, self._of_joins.values()))

    def __iter__(self) -> Iterator[Looked]:
        return chain.from_iterable(self._of_joins.values())

    def of(self, join: str) -> Iterable[Looked]:
        """Those of one join."""
        return self._of_joins[join]

    def add(self, looked: Looked, to_json: Callable[[], Any]) -> None:
        join, key = looked.kept.join, looked.kept.group.key
        self._of_joins[join].add(looked, to_json)
        self.keys[join].add(key)
        self.complete = self.complete and not has_failed(looked.evidence)

    def close(self) -> None:
        """Forget what is on disk."""
        for of_join in self._of_joins.values():
            of_join.close()


async def looked_again(job: Job, screening: Screening) -> InDoubt:
    """All groups in doubt with the results of their look-ups."""
    attempts, attempt, profile = job.services.store.attempts, job.record.attempt_folder, job.profile
    look = f"{job.record.folder}/{screening.folder}"
    looked = InDoubt(profile)

    def doubt(value: list[Any]) -> tuple[DoubtKept, list[Any]]:
        return doubt_from_json(value, profile), value

    def found(value: list[Any]) -> tuple[LookedUp, list[Any]]:
        return looked_up_from_json(value, profile), value

    pieces = screening.shards or [(offset, length) for _, offset, length in screening.blocks]
    for number, (offset, length) in enumerate(pieces):
        doubts: list[tuple[DoubtKept, list[Any]]] = await attempts.doubts(look, offset, length, doubt)
        stored = await attempts.again(attempt, number, found) if screening.shards else []
        looked.complete = looked.complete and stored is not None
        for (kept, value), one in zip_longest(doubts, (stored or ())[: len(doubts)]):
            looked_up, of_it = one or (None, None)
            if looked_up is not None and (looked_up.join, looked_up.key) != (kept.join, kept.group.key):
                looked_up, of_it = None, None
            looked.add(_looked(kept, looked_up), partial(list, (value, of_it)))
    if len(looked) != sum(number for number, _, _ in screening.blocks):
        raise RunStoreError(f"{look} holds {len(looked)} doubts, not as many as were kept. Resume the audit.")
    return looked


def _looked(kept: DoubtKept, found: LookedUp | None) -> Looked:
    if found is None:
        return Looked.never(kept)
    return Looked(kept, kept.group.evidence if found.evidence is Same.AS_BEFORE else found.evidence, found.late)


def _once(first: Any, again: Any) -> Any:
    """What was read again; the first reading itself if they are equal, so that it is in memory once."""
    return first if first == again else again


def _each_once(first: Sequence[Any], again: Sequence[Any]) -> Sequence[Any]:
    """As ``_once``, for each of several rows."""
    return [*map(_once, first, again)] if again and len(first) == len(again) else again


def _looked_from_json(value: list[Any], profile: Profile) -> Looked:
    doubt, found = value
    return _looked(doubt_from_json(doubt, profile), None if found is None else looked_up_from_json(found, profile))


def looked_before(kept: Sequence[DoubtKept], looked: Iterable[Looked]) -> list[Looked]:
    """Groups of a repeated first look, with the results of their look-ups if they were in doubt before."""
    by_group: defaultdict[tuple[str, str], list[Looked]] = defaultdict(list)
    for one in looked:
        by_group[one.kept.join, one.kept.group.key].append(one)

    def earlier(doubt: DoubtKept) -> Looked:
        before = by_group[doubt.join, doubt.group.key]
        # Groups without a key are matched by their rows.
        same = next((one for one in before if doubt.group.key or one.kept.group.rows == doubt.group.rows), None)
        return Looked.never(doubt) if same is None else same._replace(kept=doubt)

    return [earlier(doubt) for doubt in kept]


def doubts_of(looked: Iterable[Looked], profile: Profile, again: RowsAgain) -> Iterable[Doubt]:
    """The doubts with all second readings, made each time that they are gone through. Rows that were not read again are
    those of the first look.
    """
    sources = {join.name: [name for name, _ in join.of] for join in profile.joins}
    lost = {join: again.lost.intersection(names) for join, names in sources.items()}

    def doubt(one: Looked) -> Doubt:
        join, first = one.kept.join, one.kept.group
        rows = tuple(
            _each_once(before, again.rows[name].get(first.key, ())) if first.key and name in again.rows else before
            for name, before in zip(sources[join], first.rows, strict=True)
        )
        return one.doubt(rows, lost[join])

    return Each(looked, doubt)


async def read_again(
    job: Job,
    audit: Audit,
    in_doubt: Mapping[str, Set[str]],
    kept: RowsKept,
    earliest: Mapping[str, datetime] | None = None,
) -> RowsAgain:
    """The rows of all keys in doubt (by join), those of one setting at one moment; they are in ``kept``. It is called
    after the look-ups, so that rows that were written meanwhile are found. Failures are in the result and not raised.
    """
    keys, is_any = _by_source(job.profile, in_doubt), any(in_doubt.values())
    work = _Again(job, audit.asked, job.services.moments(audit.asked, earliest), keys, kept)
    wanted: defaultdict[str, list[Source]] = defaultdict(list)
    for source in _in_order(job.profile):
        is_read_again = source.again is not None or source.all_again
        if (source.whole and is_any) or (is_read_again and work.keys[source.name]):
            wanted[source.setting].append(source)
    rows, lost, databases = dict[str, Rows](), set[str](), dict[str, DatabaseState]()
    tables = dict[str, Sequence[Any]]()
    for setting, sources in wanted.items():
        read = await work.tried_twice(setting, sources)
        if read is None:
            lost |= {source.name for source in sources}
        else:
            rows |= read.rows
            lost |= read.lost
            databases |= read.databases
            tables |= read.tables
    return RowsAgain(rows, frozenset(lost), databases, tables)


def keys_of(looked: Iterable[Looked]) -> Mapping[str, Set[str]]:
    """The keys in doubt by join; ``""`` for groups without one."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for doubt, _, _ in looked:
        keys[doubt.join].add(doubt.group.key)
    return keys


def _by_source(profile: Profile, in_doubt: Mapping[str, Set[str]]) -> defaultdict[str, set[str]]:
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for join, of_join in in_doubt.items():
        for name, _ in profile.join(join).of:
            keys[name] |= of_join - {""}
    return keys


def _in_order(profile: Profile) -> list[Source]:
    first = [profile.source(name) for name in profile.again_order]
    return first + [source for source in profile.sources if source not in first]


@dataclass(frozen=True)
class _Again:
    """Reading again, at these ``moments``, what has to do with the ``keys`` in doubt (by source), into ``kept``."""

    job: Job
    asked: AuditParameters
    moments: Moments
    keys: Mapping[str, set[str]]
    kept: RowsKept

    async def tried_twice(self, setting: str, sources: Sequence[Source]) -> RowsAgain | None:
        """The rows of the sources of one setting; None if none of them could be read."""
        for attempt in (1, 2):
            try:
                return await self._read(setting, sources)
            except AuditError as error:
                logger.warning("The second look at %s failed, attempt %d: %s", setting, attempt, error)
                if attempt == 1:
                    await self.job.services.sleep(SECONDS_BETWEEN_PASSES)
        return None

    async def _read(self, setting: str, sources: Sequence[Source]) -> RowsAgain:
        """The rows, source by source; none of a source that cannot be read to its end."""
        rows, lost, tables = dict[str, Rows](), set[str](), dict[str, Sequence[Any]]()
        async with reader(self.job.services, setting) as opened:
            for source in sources:
                table, unread = await self._of_source(opened, source)
                if unread is not None:
                    logger.warning("%s could not be read again to the end: %s", source.name, unread)
                    lost.add(source.name)
                elif source.whole:
                    tables[source.name] = table
                else:
                    rows[source.name] = RowsOf(self.kept, source.name, source.row)
            databases = {} if opened.state is None else {setting: opened.state}
        return RowsAgain(rows, frozenset(lost), databases, tables)

    async def _of_source(self, opened: Reader, source: Source) -> tuple[list[Any], str | None]:
        """Keeps the rows under the keys in doubt; gives all of them if the source is read whole. And why not all."""
        table, unread = list[Any](), None
        self.kept.forget(source.name)
        for query in self._queries(source):
            reading = Reading.of(opened, query)
            async for lines in reading.lines():
                if source.whole:
                    table += map(source.row, map(json.loads, lines))
                else:
                    self.kept.add(source.name, self._in_doubt(source, lines))
            unread = unread or reading.unread
        return table, unread

    def _in_doubt(self, source: Source, lines: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
        key_of, keys = _key_of(self.job.profile, source), self.keys[source.name]
        for line in lines:
            row = source.row(json.loads(line))
            key = key_of(row)
            if key in keys:
                yield key, row, line

    def _queries(self, source: Source) -> Iterator[Query | None]:
        if source.whole or source.again is None:
            yield source.read(self.asked, self.moments)
            return
        wanted = sorted(self.keys[source.name])
        for at in range(0, len(wanted), _KEYS_IN_ONE_QUERY):
            yield source.again(self.asked, self.moments, wanted[at : at + _KEYS_IN_ONE_QUERY])


def _key_of(profile: Profile, source: Source) -> Callable[[Any], str]:
    return next(key for join in profile.joins for name, key in join.of if name == source.name)
