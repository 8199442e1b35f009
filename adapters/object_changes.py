"""Copying an object within a bucket, and deleting such a copy (``GuardedCopy``, ``GuardedRemoval``).

A copy passes through this process, so that its bytes are hashed on their way: storage is told to keep them only when
all have come, and are those that were planned. Memory does not grow with them.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from adapters.appliers import UncertainError
from adapters.buckets.bucket import Bucket, Download
from adapters.guarding import Guarding
from adapters.services import Services
from reconciliation.effects import Effect, Ended, Ending, GuardedCopy, GuardedRemoval, Once, Values, refusal
from reconciliation.errors import AuditError, StorageRefusedError

Statement = GuardedCopy | GuardedRemoval
_MARGIN = timedelta(minutes=5)
"""For a request that was received and is still worked on when its sender is gone: putting the parts of a large object
together takes S3 minutes.
"""


class _OtherBytesError(Exception):
    """What was read is not what was planned; nothing was written."""


class _Found(NamedTuple):
    """What an object holds."""

    version: str
    sha256: str
    size: int


@dataclass
class _Passing:
    """The bytes of a source on their way into its copy. ``is_over``: they were all given, so the copy may be there."""

    download: Download
    sha256: str
    is_over: bool = field(default=False)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Raises ``_OtherBytesError`` behind the last if they are not those that were planned."""
        digest = hashlib.sha256()
        async for piece in self.download.pieces:
            digest.update(piece)
            yield piece
        if digest.hexdigest() != self.sha256:
            raise _OtherBytesError
        self.is_over = True


@dataclass
class _Writing:
    """``has_begun``: what changes something was sent, or may be sent any moment."""

    has_begun: bool = field(default=False)


