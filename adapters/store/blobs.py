"""The operations of the run store on blob storage, with errors that say what to do."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import StorageErrorCode
from azure.storage.blob.aio import BlobServiceClient, ContainerClient, ExponentialRetry

from adapters.connections import StorageConnection
from adapters.credentials import CONTRIBUTOR, advice_for, client_credential
from adapters.network_faults import Fault, fault_of, is_redirect
from adapters.store.recent import Recent
from reconciliation.errors import RunStoreError, StorageRefusedError, StorageUnavailableError, UnreadableError

# The SDK logs every request's address and headers at INFO.
logging.getLogger("azure").setLevel(logging.WARNING)

_TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_NOT_ALLOWED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

# Streams are unpacked and parsed portion by portion; the SDK's own first portion is 32 MiB.
_PORTION_BYTES = 2 * 1024 * 1024
_ONE_REQUEST_BYTES = _PORTION_BYTES
# The SDK's own retries would keep a caller of the API waiting for a minute; the orchestration retries steps anyway.
# These wait 1 + 1^n seconds, one more or less: at most 9 in all, less than the time limit of the health check.
_RETRIES: dict[str, Any] = {"retry_total": 3, "initial_backoff": 1, "increment_base": 1, "random_jitter_range": 1}
_OPTIONS: dict[str, Any] = {
    "permit_redirects": False,  # the target is not the configured account
    "connection_timeout": 5,
    "read_timeout": 60,
    "max_single_get_size": _PORTION_BYTES,
    "max_chunk_get_size": _PORTION_BYTES,
}
_IS_THERE = frozenset({StorageErrorCode.BLOB_ALREADY_EXISTS, StorageErrorCode.CONDITION_NOT_MET})
DoneT = TypeVar("DoneT")


class _Retry(ExponentialRetry):
    """The vendor's policy, without retries of permanent failures."""

    def increment(
        self, settings: dict[str, Any], request: Any, response: Any = None, error: AzureError | None = None
    ) -> bool:
        return not (error and _fault(error).lasts) and super().increment(settings, request, response, error)


@dataclass(frozen=True)
class Stored:
    """A blob's bytes and their ETag."""

    data: bytes
    etag: str


@dataclass(frozen=True)
class BlobEntry:
    """A blob in a listing."""

    path: str
    size: int
    metadata: Mapping[str, str]
    last_modified: datetime


