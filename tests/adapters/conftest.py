from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from adapters.connections import StorageConnection, by_connection_string
from adapters.store.blobs import BlobStore
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from dev.devstack.azurite import AzuriteServer
from dev.devstack.fast_stub.certificate import Certificate, make_certificate
from dev.devstack.postgres import HOST
from tests.adapters.tls_before_postgres import tls_before


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
    return RunStore.of(blobs)


@pytest.fixture
def records(blobs: BlobStore) -> AuditRecords:
    return AuditRecords(blobs, ["pre-capture-sessions", "other"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture
async def behind_tls(database_url: str, certificate: Certificate) -> AsyncIterator[str]:
    """The database's URL through a front whose certificate is nobody's, for the host localhost."""
    url = urlsplit(database_url)
    assert url.port is not None
    async with tls_before(url.port, certificate) as port:
        yield url._replace(netloc=url.netloc.replace(f"{HOST}:{url.port}", f"localhost:{port}")).geturl()
