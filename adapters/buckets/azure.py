"""A container of Azure Storage that is used as a bucket, over the vendor's client."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, StorageErrorCode
from azure.storage.blob.aio import BlobPrefix, ContainerClient, ExponentialRetry

from adapters.buckets.bucket import Download, Page, patiently
from adapters.buckets.connections import ContainerConnection
from adapters.credentials import READER, advice_for, client_credential
from adapters.network_faults import TEMPORARY
from adapters.patience import Patience
from adapters.response_headers import clock_ahead
from reconciliation.errors import AuditError, ListingError, StorageRefusedError, StorageUnavailableError
from reconciliation.lookups import StoredObject
from reconciliation.times import to_text

_NOT_UNDERSTOOD = (AttributeError, KeyError, TypeError, ValueError)
"""What the client raises for an answer that lacks what it must have."""
_OK = 200
_PIECE = 4 * 1024 * 1024
"""What is asked for, and so kept, of an object at once; the client's own first piece is eight times as much."""


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
    async def download(self, key: str) -> AsyncIterator[Download | None]:
        with self._translated(f"read an object of bucket {self.name}"):
            try:
                # With one connection its pieces come one after another, all of the same version.
                stream = await self._client().download_blob(key, max_concurrency=1)
            except ResourceNotFoundError as error:
                if _code(error) != StorageErrorCode.BLOB_NOT_FOUND:
                    raise
                stream = None
            if stream is None:
                yield None
            else:
                yield Download(stream.size, stream.properties.etag.strip('"'), stream.chunks())

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
                max_single_get_size=_PIECE,
                max_chunk_get_size=_PIECE,
                retry_policy=ExponentialRetry(retry_total=0),  # retries are made around it
                **client_credential(storage),
            )
        return self._made

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Turns the errors of the client into ours."""
        try:
            yield
        except HttpResponseError as error:
            raise self._judged(error, what) from error
        except AzureError as error:
            raise StorageUnavailableError(f"Cannot {what}: storage could not be reached.") from error

    def _judged(self, error: HttpResponseError, what: str) -> AuditError:
        status, code, storage = error.status_code, _code(error), self._connection.storage
        if status is None or status in TEMPORARY:
            return StorageUnavailableError(f"Cannot {what}: storage answered {status or 'nothing'}.")
        if status == _OK:
            return ListingError(f"Cannot {what}: storage answered with something that is not understood.")
        said = f"Cannot {what}: storage answered {status}{f' ({code})' if code.isalnum() else ''}."
        if code == StorageErrorCode.CONTAINER_NOT_FOUND:
            return StorageRefusedError(
                f"{said} There is no such container there. Check {storage.setting}__container and the account."
            )
        return StorageRefusedError(f"{said} {advice_for(storage, READER)}.")


def _code(error: HttpResponseError) -> str:
    return str(getattr(error, "error_code", None) or "")


def _stored(blob: BlobProperties) -> StoredObject:
    return StoredObject(blob.name, int(blob.size), to_text(blob.last_modified), blob.etag.strip('"'))
