"""All that was in doubt, beside what was read again of it."""

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from activities.doubts import doubt_from_json, seen_from_json
from activities.looking import SECONDS_BETWEEN_PASSES
from activities.step import Job
from adapters.readers import reader
from reconciliation.database import DatabaseState
from reconciliation.errors import AuditError, RunStoreError
from reconciliation.evidence import Unread, has_failed
from reconciliation.looks import Audit, Doubt, Group
from reconciliation.profile import Profile, Source
from reconciliation.screened import DoubtKept, Screening

logger = logging.getLogger("capture_audit.second_look")

_KEYS_IN_ONE_QUERY = 5000
_NOT_LOOKED_AT = "it was not looked up again"
Rows = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Units:
    """What was looked up again: by join and key the evidence and the late answers. ``complete`` is False if anything
    could not be.
    """

    seen: Mapping[tuple[str, str], tuple[Any, list[Any]]]
    complete: bool

    def of(self, doubt: DoubtKept) -> tuple[Any, list[Any]]:
        """What was seen of a group in doubt."""
        missing = Unread(doubt.group.key, _NOT_LOOKED_AT, failed=True) if doubt.again.unit else None
        return self.seen.get((doubt.join, doubt.group.key), (missing, []))


@dataclass(frozen=True)
class RowsAgain:
    """The rows that were read again, by source and key; the sources that could not be; and what the databases said of
    themselves.
    """

    rows: Mapping[str, Rows]
    lost: frozenset[str]
    databases: Mapping[str, DatabaseState]


async def kept_doubts(job: Job, screening: Screening) -> list[DoubtKept]:
    """All that the first look left in doubt."""
    attempt, kept = job.record.attempt_folder, list[DoubtKept]()
    for number, offset, length in screening.blocks:
        read = partial(doubt_from_json, profile=job.profile)
        block = await job.services.store.attempts.doubts(attempt, offset, length, read)
        if len(block) != number:
            raise RunStoreError(f"{attempt} holds {len(block)} doubts of {number}. Resume the audit.")
        kept += block
    return kept


def looked_at(doubts: Sequence[DoubtKept], units: Units) -> list[Doubt]:
    """The doubts beside what was looked up again, before any row is read again."""
    return [_doubt(one, units, one.group.rows) for one in doubts]


def doubts_of(doubts: Sequence[DoubtKept], profile: Profile, units: Units, again: RowsAgain) -> list[Doubt]:
    """The doubts beside all that was read again; what was not asked for again is as it was."""

    def doubt(one: DoubtKept) -> Doubt:
        key, names = one.group.key, [name for name, _ in profile.join(one.join).of]
        rows = tuple(
            again.rows[name].get(key, ()) if name in again.rows else before
            for name, before in zip(names, one.group.rows, strict=True)
        )
        return _doubt(one, units, rows, again.lost.intersection(names))

    return [doubt(one) for one in doubts]


def _doubt(one: DoubtKept, units: Units, rows: tuple[Sequence[Any], ...], lost: frozenset[str] = frozenset()) -> Doubt:
    evidence, late = units.of(one)
    return Doubt(one.join, one.group, Group(one.group.key, rows, evidence, one.group.links, late, lost))


async def looked_up(job: Job, screening: Screening) -> Units:
    """What the pieces of the second look saw."""
    seen: dict[tuple[str, str], tuple[Any, list[Any]]] = {}
    complete = True
    for shard in range(len(screening.shards)):
        read = partial(seen_from_json, profile=job.profile)
        of_shard = await job.services.store.attempts.again(job.record.attempt_folder, shard, read)
        complete = complete and of_shard is not None
        for join, key, evidence, late in of_shard or ():
            seen[join, key] = evidence, late
            complete = complete and not has_failed(evidence)
    return Units(seen, complete)


async def read_again(job: Job, audit: Audit, kept: Sequence[DoubtKept]) -> RowsAgain:
    """The rows of all keys in doubt, those of one setting in one moment: last of all, so that a row that came while
    units were looked up is found. What cannot be read again is part of it, and is not raised.
    """
    keys = _keys_in_doubt(job.profile, kept)
    wanted: defaultdict[str, list[Source]] = defaultdict(list)
    for source in _in_order(job.profile):
        if source.again is not None and keys[source.name]:
            wanted[source.setting].append(source)
    rows, lost, databases = dict[str, Rows](), set[str](), dict[str, DatabaseState]()
    for setting, sources in wanted.items():
        read = await _tried_twice(job, audit, setting, sources, keys)
        if read is None:
            lost |= {source.name for source in sources}
        else:
            rows |= read.rows
            databases |= read.databases
    return RowsAgain(rows, frozenset(lost), databases)


def _keys_in_doubt(profile: Profile, kept: Sequence[DoubtKept]) -> defaultdict[str, set[str]]:
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for doubt in kept:
        for name, _ in profile.join(doubt.join).of if doubt.group.key else ():
            keys[name].add(doubt.group.key)
    return keys


def _in_order(profile: Profile) -> list[Source]:
    first = [profile.source(name) for name in profile.again_order]
    return first + [source for source in profile.sources if source not in first]


async def _tried_twice(
    job: Job, audit: Audit, setting: str, sources: Sequence[Source], keys: Mapping[str, set[str]]
) -> RowsAgain | None:
    for attempt in (1, 2):
        try:
            return await _read(job, audit, setting, sources, keys)
        except AuditError as error:
            logger.warning("The second look at %s failed, attempt %d: %s", setting, attempt, error)
            if attempt == 1:
                await job.services.sleep(SECONDS_BETWEEN_PASSES)
    return None


async def _read(
    job: Job, audit: Audit, setting: str, sources: Sequence[Source], keys: Mapping[str, set[str]]
) -> RowsAgain:
    """The rows of some keys, each source's in turn."""
    rows: dict[str, Rows] = {}
    moments = job.services.moments(audit.asked)
    async with reader(job.services, setting) as opened:
        for source in sources:
            assert source.again is not None
            key_of = next(key for join in job.profile.joins for name, key in join.of if name == source.name)
            found: defaultdict[str, list[Any]] = defaultdict(list)
            asked = sorted(keys[source.name])
            for at in range(0, len(asked), _KEYS_IN_ONE_QUERY):
                query = source.again(audit.asked, moments, asked[at : at + _KEYS_IN_ONE_QUERY])
                async for lines in opened.lines(query):
                    for row in map(source.row, map(json.loads, lines)):
                        if key_of(row) in keys[source.name]:
                            found[key_of(row)].append(row)
            rows[source.name] = found
        databases = {} if opened.state is None else {setting: opened.state}
    return RowsAgain(rows, frozenset(), databases)
