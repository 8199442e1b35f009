from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from adapters.audit_records import AuditRecords
from adapters.blob_store import BlobStore
from adapters.connections import StorageConnection, by_connection_string
from adapters.run_store import RunStore
from devstack.azurite import AzuriteServer


@pytest.fixture
def storage(azurite_server: AzuriteServer) -> StorageConnection:
    return by_connection_string("REPORT_STORAGE", azurite_server.connection_string)


@pytest.fixture
async def blobs(storage: StorageConnection) -> AsyncIterator[BlobStore]:
    """A store on a container that does not exist yet."""
    store = BlobStore(storage, f"store-{uuid4().hex}")
    yield store
    await store.close()


@pytest.fixture
def store(blobs: BlobStore) -> RunStore:
    return RunStore(blobs)


@pytest.fixture
def records(blobs: BlobStore) -> AuditRecords:
    return AuditRecords(blobs)
