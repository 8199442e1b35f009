"""A run store in memory with three audits in it, and what is asked of the routes about them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from profiles.pre_capture_sessions import PROFILE
from reconciliation.coverage import Coverage
from reconciliation.dead_letters import DeadLetter
from reconciliation.evidence import Unread
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.plan import Plan, shards_of
from reconciliation.pulled import Pulled
from reconciliation.question import question_of
from reconciliation.run_record import RunRecord
from reconciliation.screened import Screening
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import AS_OF, PARAMETERS, World, audited, document_of
from triggers import audits
from triggers.problems import responded

NAME = PARAMETERS.profile
GUARD = f"{NAME}/active.json"
OLDEST, TOUCHED, NEWEST, NEXT = (f"2026030{day}-000000-aaaaaaaa" for day in (1, 2, 3, 4))
FOLDER = f"{NAME}/{TOUCHED}"
REPORT = document_of(audited(World()))
LISTED = {"containers": ('"a"', '"b"')}
AUDITED = Outside(MemoryStorage({}), MemoryDatabase()).services.audited(PROFILE)
SUMMARY = {"findings": 0, **AUDITED.to_json()}


@dataclass
class Runtime:
    """A Durable client that knows of no orchestration but those that are open."""

    open: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def get_status(self, instance_id: str) -> Any:
        self.asked.append(instance_id)
        status = df.OrchestrationRuntimeStatus
        return SimpleNamespace(runtime_status=status.Running) if instance_id in self.open else None

    async def start_new(self, _name: str, instance_id: str, client_input: dict[str, Any]) -> None:
        self.started.append(instance_id)
        self.open.add(instance_id)

    async def terminate(self, instance_id: str, _why: str) -> None:
        self.open.discard(instance_id)

    async def purge_instance_history_by(self, *_: Any) -> None:
        return None


async def chunks(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def portions(*portion: Any) -> AsyncIterator[list[Any]]:
    yield list(portion)


async def leave(outside: Outside, audit_id: str, state: State) -> RunRecord:
    """Everything that an audit leaves behind, or has left so far."""
    record = RunRecord(audit_id, State.QUEUED, PARAMETERS, AS_OF, AS_OF)
    await outside.records.create_record(record)
    folder, attempt, store = record.folder, record.attempt_folder, outside.store
    for run, of_run in enumerate(PROFILE.pulls()):
        for source in of_run:
            await store.rows.write(folder, source.name, portions(*LISTED.get(source.name, ())))
        await store.rows.write_pulled(folder, run, Pulled(AS_OF, {source.name: 0 for source in of_run}))
    await plan(outside, folder)
    await store.shards.write_progress(folder, 0, [])
    unread = Unread("a", "403", failed=True)
    scanned = [unread, Unread("b", "gone", failed=False)]
    await store.shards.mend(folder, 0, scanned, PROFILE.scan, attempt=1, before=None)
    if state is State.INCOMPLETE:
        letter = DeadLetter(0, "", 2, 1, (("a", "403"),), attempts=3, first_at=AS_OF, last_at=AS_OF)
        await store.letters.write(folder, letter)
    [(number, *_)] = blocks = await store.attempts.write_doubts(attempt, portions(['"sessions"', '"s"']))
    await store.attempts.write_counted(attempt, [])
    await store.attempts.first_screened(attempt, Screening(AS_OF, {}, Coverage(2), {}, frozenset(), blocks, number))
    await store.attempts.write_again(attempt, 0, [])
    await store.reports.write(folder, "json", chunks(REPORT), record.attempt)
    if not state.has_ended:
        return record
    if state is State.COMPLETED:
        await store.questions.add(NAME, question_of(PARAMETERS, AUDITED), record.begun, is_first=False)
    reached = await store.reached(folder, PROFILE.wording.unit)
    return await outside.records.end(
        record.ended(state, AS_OF, outcome=Outcome.INCOMPLETE, reached=reached, summary=SUMMARY)
    )


async def plan(outside: Outside, folder: str) -> None:
    """A plan of one shard that holds two containers."""
    blocks = await outside.store.plans.write_work(folder, portions(["a", None], ["b", None]))
    shards = shards_of(blocks, 2)
    frozen = Plan(AS_OF, settle_minutes=20, max_passes=3, listed=2, skipped={}, shards=shards)
    await outside.store.plans.first(folder, frozen)


async def planted(state: State) -> Outside:
    """Three audits, of which the touched one is in that state."""
    outside = Outside(MemoryStorage({}), MemoryDatabase())
    for audit_id, each in ((OLDEST, State.COMPLETED), (TOUCHED, state), (NEWEST, State.COMPLETED)):
        await leave(outside, audit_id, each)
    return outside


def request(audit_id: str | None = None, body: bytes = b"", **query: str) -> func.HttpRequest:
    """A request of one audit, or of all."""
    route = {} if audit_id is None else {"audit_id": audit_id}
    return func.HttpRequest("GET", "https://app/api/audits", params=query, route_params=route, body=body)


async def ask(route: Callable[..., Awaitable[func.HttpResponse]], *arguments: Any) -> tuple[int, dict[str, Any]]:
    """Status and document of an answer, which is JSON and never a shrug."""
    response = await responded(route(*arguments))
    document: dict[str, Any] = json.loads(response.get_body())
    assert "Something went wrong" not in str(document.get("detail"))
    return response.status_code, document


async def ask_all(runtime: Runtime, audit_id: str) -> list[tuple[int, dict[str, Any]]]:
    """Everything that can be asked of one audit."""
    decision = b'{"reason": "It is broken.", "by": "the tests"}'
    return [
        await ask(audits.show, request(audit_id), runtime),
        await ask(audits.list_dead_letters, request(audit_id)),
        await ask(audits.replay, request(audit_id), runtime),
        await ask(audits.discard, request(audit_id, decision), runtime),
        await ask(audits.resume, request(audit_id), runtime),
        await ask(audits.cancel_one, request(audit_id), runtime),
    ]
