"""Retention against a real run store; only the Durable client is played."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest

from adapters.services import Services
from adapters.settings import load_settings
from adapters.store.blobs import BlobStore
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import StorageRefusedError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.progress import Reached
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_record import Chosen, RepairRecord
from reconciliation.run_record import RunRecord
from runs import purge
from runs.context import Context
from runs.purge import LONGER, clear_away

NOW = datetime(2026, 6, 30, 3, 30, tzinfo=UTC)
DAYS = 90
FINISHED = {"Completed", "Failed", "Terminated", "Canceled"}


@dataclass
class Purges:
    """A Durable client that notes what it is to purge."""

    asked: list[tuple[datetime, datetime, set[str]]] = field(default_factory=list)
    one_by_one: list[str] = field(default_factory=list)
    status: df.OrchestrationRuntimeStatus = df.OrchestrationRuntimeStatus.Completed

    async def get_status(self, _audit_id: str) -> Any:
        return SimpleNamespace(runtime_status=self.status)

    async def purge_instance_history(self, audit_id: str) -> Any:
        self.one_by_one.append(audit_id)
        return SimpleNamespace(instances_deleted=1)

    async def purge_instance_history_by(
        self, since: datetime, until: datetime, states: list[df.OrchestrationRuntimeStatus]
    ) -> Any:
        self.asked.append((since, until, {state.name for state in states}))
        return SimpleNamespace(instances_deleted=2)


def world(blobs: BlobStore, days: int) -> Services:
    settings = load_settings(
        {
            "SOURCE_STORAGE": "UseDevelopmentStorage=true",
            "REPORT_STORAGE": "UseDevelopmentStorage=true",
            "PRE_DATABASE": "postgresql://a@b/c",
            "AUDIT_RETENTION_DAYS": str(days),
        }
    )
    settings = replace(settings, profiles=dict.fromkeys(("pre", "other"), next(iter(settings.profiles.values()))))
    records = AuditRecords(blobs, list(settings.profiles))
    return Services(settings, records, RunStore.of(blobs), {}, now=lambda: NOW)  # it never looks at what is audited


async def folders(services: Services) -> set[str]:
    """What is left."""
    return set(await services.records.folders())


async def keep(
    services: Services,
    number: int,
    state: State,
    days: int,
    *,
    letters: int = 0,
    profile: str = "pre",
    question: str = "asked",
    reached: Reached | None = None,
) -> str:
    """The folder of an audit in that state that changed, or ended, so many days ago, having ``reached`` so much."""
    at = NOW - timedelta(days=days)
    audit_id = f"{at:%Y%m%d-%H%M%S}-{number:08x}"
    record = RunRecord(audit_id, State.QUEUED, AuditParameters(profile, "full", 60), created_at=at, updated_at=at)
    await services.records.create_record(record)
    if state.has_ended:
        await services.records.end(record.ended(state, at, outcome=Outcome.FAILED, reached=reached))
    if state is State.COMPLETED:
        await services.store.questions.add(profile, question, record.begun, is_first=False)
    for shard in range(letters):
        letter = DeadLetter(shard, "", 1, 1, (), attempts=1, first_at=at, last_at=at)
        await services.store.letters.write(record.folder, letter)
    return record.folder


AUDITS = [
    # state, days ago, dead letters, stays, why
    (State.COMPLETED, 80, 0, True, "young"),
    (State.COMPLETED, 91, 0, False, "old, and there is a newer one to compare with"),
    (State.FAILED, 89, 0, True, "young"),
    (State.FAILED, 91, 0, False, "old"),
    (State.CANCELLED, 91, 0, False, "old"),
    (State.FAILED, 92, 1, True, "old, but something of it is open"),
    (State.INCOMPLETE, 93, 0, True, "old, but not settled"),
    (State.INCOMPLETE, DAYS * LONGER + 1, 1, False, "too old even for what is not settled"),
    (State.QUEUED, 2000, 0, True, "never ended, so somebody may work on it"),
]


async def test_what_is_old_goes_and_what_is_young_unsettled_or_at_work_stays(blobs: BlobStore) -> None:
    services = world(blobs, DAYS)
    reasons = {}
    for number, (state, days, letters, stays, why) in enumerate(AUDITS):
        folder = await keep(services, number, state, days, letters=letters)
        reasons[folder] = (stays, why)
    await clear_away(Context(services, Purges()))
    left = await folders(services)
    assert {folder: (folder in left, why) for folder, (_, why) in reasons.items()} == reasons


async def test_how_many_dead_letters_an_audit_has_is_read_off_its_record_where_that_says_so(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = world(blobs, DAYS)
    lettered = await keep(services, 1, State.FAILED, DAYS + 1, reached=Reached({}, 2))
    await keep(services, 2, State.FAILED, DAYS + 1, reached=Reached({}, 0))
    monkeypatch.setattr(services.store.letters, "all", None)
    await clear_away(Context(services, Purges()))
    assert await folders(services) == {lettered}


# --- what the next audit is compared with -----------------------------------------------------------------------------


async def test_the_newest_completed_audit_of_each_question_of_each_profile_is_kept_four_times_as_long(
    blobs: BlobStore,
) -> None:
    services, long = world(blobs, DAYS), DAYS * LONGER
    newest = {
        await keep(services, 2, State.COMPLETED, 200),
        await keep(services, 3, State.COMPLETED, long - 1, question="another"),
        await keep(services, 4, State.COMPLETED, 300, profile="other"),
    }
    await keep(services, 1, State.COMPLETED, 201)
    await keep(services, 5, State.FAILED, 100)
    await keep(services, 6, State.COMPLETED, long, question="too old even for that")
    await clear_away(Context(services, Purges()))
    assert await folders(services) == newest


async def test_where_it_cannot_be_read_what_was_asked_nothing_is_kept_for_it_and_all_else_is_done(
    blobs: BlobStore, caplog: pytest.LogCaptureFixture
) -> None:
    services, client = world(blobs, DAYS), Purges()
    await keep(services, 1, State.COMPLETED, 200)
    other = await keep(services, 2, State.COMPLETED, 200, question="another")
    await blobs.write("pre/questions/asked.json", b"{")
    await clear_away(Context(services, client))
    assert await folders(services) == {other}
    assert "pre/questions/asked.json in container" in caplog.text
    assert client.asked


@pytest.mark.parametrize(("days", "known"), [(DAYS * LONGER - 1, True), (DAYS * LONGER + 1, False)])
async def test_questions_that_were_answered_last_before_that_are_forgotten(
    blobs: BlobStore, days: int, *, known: bool
) -> None:
    services = replace(world(blobs, DAYS), now=lambda: datetime.now(UTC) + timedelta(days=days))
    await keep(services, 1, State.COMPLETED, 0)
    await clear_away(Context(services, Purges()))
    assert bool((await services.store.questions.completed("pre", "asked")).audits) is known


async def test_histories_are_purged_in_small_windows_and_only_of_what_is_finished(
    blobs: BlobStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "capture_audit.events")
    client = Purges()
    await clear_away(Context(world(blobs, DAYS), client))
    assert client.asked
    for since, until, states in client.asked:
        assert until - since <= timedelta(days=1)
        assert until <= NOW - timedelta(days=DAYS)
        assert states == FINISHED
    assert '"event": "retention.purged"' in caplog.text
    assert f'"histories": {2 * len(client.asked)}' in caplog.text


async def test_zero_days_keep_everything(blobs: BlobStore) -> None:
    services, client = world(blobs, 0), Purges()
    folder = await keep(services, 1, State.FAILED, 3000)
    await clear_away(Context(services, client))
    assert await services.records.folders() == [folder]
    assert client.asked == []


async def test_what_cannot_be_read_is_kept_counted_and_warned_of_and_keeps_nothing_else(
    blobs: BlobStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    services = replace(world(blobs, DAYS), now=lambda: datetime.now(UTC) + timedelta(days=DAYS + 1))
    old = await keep(services, 2, State.FAILED, 500)
    lettered = await keep(services, 3, State.FAILED, 2000, letters=1)
    await blobs.write(f"{lettered}/dead-letters/0000.json", b"{")
    later = await keep(services, 4, State.COMPLETED, 300)
    await blobs.write(f"{later}/run.json", b'{"schema_version": 2}')
    await clear_away(Context(services, Purges()))
    assert await folders(services) == {lettered, later}
    assert old not in await folders(services)
    assert '"audits": 1' in caplog.text
    assert '"unreadable": 2' in caplog.text
    for folder in (lettered, later):
        assert f"{folder} is older than AUDIT_RETENTION_DAYS and cannot be read" in caplog.text


async def test_what_cannot_be_read_and_was_written_lately_is_no_leftover(
    blobs: BlobStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    services = replace(world(blobs, DAYS), now=lambda: datetime.now(UTC))
    folder = await keep(services, 1, State.FAILED, 3000)
    await blobs.write(f"{folder}/run.json", b"{")
    await clear_away(Context(services, Purges()))
    assert '"unreadable": 0' in caplog.text
    assert "is older than" not in caplog.text


async def test_what_storage_refuses_to_delete_keeps_nothing_else(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    services, client = world(blobs, DAYS), Purges()
    locked = await keep(services, 1, State.FAILED, 200)
    other = await keep(services, 2, State.FAILED, 201)
    delete = blobs.delete

    async def refuse(path: str, etag: str | None = None) -> bool:
        if path.startswith(locked):
            raise StorageRefusedError("Cannot delete: an immutability policy holds it.")
        return await delete(path, etag)

    monkeypatch.setattr(blobs, "delete", refuse)
    await clear_away(Context(services, client))
    assert await services.records.folders() == [locked]
    assert f"{locked} is old and was not deleted: Cannot delete: an immutability policy" in caplog.text
    assert '"audits": 1, "refused": 1' in caplog.text
    assert other not in await folders(services)
    assert client.asked


async def test_an_audit_of_the_old_layout_goes_in_its_time_too(blobs: BlobStore) -> None:
    services = world(blobs, DAYS)
    left = {}
    for number, (days, stays) in enumerate([(DAYS + 1, False), (DAYS - 1, True)]):
        folder = await keep(services, number, State.FAILED, days, letters=0)
        stored = await blobs.read(f"{folder}/run.json")
        assert stored is not None
        audit_id = folder.rpartition("/")[2]
        await blobs.write(f"{audit_id}/run.json", stored.data)
        await blobs.write(f"{audit_id}/report.json", b"{}")
        await blobs.delete(f"{folder}/run.json")
        left[audit_id] = stays
    await clear_away(Context(services, Purges()))
    assert await folders(services) == {audit_id for audit_id, stays in left.items() if stays}


def repair(number: int, state: RepairState, days_ago: float) -> RepairRecord:
    at = NOW - timedelta(days=days_ago)
    audit = "20260131-093000-1a2b3c4d"
    record = RepairRecord(f"20260131-09{number:02}00-1a2b3c4d", "pre", audit, Chosen(), "a" * 64, state, at, at)
    return replace(record, ended_at=at if state.has_ended else None)


@pytest.mark.parametrize("days", [0, 30])
async def test_ledgers_are_kept_for_years_unless_their_profile_says_otherwise(blobs: BlobStore, days: int) -> None:
    services = world(blobs, DAYS)
    services = replace(services, settings=replace(services.settings, ledger_days={"pre": days}))
    repairs = services.store.repairs
    old, recent = repair(1, RepairState.APPLIED, 31), repair(2, RepairState.APPLIED, 29)
    open_still = replace(repair(3, RepairState.PROPOSED, 400), until=NOW + timedelta(days=1))
    undecided = replace(repair(4, RepairState.PROPOSED, 40), until=NOW - timedelta(days=39))
    for one in (old, recent, open_still, undecided):
        await repairs.create(one)
        await repairs.ask_to_stop(one, "b" * 64, NOW)
    await clear_away(Context(services, Purges()))
    left = {one.repair_id async for one in repairs.newest_first("pre") if isinstance(one, RepairRecord)}
    kept = {recent.repair_id, open_still.repair_id} | ({old.repair_id, undecided.repair_id} if not days else set())
    assert left == kept
    assert await repairs.is_to_stop(old) is (not days)


async def test_a_ledger_that_storage_holds_keeps_nothing_else_from_being_cleared_away(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = world(blobs, DAYS)
    services = replace(services, settings=replace(services.settings, ledger_days={"pre": 30}))
    repairs, purges = services.store.repairs, Purges()
    held, other = repair(2, RepairState.APPLIED, 40), repair(1, RepairState.APPLIED, 40)
    for one in (held, other):
        await repairs.create(one)
    delete = repairs.delete

    async def refusing(record: RepairRecord) -> None:
        if record == held:
            raise StorageRefusedError("A policy holds it.")
        await delete(record)

    monkeypatch.setattr(repairs, "delete", refusing)
    await clear_away(Context(services, purges))
    left = {one.repair_id async for one in repairs.newest_first("pre") if isinstance(one, RepairRecord)}
    assert left == {held.repair_id}
    assert purges.asked


# --- days of single profiles ------------------------------------------------------------------------------------------


def of_days(services: Services, **days: int) -> Services:
    return replace(services, settings=replace(services.settings, own_retention_days=days))


async def test_each_profile_is_cleared_away_by_its_own_days_and_so_is_the_last_audit_of_a_question(
    blobs: BlobStore,
) -> None:
    services, client = of_days(world(blobs, DAYS), other=3), Purges()
    left = {
        await keep(services, 1, State.COMPLETED, 11, profile="other"),  # the newest of its question
        await keep(services, 2, State.FAILED, 2, profile="other"),
        await keep(services, 3, State.FAILED, 4),
        await keep(services, 4, State.INCOMPLETE, 11, profile="other"),
    }
    gone = {
        await keep(services, 5, State.COMPLETED, 12, profile="other"),
        await keep(services, 6, State.FAILED, 3, profile="other"),
        await keep(services, 7, State.COMPLETED, 13, profile="other", question="another, of longer ago"),
    }
    await clear_away(Context(services, client))
    assert await folders(services) == left
    assert {f"other/{audit_id}" for audit_id in client.one_by_one} == gone, "their histories went with them"
    assert max(until for _, until, _ in client.asked) == NOW - LONGER * timedelta(days=DAYS)


async def test_a_history_that_is_still_being_made_is_kept(blobs: BlobStore) -> None:
    services, client = of_days(world(blobs, DAYS), other=3), Purges(status=df.OrchestrationRuntimeStatus.Running)
    await keep(services, 1, State.FAILED, 4, profile="other")
    await clear_away(Context(services, client))
    assert (await folders(services), client.one_by_one) == (set(), [])


async def test_a_profile_that_keeps_everything_keeps_all_histories_that_may_be_its_own(blobs: BlobStore) -> None:
    services, client = of_days(world(blobs, DAYS), other=3, pre=0), Purges()
    left = await keep(services, 1, State.FAILED, 3000)
    await keep(services, 2, State.FAILED, 4, profile="other")
    await clear_away(Context(services, client))
    assert (await folders(services), client.asked) == ({left}, [])


async def test_a_night_can_clear_away_more_than_a_day_of_quarters_of_each_profile(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert purge.MOST_AT_ONCE >= 5 * 96
    monkeypatch.setattr(purge, "MOST_AT_ONCE", 2)
    services = world(blobs, DAYS)
    for number in range(3):
        await keep(services, number, State.FAILED, 100, profile="pre")
    await keep(services, 9, State.FAILED, 200, profile="other")
    await clear_away(Context(services, Purges()))
    assert len(await folders(services)) == 1, "two of the one, and what is older of the other"
