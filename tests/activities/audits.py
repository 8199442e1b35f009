"""The steps of an audit one after the other, on a world in memory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from activities.judge import judge_audit
from activities.look_again import look
from activities.plan import plan_audit
from activities.pull import pull_rows
from activities.report import report_audit
from activities.scan_shard import scan
from activities.screen import screen_audit
from activities.step import AuditRequest
from adapters.services import Services
from adapters.store.run_store import RunStore
from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.candidates import Candidate
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.errors import AuditError, ContainerGoneError
from reconciliation.evidence import Unread
from reconciliation.lifecycle import State
from reconciliation.lookups import Blob
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.run_record import RunRecord
from reconciliation.screened import Screening
from tests.activities.memory import FORBIDDEN, GONE, Account, MemoryBlobs, MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    AUDIT_ID,
    IN_FAST_MODE,
    MINUTE,
    PARAMETERS,
    World,
    asking,
    seen_in,
    uuid_of,
)


@dataclass
class Audit:
    """One audit of a world, step by step; ``sizes`` are containers in a shard and bytes in a piece of a stream."""

    database: MemoryDatabase
    account: Account
    parameters: AuditParameters = PARAMETERS
    sizes: tuple[int, int] = (2, 1000)

    def __post_init__(self) -> None:
        per_shard, piece = self.sizes
        storage = MemoryStorage(self.account)
        self.outside = Outside(storage, self.database, blobs=MemoryBlobs(piece), per_shard=per_shard)

    @property
    def store(self) -> RunStore:
        return self.outside.store

    @property
    def services(self) -> Services:
        return self.outside.services

    @property
    def files(self) -> dict[str, bytes]:
        return self.outside.blobs.blobs

    def path(self, name: str) -> str:
        """Where the one file of that name is."""
        [found] = [path for path in self.files if path.endswith(f"/{name}")]
        return found

    def world(self) -> World:
        """The same, as the domain sees it."""
        database, account = self.outside.database, self.outside.storage.account
        records = [_record(name, account[name]) for name in sorted(account)]
        return World(
            database.candidates,
            records,
            database.rows,
            database.others,
            lists_what_is_gone=True,
            may_be_empty=False,
        )

    async def record(self, audit_id: str = AUDIT_ID) -> RunRecord:
        record = await self.outside.records.record(audit_id)
        assert record is not None
        return record

    async def resumed(self, audit_id: str = AUDIT_ID) -> None:
        """Broken off, and begun again by another process."""
        self.outside.restart()
        record, now = await self.record(audit_id), self.outside.now
        failed = record.ended(State.FAILED, now, outcome=Outcome.FAILED, reached=None, error="It broke off.")
        assert await self.outside.records.reopen(await self.outside.records.end(failed), now, resumed=True)

    async def pulled(self, audit_id: str = AUDIT_ID) -> None:
        """Begun, and everything read that is read before the scan."""
        if await self.outside.records.record(audit_id) is None:
            record = RunRecord(audit_id, State.QUEUED, self.parameters, AS_OF - MINUTE, AS_OF - MINUTE)
            await self.outside.records.create_record(record)
        for run in range(len(PROFILE.pulls())):
            assert await pull_rows({**request(audit_id), "run": run}, self.services) == {"ok": True}

    async def planned(self, audit_id: str = AUDIT_ID) -> dict[str, Any]:
        """Pulled and planned; the plan's answer."""
        await self.pulled(audit_id)
        return dict(await plan_audit(request(audit_id), self.services))

    async def scanned(self, audit_id: str = AUDIT_ID, *, without: frozenset[int] = frozenset()) -> None:
        """Every shard but some has its result."""
        for planned in (await self.store.plans.existing(folder(audit_id))).shards:
            if planned.shard.index not in without:
                index = planned.shard.index
                await scan({**request(audit_id), "shard": index, "attempt": 1}, self.services)

    async def screened(self, audit_id: str = AUDIT_ID) -> Screening:
        """What the first look found."""
        self.outside.now = AS_OF + MINUTE
        answer = await screen_audit(request(audit_id), self.services)
        screening = await self.store.attempts.screened((await self.record(audit_id)).attempt_folder)
        assert screening is not None
        assert answer == {"ok": True, "shards": len(screening.shards)}
        return screening

    async def looked_again(self, audit_id: str = AUDIT_ID) -> None:
        """Screened, and everything looked up that is in doubt."""
        for shard in range(len((await self.screened(audit_id)).shards)):
            assert await look({**request(audit_id), "shard": shard}, self.services) == {"ok": True}

    async def judged(self, audit_id: str = AUDIT_ID) -> str:
        """Screened, looked at again and judged; the text of report.json."""
        await self.looked_again(audit_id)
        assert await judge_audit(request(audit_id), self.services) == {"ok": True}
        return self.text("report.json", audit_id)

    async def reported(self, audit_id: str = AUDIT_ID) -> RunRecord:
        await report_audit(request(audit_id), self.services)
        return await self.record(audit_id)

    async def until_judged(self, audit_id: str = AUDIT_ID) -> dict[str, Any]:
        """The report of an audit that was begun now."""
        self.outside.now = AS_OF
        await self.planned(audit_id)
        await self.scanned(audit_id)
        report: dict[str, Any] = json.loads(await self.judged(audit_id))
        return report

    async def whole(self, audit_id: str = AUDIT_ID) -> dict[str, Any]:
        """The report of an audit from end to end."""
        report = await self.until_judged(audit_id)
        await self.reported(audit_id)
        return report

    def text(self, name: str, audit_id: str = AUDIT_ID) -> str:
        return self.files[f"{folder(audit_id)}/{name}"].decode()


