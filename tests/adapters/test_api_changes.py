"""Starting runs on real servers: Postgres, a bucket of S3 and Prefect, one run whoever else is at it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from adapters.api_changes import ApiChanges
from adapters.appliers import UncertainError
from adapters.http_api import HttpApi
from adapters.services import Services, open_services
from adapters.settings import load_settings
from dev.demo.stuck_uploads.bucket import plant_s3
from dev.demo.stuck_uploads.cases import CASES, TENANT
from dev.demo.stuck_uploads.rows import create_schema, plant_rows
from dev.devstack.moto import MotoServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.prefect import PrefectServer
from dev.devstack.prefect_planting import Planting
from profiles.stuck_uploads.dialects import LAYOUT_STATUS
from profiles.stuck_uploads.statements import CANCEL_RUN, start_run
from reconciliation.effects import Effect, Ended, Ending, Once, Values
from reconciliation.errors import ApiUnavailableError
from reconciliation.queries import HttpAnswer, HttpCall

STUCK = CASES[0]
START = start_run(LAYOUT_STATUS)
OURS, THEIRS = Once("ours", 1, 1), Once("theirs", 1, 1)
PATH = f"{TENANT}/client/videos/{STUCK.video_id}/"


@dataclass
class Breaking:
    """An API that carries out what changes something, and then the first ``times`` its answers get lost."""

    api: HttpApi
    times: int
    lost: list[HttpCall] = field(default_factory=list)

    async def call(self, call: HttpCall) -> HttpAnswer:
        answer = await self.api.call(call)
        if call.changes and len(self.lost) < self.times:
            self.lost.append(call)
            raise ApiUnavailableError("The answer got lost.")
        return answer


@dataclass(frozen=True)
class World:
    """One stuck video, and all that is needed to start a run for it."""

    services: Services
    database: str
    plant: Planting
    deployment: str
    bucket: str
    s3: MotoServer

    @property
    def changes(self) -> ApiChanges:
        return ApiChanges(self.services, "STUCK_UPLOADS_DATABASE", self.services.apis["STUCK_UPLOADS_REPAIR_PREFECT"])

    def values(self, **changes: Any) -> Values:
        with psycopg.connect(self.database) as connection:
            found = connection.execute("select layout_status, xmin::text from videos").fetchone()
        assert found is not None
        return {
            "namespace": "tests",
            "deployment_id": self.deployment,
            "video_id": STUCK.video_id,
            "tenant_id": TENANT,
            "storage_key": f"{PATH}video.mp4",
            "path": PATH,
            "generation": 0,
            "recent_minutes": 5,
            "status": found[0],
            "row_token": found[1],
            **changes,
        }

    async def with_its_file(self) -> Values:
        page = await self.services.buckets["STUCK_UPLOADS_BUCKET"].page(PATH, by_folder=False, size=5)
        return self.values(source_version=page.objects[0].version)

    async def start(self, values: Values, once: Once = OURS, seconds: float = 60) -> Ended:
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        return await self.changes.apply(START, Effect("start_run", values), once, deadline)

    def runs(self) -> list[Any]:
        wanted = {"flow_runs": {"operator": "and_", "deployment_id": {"any_": [self.deployment]}}}
        found: list[Any] = self.plant.made("flow_runs/filter", wanted)
        return found

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.database) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def planted(
    postgres_server: PostgresServer, s3_server: MotoServer, prefect_server: PrefectServer
) -> Iterator[tuple[dict[str, str], Planting, str, str]]:
    name = f"starts-{uuid4().hex[:20]}"
    url = postgres_server.create_database(name)
    create_schema(url, "layout_status")
    plant_rows(url, "layout_status", [STUCK])
    plant_s3(s3_server, name, STUCK.objects())
    with Planting(prefect_server) as plant:
        deployment = plant.deployment(name, "production", name)
        plant.heartbeat(name, "a worker")
        settings = {
            "REPORT_STORAGE": "UseDevelopmentStorage=true",
            "AUDIT_PROFILES": "stuck-uploads",
            "STUCK_UPLOADS_DATABASE": url,
            "STUCK_UPLOADS_PREFECT": prefect_server.url,
            "STUCK_UPLOADS_REPAIR_PREFECT": prefect_server.url,
            "STUCK_UPLOADS_DEPLOYMENT": f"{name}/production",
            "STUCK_UPLOADS_COLUMNS": "layout_status",
            **s3_server.settings("STUCK_UPLOADS_BUCKET", name),
        }
        yield settings, plant, deployment, name
    postgres_server.drop_database(name)


@pytest.fixture
async def world(planted: tuple[dict[str, str], Planting, str, str], s3_server: MotoServer) -> AsyncIterator[World]:
    settings, plant, deployment, name = planted
    services = open_services(load_settings(settings))
    yield World(services, settings["STUCK_UPLOADS_DATABASE"], plant, deployment, name, s3_server)
    for bucket in services.buckets.values():
        await bucket.close()
    await services.apis["STUCK_UPLOADS_PREFECT"]._session.close()


async def test_one_run_is_created_scheduled_ahead_and_found_again(world: World) -> None:
    values = await world.with_its_file()
    ended = await world.start(values)
    [run] = world.runs()
    assert (ended.ending, ended.left["run_id"]) == (Ending.DONE, run["id"])
    ahead = datetime.fromisoformat(run["expected_start_time"]) - datetime.now(UTC)
    assert timedelta(seconds=60) < ahead <= timedelta(seconds=91)
    assert run["idempotency_key"] == f"rec:tests:{world.deployment}:{STUCK.video_id}:g0"
    assert {"recovery", f"video:{STUCK.video_id}"} <= set(run["tags"])
    effect, past = Effect("start_run", values), datetime.now(UTC) - timedelta(seconds=1)
    assert await world.changes.happened(START, effect, OURS, past) is True
    assert await world.changes.left(START, effect, OURS, past) == ended.left
    assert await world.changes.happened(START, effect, THEIRS, past) is None, "a request may be on its way"
    long_past = past - world.changes.in_flight
    assert await world.changes.happened(START, effect, THEIRS, long_past) is False


async def test_it_is_taken_back_as_long_as_no_worker_has_taken_it(world: World) -> None:
    ended = await world.start(await world.with_its_file())
    undo = Effect("cancel_run", {"video_id": STUCK.video_id, **ended.left})
    soon = datetime.now(UTC) + timedelta(seconds=60)
    assert (await world.changes.apply(CANCEL_RUN, undo, THEIRS, soon)).ending is Ending.DONE
    assert [run["state_type"] for run in world.runs()] == ["CANCELLED"]
    assert (await world.changes.apply(CANCEL_RUN, undo, THEIRS, soon)).ending is Ending.ALREADY_DONE
    again = await world.start(await world.with_its_file(), Once("again", 1, 1))
    world.plant.set_state(str(again.left["run_id"]), "RUNNING")
    undo = Effect("cancel_run", {"video_id": STUCK.video_id, **again.left})
    refused = await world.changes.apply(CANCEL_RUN, undo, THEIRS, soon)
    assert (refused.ending, "worker" in refused.why) == (Ending.REFUSED, True)
    assert "RUNNING" in {run["state_type"] for run in world.runs()}


BROKEN = [
    pytest.param("update videos set layout_status = 'annotate'", "its row", id="a run has ended meanwhile"),
    pytest.param("update videos set deleted_at = now()", "not deleted", id="it was deleted"),
    pytest.param("delete from videos", "its row", id="the row is gone"),
    pytest.param(
        "insert into video_database_state (video_id, database_name, server_version) select id, 'layout', 1 from videos",
        "nobody has edited it",
        id="people have edited it",
    ),
]


@pytest.mark.parametrize(("rival", "means"), BROKEN)
async def test_where_a_guard_is_broken_no_run_is_created(world: World, rival: str, means: str) -> None:
    values = await world.with_its_file()
    world.execute(rival)
    ended = await world.start(values)
    assert ended.ending is Ending.SOMEONE_ELSE_MOVED
    assert means in ended.why
    assert world.runs() == []


async def test_for_another_file_than_the_one_that_was_read_no_run_is_created(world: World) -> None:
    values = await world.with_its_file()
    ended = await world.start({**values, "source_version": "another"})
    assert (ended.ending, "its file" in ended.why) == (Ending.SOMEONE_ELSE_MOVED, True)
    assert world.runs() == []


async def test_after_its_deadline_no_run_is_created(world: World) -> None:
    ended = await world.start(await world.with_its_file(), seconds=-1)
    assert ended.ending is Ending.REFUSED
    assert world.runs() == []


async def test_an_answer_that_got_lost_is_found_out_about_by_the_run_that_is_there(world: World) -> None:
    values = await world.with_its_file()
    breaking: Any = Breaking(world.changes.api, times=9)
    changes, effect = replace(world.changes, api=breaking), Effect("start_run", values)
    soon = datetime.now(UTC) + timedelta(seconds=60)
    with pytest.raises(UncertainError):
        await changes.apply(START, effect, OURS, soon)
    [run] = world.runs()
    assert await world.changes.happened(START, effect, OURS, soon) is True
    assert (await world.changes.left(START, effect, OURS, soon))["run_id"] == run["id"]
    again = await world.start(values)
    assert (again.ending, again.left["run_id"]) == (Ending.ALREADY_DONE, run["id"])
    assert len(world.runs()) == 1


@pytest.mark.parametrize("taken", [False, True])
async def test_a_run_is_not_cancelled_by_a_second_try_once_a_worker_has_taken_it(world: World, *, taken: bool) -> None:
    ended = await world.start(await world.with_its_file())
    run = str(ended.left["run_id"])

    @dataclass
    class Turning:
        """The first request to cancel is turned away; meanwhile a worker may take the run."""

        asked: int = 0

        async def call(self, call: HttpCall) -> HttpAnswer:
            if not call.path.endswith("set_state"):
                return await world.changes.api.call(call)
            self.asked += 1
            if self.asked > 1:
                return await world.changes.api.call(call)
            if taken:
                world.plant.set_state(run, "PENDING")
            raise ApiUnavailableError("It was turned away.")

    turning: Any = Turning()
    undo = Effect("cancel_run", {"video_id": STUCK.video_id, **ended.left})
    soon = datetime.now(UTC) + timedelta(seconds=60)
    refused = await replace(world.changes, api=turning).apply(CANCEL_RUN, undo, THEIRS, soon)
    expected = (Ending.REFUSED, "PENDING", 1) if taken else (Ending.DONE, "CANCELLED", 2)
    assert (refused.ending, world.plant.read(run)["state_type"], turning.asked) == expected


async def test_several_that_start_a_run_at_once_start_one(world: World) -> None:
    values = await world.with_its_file()
    endings = await asyncio.gather(*(world.start(values, Once(f"engine {number}", 1, 1)) for number in range(4)))
    assert sorted(ended.ending for ended in endings) == [Ending.DONE, *[Ending.SOMEONE_ELSE_MOVED] * 3]
    active = [run for run in world.runs() if run["state_type"] == "SCHEDULED"]
    assert [run["id"] for run in active] == [ended.left["run_id"] for ended in endings if ended.left]


async def test_with_keys_of_their_own_one_run_stays_too(world: World) -> None:
    """Nothing but the look afterwards keeps them apart: as if they had counted the generations differently."""
    values = await world.with_its_file()
    endings = await asyncio.gather(
        *(world.start({**values, "generation": number}, Once(f"engine {number}", 1, 1)) for number in range(4))
    )
    done = [ended.left["run_id"] for ended in endings if ended.ending is Ending.DONE]
    active = [run["id"] for run in world.runs() if run["state_type"] == "SCHEDULED"]
    assert (len(done), active) == (1, done)


async def test_a_run_from_before_the_deployment_was_registered_again_stands_against_another(world: World) -> None:
    values = await world.with_its_file()
    rival = world.plant.run(world.deployment, {"video_id": STUCK.video_id}, "RUNNING")
    world.plant.delete_deployment(world.deployment)
    again = replace(world, deployment=world.plant.deployment(world.bucket, "production", world.bucket))
    staging = world.plant.deployment(world.bucket, "staging", world.bucket)
    world.plant.run(staging, {"video_id": STUCK.video_id}, "RUNNING")
    values = {**values, "deployment_id": again.deployment}
    ended = await again.start(values)
    assert (ended.ending, rival in ended.why) == (Ending.SOMEONE_ELSE_MOVED, True)
    assert again.runs() == []
    world.plant.set_state(rival, "CRASHED")
    ended = await again.start(values)
    assert (ended.ending, "recent_run" in ended.why, rival in ended.why) == (Ending.REFUSED, True, True)


async def test_where_somebody_elses_run_is_active_none_is_created(world: World) -> None:
    rival = world.plant.run(world.deployment, {"video_id": STUCK.video_id.upper()})
    ended = await world.start(await world.with_its_file())
    assert (ended.ending, rival in ended.why) == (Ending.SOMEONE_ELSE_MOVED, True)
    assert [run["id"] for run in world.runs()] == [rival]
