"""Races for the statement itself: nothing is read again before, and most repairs are in a run store of their own, so
that nothing but the statement stands between a plan and the database.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from activities.repairing import database_setting, identities, identity_of
from adapters.services import Services
from adapters.settings import load_settings
from adapters.store.blobs import BlobStore
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from dev.chaos.repairs.gate import Armed, Gate, Moment, gate
from dev.chaos.repairs.judging import Told, judge
from dev.chaos.repairs.race import Race, Results, broken_by
from dev.chaos.repairs.rivals import Stands, Waiting, write
from dev.chaos.repairs.worker import DEADLINE_SECONDS, WITHOUT_GUARD
from dev.chaos.repairs.workers import Worker
from dev.chaos.repairs.world import Database, Session, held_of, reset, rows
from reconciliation.effects import Effect
from reconciliation.repair import Change
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import Named, PlannedChange, RepairPlan
from reconciliation.repair_record import Chosen, Decision, RepairRecord
from reconciliation.run_record import new_audit_id

FROZEN_SECONDS = 6.5
"""Longer than a transaction may stand still, and than the deadline of a change."""
HELD_SECONDS = DEADLINE_SECONDS + 1.5
MOST_SECONDS_TO_WAIT = 15.0
STORES = 2
_PROFILE = "pre-capture-sessions"
_MOST_DELIVERIES = 5
_Worker = Worker[Gate]
_PLANNED = "select xmin::text as token, status::text from capture_sessions where id = %(session)s"


@dataclass(frozen=True)
class Place:
    """Where races are run."""

    database: Database
    storage: str
    without_guard: str = ""

    def settings(self, container: str, repair_url: str) -> dict[str, str]:
        """The settings of a worker."""
        return {
            "SOURCE_STORAGE": self.storage,
            "REPORT_STORAGE": self.storage,
            "AUDIT_REPORT_CONTAINER": container,
            "PRE_DATABASE": repair_url,
            "PRE_REPAIR_DATABASE": repair_url,
            "AUDIT_REPAIR_CLOSED_HOURS": "none",
            WITHOUT_GUARD: self.without_guard,
        }


@dataclass
class Store:
    """A run store, and two workers of it."""

    services: Services
    workers: tuple[_Worker, _Worker]

    async def approved(
        self, race: Race, recording: str, identity: Mapping[str, Any], *, approves: bool
    ) -> RepairRecord:
        """A repair that is ready to be applied, if it is approved; its plan is of the row as it is now."""
        now, repairs = self.services.now(), self.services.store.repairs
        repair_id = new_audit_id(now, uuid4().hex[:8])
        record = RepairRecord(
            repair_id, _PROFILE, repair_id, Chosen(), "a" * 64, RepairState.APPROVED, now, now, undoes=repair_id
        )
        plan = RepairPlan(
            repair_id=repair_id,
            profile=_PROFILE,
            audit_id=repair_id,
            audited=self.services.audited(self.services.settings.profiles[_PROFILE]).to_json(),
            identities=identity["names"],
            release="chaos",
            proposer=record.proposer,
            proposed_at=now,
            expires_at=now + timedelta(hours=1),
            changes=[_registration(race.session, recording, identity["row"])],
            undoes=repair_id,  # of such a plan nothing is read again
        )
        await repairs.create(record)
        stored = await repairs.create_plan(record, plan)
        if approves:
            await repairs.decide(
                record, Decision(approves=True, digest=stored.digest, person="b" * 64, reason="-", at=now)
            )
        await repairs.claim(_PROFILE, repair_id, now, await repairs.active(_PROFILE))
        return record


def _registration(session: Session, recording: str, row: Mapping[str, Any]) -> PlannedChange:
    values = {
        "session_id": str(session.session),
        "booking_id": str(session.booking),
        "case_id": str(session.case),
        "session_token": row["token"],
        "session_status": row["status"],
        "recording_id": recording,
        "filename": session.track,
        "duration": None,
    }
    change = Change(says="Register it.", seen={}, do=(Effect("register_recording", values),))
    named = Named("capture_session", str(session.session))
    return PlannedChange(1, named, "unregistered_recording", "register_recording", change)


@dataclass(frozen=True)
class Racer:
    """One repair of a race; ``workers`` are those of its store, first the one that it is delivered to first."""

    store: Store
    workers: tuple[_Worker, _Worker]
    record: RepairRecord
    recording: str
    approved: bool


@dataclass
class Lane:
    """Runs races one after another."""

    place: Place
    stores: Sequence[Store]
    results: Results

    async def run(self, race: Race) -> None:
        """Run one, and judge it."""
        session, url = race.session, self.place.database.owner_url
        await asyncio.to_thread(reset, url, session)
        if race.rival is not None and race.before:
            await asyncio.to_thread(write, url, race.rival, session)
        racers = await self._racers(race)
        waiting = None
        if race.rival is not None and not race.before:
            waiting = await asyncio.to_thread(Waiting, url, race.rival, session)
        deliveries = [asyncio.ensure_future(self._until_ended(racer, race)) for racer in racers]
        stands = Stands.COMMITTED if race.before else None
        if waiting is not None:
            stands = await asyncio.to_thread(
                waiting.end,
                commits=race.commits,
                hold_seconds=HELD_SECONDS,
                most_seconds=MOST_SECONDS_TO_WAIT,
                all_ended=lambda: all(one.done() for one in deliveries),
            )
        await asyncio.gather(*deliveries)
        told = [await _told(racer, session) for racer in racers]
        held = await asyncio.to_thread(held_of, url, session)
        self.results.add(told, stands, judge(told, held, broken_by(race, stands)))

    async def _racers(self, race: Race) -> list[Racer]:
        """Two repairs that are ready to be applied; in one run store, the second has taken the place of the first."""
        [row] = await asyncio.to_thread(rows, self.place.database.owner_url, _PLANNED, **race.session.ids)
        services = self.stores[0].services
        setting = database_setting(services.settings.profiles[_PROFILE])
        identity = {"row": row, "names": identities({setting: await identity_of(services, setting)})}
        other = str(uuid4()) if race.other_container else str(race.session.recording)
        racers = []
        for at, recording in enumerate((other, str(race.session.recording))):
            store = self.stores[0 if race.one_store else at]
            one, two = store.workers
            approved = not (race.unapproved and at == 0)
            record = await store.approved(race, recording, identity, approves=approved)
            racers.append(
                Racer(store, (two, one) if race.one_store and at else (one, two), record, recording, approved)
            )
        return racers

    async def _until_ended(self, racer: Racer, race: Race) -> None:
        (first, second), repair_id = racer.workers, racer.record.repair_id
        twice, armed = race.duplicate, None
        if race.moment is not None:
            do = partial(first.freeze, FROZEN_SECONDS) if race.moment.freezes else _done_by(first, race.moment)
            first.gate.armed = armed = Armed(race.moment, do)
            twice |= race.moment.freezes
        try:
            results = await asyncio.gather(first.apply(repair_id), *([second.apply(repair_id)] if twice else []))
        finally:
            first.gate.armed = None
        if armed is not None and armed.happened:
            self.results.disturbed[armed.moment.value] += 1
        for worker in (second, first) * _MOST_DELIVERIES:
            if any(result is not None and _has_ended(result) for result in results):
                return
            results = [await worker.apply(repair_id)]
        self.results.stick(f"{repair_id}: {results}")


async def _told(racer: Racer, session: Session) -> Told:
    """What its ledger says."""
    entries = await racer.store.services.store.repairs.entries(racer.record, "0001-1")
    deadline = None if entries.intended is None else entries.intended.deadline
    record = racer.record
    return Told(record.repair_id, racer.approved, session.session, racer.recording, deadline, entries.ending)


def _done_by(worker: _Worker, moment: Moment) -> Any:
    async def nothing() -> None:
        """The connection alone is cut."""

    return worker.kill if moment.kills else nothing


def _has_ended(result: Mapping[str, Any]) -> bool:
    return result.get("then") == "verify" or (result["ok"] is False and not result["retryable"])


@asynccontextmanager
async def lane(place: Place, name: str, results: Results) -> AsyncIterator[Lane]:
    """A lane with its workers, until the block ends."""
    async with AsyncExitStack() as stack:
        stores = []
        for number in range(STORES):
            container = f"races-{name}-{number}"
            settings = replace(
                load_settings(place.settings(container, place.database.repair_url)),
                repair_deadline_seconds=DEADLINE_SECONDS,
            )
            workers = []
            for _ in range(2):
                through = await stack.enter_async_context(gate(place.database.port))
                worker = Worker(
                    "dev.chaos.repairs.worker",
                    _PROFILE,
                    place.settings(container, place.database.through(through.port)),
                    through,
                )
                stack.push_async_callback(worker.end)
                workers.append(worker)
            blobs = BlobStore(settings.report_storage, settings.report_container)
            stack.push_async_callback(blobs.close)
            services = Services(settings, AuditRecords(blobs, tuple(settings.profiles)), RunStore.of(blobs), {})
            stores.append(Store(services, (workers[0], workers[1])))
        await asyncio.gather(*(worker.start() for store in stores for worker in store.workers))
        yield Lane(place, stores, results)


async def run_races(place: Place, races: Iterable[Race], results: Results, lanes: int, name: str = "") -> None:
    """Run races in some lanes at once; no two of them are for the same session at the same time."""
    to_come = list(races)[::-1]
    busy: set[str] = set()

    async def run(number: int) -> None:
        async with lane(place, f"{name}{number}", results) as one:
            while to_come:
                race = to_come.pop()
                while race.session.name in busy:  # noqa: ASYNC110 - of another lane
                    await asyncio.sleep(0.05)
                busy.add(race.session.name)
                try:
                    await one.run(race)
                finally:
                    busy.remove(race.session.name)

    await asyncio.gather(*(run(number) for number in range(lanes)))
