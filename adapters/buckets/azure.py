"""A container of Azure Storage that is used as a bucket, over the vendor's client."""

import time
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from secrets import token_hex
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import BlobBlock, BlobProperties, StorageErrorCode
from azure.storage.blob.aio import BlobPrefix, ContainerClient, ExponentialRetry

from adapters.buckets.bucket import PART, Download, Page, in_pieces_of, patiently
from adapters.buckets.connections import ContainerConnection
from adapters.credentials import CONTRIBUTOR, READER, advice_for, client_credential
from adapters.network_faults import TEMPORARY
from adapters.patience import Patience
from adapters.response_headers import clock_ahead
from reconciliation.errors import AuditError, ListingError, StorageRefusedError, StorageUnavailableError
from reconciliation.lookups import StoredObject
from reconciliation.times import to_text

_AT_ONCE = 1024 * 1024
"""What is written in one request: the client hands its bytes to the event loop in one piece."""
_CONFLICTS = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})
_NOT_UNDERSTOOD = (AttributeError, KeyError, TypeError, ValueError)
"""What the client raises for an answer that lacks what it must have."""
_OK = 200
_IS_THERE = frozenset({StorageErrorCode.BLOB_ALREADY_EXISTS, StorageErrorCode.CONDITION_NOT_MET})


class AzureBucket:
    """See ``Bucket``."""

    def __init__(self, connection: ContainerConnection, patience: Patience | None = None) -> None:
        self.name = f"{connection.place} ({connection.setting})"
        self.patience = patience or Patience()
        self._connection = connection
        self._made: ContainerClient | None = None

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:
        return await self._listed(prefix, by_folder=by_folder, size=size, token=token)

    @asynccontextmanager
    async def download(self, key: str, version: str | None = None) -> AsyncIterator[Download | None]:
        with self._translated(f"read an object of bucket {self.name}"):
            try:
                # With one connection its pieces come one after another, all of the same version.
                stream = await self._client().download_blob(key, max_concurrency=1, **_of(version))
            except HttpResponseError as error:
                if _code(error) != StorageErrorCode.BLOB_NOT_FOUND and not _is_another(error):
                    raise
                stream = None
            if stream is None:
                yield None
            else:
                yield Download(stream.size, stream.properties.etag.strip('"'), stream.chunks())

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:
        what = f"write an object of bucket {self.name}"
        blob = self._client().get_blob_client(key)
        with self._translated(what, CONTRIBUTOR):
            parts = in_pieces_of(PART, pieces, size, what)
            try:
                if in_parts or size > _AT_ONCE:
                    # Of two who write the same at once, each commits blocks of its own.
                    mark, ids = token_hex(8), list[str]()
                    async for part in parts:
                        ids.append(b64encode(f"{mark}-{len(ids):06}".encode()).decode())
                        await blob.stage_block(ids[-1], BytesIO(part), len(part))
                    written = await blob.commit_block_list(
                        [BlobBlock(one) for one in ids], match_condition=MatchConditions.IfMissing
                    )
                else:
                    [part] = [part async for part in parts]
                    written = await blob.upload_blob(BytesIO(part), length=size, overwrite=False)
            except HttpResponseError as error:
                if error.status_code in _CONFLICTS and _code(error) in _IS_THERE:
                    return None
                raise
            return str(written["etag"]).strip('"')

    async def remove(self, key: str, version: str) -> bool:
        with self._translated(f"delete an object of bucket {self.name}", CONTRIBUTOR):
            try:
                await self._client().delete_blob(key, **_of(version))
            except HttpResponseError as error:
                if _code(error) != StorageErrorCode.BLOB_NOT_FOUND and not _is_another(error):
                    raise
                return False
            return True

    async def clock_ahead(self) -> timedelta:
        async def asked() -> timedelta:
            headers: list[Mapping[str, str]] = []

            def kept(response: Any) -> None:
                headers.append(response.http_response.headers)

            sent_at = time.time()
            await self._listed("", by_folder=False, size=1, token=None, raw_response_hook=kept)
            return clock_ahead(headers[-1], sent_at, time.time())

        return await patiently(asked, f"list bucket {self.name}", self.patience)

    async def close(self) -> None:
        client, self._made = self._made, None
        if client is not None:
            await client.close()

    async def _listed(self, prefix: str, *, by_folder: bool, size: int, token: str | None, **more: Any) -> Page:
        client = self._client()
        listing = client.walk_blobs if by_folder else client.list_blobs
        with self._translated(f"list bucket {self.name}"):
            try:
                pages: Any = listing(name_starts_with=prefix, results_per_page=size, **more).by_page(token)
                found = [one async for one in await anext(pages)]
                folders = [one.name for one in found if isinstance(one, BlobPrefix)]
                objects = [_stored(one) for one in found if isinstance(one, BlobProperties)]
                return Page(objects, folders, pages.continuation_token)
            except _NOT_UNDERSTOOD as error:
                raise ListingError(
                    f"Cannot list bucket {self.name}: storage answered with something that is no whole listing."
                ) from error

    def _client(self) -> ContainerClient:
        if self._made is None:
            storage = self._connection.storage
            self._made = ContainerClient(
                storage.url,
                self._connection.container,
                permit_redirects=False,
                connection_timeout=10,
                read_timeout=self.patience.request_timeout,
                max_single_get_size=PART,
                max_chunk_get_size=PART,
                retry_policy=ExponentialRetry(retry_total=0),  # retries are made around it
                **client_credential(storage),
            )
        return self._made

    @contextmanager
    def _translated(self, what: str, role: str = READER) -> Iterator[None]:
        """Turns the errors of the client into ours; ``role`` is what it takes."""
        try:
            yield
        except HttpResponseError as error:
            raise self._judged(error, what, role) from error
        except AzureError as error:
            raise StorageUnavailableError(f"Cannot {what}: storage could not be reached.") from error

    def _judged(self, error: HttpResponseError, what: str, role: str) -> AuditError:
        status, code, storage = error.status_code, _code(error), self._connection.storage
        if status is None or status in TEMPORARY:
            return StorageUnavailableError(f"Cannot {what}: storage answered {status or 'nothing'}.")
        if _is_another(error):  # between two pieces of one that is read
            return StorageUnavailableError(f"Cannot {what}: it was written again meanwhile.")
        if status == _OK:
            return ListingError(f"Cannot {what}: storage answered with something that is not understood.")
        said = f"Cannot {what}: storage answered {status}{f' ({code})' if code.isalnum() else ''}."
        if code == StorageErrorCode.CONTAINER_NOT_FOUND:
            return StorageRefusedError(
                f"{said} There is no such container there. Check {storage.setting}__container and the account."
            )
        return StorageRefusedError(f"{said} {advice_for(storage, role)}.")


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))  # of a code that the client knows it makes a member of an Enum


def _of(version: str | None) -> dict[str, Any]:
    """The condition that a blob is of a version."""
    return {} if version is None else {"etag": f'"{version}"', "match_condition": MatchConditions.IfNotModified}


def _is_another(error: HttpResponseError) -> bool:
    return error.status_code == HTTPStatus.PRECONDITION_FAILED and _code(error) == StorageErrorCode.CONDITION_NOT_MET


def _stored(blob: BlobProperties) -> StoredObject:
    return StoredObject(blob.name, int(blob.size), to_text(blob.last_modified), blob.etag.strip('"'))