class BlobStore:
    """One container of an account; the first write creates it if it does not exist. All methods raise
    ``StorageRefusedError`` and ``StorageUnavailableError``.
    """

    def __init__(self, connection: StorageConnection, container: str) -> None:
        options = _OPTIONS | client_credential(connection)
        self._service = BlobServiceClient(connection.url, **options, retry_policy=_Retry(**_RETRIES))
        self._container: ContainerClient = self._service.get_container_client(container)
        self._setting = connection.setting
        self._advice = advice_for(connection, CONTRIBUTOR)
        self.recent = Recent()

    @property
    def where(self) -> str:
        """The container and its account, for messages."""
        return f"container {self._container.container_name!r} of {self._setting}"

    async def close(self) -> None:
        await self._service.close()

    async def write(self, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Write or replace a blob in one request. Atomic."""
        self.recent.drop(path)
        blob = self._container.get_blob_client(path)
        with self._explained("write"):
            written = await self._in_container(
                lambda: blob.upload_blob(data, overwrite=True, metadata=dict(metadata or {}))
            )
        self.recent.note(path, data, str(written["etag"]), metadata)

    async def write_stream(
        self, path: str, chunks: AsyncIterator[bytes], metadata: Mapping[str, str] | None = None
    ) -> None:
        """Write or replace a blob from chunks; it appears when all have arrived.

        A short blob takes one request. A long one takes several, so its stored size is checked afterwards: raises
        ``RunStoreError`` if it differs.
        """
        await self._stream(path, chunks, metadata, only_new=False)

    async def create_stream(
        self, path: str, chunks: AsyncIterator[bytes], metadata: Mapping[str, str] | None = None
    ) -> bool:
        """As ``write_stream``, but only if there is none; False if there is. Atomic."""
        return await self._stream(path, chunks, metadata, only_new=True)

    async def _stream(
        self, path: str, chunks: AsyncIterator[bytes], metadata: Mapping[str, str] | None, *, only_new: bool
    ) -> bool:
        begin = bytearray()
        async for chunk in chunks:
            begin += chunk
            if len(begin) > _ONE_REQUEST_BYTES:
                break
        else:
            if only_new:
                return await self.create(path, bytes(begin), metadata)
            await self.write(path, bytes(begin), metadata)
            return True
        written = len(begin)
        self.recent.drop(path)

        async def counted() -> AsyncIterator[bytes]:
            nonlocal written
            yield bytes(begin)
            async for chunk in chunks:
                written += len(chunk)
                yield chunk

        with self._explained("write"):
            blob = self._container.get_blob_client(path)
            await self._in_container(self._container.get_container_properties)  # a retry cannot have the chunks again
            try:
                await blob.upload_blob(counted(), overwrite=not only_new, metadata=dict(metadata or {}))
            except ResourceExistsError as error:
                if _code(error) != StorageErrorCode.BLOB_ALREADY_EXISTS:
                    raise
                return False
            stored = (await blob.get_blob_properties()).size
        if stored != written:
            raise RunStoreError(f"Wrote {written} bytes to {path} in {self.where}, but {stored} are stored.")
        return True

    async def create(self, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        """Write a blob only if there is none; False if there is. Atomic."""
        return await self.put(path, data, None, metadata) is not None

    async def replace(self, path: str, data: bytes, etag: str, metadata: Mapping[str, str] | None = None) -> bool:
        """Write a blob only if it still has this ETag; False if not. Atomic."""
        return await self.put(path, data, etag, metadata) is not None

    async def put(
        self, path: str, data: bytes, etag: str | None, metadata: Mapping[str, str] | None = None
    ) -> str | None:
        """As ``replace``, or without an ETag as ``create``; returns the new ETag, None if the blob was not written."""
        condition: dict[str, Any] = {"overwrite": False}
        if etag is not None:
            condition = {"overwrite": True, "etag": etag, "match_condition": MatchConditions.IfNotModified}
        blob = self._container.get_blob_client(path)
        self.recent.drop(path)

        async def write() -> str:
            return str((await blob.upload_blob(data, metadata=dict(metadata or {}), **condition))["etag"])

        with self._explained("write"):
            try:
                written = await (self._in_container(write) if etag is None else write())
            except ResourceModifiedError:
                return None
            except ResourceNotFoundError:
                if etag is None:
                    raise
                return None
            except ResourceExistsError as error:
                if _code(error) != StorageErrorCode.BLOB_ALREADY_EXISTS:
                    raise
                return None
        self.recent.note(path, data, written, metadata)
        return written

    async def append(self, path: str, data: bytes) -> None:
        """Append at most 4 MiB to a blob that is written in no other way; makes it if there is none. Atomic, but a
        retry may append them twice. A blob takes 50,000 appends; the next is refused.
        """
        self.recent.drop(path)
        blob = self._container.get_blob_client(path)

        async def make() -> None:
            try:
                await blob.create_append_blob(match_condition=MatchConditions.IfMissing)
            except (ResourceExistsError, ResourceModifiedError) as error:  # another writer was faster
                if _code(error) not in _IS_THERE:
                    raise

        with self._explained("write"):
            try:
                await blob.append_block(data)
            except ResourceNotFoundError:
                await self._in_container(make)
                await blob.append_block(data)

    async def delete(self, path: str, etag: str | None = None) -> bool:
        """Delete a blob, with an ETag only if it still has that one; False if not, or if there is no such blob."""
        self.recent.drop(path)
        condition: dict[str, Any] = {}
        if etag is not None:
            condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        with self._explained("delete"):
            try:
                await self._container.delete_blob(path, **condition)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
        return True

    async def metadata(self, path: str) -> Mapping[str, str] | None:
        """A blob's metadata; None if there is no such blob."""
        with self._explained("read"):
            try:
                return (await self._container.get_blob_client(path).get_blob_properties()).metadata or {}
            except ResourceNotFoundError:
                return None

    async def read(self, path: str, *, offset: int | None = None, length: int | None = None) -> Stored | None:
        """A blob, or a range of it in bytes; None if there is no such blob. Raises ``UnreadableError`` if it is shorter
        than the range's offset.
        """
        if (kept := self.recent.get(path)) is not None:
            begin = offset or 0
            if offset is not None and begin >= len(kept[0]):
                raise UnreadableError(path, self.where, "it was cut short")
            return Stored(kept[0][begin : None if length is None else begin + length], kept[1])
        with self._explained("read"):
            try:
                stream = await self._container.download_blob(path, offset=offset, length=length, decompress=False)
                return Stored(await stream.readall(), stream.properties.etag)
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                if error.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise
                raise UnreadableError(path, self.where, "it was cut short") from error

    async def read_stream(self, path: str) -> AsyncIterator[bytes]:
        """A blob in chunks, in order. Raises ``RunStoreError`` if there is no such blob."""
        if (kept := self.recent.get(path)) is not None:
            yield kept[0]
            return
        with self._explained("read"):
            try:
                stream = await self._container.download_blob(path, decompress=False)
            except ResourceNotFoundError:
                raise RunStoreError(f"There is no {path} in {self.where}. Start a new audit.") from None
            async for chunk in stream.chunks():
                yield chunk

    async def listing(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """The blobs under a prefix with their metadata, ascending by path."""
        with self._explained("list"):
            try:
                async for blob in self._container.list_blobs(name_starts_with=prefix, include=["metadata"]):
                    yield BlobEntry(blob.name, blob.size, blob.metadata or {}, blob.last_modified)
            except ResourceNotFoundError:
                return

    async def folders(self, prefix: str = "", delimiter: str = "/") -> AsyncIterator[str]:
        """The names of the folders directly under a prefix, ascending; with another ``delimiter``, what stands before
        its first place in names under the prefix, each once.
        """
        with self._explained("list"):
            try:
                async for item in self._container.walk_blobs(name_starts_with=prefix or None, delimiter=delimiter):
                    if item.name.endswith(delimiter):
                        yield item.name.removeprefix(prefix)[: -len(delimiter)]
            except ResourceNotFoundError:
                return

    async def _in_container(self, write: Callable[[], Awaitable[DoneT]]) -> DoneT:
        """The result of ``write``. If the container does not exist, it is created and ``write`` is called once more: it
        may be deleted while the app runs, and checking it before each write would be one more request each.
        """
        try:
            return await write()
        except ResourceNotFoundError as error:
            if _code(error) != StorageErrorCode.CONTAINER_NOT_FOUND:
                raise
        try:
            await self._container.create_container()
        except ResourceExistsError as error:  # another writer was faster
            if _code(error) != StorageErrorCode.CONTAINER_ALREADY_EXISTS:
                raise
        return await write()

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        what = f"Cannot {verb} in {self.where}"
        try:
            yield
        except HttpResponseError as error:
            status = error.status_code
            if _code(error) == StorageErrorCode.CONTAINER_BEING_DELETED:
                raise StorageUnavailableError(f"{what}: it is being deleted. Try again in a minute.") from error
            if isinstance(error, ClientAuthenticationError) or status in _NOT_ALLOWED:
                raise StorageRefusedError(
                    f"{what}: {f'storage answered {status}' if status else 'no identity'}. {self._advice}, and check "
                    "the account's network rules."
                ) from error
            if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TEMPORARY:
                raise StorageUnavailableError(f"{what}: storage answered {status}. Try again later.") from error
            why = "which leads elsewhere and is not followed" if is_redirect(status) else error.reason
            raise StorageRefusedError(
                f"{what}: storage answered {status} ({why}). Check {self._setting} and the network rules."
            ) from error
        except AzureError as error:
            fault = _fault(error)
            kind = StorageRefusedError if fault.lasts else StorageUnavailableError
            advice = fault.advice or f"Check {self._setting} and the account's network rules."
            raise kind(f"{what}: storage {fault.what}. {advice}") from error


def _code(error: HttpResponseError) -> str | None:
    """Storage's error code, if there is one."""
    return getattr(error, "error_code", None)


def _fault(error: AzureError) -> Fault:
    """The fault of aiohttp's error, which the vendor's client wraps."""
    return fault_of(error.inner_exception) if error.inner_exception else Fault("could not be reached")
