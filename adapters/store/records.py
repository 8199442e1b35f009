"""The records of all audits, and the guard that allows each profile one active audit.

health.json                        what the health check writes and reads
<profile>/active.json              names the audit of the profile that may run; changed by ETag only
<profile>/<audit id>/run.json      the record of an audit; its first end stays
<audit id>/run.json                the layout of earlier releases: shown, and deleted after the retention time
active/<profile>.json              the guard of earlier releases
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from adapters.store.blobs import BlobStore, Stored
from adapters.store.documents import document, read_document
from reconciliation.errors import AuditError, AuditExistsError, RunStoreError, UnreadableError
from reconciliation.fields import Fields
from reconciliation.lifecycle import ENDED, State, may_become
from reconciliation.run_record import RunRecord, is_audit_id
from reconciliation.times import to_text

logger = logging.getLogger("capture_audit.records")

GUARD_SCHEMA_VERSION = 1
_WRITTEN = ENDED | {State.QUEUED}
_OLD_GUARDS = "active"
_DAY = re.compile("[0-9]{8}")
_LAST_DAYS = 2  # the last one may have only begun
_SECOND = slice(0, len("20260131-093000"))
_PROBE, _PROBED = "health.json", document({"schema_version": 1, "complete": True})


@dataclass(frozen=True)
class ActiveAudit:
    """The audit that a profile's guard names, and when the guard was written."""

    audit_id: str
    since: datetime
    etag: str


@dataclass(frozen=True)
class UnreadableGuard:
    """A guard that cannot be read: any audit of the profile may be the active one."""

    error: UnreadableError
    etag: str


@dataclass(frozen=True)
class UnreadableAudit:
    """An audit whose record cannot be read."""

    audit_id: str
    error: UnreadableError
    folder: str


