"""A deep audit whose host dies while it reads goes on where it was: what was read is not read again."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient

from adapters.buckets.bucket import PART
from adapters.store.jsonl import unpack
from dev.demo.stuck_uploads.bucket import plant_azure
from dev.demo.temp_recordings.__main__ import verdicts
from dev.demo.temp_recordings.cases import KEPT_BY_HAND, LATER, STRAY, Case, cases_for
from dev.demo.temp_recordings.rows import ZONES, create_schema, plant_rows
from dev.demo.temp_recordings.stack import PROFILE
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from profiles.temp_recordings.options import DEEP
from tests.app.proxy import Asked, Held, StorageProxy, storage_proxy
from tests.app.world import Api, eventually, running

LEFT_OUT = 12
"""The meeting that goes on: how long it is quiet depends on when the host is back."""


@dataclass(frozen=True)
class Scene:
    """Planted cases whose bucket is reached through a proxy, and where the run store is."""

    cases: tuple[Case, ...]
    bucket: StorageProxy
    container: str
    report: str
    report_container: str
    database: str

    @property
    def settings(self) -> dict[str, str]:
        return {
            "AzureWebJobsStorage": self.report,
            "AUDIT_REPORT_CONTAINER": self.report_container,
            "AUDIT_PROFILES": PROFILE,
            "AUDIT_ENVIRONMENT": "demo",
            "AUDIT_SETTLE_MINUTES": "0",
            "AUDIT_SCAN_CONCURRENCY": "2",
            "TEMP_RECORDINGS_DATABASE": self.database,
            "TEMP_RECORDINGS_TIME_ZONE": ZONES[LATER],
            "TEMP_RECORDINGS_PAUSE_SECONDS": "0",
            "TEMP_RECORDINGS_BUCKET": self.bucket.connection_string,
            "TEMP_RECORDINGS_BUCKET__container": self.container,
        }

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes of the MP3 that are read, by key: all but those that are of no meeting."""
        of_none = {STRAY, KEPT_BY_HAND}
        all_of_them = {key: size for case in self.cases for key, size in case.objects(LATER)}
        return {key: size for key, size in all_of_them.items() if key.endswith(".mp3") and key not in of_none}

    def read(self) -> Counter[str]:
        """How often each MP3 was asked for: in pieces, and for an empty one the client asks twice."""
        asked = Counter(one.blob for one in self.bucket.asked if is_read(one))
        return Counter({key: -(-times // (-(-self.sizes[key] // PART) or 2)) for key, times in asked.items()})

    def remembered(self) -> set[str]:
        """The keys whose readings are in the run store."""
        with (
            BlobServiceClient.from_connection_string(self.report) as service,
            service.get_container_client(self.report_container) as container,
        ):
            found = [one.name for one in container.list_blobs(PROFILE) if "/read/" in one.name]
            return {key for name in found for _, _, key, _ in unpack(container.download_blob(name).readall())}


def is_read(asked: Asked) -> bool:
    return asked.method == "GET" and asked.blob.endswith(".mp3")


@pytest.fixture(scope="module")
def scene(postgres_server: PostgresServer, azurite_server: AzuriteServer) -> Iterator[Scene]:
    name = f"deep_{uuid4().hex}"
    cases = tuple(one for one in cases_for(LATER) if one.number != LEFT_OUT)
    with ExitStack() as running_until:
        proxy = running_until.enter_context(storage_proxy(azurite_server.port))
        database = postgres_server.create_database(name)
        running_until.callback(postgres_server.drop_database, name)
        create_schema(database, LATER)
        plant_rows(database, LATER, cases)
        container = f"recordings-{uuid4().hex}"
        objects = ((key, content.data()) for case in cases for key, content in case.contents(LATER))
        plant_azure(azurite_server.connection_string, container, objects)
        report = azurite_server.connection_string
        yield Scene(cases, proxy, container, report, f"audits-{uuid4().hex}", database)


def kill(api: Api, held: Held) -> None:
    os.kill(api.app.pid, signal.SIGKILL)
    eventually(lambda: api.app.server.has_ended() or None, "the host ends", 10)
    held.drop()


def test_what_was_read_before_the_host_died_is_not_read_again(scene: Scene, tmp_path: Path) -> None:
    middle = next(key for case in scene.cases if case.number == 31 for key, _ in case.objects(LATER))
    held = scene.bucket.hold(lambda asked: is_read(asked) and asked.blob == middle)
    with running(scene.settings, tmp_path) as api:
        audit_id = api.start(mode=DEEP, grace_minutes=0)
        assert held.reached.wait(60), "the audit did not come to that file"
        kill(api, held)
    done, begun = scene.remembered(), scene.read()
    assert 10 < len(done) < len(scene.sizes) - 10
    assert {begun[key] for key in done} == {1}
    scene.bucket.rules.clear()
    with running(scene.settings, tmp_path) as api:
        assert api.ended(audit_id)["state"] == "completed"
        expected = {of: verdict for case in scene.cases for of, verdict in case.verdicts(DEEP).items()}
        assert verdicts(api.get(f"/audits/{audit_id}/report").json()) == expected
    read = scene.read()
    assert set(read) == set(scene.sizes)
    assert {key for key, times in read.items() if times > 1} == set(begun) - done
    assert len(set(begun) - done) <= 2
