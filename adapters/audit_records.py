"""The records of all audits, and the guard that keeps each profile to one active audit.

active/<profile>.json       names the audit of the profile that may run; changed by ETag only
<audit id>/run.json         the record of an audit; its first end stays
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from adapters.blob_store import BlobStore
from reconciliation.errors import AuditExistsError, RunStoreError
from reconciliation.lifecycle import State, may_become
from reconciliation.run_record import RunRecord

_SECOND = slice(0, len("20260131-093000"))


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
        """Write the record of a new audit. Raises ``AuditExistsError`` if there is another one of that id."""
        created = await self._blobs.create(f"{record.audit_id}/run.json", _json(record.to_json()))
        # A request whose answer was lost on the way is sent again, and then finds its own work.
        if not created and await self.record(record.audit_id) != record:
            raise AuditExistsError(f"There is already an audit {record.audit_id}.")

    async def record(self, audit_id: str) -> RunRecord | None:
        """The record of an audit, or None if there is no such audit."""
        stored = await self._blobs.read(f"{audit_id}/run.json")
        return None if stored is None else RunRecord.from_json(json.loads(stored.data))

    async def end(self, ended: RunRecord) -> RunRecord:
        """Write an audit's end, unless it has ended already: the first end stays, and is returned. Idempotent.

        An end that was decided before the audit was begun again does not count: the record that stands is returned.
        """
        path = f"{ended.audit_id}/run.json"
        while True:
            now, etag = await self._stored(path, ended.audit_id)
            if now.state.has_ended or (now.resumes, now.rounds) != (ended.resumes, ended.rounds):
                return now
            if await self._blobs.replace(path, _json(ended.to_json()), etag):
                return ended

    async def reopen(self, seen: RunRecord, at: datetime, *, resumed: bool) -> RunRecord | None:
        """Begin again with an audit as it was seen; None if it is not so any more, or may not be begun again. Atomic:
        of several who ask at once one gets the record.
        """
        path = f"{seen.audit_id}/run.json"
        now, etag = await self._stored(path, seen.audit_id)
        unchanged = (now.state, now.resumes, now.rounds) == (seen.state, seen.resumes, seen.rounds)
        if not unchanged or not may_become(now.state, State.QUEUED):
            return None
        reopened = now.reopened(at, resumed=resumed)
        if await self._blobs.replace(path, _json(reopened.to_json()), etag):
            return reopened
        return reopened if await self.record(seen.audit_id) == reopened else None  # as in ``create_record``

    async def release(self, active: ActiveAudit, profile: str) -> bool:
        """Take a guard away whose audit has ended; False if it is not the one that was seen any more."""
        return await self._blobs.delete(_guard(profile), active.etag)

    async def _stored(self, path: str, audit_id: str) -> tuple[RunRecord, str]:
        stored = await self._blobs.read(path)
        if stored is None:
            raise RunStoreError(f"There is no audit {audit_id} in {self.where}.")
        return RunRecord.from_json(json.loads(stored.data)), stored.etag

    async def audit_ids(self) -> list[str]:
        """All audits, newest first by the second that their ids begin with."""
        return sorted([name async for name in self._blobs.folders() if name != "active"], reverse=True)

    async def newest_first(self, until: str | None = None) -> AsyncIterator[RunRecord]:
        """The records of all audits, the last begun first; ``until``: none that began in a later second than this id
        tells. They are read as they are taken, those of one second at once: an id does not tell which of them is newer.
        """
        ids = await self.audit_ids()
        if until is not None:
            ids = [audit_id for audit_id in ids if audit_id[_SECOND] <= until[_SECOND]]
        for _, of_one_second in groupby(ids, key=itemgetter(_SECOND)):
            found = [await self.record(audit_id) for audit_id in of_one_second]
            for record in sorted(filter(None, found), key=lambda one: one.begun, reverse=True):
                yield record


def _guard(profile: str) -> str:
    return f"active/{profile}.json"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
