"""Beginning again against a real run store; only the Durable client is played."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest

from adapters.services import Services
from adapters.settings import load_settings
from adapters.store.blobs import BlobStore
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.run_record import RunRecord
from runs import begin as module
from runs.begin import begin, replay, resume
from runs.context import Context
from runs.guard import active_audit
from runs.refusals import RefusedError

NOW = datetime(2026, 6, 30, 3, 30, tzinfo=UTC)
AUDIT = "20260630-033000-1a2b3c4d"
FIRST = {"profile": "pre-capture-sessions", "audit_id": AUDIT, "pulls": 2}
Status = df.OrchestrationRuntimeStatus


@dataclass
class Runtime:
    """A Durable client whose instance is asked for its status a number of times before it has ended."""

    asked_before_the_end: int
    started: list[dict[str, Any]] = field(default_factory=list)

    async def get_status(self, _instance_id: str) -> Any:
        self.asked_before_the_end -= 1
        return SimpleNamespace(runtime_status=Status.Running if self.asked_before_the_end >= 0 else Status.Completed)

    async def start_new(self, _name: str, instance_id: str, client_input: dict[str, Any]) -> str:
        if self.asked_before_the_end > 0:  # as the extension says it
            raise RuntimeError("An Orchestration instance with the status Running already exists.")
        self.started.append(client_input)
        return instance_id


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.001)


async def ended(blobs: BlobStore, runtime: Runtime, state: State) -> tuple[Context, RunRecord]:
    """An audit whose record has ended, and the runtime that may not know that yet."""
    settings = load_settings(
        {
            "SOURCE_STORAGE": "UseDevelopmentStorage=true",
            "REPORT_STORAGE": "UseDevelopmentStorage=true",
            "PRE_DATABASE": "postgresql://a@b/c",
        }
    )
    records = AuditRecords(blobs, list(settings.profiles))
    services = Services(settings, records, RunStore.of(blobs), {}, now=lambda: NOW)  # nothing looks at what is audited
    parameters = AuditParameters("pre-capture-sessions", "full", 60)
    record = RunRecord(AUDIT, State.QUEUED, parameters, created_at=NOW, updated_at=NOW)
    await services.records.create_record(record)
    outcome = Outcome.FAILED if state is State.FAILED else Outcome.INCOMPLETE
    return Context(services, runtime), await services.records.end(
        record.ended(state, NOW, outcome=outcome, reached=None)
    )


async def test_a_replay_waits_for_the_orchestration_that_is_still_telling_of_the_end(blobs: BlobStore) -> None:
    runtime = Runtime(asked_before_the_end=3)
    context, record = await ended(blobs, runtime, State.INCOMPLETE)
    assert (await replay(context, record, [7])).rounds == 1
    assert runtime.started == [{**FIRST, "again": True, "replay": [7]}]


async def test_so_does_a_resume_of_an_audit_that_failed(blobs: BlobStore) -> None:
    runtime = Runtime(asked_before_the_end=3)
    context, record = await ended(blobs, runtime, State.FAILED)
    assert (await resume(context, record)).resumes == 1
    assert runtime.started == [{**FIRST, "again": True}]


async def test_an_orchestration_is_told_its_profile_and_in_how_many_runs_its_sources_are_read(blobs: BlobStore) -> None:
    runtime = NothingOpen(asked_before_the_end=0)
    context, record = await ended(blobs, runtime, State.FAILED)
    begun = await begin(context, record.parameters, "20260630-033001-1a2b3c4d")
    assert runtime.started == [{**FIRST, "audit_id": begun.audit_id}]


async def test_where_nobody_is_in_the_way_a_beginning_reads_nothing(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = NothingOpen(asked_before_the_end=0)
    context, record = await ended(blobs, runtime, State.FAILED)
    monkeypatch.setattr(blobs, "read", None)
    begun = await begin(context, record.parameters, "20260630-033001-1a2b3c4d")
    monkeypatch.undo()
    active = await active_audit(context, "pre-capture-sessions")
    assert active is not None
    assert active.audit_id == begun.audit_id
    assert await context.services.records.record(begun.audit_id) == begun


async def test_if_that_takes_long_the_replay_is_refused_and_nothing_is_changed(blobs: BlobStore) -> None:
    runtime = Runtime(asked_before_the_end=1_000)
    context, record = await ended(blobs, runtime, State.INCOMPLETE)
    with pytest.raises(RefusedError, match=r"is about to end\. Try again in a minute") as refused:
        await replay(context, record, [7])
    assert refused.value.members == {"state": "incomplete"}
    assert await context.services.records.record(AUDIT) == record
    assert await context.services.records.active("pre-capture-sessions") is None
    assert runtime.started == []


class NothingOpen(Runtime):
    """A Durable client that has not seen any instance yet."""

    async def get_status(self, _instance_id: str) -> Any:
        return None


@pytest.mark.parametrize("data", [b"{", b"", b'{"schema_version": 2}'])
async def test_of_all_who_begin_under_a_guard_that_cannot_be_read_one_gets_through(
    blobs: BlobStore, data: bytes
) -> None:
    runtime = NothingOpen(asked_before_the_end=0)
    context, record = await ended(blobs, runtime, State.FAILED)
    await blobs.write("pre-capture-sessions/active.json", data)
    ids = [f"20260630-033001-{number:08x}" for number in range(12)]
    told = await asyncio.gather(
        *(begin(context, record.parameters, audit_id) for audit_id in ids),
        resume(context, record),
        return_exceptions=True,
    )
    [begun] = [one for one in told if isinstance(one, RunRecord)]
    assert all(isinstance(one, RefusedError) for one in told if one is not begun)
    found = [one async for one in context.services.records.newest_first()]
    assert [one.audit_id for one in found if isinstance(one, RunRecord) and not one.state.has_ended] == [begun.audit_id]
    active = await active_audit(context, "pre-capture-sessions")
    assert active is not None
    assert active.audit_id == begun.audit_id
    assert len(runtime.started) == 1


# --- somebody who took the guard while the record was not yet there --------------------------------------------------

PROFILE, RIVAL = "pre-capture-sessions", "20260630-032959-00000000"


def overtaken(context: Context, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rival takes the guard just when the record is written."""
    records = context.services.records
    write = getattr(records, method)

    async def late(*arguments: Any, **named: Any) -> Any:
        written = await write(*arguments, **named)
        assert await records.claim(PROFILE, RIVAL, NOW, await records.active(PROFILE))
        return written

    monkeypatch.setattr(records, method, late)


