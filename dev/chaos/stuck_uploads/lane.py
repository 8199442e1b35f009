"""Running races for videos: repairs are applied by workers in processes of their own, each behind gates of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from activities.repairing import database_setting, identities, identity_of
from adapters.buckets.connections import S3Connection
from adapters.buckets.opening import open_bucket
from adapters.patience import Patience
from adapters.services import Services
from adapters.settings import Settings, load_settings
from adapters.store.blobs import BlobStore
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from dev.chaos.repairs.gate import Armed, Gate, gate
from dev.chaos.repairs.gate import Moment as AtCommit
from dev.chaos.repairs.rivals import Stands, Waiting, write
from dev.chaos.repairs.worker import WITHOUT_GUARD
from dev.chaos.repairs.workers import Worker
from dev.chaos.repairs.world import Database
from dev.chaos.stuck_uploads.engine import Engine
from dev.chaos.stuck_uploads.gate import HttpGate, http_gate
from dev.chaos.stuck_uploads.judging import Course, Told, judge_marks, judge_starts
from dev.chaos.stuck_uploads.race import MOST_RACERS, MarkRace, Race, Results
from dev.chaos.stuck_uploads.rivals import When
from dev.chaos.stuck_uploads.scene import Scene
from dev.chaos.stuck_uploads.world import COLUMNS, CONTENT, PROCESSED, WAITS, Video, row_of, writes_of
from dev.demo.stuck_uploads.bucket import put_s3
from dev.demo.stuck_uploads.cases import TENANT
from dev.devstack.moto import MotoServer
from profiles.stuck_uploads.profile import PROFILE
from profiles.stuck_uploads.scan import BUCKET
from profiles.stuck_uploads.video_rules import MARK_PROCESSED, START_RUN
from reconciliation.effects import Effect, Values
from reconciliation.repair import Change
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import Named, PlannedChange, RepairPlan
from reconciliation.repair_record import Chosen, Decision, RepairRecord
from reconciliation.run_record import new_audit_id

DEADLINE_SECONDS = 20
REQUEST_SECONDS = 4
NAMESPACE = "chaos"
_VERDICT = {START_RUN: "never_started", MARK_PROCESSED: "finished_not_marked"}
_MOST_DELIVERIES = 6
_MOST_SECONDS_TO_WAIT = 15.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Place:
    """Where races are run: the database, the account of the run stores, the bucket, and Prefect. The run stores have
    ``name`` in their names.
    """

    database: Database
    storage: str
    s3: MotoServer
    bucket: str
    engine: Engine
    name: str
    without_guard: str = ""

    def settings(self, container: str, prefect_url: str, repair_url: str) -> dict[str, str]:
        """The settings of a worker."""
        return {
            "REPORT_STORAGE": self.storage,
            "AUDIT_REPORT_CONTAINER": container,
            "AUDIT_PROFILES": PROFILE.name,
            "AUDIT_REQUEST_TIMEOUT_SECONDS": str(REQUEST_SECONDS),
            "AUDIT_REPAIR_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
            "AUDIT_REPAIR_CLOSED_HOURS": "none",
            "STUCK_UPLOADS_DATABASE": self.database.repair_url,
            "STUCK_UPLOADS_REPAIR_DATABASE": repair_url,
            "STUCK_UPLOADS_PREFECT": self.engine.url,
            "STUCK_UPLOADS_REPAIR_PREFECT": prefect_url,
            "STUCK_UPLOADS_DEPLOYMENT": "process-video/production",
            "STUCK_UPLOADS_COLUMNS": COLUMNS,
            "STUCK_UPLOADS_NAMESPACE": NAMESPACE,
            **self.s3.settings(BUCKET, self.bucket),
            WITHOUT_GUARD: self.without_guard,
        }


class Gates(NamedTuple):
    """What stands between a worker and what it changes."""

    prefect: HttpGate
    postgres: Gate


@dataclass(frozen=True)
class Racer:
    """One repair of a race, and the worker that it is delivered to."""

    services: Services
    worker: Worker[Gates]
    record: RepairRecord
    has_place: bool


@dataclass(frozen=True)
class Lane:
    """Runs races one after another; ``services`` are those of the run store of each worker."""

    place: Place
    workers: Sequence[Worker[Gates]]
    services: Sequence[Services]
    results: Results

    @property
    def is_shared(self) -> bool:
        """True if all its workers have one run store."""
        return len({one.settings.report_container for one in self.services}) == 1

    # --- runs ---------------------------------------------------------------------------------------------------------

    async def run(self, race: Race) -> None:
        """Run a race of repairs that start a run, and judge it by what Prefect holds then."""
        video, engine, url = race.video, self.place.engine, self.place.database.owner_url
        # A flow of its own: so nobody has to read the runs of all the other races.
        deployment = await asyncio.to_thread(engine.deployment, f"{self.place.name}-{video.number}", "production")
        if race.row is not None and race.row_before_plan:
            await asyncio.to_thread(write, url, race.row, video)
        values = await self._values(video, deployment)
        if race.new_file:
            await put_s3(self.place.s3, self.place.bucket, video.storage_key, CONTENT[::-1])
        numbers = range(race.racers) if race.apart else [0] * race.racers
        racers = await self._racers([{**values, "generation": number} for number in numbers], START_RUN, video)
        scene = Scene(race, engine, url, deployment, self._kill)
        await scene.act(When.BEFORE)
        delivered = engine.now()
        for racer in racers:
            racer.worker.gate.prefect.watch(scene)
        await asyncio.gather(*(self._until_ended(one, racers if race.duplicate else ()) for one in racers))
        await self._quiet()
        told = [await self._told(one, racers) for one in racers]
        runs = await asyncio.to_thread(engine.runs_of, deployment, scene.visible)
        moved = delivered if race.new_file or race.row_before_plan else scene.row_moved
        may_be_none = scene.happened is not None and scene.happened.may_leave_none
        course = Course(delivered, moved, may_be_none, frozenset(scene.creators.values()))
        judgement = judge_starts(told, runs, course)
        self.results.add_starts(race, told, judgement, alone=not self.is_shared)
        self.results.rival_runs += len(scene.visible)
        self.results.rows_moved += moved is not None
        if scene.happened is not None:
            self.results.faults[scene.happened.value] += 1
        if race.taken is not None and scene.is_taken:
            self.results.faults[f"taken_{race.taken}"] += 1
        for one in self.workers:
            one.gate.prefect.watch(None)
        await asyncio.to_thread(engine.clear, runs)

    async def _values(self, video: Video, deployment: str) -> dict[str, Any]:
        row = await asyncio.to_thread(row_of, self.place.database.owner_url, video)
        page = await self.services[0].buckets[BUCKET].page(video.folder, by_folder=False, size=5)
        return {
            "namespace": NAMESPACE,
            "deployment_id": deployment,
            "video_id": video.id,
            "tenant_id": TENANT,
            "storage_key": video.storage_key,
            "path": video.folder,
            "recent_minutes": 5,
            "status": WAITS,
            "row_token": row["token"] if row else "",
            "source_version": page.objects[0].version,
        }

    async def _kill(self, at: HttpGate) -> None:
        await next(one for one in self.workers if one.gate.prefect is at).kill()

    async def _quiet(self) -> None:
        """Until nothing is on its way any more, as what was held, or sent by whoever is dead by now."""
        gates = [one.gate.prefect for one in self.workers]
        while any(one.on_their_way for one in gates):  # noqa: ASYNC110 - each is held for seconds at most
            await asyncio.sleep(_POLL_SECONDS)

    # --- a status -----------------------------------------------------------------------------------------------------

    async def mark(self, race: MarkRace) -> None:
        """Run a race of repairs that set a status, and judge it by what the database holds then."""
        video, url = race.video, self.place.database.owner_url
        row = await asyncio.to_thread(row_of, url, video)
        assert row is not None
        values = {"video_id": video.id, "row_token": row["token"], "status": WAITS, "processed": PROCESSED}
        racers = await self._racers([values] * race.racers, MARK_PROCESSED, video)
        waiting = None
        if race.rival is not None and race.before:
            await asyncio.to_thread(write, url, race.rival, video)
        elif race.rival is not None:
            waiting = await asyncio.to_thread(Waiting, url, race.rival, video)
        worker = next(one for one in racers if one.has_place).worker
        armed = None
        if race.moment is not None:
            worker.gate.postgres.armed = armed = Armed(race.moment, _done_by(worker, race.moment))
        deliveries = [asyncio.ensure_future(self._until_ended(one, ())) for one in racers]
        stands = None
        if waiting is not None:
            stands = await asyncio.to_thread(
                waiting.end,
                commits=race.commits,
                hold_seconds=0,
                most_seconds=_MOST_SECONDS_TO_WAIT,
                all_ended=lambda: all(one.done() for one in deliveries),
            )
        await asyncio.gather(*deliveries)
        worker.gate.postgres.armed = None
        if armed is not None and armed.happened:
            self.results.faults[armed.moment.value] += 1
        # Whoever wrote held the row from before they were delivered.
        moved = race.rival is not None and (race.before or stands in {Stands.COMMITTED, Stands.LATE})
        self.results.rows_moved += moved
        told = [await self._told(one, racers) for one in racers]
        writes = await asyncio.to_thread(writes_of, url, video)
        row = await asyncio.to_thread(row_of, url, video)
        ours = self.place.database.repair_url.partition("://")[2].partition(":")[0]
        token = row["token"] if row else None
        self.results.add_marks(race, told, judge_marks(told, writes, token, moved_before=moved, ours=ours))

    # --- repairs ------------------------------------------------------------------------------------------------------

    async def _racers(self, values: Sequence[Values], repair: str, video: Video) -> list[Racer]:
        """Repairs that are approved and have tried to take their profile's place at once, as if by several hosts."""
        setting = database_setting(self.services[0].settings.profiles[PROFILE.name])
        names = identities({setting: await identity_of(self.services[0], setting)})
        named = Named("video", video.id)
        racers = []
        before = [await services.store.repairs.active(PROFILE.name) for services in self.services]
        for services, worker, one in zip(self.services, self.workers, values, strict=False):
            change = Change(says="Repair it.", seen={}, do=(Effect(repair, one),))
            planned = PlannedChange(1, named, _VERDICT[repair], repair, change)
            racers.append((services, worker, await _approved(services, planned, names)))
        held = await asyncio.gather(
            *(
                services.store.repairs.claim(PROFILE.name, record.repair_id, services.now(), active)
                for (services, _, record), active in zip(racers, before, strict=False)
            )
        )
        return [Racer(*racer, has_place=one is not None) for racer, one in zip(racers, held, strict=True)]

    async def _until_ended(self, racer: Racer, others: Sequence[Racer]) -> None:
        """Deliver it until it has ended; with ``others``, at first to the worker of another one as well."""
        repair_id = racer.record.repair_id
        second = next((one.worker for one in others if one is not racer), None) if self.is_shared else None
        results = await asyncio.gather(
            racer.worker.apply(repair_id), *([second.apply(repair_id)] if second is not None else [])
        )
        for _ in range(_MOST_DELIVERIES):
            if any(result is not None and _has_ended(result) for result in results):
                return
            results = [await racer.worker.apply(repair_id)]
        self.results.stick(f"{repair_id}: {results}")

    async def _told(self, racer: Racer, racers: Sequence[Racer]) -> Told:
        """What its ledger says, and when it asked: in one run store, only the one that has the place asks."""
        entries = await racer.services.store.repairs.entries(racer.record, "0001-1")
        gates = [one.worker.gate.prefect for one in (racers if self.is_shared else [racer])]
        looks = [at for one in gates for at in one.looks]
        last = max((one.last_asked for one in gates if one.last_asked is not None), default=None)
        answers = [text for one in gates for text in one.answers]
        return Told(racer.record.repair_id, entries.ending, looks, last, racer.has_place, answers)