@dataclass(frozen=True)
class ObjectChanges:
    """Changes within the ``bucket`` of a ``setting``. ``database`` is the setting of the profile's database."""

    services: Services
    database: str
    setting: str
    bucket: Bucket

    @property
    def in_flight(self) -> timedelta:
        """As ``Applier.in_flight``: storage carries out what it has received, whatever became of its sender."""
        return timedelta(seconds=self.bucket.patience.request_timeout) + _MARGIN

    async def clock(self) -> datetime:
        """The clock of the profile's database. Raises an ``AuditError``."""
        return await self._guarding.clock()

    async def apply(self, statement: Statement, effect: Effect, once: Once, deadline: datetime) -> Ended:  # noqa: ARG002 - as of any applier
        """As ``Applier.apply``. All ends at the deadline, wherever it is."""
        begun, clock = time.monotonic(), await self.clock()
        hold = await self._guarding.hold(statement, effect.values, deadline)
        if (refused := refusal(statement.guards, hold)) is not None:
            return refused
        writing, change = _Writing(), self._copied if isinstance(statement, GuardedCopy) else self._removed
        seconds = (deadline - clock).total_seconds() - (time.monotonic() - begun)
        try:
            async with asyncio.timeout(max(seconds, 0)):
                return await change(effect.values, writing)
        except TimeoutError as error:
            if writing.has_begun:
                raise UncertainError("It took too long.") from error
            return Ended(Ending.FAILED, "It was not done in time. Nothing was changed.")
        except StorageRefusedError as error:
            if writing.has_begun:  # it was done, and what was refused is the look at it
                raise UncertainError(str(error)) from error
            return Ended(Ending.REFUSED, str(error))
        except AuditError as error:
            if writing.has_begun:
                raise UncertainError(str(error)) from error
            raise

    async def happened(self, statement: Statement, effect: Effect, once: Once, deadline: datetime) -> bool | None:
        """As ``Applier.happened``: by what the target holds, whoever has written it. None also where it holds something
        else than it would by us: nobody can tell what it held before.
        """
        try:
            if await self.left(statement, effect, once, deadline):
                return True
            is_as_before = await self._is_as_before(statement, effect.values)
            return False if is_as_before and await self.clock() > deadline + self.in_flight else None
        except AuditError:
            return None

    async def _is_as_before(self, statement: Statement, values: Values) -> bool:
        version = None if isinstance(statement, GuardedCopy) else _text(values, "version")
        async with self.bucket.download(_text(values, "target"), version) as download:
            return (download is None) is isinstance(statement, GuardedCopy)

    async def left(self, statement: Statement, effect: Effect, once: Once, deadline: datetime) -> Mapping[str, Any]:  # noqa: ARG002 - as of any applier
        """As ``Applier.left``; empty if there is no such copy, or if one that was to be deleted is there."""
        values = effect.values
        if isinstance(statement, GuardedCopy):
            found = await self._found(_text(values, "target"))
            return _left(values, found) if found is not None and _is_copy(found, values) else {}
        async with self.bucket.download(_text(values, "target")) as download:
            return _removed(values) if download is None else {}

    @property
    def _guarding(self) -> Guarding:
        return Guarding(self.services, self.database)

    # --- a copy -------------------------------------------------------------------------------------------------------

    async def _copied(self, values: Values, writing: _Writing) -> Ended:
        target = _text(values, "target")
        await self.services.proofs.create_only(self.setting, self.bucket)
        if (standing := await self._found(target)) is not None:
            return _in_its_place(standing, values)
        written = await self._written(values, writing)
        if isinstance(written, Ended):
            return written
        if written is not None:
            writing.has_begun = True
            return await self._read_back(values, written)
        if (standing := await self._found(target)) is not None:
            return _in_its_place(standing, values)
        return Ended(Ending.FAILED, f"Somebody else was at {target!r} in the same moment. Nothing was copied.")

    async def _written(self, values: Values, writing: _Writing) -> str | Ended | None:
        """The version of the copy; None if something is in its place, or why it was not begun."""
        source = _text(values, "source")
        async with self.bucket.download(source, _text(values, "source_version")) as download:
            if download is None:
                why = f"{source!r} is not there any more, or was written again since it was planned."
                return Ended(Ending.SOMEONE_ELSE_MOVED, f"{why} Nothing was copied.")
            if download.size != values["bytes"]:
                return _other_bytes(source)
            passing = _Passing(download, _text(values, "sha256"))
            try:
                return await self.bucket.create(_text(values, "target"), passing.pieces(), download.size)
            except _OtherBytesError:
                return _other_bytes(source)
            except StorageRefusedError:
                raise  # it was not written, whatever was sent
            except BaseException:
                writing.has_begun = passing.is_over
                raise

    async def _read_back(self, values: Values, version: str) -> Ended:
        target = _text(values, "target")
        found = await self._found(target, version)
        if found is None:
            return Ended(Ending.UNKNOWN, f"{target!r} was written, and is not there, or is another by now: look.")
        if _is_copy(found, values):
            return Ended(Ending.DONE, left=_left(values, found))
        why = f"{target!r} was written, and does not hold what was sent"
        try:
            await self.services.proofs.remove_only(self.setting, self.bucket)
            if await self.bucket.remove(target, version):
                return Ended(Ending.FAILED, f"{why}: it was deleted again. Nothing was changed.")
        except AuditError as error:
            return Ended(Ending.UNKNOWN, f"{why}. Delete it by hand: {error}")
        return Ended(Ending.UNKNOWN, f"{why}, and somebody else has changed it meanwhile: look.")

    # --- a removal ----------------------------------------------------------------------------------------------------

    async def _removed(self, values: Values, writing: _Writing) -> Ended:
        source, target, version = (_text(values, name) for name in ("source", "target", "version"))
        await self.services.proofs.remove_only(self.setting, self.bucket)
        copy, original = await self._found(target), await self._found(source)
        if copy is None:
            return Ended(Ending.ALREADY_DONE, f"There is no {target!r} any more.", _removed(values))
        if copy.version != version or copy.sha256 != values["sha256"]:
            why = f"{target!r} is not as it was left: somebody else has written it. Nothing was deleted."
            return Ended(Ending.SOMEONE_ELSE_MOVED, why)
        if original is None or original.sha256 != values["sha256"] or source == target:
            why = f"{source!r} does not hold the same any more, so {target!r} may be the only copy. It was kept."
            return Ended(Ending.REFUSED, why)
        writing.has_begun = True
        try:
            deleted = await self.bucket.remove(target, version)
        except StorageRefusedError:
            writing.has_begun = False
            raise
        if deleted:
            return Ended(Ending.DONE, left=_removed(values))
        why = f"{target!r} was changed or deleted by somebody else in the same moment."
        return Ended(Ending.SOMEONE_ELSE_MOVED, f"{why} Nothing was deleted.")

    async def _found(self, key: str, version: str | None = None) -> _Found | None:
        """What an object holds, read to its end; None if there is none (of that version)."""
        async with self.bucket.download(key, version) as download:
            if download is None:
                return None
            digest, size = hashlib.sha256(), 0
            async for piece in download.pieces:
                digest.update(piece)
                size += len(piece)
            return _Found(download.version, digest.hexdigest(), size)


def _text(values: Values, name: str) -> str:
    value = values[name]
    assert isinstance(value, str)
    return value


def _is_copy(found: _Found, values: Values) -> bool:
    return (found.sha256, found.size) == (values["sha256"], values["bytes"])


def _left(values: Values, found: _Found) -> dict[str, Any]:
    return {"target": values["target"], "version": found.version, "sha256": found.sha256}


def _removed(values: Values) -> dict[str, Any]:
    return {name: values[name] for name in ("target", "version", "sha256")}


def _in_its_place(standing: _Found, values: Values) -> Ended:
    target = values["target"]
    if _is_copy(standing, values):
        return Ended(Ending.SOMEONE_ELSE_MOVED, f"{target!r} holds just these bytes already. Nothing was copied.")
    return Ended(Ending.REFUSED, f"{target!r} is there already, and holds something else. Nothing was copied.")


def _other_bytes(source: str) -> Ended:
    return Ended(Ending.REFUSED, f"{source!r} does not hold the bytes that were planned. Nothing was copied.")