class AuditRecords:
    """Reads and writes records and guards. Raises the errors of ``BlobStore`` and ``RunStoreError``.

    A record counts only in the folder of its own id, and a folder only if its name is an audit's id. Any other record
    is an ``UnreadableError`` if it is read by itself, and is skipped when all are read.
    """

    def __init__(self, blobs: BlobStore, profiles: Sequence[str]) -> None:
        self._blobs = blobs
        self._profiles = profiles
        self._claimed: dict[str, ActiveAudit] = {}

    @property
    def where(self) -> str:
        """The container and its account, for messages."""
        return self._blobs.where

    async def check(self) -> None:
        """Write a small blob next to the audits' folders and read it back. Raises ``RunStoreError`` if it differs."""
        await self._blobs.write(_PROBE, _PROBED)
        stored = await self._blobs.read(_PROBE)
        if stored is None or stored.data != _PROBED:
            raise RunStoreError(f"{_PROBE} in {self.where} was written and does not come back. Check the account.")

    async def active(self, profile: str) -> ActiveAudit | UnreadableGuard | None:
        """The audit that the profile's guard names, ended or not."""
        path = _guard(profile)
        stored = await self._blobs.read(path)
        if stored is None:
            return None
        try:
            audit_id, since = read_document(path, self.where, stored.data, _named)
        except UnreadableError as error:
            return UnreadableGuard(error, stored.etag)
        return ActiveAudit(audit_id, since, stored.etag)

    async def claim(
        self, profile: str, audit_id: str, at: datetime, instead_of: ActiveAudit | UnreadableGuard | None
    ) -> ActiveAudit | None:
        """Make ``audit_id`` the active audit, and return the new guard; None if another was faster. Atomic.

        If the response to a write is lost, the retry is refused because of the first write, so the guard is read again.
        """
        data = document(
            {"schema_version": GUARD_SCHEMA_VERSION, "complete": True, "audit_id": audit_id, "since": to_text(at)}
        )
        etag = await self._blobs.put(_guard(profile), data, None if instead_of is None else instead_of.etag)
        if etag is not None:
            self._claimed[profile] = ActiveAudit(audit_id, at, etag)
            return self._claimed[profile]
        active = await self.active(profile)
        return active if isinstance(active, ActiveAudit) and active.audit_id == audit_id else None

    async def create_record(self, record: RunRecord) -> None:
        """Write the record of a new audit. Raises ``AuditExistsError`` if there is another one with its id."""
        created = await self._blobs.create(f"{record.folder}/run.json", document(record.to_json()))
        # As in ``claim``: a retry may find the record that the first request wrote.
        if not created and await self.record_in(record.folder) != record:
            raise AuditExistsError(f"There is already an audit {record.audit_id}.")

    async def record(self, audit_id: str) -> RunRecord | None:
        """The record of an audit of any profile, enabled or not; None if there is no such audit."""
        for folder in (*(f"{profile}/{audit_id}" for profile in self._profiles), audit_id):
            if (record := await self.record_in(folder)) is not None:
                return record
        for profile in await self.profiles():
            if profile not in self._profiles and (record := await self.record_in(f"{profile}/{audit_id}")) is not None:
                return record
        return None

    async def profiles(self) -> list[str]:
        """All profiles with a folder in the run store, enabled or not."""
        return _profiles_in(await self._at_the_top())

    async def _at_the_top(self) -> list[str]:
        return [name async for name in self._blobs.folders("")]

    async def record_in(self, folder: str) -> RunRecord | None:
        """The record in a folder, or None if there is none."""
        stored = await self._blobs.read(f"{folder}/run.json")
        return None if stored is None else self._understood(folder, stored)

    async def end(self, ended: RunRecord, as_read: RunRecord | None = None) -> RunRecord:
        """Write an audit's end and return it. If the audit has ended already, the first end is kept and returned.
        Idempotent.

        An end of an earlier attempt is not written; the current record is returned. ``as_read`` is the record as the
        caller read it, which saves reading it here unless it has changed.
        """
        data = document(ended.to_json())
        etag = as_read.etag if as_read is not None and not as_read.state.has_ended else ""
        if etag and await self._blobs.replace(f"{ended.folder}/run.json", data, etag):
            return ended
        while True:
            now, etag = await self._stored(ended)
            if not may_become(now.state, ended.state) or (now.resumes, now.rounds) != (ended.resumes, ended.rounds):
                return now
            if await self._blobs.replace(f"{ended.folder}/run.json", data, etag):
                return ended

    async def reopen(self, as_read: RunRecord, at: datetime, *, resumed: bool) -> RunRecord | None:
        """Start an audit again; returns its new record. None if it has changed since it was read, may not be started
        again, or is of the old layout, which steps cannot read. Atomic: of concurrent calls one gets the record.
        """
        now, etag = await self._stored(as_read)
        unchanged = (now.state, now.resumes, now.rounds) == (as_read.state, as_read.resumes, as_read.rounds)
        if not unchanged or now.is_of_old_layout or not may_become(now.state, State.QUEUED):
            return None
        reopened = now.reopened(at, resumed=resumed)
        if await self._blobs.replace(f"{as_read.folder}/run.json", document(reopened.to_json()), etag):
            return reopened
        return reopened if await self.record_in(as_read.folder) == reopened else None  # as in ``create_record``

    async def release(self, active: ActiveAudit | UnreadableGuard, profile: str) -> bool:
        """Delete a guard; False if it has changed since it was read."""
        return await self._blobs.delete(_guard(profile), active.etag)

    async def let_go(self, ended: RunRecord) -> None:
        """Delete the guard of an ended audit at once, if this process wrote it; if not, or if that fails, the watchdog
        or the next start finds it.
        """
        profile = ended.parameters.profile
        claimed = self._claimed.pop(profile, None)
        if claimed is None or claimed.audit_id != ended.audit_id:
            return
        try:
            await self.release(claimed, profile)
        except AuditError as error:
            logger.warning("The guard of %s stays for the watchdog: %s", profile, error)

    async def left_active(self, profile: str) -> RunRecord | None:
        """The audit that the guard of an earlier release names; None if there is no such guard, or no such audit."""
        path = _guard_of_old_layout(profile)
        stored = await self._blobs.read(path)
        if stored is None:
            return None
        audit_id, _ = read_document(path, self.where, stored.data, _named)
        return await self.record_in(audit_id)

    async def release_old_layout(self, profile: str) -> None:
        """Delete the guard of an earlier release, if there is one."""
        await self._blobs.delete(_guard_of_old_layout(profile))

    async def _stored(self, record: RunRecord) -> tuple[RunRecord, str]:
        stored = await self._blobs.read(f"{record.folder}/run.json")
        if stored is None:
            raise RunStoreError(f"There is no audit {record.audit_id} in {self.where}.")
        return self._understood(record.folder, stored), stored.etag

    def _understood(self, folder: str, stored: Stored) -> RunRecord:
        def read(value: Any) -> RunRecord:
            record = RunRecord.from_json(value)
            if record.state not in _WRITTEN:
                raise ValueError(f"that an audit is {record.state} is never written")
            if folder == record.audit_id:
                return replace(record, is_of_old_layout=True, etag=stored.etag)
            if folder != record.folder:
                raise ValueError("it is the record of another audit")
            return replace(record, etag=stored.etag)

        return read_document(f"{folder}/run.json", self.where, stored.data, read)

    async def folders(self, profile: str | None = None) -> list[str]:
        """The folders of all audits, newest first by the second in their ids; with ``profile`` only those of it, and
        those of the old layout. Folders with other names are left out.
        """
        return await self._all_folders(await self._at_the_top(), profile)

    async def _all_folders(self, top: Sequence[str], profile: str | None) -> list[str]:
        found = [name for name in top if is_audit_id(name)]
        for one in _profiles_in(top) if profile is None else [profile]:
            found += [f"{one}/{name}" async for name in self._blobs.folders(f"{one}/") if is_audit_id(name)]
        return sorted(found, key=_id_of, reverse=True)

    async def newest_first(
        self, profile: str | None = None, at_once: int = 1
    ) -> AsyncIterator[RunRecord | UnreadableAudit]:
        """The records of all audits, or of one profile's, newest first. They are read lazily, ``at_once`` at a time,
        and those of one second together, since their ids do not order them. One that cannot be read is logged as a
        warning, and comes after those of its second.
        """
        top = await self._at_the_top()
        newest, until = await self._newest(top, profile)
        async for one in self._read_in_order(newest, at_once):
            yield one
        if until:
            older = [folder for folder in await self._all_folders(top, profile) if _id_of(folder) < until]
            async for one in self._read_in_order(older, at_once):
                yield one

    async def _newest(self, top: Sequence[str], profile: str | None) -> tuple[list[str], str]:
        """The newest folders, newest first, and the day from which on they are all there are; "" if there are no more.

        Of each profile the last days that have any are listed: a month may have thousands.
        """
        found, until = [name for name in top if is_audit_id(name)], ""
        for one in _profiles_in(top) if profile is None else [profile]:
            days = sorted([name async for name in self._blobs.folders(f"{one}/", "-") if _DAY.fullmatch(name)])
            if days[:-_LAST_DAYS]:
                until = max(until, days[-_LAST_DAYS])
            for day in days[-_LAST_DAYS:]:
                names = [f"{day}-{rest}" async for rest in self._blobs.folders(f"{one}/{day}-")]
                found += [f"{one}/{name}" for name in names if is_audit_id(name)]
        return sorted([folder for folder in found if _id_of(folder) >= until], key=_id_of, reverse=True), until

    async def _read_in_order(self, folders: Sequence[str], at_once: int) -> AsyncIterator[RunRecord | UnreadableAudit]:
        read: dict[str, RunRecord | UnreadableAudit | None] = {}
        for _, of_one_second in groupby(folders, key=lambda folder: _id_of(folder)[_SECOND]):
            wanted = list(of_one_second)
            if wanted[-1] not in read:
                ahead = folders[len(read) : len(read) + max(at_once, len(wanted))]
                read |= zip(ahead, await asyncio.gather(*map(self._readable_or_not, ahead)), strict=True)
            found = [read[folder] for folder in wanted]
            records = [one for one in found if isinstance(one, RunRecord)]
            for record in sorted(records, key=lambda one: one.begun, reverse=True):
                yield record
            for other in found:
                if isinstance(other, UnreadableAudit):
                    yield other

    async def _readable_or_not(self, folder: str) -> RunRecord | UnreadableAudit | None:
        try:
            return await self.record_in(folder)
        except UnreadableError as error:
            logger.warning("An audit is passed over: %s", error)
            return UnreadableAudit(_id_of(folder), error, folder)


def _profiles_in(top: Sequence[str]) -> list[str]:
    return [name for name in top if not is_audit_id(name) and name != _OLD_GUARDS]


def _guard(profile: str) -> str:
    return f"{profile}/active.json"


def _guard_of_old_layout(profile: str) -> str:
    return f"{_OLD_GUARDS}/{profile}.json"


def _id_of(folder: str) -> str:
    return folder.rpartition("/")[2]


def _named(value: Any) -> tuple[str, datetime]:
    """The audit that a guard names, and since when. Raises ``ValueError`` if it is not a guard."""
    fields = Fields.of_version(value, GUARD_SCHEMA_VERSION)
    audit_id = fields.text("audit_id")
    if not is_audit_id(audit_id):
        raise ValueError("its audit_id is not the id of an audit")
    return audit_id, fields.moment("since")
