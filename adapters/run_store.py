"""The run store: one folder of blobs for each audit, and the truth about it.

    active/<profile>.json               which audit of a profile may run (guarded by ETag)
    <audit id>/run.json                 the record of the audit
    <audit id>/plan.json                the frozen plan
    <audit id>/containers.jsonl.gz      all container names, one gzip member for each shard
    <audit id>/candidates.jsonl.gz      the rows in question
    <audit id>/registered.jsonl.gz      the recordings that have a row
    <audit id>/shards/0007.jsonl.gz     what shard 7 saw; its metadata holds the counts
    <audit id>/shards/0007.progress     how far shard 7 has come
    <audit id>/report.json, findings.csv, report.html

Every name is determined by the audit and the step, so a step done twice overwrites its own work and nothing else.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adapters.blob_store import BlobStore
from adapters.jsonl import pack, unpack
from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.coverage import Coverage
from reconciliation.errors import RunStoreError
from reconciliation.evidence import ContainerEvidence, Unread, record_from_json
from reconciliation.lifecycle import may_become
from reconciliation.plan import Plan, PlannedShard
from reconciliation.progress import ShardProgress
from reconciliation.run_record import RunRecord
from reconciliation.shards import Shard, slice_of

REPORT_FILES: Mapping[str, str] = {"json": "report.json", "csv": "findings.csv", "html": "report.html"}
_COUNTS = ("scanned", "skipped", "failed", "blobs")


@dataclass(frozen=True)
class Artefacts:
    """Which steps of an audit have left their result, and the sum of what its shards have written."""

    names: frozenset[str]
    shards: Mapping[int, ShardProgress]
    last_modified: datetime | None
    scan_started_at: datetime | None


@dataclass(frozen=True)
class ActiveAudit:
    """The audit that a profile's guard names, and when the guard was written."""

    audit_id: str
    since: datetime
    etag: str


