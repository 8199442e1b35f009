"""A profile with a policy, its run store and Prefect in memory: what the steps of approval by policy get and leave."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from activities.approve_by_policy import ApproveByPolicyResult, decide_by_policy
from adapters.api_connection import ApiConnection
from adapters.http_api import HttpApi
from adapters.services import Services
from adapters.settings import Settings
from adapters.store.blobs import Stored
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from profiles.stuck_uploads.repairs import REPAIR_PREFECT
from profiles.stuck_uploads.video_rules import START_RUN
from reconciliation.effects import Effect, Ended, Ending
from reconciliation.errors import ApiUnavailableError, AuditError, RunStoreError
from reconciliation.ledger import Entry, Intended
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.people import Person, Sealed
from reconciliation.policy import Policy
from reconciliation.queries import HttpAnswer, HttpCall
from reconciliation.repair import Change
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import LeftOut, Named, PlannedChange, RepairPlan
from reconciliation.repair_record import Chosen, Decision, RepairRecord
from reconciliation.run_record import RunRecord, new_audit_id
from reporting.document import finding_line
from tests.activities.memory import ELSEWHERE, MemoryBlobs
from tests.profiles.stuck_uploads.prefect_in_memory import AT, Prefect
from tests.profiles.stuck_uploads.world import profile_for

PROFILE = profile_for()
NAME = PROFILE.name
KIND = PROFILE.kinds[0].name
MENDED = min(PROFILE.mended_by([START_RUN]))
AUDIT_ID = "20261127-091500-aaaaaaaa"
POLICY = Policy(NAME, "AUDIT_AUTO_REPAIR__STUCK_UPLOADS", START_RUN, (START_RUN,), 3, 5)
ANN = Person.declared("Ann")
LOST = RunStoreError("The run store was lost.")


class VersionedBlobs(MemoryBlobs):
    """Blobs whose ETags count, as a real store's do. ``fails`` names the write, by the end of its path, that is lost
    before it is kept, once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.etags: dict[str, int] = {}
        self.fails: str | None = None

    async def write(self, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> None:
        if self.fails is not None and path.endswith(self.fails):
            self.fails = None
            raise LOST
        await super().write(path, data, metadata)
        self.etags[path] = self.etags.get(path, 0) + 1

    async def replace(self, path: str, data: bytes, etag: str, metadata: Mapping[str, str] | None = None) -> bool:
        if path not in self.blobs or str(self.etags[path]) != etag:
            return False
        await self.write(path, data, metadata)
        return True

    async def put(
        self, path: str, data: bytes, etag: str | None, metadata: Mapping[str, str] | None = None
    ) -> str | None:
        done = await (self.create(path, data, metadata) if etag is None else self.replace(path, data, etag, metadata))
        return str(self.etags[path]) if done else None

    async def read(self, path: str, *, offset: int | None = None, length: int | None = None) -> Stored | None:
        stored = await super().read(path, offset=offset, length=length)
        return None if stored is None else Stored(stored.data, str(self.etags[path]))

    async def delete(self, path: str, etag: str | None = None) -> bool:
        if etag is not None and str(self.etags.get(path)) != etag:
            return False
        return await super().delete(path)


@dataclass
class Api:
    """Prefect's API as an activity calls it; ``error`` is what happens to whoever does."""

    server: Prefect
    error: AuditError | None = None

    async def call(self, call: HttpCall) -> HttpAnswer:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.server.answer(call)


@dataclass
class PolicyWorld:
    """All of it together; ``policy`` is what the settings say now, ``copies`` how many bytes each change copies."""

    policy: Policy | None = POLICY
    paused: bool = False
    copies: int = 0
    schedules_paused: bool = False
    now: datetime = AT
    webhook_outcomes: tuple[str, ...] = ("repairs",)
    blobs: VersionedBlobs = field(default_factory=VersionedBlobs)
    prefect: Prefect = field(default_factory=lambda: Prefect(limit=200).with_deployments())

    def __post_init__(self) -> None:
        self.prefect.workers = {"pool": [{"name": "w-1", "status": "ONLINE"}]}
        self.api = Api(self.prefect)
        self.records, self.store = AuditRecords(self.blobs, [NAME]), RunStore.of(self.blobs)

    @property
    def settings(self) -> Settings:
        return Settings(
            ELSEWHERE,
            {NAME: PROFILE},
            {
                "STUCK_UPLOADS_DATABASE": "postgresql://db.example/uploads",
                REPAIR_PREFECT: ApiConnection(REPAIR_PREFECT, "http://prefect.example/api"),
            },
            policies={} if self.policy is None else {NAME: self.policy},
            policies_paused=(NAME,) if self.paused else (),
            schedules_paused=(NAME,) if self.schedules_paused else (),
            webhook_url="https://chat.example/hook",
            webhook_outcomes=self.webhook_outcomes,
        )

    @property
    def services(self) -> Services:
        return Services(
            self.settings,
            self.records,
            self.store,
            {},
            now=lambda: self.now,
            sleep=at_once,
            apis={REPAIR_PREFECT: cast("HttpApi", self.api)},
        )

    # --- an audit -----------------------------------------------------------------------------------------------------

    async def audited(
        self, *findings: tuple[str, str], audit_id: str = AUDIT_ID, due: Mapping[str, str] | None = None
    ) -> RunRecord:
        """An audit that has ended, with a report of these findings: subject and verdict; some of them ``due``."""
        record = RunRecord(audit_id, State.QUEUED, PROFILE.parameters(mode=PROFILE.modes[0]), self.now, self.now)
        await self.records.create_record(record)
        told = [
            {"subject": {"kind": KIND, "id": one}, "verdict": verdict, "due": (due or {}).get(one)}
            for one, verdict in findings
        ]
        lines = ",".join(map(finding_line, told))
        head = '{\n "findings": [\n' + lines + ' ],\n "counted": {"video": {\n}}}\n'
        await self.store.reports.write(record.folder, "json", chunks(head))
        counts = {verdict: 1 for _, verdict in findings}
        ended = record.ended(
            State.COMPLETED, self.now, outcome=Outcome.FINDINGS, reached=None, summary={"counts": counts}
        )
        return await self.records.end(ended)

    # --- repairs ------------------------------------------------------------------------------------------------------

    def planned(self, number: int, subject: str | None = None, repair: str = START_RUN) -> PlannedChange:
        subject = subject or f"video-{number}"
        change = Change(
            says="Create one run.", seen={}, do=(Effect(repair, {"video_id": subject}),), copies_bytes=self.copies
        )
        return PlannedChange(number, Named(KIND, subject), MENDED, repair, change)

    async def repaired(
        self,
        *endings: Ending | None,
        ago: timedelta = timedelta(minutes=30),
        by_policy: bool = True,
        states: Sequence[str] = (),
    ) -> RepairRecord:
        """An earlier repair whose changes ended so, each begun ``ago``; None: it was begun, and has not ended. Prefect
        has their runs, in these states.
        """
        at, number = self.now - ago, sum(path.endswith("/repair.json") for path in self.blobs.blobs)
        record = await self.proposed(*range(1, len(endings) + 1), at=at, number=number, by_policy=by_policy)
        for change, ending in enumerate(endings, 1):
            name = f"{change:04}-1"
            intended = Intended(record.digest or "", at, at + timedelta(seconds=45), "token")
            await self.store.repairs.intend(record, name, intended)
            if ending is not None:
                run_id = f"run-{number}-{change}"
                left = {"run_id": run_id, "key": "key"} if ending.is_applied else {}
                await self.store.repairs.end(record, name, Entry(at, Ended(ending, left=left)))
                if ending.is_applied:
                    self.prefect.add(run_id, states[change - 1] if states else "COMPLETED", at)
        approved = await self.store.repairs.move(record, RepairState.APPROVED, at)
        done = sum(ending is not None and ending.is_applied for ending in endings)
        return await self.store.repairs.move(approved, RepairState.APPLIED, at, counts={"done": done})

    async def proposed(
        self,
        *numbers: int,
        at: datetime | None = None,
        number: int = 99,
        by_policy: bool = True,
        repair: str = START_RUN,
        left_out: Sequence[LeftOut] = (),
    ) -> RepairRecord:
        """A repair whose plan waits for a decision."""
        at = at or self.now
        record = await self.proposing(at=at, number=number, by_policy=by_policy)
        plan = self.plan(record, *(self.planned(one, repair=repair) for one in numbers), left_out=left_out)
        stored = await self.store.repairs.create_plan(record, plan)
        return await self.store.repairs.move(
            record, RepairState.PROPOSED, at, digest=stored.digest, until=plan.expires_at
        )

    async def proposing(self, *, at: datetime, number: int = 99, by_policy: bool = True) -> RepairRecord:
        """A repair whose plan is still to be made."""
        person = POLICY.person if by_policy else ANN
        sealed = Sealed.of(person, "5a17" * 8)
        record = RepairRecord(
            new_audit_id(at, f"{number:08x}"),
            NAME,
            AUDIT_ID,
            Chosen((Named(KIND, "video-1"),), most=3),
            sealed.seal,
            RepairState.PROPOSING,
            created_at=at,
            updated_at=at,
            policy=(self.policy or POLICY).named() if by_policy else None,
        )
        await self.store.repairs.create(record)
        await self.store.repairs.seal(record, sealed)
        return await self.read(record)

    def plan(self, record: RepairRecord, *changes: PlannedChange, left_out: Sequence[LeftOut] = ()) -> RepairPlan:
        return RepairPlan(
            repair_id=record.repair_id,
            profile=NAME,
            audit_id=record.audit_id,
            audited=self.services.audited(PROFILE).to_json(),
            identities={},
            release="test",
            proposer=record.proposer,
            proposed_at=record.created_at,
            expires_at=record.created_at + timedelta(hours=24),
            changes=changes,
            left_out=left_out,
            policy=record.policy,
        )

    async def read(self, record: RepairRecord) -> RepairRecord:
        kept = await self.store.repairs.record(NAME, record.repair_id)
        assert kept is not None
        return kept

    async def decide(self, record: RepairRecord) -> ApproveByPolicyResult:
        """What the step answers that decides about it."""
        return await decide_by_policy(request(record), self.services)

    async def decision(self, record: RepairRecord) -> Decision | None:
        return await self.store.repairs.decision(record)

    async def approved_by_ann(self, record: RepairRecord, *, moved: bool = True) -> RepairRecord:
        """A person approves a plan as ``runs.repairs`` does, up to the decision, or further."""
        repairs = self.store.repairs
        await repairs.take_place(record, self.now)
        sealed = Sealed.of(ANN, "a" * 32)
        await repairs.seal(record, sealed)
        await repairs.decide(
            record,
            Decision(approves=True, digest=record.digest or "", person=sealed.seal, reason="It is right.", at=self.now),
        )
        return await repairs.move(record, RepairState.APPROVED, self.now) if moved else record


def request(record: RepairRecord) -> Any:
    """The request of a step of a repair."""
    return {"profile": NAME, "repair_id": record.repair_id}


def limited(most: int, most_per_hour: int) -> Policy:
    return replace(POLICY, most=most, most_per_hour=most_per_hour)


UNREACHABLE = ApiUnavailableError("Prefect cannot be reached.")


async def chunks(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def at_once(_seconds: float) -> None:
    """Nothing has to be waited for."""
