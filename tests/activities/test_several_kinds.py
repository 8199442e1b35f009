"""One change by statements of several kinds: a file is copied within a bucket first, then its row says so."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from activities.apply import _Work
from activities.propose import _back
from activities.repairing import RepairJob, changes_of, other_database
from adapters.object_changes import ObjectChanges
from adapters.postgres_changes import Changes
from adapters.services import Services, open_services
from adapters.settings import load_settings
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from dev.devstack.postgres import PostgresServer
from reconciliation.effects import Effect, Once
from reconciliation.errors import RepairRefusedError, SettingsError
from reconciliation.ledger import Intended
from reconciliation.people import Person, Sealed
from reconciliation.repair import Change
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import Named, PlannedChange
from reconciliation.repair_record import Chosen, Decision, RepairRecord
from reconciliation.run_record import new_audit_id
from runs.refusals import RefusedError
from runs.repairs import _can_be_applied
from tests.activities.policy_world import VersionedBlobs, at_once
from tests.adapters.copying_profile import (
    BUCKET,
    COPY,
    DATABASE,
    MARK,
    MARK_BACK,
    PROFILE,
    REMOVAL,
    REPAIR,
    REPAIR_BUCKET,
    REPAIR_DATABASE,
    SCHEMA,
)
from tests.reconciliation.repairs import plan_of

SOURCE, TARGET, AUDIO = "m/1.mp3", "rescue/m/1.mp3", b"what was said"
ANN = Person.declared("Ann")


@dataclass
class World:
    """A file with its row, and repairs of it."""

    services: Services
    url: str
    root: Path

    async def job(self, *changes: PlannedChange, undoes: str | None = None) -> "Approved":
        """An approved plan of these changes."""
        now, sealed = datetime.now(UTC), Sealed.of(ANN, "5a17" * 8)
        record = RepairRecord(
            new_audit_id(now, uuid4().hex[:8]),
            PROFILE.name,
            "20261127-091500-aaaaaaaa",
            Chosen((Named("file", SOURCE),), most=1),
            sealed.seal,
            RepairState.PROPOSING,
            created_at=now,
            updated_at=now,
            undoes=undoes,
        )
        repairs = self.services.store.repairs
        await repairs.create(record)
        plan = plan_of(*changes, repair_id=record.repair_id, profile=PROFILE.name, identities={}, left_out=())
        stored = await repairs.create_plan(record, replace(plan, undoes=undoes))
        decision = Decision(approves=True, digest=stored.digest, person=sealed.seal, reason="", at=now)
        await repairs.decide(record, decision)
        job = RepairJob(self.services, record, PROFILE)
        return Approved(job, _Work(job, stored, decision), changes)

    def state(self) -> str:
        with psycopg.connect(self.url) as connection:
            found = connection.execute("select state from files").fetchone()
        assert found is not None
        return str(found[0])

    def copied(self) -> bool:
        return (self.root / TARGET).exists()

    def values(self) -> dict[str, Any]:
        stat = (self.root / SOURCE).stat()
        return {
            "source": SOURCE,
            "source_version": f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}",
            "sha256": hashlib.sha256(AUDIO).hexdigest(),
            "bytes": len(AUDIO),
            "target": TARGET,
        }

    def change(self, undo: Effect | None = None) -> PlannedChange:
        do = (Effect(COPY.name, self.values()), Effect(MARK.name, {"source": SOURCE}))
        change = Change(says="Copy it, and say so.", seen={}, do=do, undo=undo)
        return PlannedChange(1, Named("file", SOURCE), "waiting", REPAIR.name, change)


@dataclass
class Approved:
    job: RepairJob
    work: _Work
    changes: tuple[PlannedChange, ...]

    async def apply(self) -> list[str]:
        """The endings of the effects that were begun."""
        for one in self.changes:
            await self.work._change(one, None)
        ledger = await self.job.services.store.repairs.ledger(self.job.record)
        endings = [ledger.of(name).ending for one in self.changes for name in one.effect_names]
        return [one.ending.value for one in endings if one is not None]


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"kinds_{uuid4().hex}"
    made = postgres_server.create_database(name)
    with psycopg.connect(made) as connection:
        connection.execute(SCHEMA)
        connection.execute("insert into files values (%s, 'waiting')", [SOURCE])
    yield made
    postgres_server.drop_database(name)


def settings_of(url: str, root: Path, **without: str) -> dict[str, str]:
    given = {
        "REPORT_STORAGE": "UseDevelopmentStorage=true",
        "AUDIT_PROFILES": "tests.adapters.copying_profile:PROFILE",
        DATABASE: url,
        REPAIR_DATABASE: url,
        f"{BUCKET}__folder": str(root),
        f"{REPAIR_BUCKET}__folder": str(root),
    }
    return {name: value for name, value in (given | without).items() if value}


@pytest.fixture
async def world(url: str, tmp_path: Path) -> World:
    (tmp_path / "m").mkdir()
    (tmp_path / SOURCE).write_bytes(AUDIO)
    return world_of(url, tmp_path)


def world_of(url: str, root: Path, **without: str) -> World:
    blobs: Any = VersionedBlobs()
    opened = open_services(load_settings(settings_of(url, root, **without)))
    records, store = AuditRecords(blobs, [PROFILE.name]), RunStore.of(blobs)
    return World(replace(opened, records=records, store=store, sleep=at_once), url, root)


async def test_each_statement_is_applied_by_its_own_connection(world: World) -> None:
    approved = await world.job(world.change())
    assert await approved.apply() == ["done", "done"]
    assert (world.state(), world.copied()) == ("copied", True)
    ledger = await world.services.store.repairs.ledger(approved.job.record)
    [change] = approved.changes
    ended = ledger.change(change)
    assert ended is not None
    assert {"target", "version", "sha256", "marked"} == set(ended.left)
    assert await other_database(approved.job, plan_of(change, identities=await identities(world))) is None


async def identities(world: World) -> dict[str, Any]:
    found = await Changes(world.services.database(DATABASE)).identity()
    return {DATABASE: f"{found.system}/{found.name}"}


async def test_a_row_is_not_changed_where_its_file_was_not_copied(world: World) -> None:
    change = world.change()
    (world.root / SOURCE).write_bytes(b"another")
    assert await (await world.job(change)).apply() == ["someone_else_moved"]
    assert (world.state(), world.copied()) == ("waiting", False)


@pytest.mark.parametrize("undo", [MARK_BACK.name, REMOVAL.name])
async def test_what_takes_it_back_may_be_of_either_kind(world: World, undo: str) -> None:
    change = world.change(Effect(undo, {"source": SOURCE, "sha256": world.values()["sha256"]}))
    approved = await world.job(change)
    assert await approved.apply() == ["done", "done"]
    repairs, record = world.services.store.repairs, approved.job.record
    back = await world.job(undoes=record.repair_id)
    [planned] = await _back(back.job, record.repair_id)
    assert isinstance(planned, PlannedChange)
    assert (await repairs.record(PROFILE.name, record.repair_id)) is not None
    assert await (await world.job(planned)).apply() == ["done"]
    assert (world.state(), world.copied()) == (("waiting", True) if undo == MARK_BACK.name else ("copied", False))


async def test_a_copy_whose_worker_was_lost_is_found_and_the_rest_goes_on(world: World) -> None:
    change = world.change()
    approved = await world.job(change)
    applier = changes_of(approved.job, REPAIR.name, COPY)
    once = Once(approved.job.record.repair_id, 1, 1)
    clock = await applier.clock()
    await applier.apply(COPY, change.change.do[0], once, clock + timedelta(seconds=30))
    intended = Intended("digest", clock, clock - timedelta(seconds=1), "another's")
    await world.services.store.repairs.intend(approved.job.record, once.name, intended)
    assert await approved.apply() == ["already_done", "done"]
    assert world.state() == "copied"


async def test_the_applier_is_chosen_by_the_statement(world: World) -> None:
    job = (await world.job(world.change())).job
    assert isinstance(changes_of(job, REPAIR.name, MARK), Changes)
    for statement in (COPY, REMOVAL):
        applier = changes_of(job, REPAIR.name, statement)
        assert isinstance(applier, ObjectChanges)
        assert (applier.setting, applier.database) == (REPAIR_BUCKET, DATABASE)


@pytest.mark.parametrize(
    ("left_out", "needed"),
    [({f"{REPAIR_BUCKET}__folder": ""}, REPAIR_BUCKET), ({REPAIR_DATABASE: ""}, REPAIR_DATABASE)],
)
async def test_without_one_of_its_connections_nothing_is_applied(
    url: str, tmp_path: Path, left_out: dict[str, str], needed: str
) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / SOURCE).write_bytes(AUDIO)
    world = world_of(url, tmp_path, **left_out)
    approved = await world.job(world.change())
    stored = await world.services.store.repairs.plan(approved.job.record)
    assert stored is not None
    context: Any = type("Context", (), {"services": world.services})
    with pytest.raises(RefusedError, match=f"{needed} is not set"):
        _can_be_applied(context, approved.job.record, stored)
    with pytest.raises(RepairRefusedError, match=f"{needed} is not set"):
        await other_database(approved.job, plan_of(world.change(), identities=await identities(world)))
    policy = {"AUDIT_SCHEDULE": "0 0 3 * * *", "AUDIT_AUTO_REPAIR__COPYING": REPAIR.name}
    with pytest.raises(SettingsError, match=f"AUDIT_AUTO_REPAIR__COPYING needs {needed}, which is not set"):
        load_settings({**settings_of(url, tmp_path, **left_out), **policy})


async def test_what_only_a_row_needs_asks_for_no_bucket(url: str, tmp_path: Path) -> None:
    world = world_of(url, tmp_path, **{f"{REPAIR_BUCKET}__folder": ""})
    change = Change(says="Say so.", seen={}, do=(Effect(MARK.name, {"source": SOURCE}),))
    planned = PlannedChange(1, Named("file", SOURCE), "waiting", REPAIR.name, change)
    assert await (await world.job(planned)).apply() == ["done"]


async def test_a_copy_has_as_much_time_as_it_says(world: World) -> None:
    work = (await world.job(world.change())).work
    settings = world.services.settings
    assert work._seconds_for(COPY) == COPY.most_seconds
    assert work._seconds_for(MARK) == settings.repair_deadline_seconds
    assert work._seconds_for(replace(COPY, most_seconds=900)) == 900
