from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from adapters.connections import by_connection_string
from adapters.store.blobs import BlobStore
from dev.devstack.azurite import AzuriteServer


@pytest.fixture
async def blobs(azurite_server: AzuriteServer) -> AsyncIterator[BlobStore]:
    """A run store's container of the test's own."""
    connection = by_connection_string("REPORT_STORAGE", azurite_server.connection_string)
    store = BlobStore(connection, f"runs-{uuid4().hex}")
    yield store
    await store.close()