async def test_a_beginning_that_was_overtaken_gives_way_and_is_marked_as_failed(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = NothingOpen(asked_before_the_end=0)
    context, record = await ended(blobs, runtime, State.FAILED)
    overtaken(context, "create_record", monkeypatch)
    with pytest.raises(RefusedError) as refused:
        await begin(context, record.parameters, "20260630-033001-1a2b3c4d")
    assert refused.value.members == {"active_id": RIVAL}
    given_up = await context.services.records.record("20260630-033001-1a2b3c4d")
    assert given_up is not None
    assert (given_up.state, given_up.dead_letters) == (State.FAILED, 0)
    assert given_up.error == "Another audit of its profile was started in the same moment."
    assert runtime.started == []


@pytest.mark.parametrize("state", [State.FAILED, State.INCOMPLETE])
async def test_one_that_was_begun_again_and_overtaken_is_as_it_was_before(
    blobs: BlobStore, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Runtime(asked_before_the_end=0)
    context, record = await ended(blobs, runtime, state)
    overtaken(context, "reopen", monkeypatch)
    with pytest.raises(RefusedError) as refused:
        await (resume(context, record) if state is State.FAILED else replay(context, record, [7]))
    assert refused.value.members == {"active_id": RIVAL}
    resumed = state is State.FAILED
    as_before = replace(record, resumes=int(resumed), rounds=int(not resumed))
    assert await context.services.records.record(AUDIT) == as_before
    assert runtime.started == []