async def _approved(services: Services, planned: PlannedChange, names: Mapping[str, Any]) -> RepairRecord:
    """A repair whose plan was approved."""
    now, repairs = services.now(), services.store.repairs
    repair_id = new_audit_id(now, uuid4().hex[:8])
    # Of a plan that undoes something, nothing is read again before: so its conversation is what is tried.
    record = RepairRecord(
        repair_id, PROFILE.name, repair_id, Chosen(), "a" * 64, RepairState.APPROVED, now, now, undoes=repair_id
    )
    plan = RepairPlan(
        repair_id=repair_id,
        profile=PROFILE.name,
        audit_id=repair_id,
        audited=services.audited(services.settings.profiles[PROFILE.name]).to_json(),
        identities=dict(names),
        release="chaos",
        proposer=record.proposer,
        proposed_at=now,
        expires_at=now + timedelta(hours=1),
        changes=[planned],
        undoes=repair_id,
    )
    await repairs.create(record)
    stored = await repairs.create_plan(record, plan)
    await repairs.decide(record, Decision(approves=True, digest=stored.digest, person="b" * 64, reason="-", at=now))
    return record


def _done_by(worker: Worker[Gates], moment: AtCommit) -> Callable[[], Any]:
    async def nothing() -> None:
        """The connection alone is cut."""

    return worker.kill if moment.kills else nothing