def request(audit_id: str = AUDIT_ID) -> AuditRequest:
    """What a step is asked."""
    return {"profile": PROFILE.name, "audit_id": audit_id}


def folder(audit_id: str = AUDIT_ID) -> str:
    """Where the artefacts of an audit are."""
    return f"{PROFILE.name}/{audit_id}"


def _record(name: str, found: Sequence[Blob] | AuditError) -> Any:
    if isinstance(found, ContainerGoneError):
        return Unread(name, DELETED_DURING_SCAN, failed=False)
    return Unread(name, str(found), failed=True) if isinstance(found, AuditError) else seen_in(name, found)


def by_id(candidates: Sequence[Candidate]) -> list[Candidate]:
    """As the database gives them (proved in test_sql.py)."""
    return sorted(candidates, key=lambda one: one.session_id)


def audit_of(*candidates: Candidate, account: Account | None = None, **changes: Any) -> Audit:
    database = MemoryDatabase(by_id(candidates), changes.pop("rows", ()), changes.pop("others", ()))
    return Audit(database, account or {}, **changes)


def named(**account: list[Blob] | AuditError) -> dict[str, list[Blob] | AuditError]:
    """Containers by the name of their recording."""
    return {str(uuid_of(name)): found for name, found in account.items()}


SIZES = st.tuples(st.integers(1, 3), st.sampled_from([1, 7, 100, 100_000]))
TROUBLE = st.dictionaries(st.sampled_from(strategies.CONTAINERS), st.sampled_from([FORBIDDEN, GONE]), max_size=2)


@st.composite
def audits(draw: st.DrawFn) -> Audit:
    candidates, others = draw(strategies.databases())
    account = draw(strategies.listings()) | draw(TROUBLE)
    database = MemoryDatabase(by_id(candidates), draw(strategies.registered()), others)
    asked = draw(
        st.sampled_from([PARAMETERS, IN_FAST_MODE, asking(PARAMETERS, container_prefixes=("0", "5", "9", "d"))])
    )
    return Audit(database, account, asked, draw(SIZES))
