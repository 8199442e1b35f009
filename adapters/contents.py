"""What one container holds, with the versions of its blobs: for the few that a repair is about.

Listings of whole accounts go another way (``listing``), where each microsecond counts; here the vendor's client does.
"""

from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import StorageErrorCode
from azure.storage.blob.aio import BlobServiceClient, ContainerClient, ExponentialRetry

from adapters.connections import StorageConnection
from adapters.credentials import READER, advice_for, client_credential
from reconciliation.errors import ContainerGoneError, StorageRefusedError, StorageUnavailableError
from reconciliation.lookups import Contained, VersionedBlob

_LONGEST_TEXT = 1024 * 1024
_SERVER_ERROR = 500
# A change waits for it: what does not answer by then is refused, and proposed again.
_RETRIES = ExponentialRetry(retry_total=2, initial_backoff=1, increment_base=1, random_jitter_range=1)
_OPTIONS: dict[str, Any] = {
    "permit_redirects": False,
    "connection_timeout": 5,
    "read_timeout": 30,
    "retry_policy": _RETRIES,
}


async def contents(connection: StorageConnection, container: str, text_of: str) -> Contained:
    """All blobs of a container, and the texts of those whose names end in ``text_of``.

    Raises ``ContainerGoneError``, ``StorageRefusedError`` or ``StorageUnavailableError``.
    """
    try:
        async with BlobServiceClient(connection.url, **_OPTIONS, **client_credential(connection)) as service:
            client = service.get_container_client(container)
            blobs = [
                VersionedBlob(blob.name, blob.size, blob.last_modified, blob.etag.strip('"'))
                async for blob in client.list_blobs()
            ]
            texts = {blob.name: await _text(client, blob) for blob in blobs if blob.name.lower().endswith(text_of)}
            return Contained(tuple(blobs), texts)
    except ResourceNotFoundError as error:
        raise ContainerGoneError(f"There is no container {container!r} in {connection.setting}.") from error
    except HttpResponseError as error:
        if error.status_code is None or error.status_code >= _SERVER_ERROR:
            raise _unavailable(connection) from error
        raise StorageRefusedError(
            f"Cannot read container {container!r} of {connection.setting}: storage answered {error.status_code}. "
            f"{advice_for(connection, READER)}."
        ) from error
    except (
        AzureError,
        ValueError,
    ) as error:  # the client raises ValueError for a response that lacks what it must have
        raise _unavailable(connection) from error


async def _text(client: ContainerClient, blob: VersionedBlob) -> str | None:
    if blob.size > _LONGEST_TEXT:
        return None
    try:
        stream = await client.download_blob(blob.name, etag=blob.etag, match_condition=MatchConditions.IfNotModified)
        return (await stream.readall()).decode()
    except UnicodeDecodeError:
        return None
    except HttpResponseError as error:
        if getattr(error, "error_code", None) == StorageErrorCode.BLOB_ARCHIVED:
            return None
        raise


def _unavailable(connection: StorageConnection) -> StorageUnavailableError:
    return StorageUnavailableError(f"{connection.setting} could not be reached. Try again later.")
