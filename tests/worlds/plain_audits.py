"""The way of a plain world through the whole engine, and what its report says that an oracle can know."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from profiles.pre_capture_sessions import queries
from profiles.pre_capture_sessions.candidates import COLUMNS, Candidate
from profiles.pre_capture_sessions.kinds import KINDS, SESSION
from reconciliation.database import DatabaseState
from reconciliation.errors import DatabaseUnavailableError
from reconciliation.queries import SqlRows as Query
from reconciliation.rules import Severity
from tests.activities.memory import MemoryBlobs, MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import MOMENTS, PARAMETERS
from tests.worlds.audits import audited_outside
from tests.worlds.oracle import Expected
from tests.worlds.plain import PlainContainer, PlainWorld
from tests.worlds.storage import Container, ScriptedAccount, ScriptedLister

Row = list[Any]
_CANDIDATES = queries.candidates(PARAMETERS, MOMENTS).sql
_REGISTERED = queries.registered(MOMENTS).sql
_SESSIONS_AGAIN = queries.sessions_again(PARAMETERS, MOMENTS, ()).sql
_RECORDINGS_AGAIN = queries.recordings_again(MOMENTS, ()).sql


# --- the database -----------------------------------------------------------------------------------------------------


@dataclass
class PlainDatabase:
    """PRE's database as it answers the profile's queries; from the second snapshot on as the world is afterwards."""

    world: PlainWorld
    snapshots: int = 0
    where: tuple[str | None, str | None] = ("db.example", "pre")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["PlainDatabase"]:
        self.snapshots += 1
        if self.world.database_lost and self.snapshots > 1:
            raise DatabaseUnavailableError("The database cannot be reached.")
        yield self

    @property
    def now(self) -> PlainWorld:
        return self.world if self.snapshots == 1 else self.world.afterwards()

    async def state(self) -> DatabaseState:
        replica = self.world.is_replica
        return DatabaseState(self.world.as_of, replica, self.world.as_of if replica else None)

    async def lines(self, query: Query) -> AsyncIterator[list[str]]:
        rows = [json.dumps(row) for row in self.answer(query)]
        for at in range(0, len(rows), 2):
            yield rows[at : at + 2]

    def answer(self, query: Query) -> list[Row]:
        """The rows of a query, in its order."""
        ids = set(query.values.get("ids", ()))
        rows = sorted([list(row) for row in self.now.rows], key=lambda row: str(row[0]))
        sessions = sorted(self.now.sessions, key=lambda one: one.session_id)
        values = query.values
        if query.sql == _REGISTERED:
            return rows
        if query.sql == _RECORDINGS_AGAIN:
            return [row for row in rows if row[0] in ids]
        if query.sql == _CANDIDATES:
            chosen = [
                one for one in sessions if one.origin == "PRE" and _of_status(one, values) and _in_time(one, values)
            ]
            return [_row(one, asked=True) for one in chosen]
        assert query.sql == _SESSIONS_AGAIN
        named = [one for one in sessions if one.session_id in ids]
        return [
            _row(one, asked=_in_time(one, values) and (values["any_status"] or _of_status(one, values)))
            for one in named
        ]


def _row(session: Candidate, *, asked: bool) -> Row:
    """A session's row; what is not understood in it as the text that it is."""
    columns = dict(zip(COLUMNS, session.to_json(), strict=True)) | dict(session.unreadable) | {"in_question": asked}
    return [columns[name] for name in COLUMNS]


def _heard(session: Candidate, latest: datetime) -> datetime | None:
    started, finished = session.started_at, session.finished_at
    if started is not None and started <= latest:
        return started
    return finished if finished is not None and finished <= latest else session.scheduled_for


def _of_status(session: Candidate, values: Mapping[str, Any]) -> bool:
    return session.status in values["statuses"] if session.status is not None else bool(values["no_status"])


def _in_time(session: Candidate, values: Mapping[str, Any]) -> bool:
    at = _heard(session, values["latest"])
    early = at is not None and values["since"] is not None and at < values["since"]
    late = at is not None and values["until"] is not None and at >= values["until"]
    return not early and not late and (values["only"] is None or session.session_id in values["only"])