class RunStore:
    """Typed access to the folders of all audits. Errors are those of ``BlobStore``, plus ``RunStoreError``."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    @property
    def where(self) -> str:
        """The container and its account, for messages."""
        return self._blobs.where

    async def ready(self) -> None:
        """Make the container if it is not there."""
        await self._blobs.ready()

    # --- the guard: one active audit for each profile -------------------------------------------------------------

    async def active(self, profile: str) -> ActiveAudit | None:
        """The audit that the profile's guard names, ended or not."""
        stored = await self._blobs.read(_guard(profile))
        if stored is None:
            return None
        value = json.loads(stored.data)
        return ActiveAudit(value["audit_id"], datetime.fromisoformat(value["since"]), stored.etag)

    async def claim(self, profile: str, audit_id: str, at: datetime, instead_of: ActiveAudit | None) -> bool:
        """Make ``audit_id`` the active audit; False if somebody else was faster. Atomic."""
        data = _json({"schema_version": 1, "complete": True, "audit_id": audit_id, "since": at.isoformat()})
        if instead_of is None:
            return await self._blobs.create(_guard(profile), data)
        return await self._blobs.replace(_guard(profile), data, instead_of.etag)

    # --- the record -----------------------------------------------------------------------------------------------

    async def create_record(self, record: RunRecord) -> None:
        """Write the record of a new audit. Raises ``RunStoreError`` if there is one of that id."""
        if not await self._blobs.create(f"{record.audit_id}/run.json", _json(record.to_json())):
            raise RunStoreError(f"There is already an audit {record.audit_id}.")

    async def record(self, audit_id: str) -> RunRecord | None:
        """The record of an audit, or None if there is no such audit."""
        stored = await self._blobs.read(f"{audit_id}/run.json")
        return None if stored is None else RunRecord.from_json(json.loads(stored.data))

    async def end(self, ended: RunRecord) -> RunRecord:
        """Write an audit's end, unless it has ended already: the first end stays, and is returned. Idempotent."""
        path = f"{ended.audit_id}/run.json"
        while True:
            stored = await self._blobs.read(path)
            if stored is None:
                raise RunStoreError(f"There is no audit {ended.audit_id} to end.")
            now = RunRecord.from_json(json.loads(stored.data))
            if not may_become(now.state, ended.state):
                return now
            if await self._blobs.replace(path, _json(ended.to_json()), stored.etag):
                return ended

    async def audit_ids(self) -> list[str]:
        """All audits, newest first (an id begins with its time)."""
        return sorted([name async for name in self._blobs.folders() if name != "active"], reverse=True)

    # --- plan and rows --------------------------------------------------------------------------------------------

    async def write_plan(self, audit_id: str, plan: Plan, names: Sequence[str], shards: Sequence[Shard]) -> Plan:
        """Write the container names and then the plan that points into them; returns the plan with its pointers."""
        members = [pack(names[slice_of(shards, shard.index)]) for shard in shards]
        planned, offset = [], 0
        for shard, member in zip(shards, members, strict=True):
            planned.append(PlannedShard(shard, offset, len(member)))
            offset += len(member)
        plan = replace(plan, shards=tuple(planned))
        await self._blobs.write(f"{audit_id}/containers.jsonl.gz", b"".join(members))
        await self._blobs.write(f"{audit_id}/plan.json", _json(plan.to_json()))
        return plan

    async def plan(self, audit_id: str) -> Plan | None:
        """The plan, or None before it is made."""
        stored = await self._blobs.read(f"{audit_id}/plan.json")
        return None if stored is None else Plan.from_json(json.loads(stored.data))

    async def planned(self, audit_id: str) -> Plan:
        """The plan of an audit that must have one. Raises ``RunStoreError`` if it has none."""
        plan = await self.plan(audit_id)
        if plan is None:
            raise RunStoreError(f"Audit {audit_id} has no plan in {self.where}. Start a new audit.")
        return plan

    async def container_names(self, audit_id: str, planned: PlannedShard) -> list[str]:
        """The container names of one shard, ascending; reads no more than those."""
        stored = await self._blobs.read(f"{audit_id}/containers.jsonl.gz", offset=planned.offset, length=planned.length)
        names = [] if stored is None else self._values(f"{audit_id}/containers.jsonl.gz", stored.data)
        if len(names) != planned.shard.containers:
            raise RunStoreError(
                f"Shard {planned.shard.index} of audit {audit_id} has {len(names)} names of "
                f"{planned.shard.containers} in {self.where}. Start a new audit."
            )
        return names

    async def write_rows(
        self, audit_id: str, candidates: Iterable[Candidate], registered: Iterable[RegisteredRecording]
    ) -> None:
        """Write what the database said; the candidates last, since their presence says that the rows are complete."""
        await self._blobs.write(f"{audit_id}/registered.jsonl.gz", pack(row.to_json() for row in registered))
        await self._blobs.write(f"{audit_id}/candidates.jsonl.gz", pack(row.to_json() for row in candidates))

    async def has_rows(self, audit_id: str) -> bool:
        """True if ``write_rows`` was done."""
        return await self._blobs.exists(f"{audit_id}/candidates.jsonl.gz")

    async def candidates(self, audit_id: str) -> list[Candidate]:
        """The candidates, as pulled."""
        return [Candidate.from_json(value) for value in await self._lines(audit_id, "candidates.jsonl.gz")]

    async def registered(self, audit_id: str) -> list[RegisteredRecording]:
        """The registered recordings, as pulled."""
        return [RegisteredRecording.from_json(value) for value in await self._lines(audit_id, "registered.jsonl.gz")]

    async def _lines(self, audit_id: str, name: str) -> list[Any]:
        stored = await self._blobs.read(f"{audit_id}/{name}")
        if stored is None:
            raise RunStoreError(f"Audit {audit_id} has no {name} in {self.where}. Start a new audit.")
        return self._values(f"{audit_id}/{name}", stored.data)

    def _values(self, path: str, data: bytes) -> list[Any]:
        try:
            return unpack(data)
        except ValueError as error:
            raise RunStoreError(f"{path} in {self.where} is damaged. Start a new audit.") from error

    # --- shards ---------------------------------------------------------------------------------------------------

    async def write_shard(
        self, audit_id: str, shard: int, attempt: int, records: Sequence[ContainerEvidence | Unread]
    ) -> dict[str, int]:
        """Write what a shard saw, with its counts as metadata; returns the counts."""
        counts = _counts(records)
        metadata = {name: str(count) for name, count in counts.items()} | {"attempt": str(attempt)}
        data = pack(record.to_json() for record in records)
        await self._blobs.write(f"{audit_id}/shards/{shard:04}.jsonl.gz", data, metadata)
        return counts

    async def shard(self, audit_id: str, shard: int) -> list[ContainerEvidence | Unread] | None:
        """What a shard saw, or None if it was never scanned to its end."""
        path = f"{audit_id}/shards/{shard:04}.jsonl.gz"
        stored = await self._blobs.read(path)
        return None if stored is None else [record_from_json(value) for value in self._values(path, stored.data)]

    async def write_progress(self, audit_id: str, shard: int, records: Sequence[ContainerEvidence | Unread]) -> None:
        """Say how far a shard has come."""
        metadata = {name: str(count) for name, count in _counts(records).items()}
        await self._blobs.write(f"{audit_id}/shards/{shard:04}.progress", b"", metadata)

    async def artefacts(self, audit_id: str) -> Artefacts:
        """Everything that an audit has written so far, from one listing."""
        names: set[str] = set()
        shards: dict[int, ShardProgress] = {}
        moments: list[datetime] = []
        scan_started_at: datetime | None = None
        async for blob in self._blobs.listing(f"{audit_id}/"):
            name = blob.path.removeprefix(f"{audit_id}/")
            moments.append(blob.last_modified)
            names.add(name)
            if name == "candidates.jsonl.gz":
                scan_started_at = blob.last_modified
            if name.startswith("shards/"):
                index, _, kind = name.removeprefix("shards/").partition(".")
                # "0007.jsonl.gz" is listed before "0007.progress", and is the one to believe.
                counts = {count: int(blob.metadata.get(count, 0)) for count in _COUNTS}
                progress = ShardProgress(done=kind == "jsonl.gz", updated_at=blob.last_modified, **counts)
                shards.setdefault(int(index), progress)
        return Artefacts(frozenset(names), shards, max(moments, default=None), scan_started_at)

    # --- the report -----------------------------------------------------------------------------------------------

    async def write_report(self, audit_id: str, form: str, data: bytes) -> None:
        """Write the report in one of the forms of ``REPORT_FILES``."""
        await self._blobs.write(f"{audit_id}/{REPORT_FILES[form]}", data)

    async def report(self, audit_id: str, form: str) -> bytes | None:
        """The report in one of the forms of ``REPORT_FILES``, or None if it is not written."""
        stored = await self._blobs.read(f"{audit_id}/{REPORT_FILES[form]}")
        return None if stored is None else stored.data

    async def all_records(self, audit_id: str, plan: Plan) -> AsyncIterator[ContainerEvidence | Unread]:
        """What all shards saw; the containers of a shard without a result come back as failed, never as nothing."""
        for planned in plan.shards:
            records = await self.shard(audit_id, planned.shard.index)
            if records is None:
                reason = "its shard could not be scanned"
                names = await self.container_names(audit_id, planned)
                records = [Unread(name, reason, failed=True) for name in names]
            for record in records:
                yield record


def _counts(records: Iterable[ContainerEvidence | Unread]) -> dict[str, int]:
    coverage = Coverage(listed=0)
    for record in records:
        coverage.count(record)
    return {
        "scanned": coverage.scanned,
        "skipped": coverage.skipped.total(),
        "failed": len(coverage.failed),
        "blobs": coverage.blobs,
    }


def _guard(profile: str) -> str:
    return f"active/{profile}.json"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
