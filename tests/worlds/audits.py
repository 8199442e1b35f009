"""Whole audits in memory: every step of the app, its own lister and parsers, a database and a run store in memory."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from activities.judge import judge_audit
from activities.keep_dead_letters import DeadLettersRequest, keep_letters
from activities.look_again import look
from activities.plan import plan_audit
from activities.pull import pull_rows
from activities.report import report_audit
from activities.scan_shard import ScanRequest, scan
from activities.screen import screen_audit
from profiles.pre_capture_sessions import PROFILE, queries
from profiles.pre_capture_sessions.candidates import COLUMNS
from reconciliation.database import DatabaseState
from reconciliation.errors import AuditError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.queries import SqlRows as Query
from reconciliation.run_record import RunRecord
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import AS_OF, AUDIT_ID, MINUTE, MOMENTS, PARAMETERS
from tests.worlds.storage import ScriptedAccount, ScriptedLister

_ID, _ASKED = COLUMNS.index("session_id"), COLUMNS.index("in_question")


@dataclass
class RawDatabase:
    """PRE's database as JSON texts, so that it may hold what Python cannot: ``sessions`` with those that are asked for
    marked, and ``rows``, ascending by id.
    """

    sessions: Sequence[list[Any]] = ()
    rows: Sequence[list[Any]] = ()
    replayed_until: datetime | None = None
    where: tuple[str | None, str | None] = ("db.example", "pre")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["RawDatabase"]:
        yield self

    async def state(self) -> DatabaseState:
        return DatabaseState(AS_OF, is_replica=self.replayed_until is not None, replayed_until=self.replayed_until)

    async def lines(self, query: Query) -> AsyncIterator[list[str]]:
        ids = set(query.values.get("ids", ()))
        asked = [session for session in self.sessions if session[_ASKED] == "candidate"]
        answers: dict[str, list[list[Any]]] = {
            queries.candidates(PARAMETERS, MOMENTS).sql: asked,
            queries.registered(MOMENTS).sql: sorted(self.rows, key=lambda row: str(row[0])),
            queries.sessions_again(PARAMETERS, MOMENTS, ()).sql: [one for one in self.sessions if str(one[_ID]) in ids],
            queries.recordings_again(MOMENTS, ()).sql: [one for one in self.rows if str(one[0]) in ids],
        }
        for row in answers[query.sql]:
            yield [json.dumps([True if value == "candidate" else value for value in row])]


@dataclass
class Audited:
    """How an audit ended, and its report if there is one."""

    outcome: Outcome
    report: dict[str, Any] | None = None
    error: str = ""

    @property
    def high(self) -> list[dict[str, Any]]:
        """The findings that call for somebody at once."""
        return [one for one in (self.report or {}).get("findings", ()) if one["severity"] == "high"]


async def audited(
    account: ScriptedAccount,
    database: RawDatabase,
    parameters: AuditParameters = PARAMETERS,
    *,
    strict: bool = False,
    later: timedelta = MINUTE,
) -> Audited:
    """Audit them from the first step to the last, each as often as an orchestration tries it.

    ``later``: how long after the listing the audit gets to its verdicts; days, if it was resumed.
    """
    outside = Outside(cast("MemoryStorage", ScriptedLister(account)), cast("MemoryDatabase", database), strict=strict)
    return await audited_outside(outside, parameters, later=later)


async def audited_outside(outside: Outside, parameters: AuditParameters, *, later: timedelta) -> Audited:
    """As ``audited``, of an outside world whose parts the caller chose."""
    record = RunRecord(AUDIT_ID, State.QUEUED, parameters, AS_OF - MINUTE, AS_OF - MINUTE)
    await outside.records.create_record(record)
    request: Any = {"profile": PROFILE.name, "audit_id": AUDIT_ID}
    try:
        for run in range(len(PROFILE.pulls())):
            await _tried(pull_rows, {**request, "run": run}, outside)
        await _tried(plan_audit, request, outside)
        plan = await outside.store.plans.existing(record.folder)
        failed = list(range(len(plan.shards)))
        for attempt in (1, 2, 3):
            answers = [
                (
                    await scan(cast("ScanRequest", {**request, "shard": index, "attempt": attempt}), outside.services),
                    index,
                )
                for index in failed
            ]
            failed = [index for answer, index in answers if answer["failed"]]
        if failed:
            await keep_letters(cast("DeadLettersRequest", {**request, "failed": failed}), outside.services)
        outside.now = AS_OF + later
        await _tried(screen_audit, request, outside)
        screening = await outside.store.attempts.screened(record.attempt_folder)
        assert screening is not None
        for shard in range(len(screening.shards)):
            await _tried(look, {**request, "shard": shard}, outside)
        await _tried(judge_audit, request, outside)
        await _tried(report_audit, request, outside)
    except AuditError as error:
        return Audited(Outcome.FAILED, error=str(error))
    ended = await outside.records.record(AUDIT_ID)
    assert ended is not None
    assert ended.outcome is not None
    return Audited(ended.outcome, json.loads(outside.blobs.blobs[f"{record.folder}/report.json"]))


async def _tried(step: Any, request: Any, outside: Outside) -> None:
    for attempt in (1, 2, 3):
        try:
            await step(request, outside.services)
        except AuditError as error:
            if not error.retryable or attempt == 3:
                raise
        else:
            return