# --- the engine -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """What an audit stands on: each can be exchanged for one that is broken."""

    lister: Callable[[ScriptedAccount], ScriptedLister] = ScriptedLister
    database: Callable[[PlainWorld], PlainDatabase] = PlainDatabase
    blobs: Callable[[], MemoryBlobs] = MemoryBlobs


AS_THEY_ARE = Parts()


def report_of(world: PlainWorld, parts: Parts = AS_THEY_ARE) -> dict[str, Any]:
    """What the engine reports of the world."""
    ingest = None
    if world.ingest is not None:
        ingest = ScriptedLister(_account({name: _stored(one) for name, one in world.ingest.items()}, world))
    outside = Outside(
        cast("MemoryStorage", parts.lister(_account({one.name: _stored(one) for one in world.containers}, world))),
        cast("MemoryDatabase", parts.database(world)),
        cast("MemoryStorage", ingest),
        blobs=parts.blobs(),
        per_shard=world.per_shard,
        now=world.as_of,
    )
    done = asyncio.run(audited_outside(outside, world.parameters, later=world.later))
    assert done.report is not None, done.error
    return done.report


def _account(containers: dict[str, Container], world: PlainWorld) -> ScriptedAccount:
    return ScriptedAccount(containers, page_size=world.page_size, ahead=world.storage_ahead, now=world.as_of)


def _stored(one: PlainContainer) -> Container:
    if one.deleted:
        return Container(one.name, one.blobs, listed=(True, False), opened=(False,))
    return Container(one.name, one.blobs, refused=one.refused)


# --- what both say ----------------------------------------------------------------------------------------------------


@dataclass
class Said:
    """What an audit says: each finding, each counted session, all counts, the proof of coverage, and how it ended."""

    findings: Counter[tuple[str, str, str, str]]
    counted: Counter[tuple[str, str]]
    counts: dict[str, dict[str, int]]
    severities: dict[str, int]
    hidden: int
    containers: dict[str, int]
    skipped: dict[str, int]
    outcome: str


def said_by_report(report: dict[str, Any]) -> Said:
    """By the engine."""
    counts, coverage = report["counts"], report["coverage"]
    return Said(
        Counter(
            (one["subject"]["kind"], one["subject"]["id"], one["verdict"], one["severity"])
            for one in report["findings"]
        ),
        Counter((verdict, one) for verdict, ids in report["counted"]["capture_session"].items() for one in ids),
        {kind.name: {verdict: count for verdict, count in counts[kind.name].items() if count} for kind in KINDS},
        {severity: count for severity, count in counts["by_severity"].items() if count},
        counts["hidden"],
        {word: number for word, number in coverage["units"].items() if word != "noun"},
        coverage["skipped_by_reason"],
        report["outcome"]["word"],
    )


def said_by_oracle(expected: Expected) -> Said:
    """By the oracle."""
    listed = [(kind, one, found) for (kind, one), found in expected.verdicts.items() if not found.rule.counted]
    counted = [(kind, one, found) for (kind, one), found in expected.verdicts.items() if found.rule.counted]
    asking = any(found.severity is not Severity.INFO for _, _, found in listed)
    skipped = expected.skipped.total()
    counts: dict[str, Counter[str]] = {kind.name: Counter() for kind in KINDS}
    for (kind, _), found in expected.verdicts.items():
        counts[kind][found.verdict] += 1
    return Said(
        Counter((kind, one, found.verdict, found.severity.value) for kind, one, found in listed),
        Counter((found.verdict, one) for kind, one, found in counted if kind == SESSION.name),
        {kind: dict(of_kind) for kind, of_kind in counts.items()},
        dict(Counter(found.severity.value for _, _, found in listed)),
        sum(found.rule.alarm for _, _, found in listed),
        {
            "listed": expected.listed,
            "scanned": expected.listed - skipped - expected.failed,
            "skipped": skipped,
            "failed": expected.failed,
        },
        dict(expected.skipped),
        "incomplete" if not expected.complete else "findings" if asking else "clean",
    )
