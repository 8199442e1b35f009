"""The world stands in a real Postgres, in the stub and in Azurite as it was built."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from azure.storage.blob import BlobServiceClient

from dev.demo.prodlike import Dataset, build
from dev.demo.prodlike.planting import MOST_BYTES, plant_rows, write_account, write_containers
from dev.devstack.azurite import azurite
from dev.devstack.stub import stubbed_storage


@pytest.fixture(scope="module")
def planted() -> Dataset:
    """The planted cases; their moments are now's."""
    return build(3, datetime.now(UTC).replace(microsecond=0), 0)


@pytest.mark.parametrize("scale", [0.0, 0.1])
def test_every_row_is_accepted_by_postgres(scale: float, planted: Dataset, database_url: str) -> None:
    dataset = planted if scale == 0 else build(3, planted.now, scale)
    plant_rows(database_url, dataset.rows)
    with psycopg.connect(database_url) as connection:
        for table, members in dataset.rows.tables():
            [(count,)] = connection.execute(f"select count(*) from {table}".encode()).fetchall()
            assert count == len(members), table
        statuses = connection.execute("select status::text, count(*) from capture_sessions group by 1").fetchall()
        processing = connection.execute(
            "select count(*) from audits where audit_details ->> 'captureSessionStatus' = 'PROCESSING'"
        ).fetchone()
    assert processing is not None
    assert processing[0] > 50
    assert dict(statuses) == Counter(session.status for session in dataset.rows.capture_sessions)


def test_the_stub_lists_every_container_and_blob_with_size_and_time(planted: Dataset, tmp_path: Path) -> None:
    account = tmp_path / "account.jsonl"
    write_account(account, planted.containers)
    with (
        stubbed_storage(["--account", str(account)]) as storage,
        BlobServiceClient.from_connection_string(storage.connection_string) as service,
    ):
        assert [container.name for container in service.list_containers()] == sorted(planted.containers)
        for name in list(planted.containers)[::7]:
            found = [(b.name, b.size, b.last_modified) for b in service.get_container_client(name).list_blobs()]
            assert found == sorted(planted.containers[name])


@pytest.mark.deep
def test_azurite_takes_every_container_and_keeps_what_is_empty(planted: Dataset) -> None:
    with azurite() as server:
        write_containers(server.connection_string, planted.containers)
        with BlobServiceClient.from_connection_string(server.connection_string) as service:
            assert {container.name for container in service.list_containers()} == set(planted.containers)
            for name in list(planted.containers)[::7]:
                found = {blob.name: blob.size for blob in service.get_container_client(name).list_blobs()}
                assert found == {blob.name: min(blob.size, MOST_BYTES) for blob in planted.containers[name]}