def _has_ended(result: Mapping[str, Any]) -> bool:
    return result.get("then") == "verify" or (result["ok"] is False and not result["retryable"])


async def _services(settings: Settings, stack: AsyncExitStack) -> Services:
    """What is needed to propose and approve, and to read ledgers."""
    blobs = BlobStore(settings.report_storage, settings.report_container)
    stack.push_async_callback(blobs.close)
    given = settings.connections[BUCKET]
    assert isinstance(given, S3Connection)
    bucket = open_bucket(given, Patience())
    stack.push_async_callback(bucket.close)
    records = AuditRecords(blobs, tuple(settings.profiles))
    return Services(settings, records, RunStore.of(blobs), {}, buckets={BUCKET: bucket})


@asynccontextmanager
async def lane(place: Place, name: str, results: Results, *, shared: bool) -> AsyncIterator[Lane]:
    """A lane with its workers, until the block ends; ``shared``: all of them have one run store."""
    async with AsyncExitStack() as stack:
        workers, services = [], []
        for number in range(MOST_RACERS):
            container = f"{place.name}-{name}-{0 if shared else number}".replace("_", "-")
            gates = Gates(
                await stack.enter_async_context(http_gate(place.engine.port)),
                await stack.enter_async_context(gate(place.database.port)),
            )
            through = f"http://127.0.0.1:{gates.prefect.port}/api"
            settings = place.settings(container, through, place.database.through(gates.postgres.port))
            worker = Worker("dev.chaos.stuck_uploads.worker", PROFILE.name, settings, gates)
            stack.push_async_callback(worker.end)
            ours = load_settings(place.settings(container, through, place.database.repair_url))
            services.append(await _services(ours, stack))
            workers.append(worker)
        await asyncio.gather(*(worker.start() for worker in workers))
        yield Lane(place, workers, services, results)


async def run_races(lanes: Iterable[tuple[Lane, Sequence[Race | MarkRace]]]) -> None:
    """Run the races of each lane one after another, and the lanes at once."""

    async def run(one: Lane, races: Sequence[Race | MarkRace]) -> None:
        for race in races:
            await (one.mark(race) if isinstance(race, MarkRace) else one.run(race))

    await asyncio.gather(*(run(one, races) for one, races in lanes))
