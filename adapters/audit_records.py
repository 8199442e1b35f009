"""The records of all audits, and the guard that keeps each profile to one active audit.

active/<profile>.json       names the audit of the profile that may run; changed by ETag only
<audit id>/run.json         the record of an audit; its first end stays
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.blob_store import BlobStore
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import may_become
from reconciliation.run_record import RunRecord


@dataclass(frozen=True)
class ActiveAudit:
    """The audit that a profile's guard names, and when the guard was written."""

    audit_id: str
    since: datetime
    etag: str


class AuditRecords:
    """Reads and writes them. Errors are those of ``BlobStore``, plus ``RunStoreError``."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    @property
    def where(self) -> str:
        """The container and its account, for messages."""
        return self._blobs.where

    async def ready(self) -> None:
        """Make the container if it is not there."""
        await self._blobs.ready()

    async def active(self, profile: str) -> ActiveAudit | None:
        """The audit that the profile's guard names, ended or not."""
        stored = await self._blobs.read(_guard(profile))
        if stored is None:
            return None
        value = json.loads(stored.data)
        return ActiveAudit(value["audit_id"], datetime.fromisoformat(value["since"]), stored.etag)

    async def claim(self, profile: str, audit_id: str, at: datetime, instead_of: ActiveAudit | None) -> bool:
        """Make ``audit_id`` the active audit; False if somebody else was faster. Atomic.

        A write whose answer is lost on the way is sent again and then finds itself, so a refusal is looked into.
        """
        data = _json({"schema_version": 1, "complete": True, "audit_id": audit_id, "since": at.isoformat()})
        if instead_of is None:
            claimed = await self._blobs.create(_guard(profile), data)
        else:
            claimed = await self._blobs.replace(_guard(profile), data, instead_of.etag)
        if claimed:
            return True
        active = await self.active(profile)
        return active is not None and active.audit_id == audit_id

    async def create_record(self, record: RunRecord) -> None:
        """Write the record of a new audit. Raises ``RunStoreError`` if there is another one of that id."""
        created = await self._blobs.create(f"{record.audit_id}/run.json", _json(record.to_json()))
        if not created and await self.record(record.audit_id) != record:
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


def _guard(profile: str) -> str:
    return f"active/{profile}.json"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
