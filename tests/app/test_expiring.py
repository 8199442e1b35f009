"""The short audit of what is about to be deleted, on real servers: what it finds, and what it asks."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient

from dev.demo.stuck_uploads.bucket import plant_azure
from dev.demo.temp_recordings.__main__ import verdicts
from dev.demo.temp_recordings.cases import CASES, LATER
from dev.demo.temp_recordings.rows import ZONES, create_schema, plant_rows
from dev.devstack.app import running_app
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from profiles.temp_recordings.profile import PROFILE
from reporting.declared import report_of
from tests.app.hosting import settled
from tests.app.proxy import StorageProxy, storage_proxy
from tests.app.world import Api

MOST_REQUESTS = 30
"""Of the run store, with one meeting to look at twice: as many as a fast audit of stuck uploads may ask."""
LOOKUPS = 5
"""The folders that a meeting is looked up in."""
NAMED = {case.number: case for case in CASES}
EXPIRING, YOUNG, LOST, RESCUED = NAMED[1], NAMED[13], NAMED[5], NAMED[20]


class Reports(Api):
    """The API; its reports are what the profile says."""

    def report(self, audit_id: str) -> dict[str, Any]:
        response = self.get(f"/audits/{audit_id}/report")
        report_of(PROFILE).model_validate_json(response.content)
        document: dict[str, Any] = response.json()
        return document


class Short(NamedTuple):
    """The app, and what it asks of storage: of the run store and of the bucket."""

    api: Api
    storage: StorageProxy
    bucket: str

    def audited(self, mode: str) -> tuple[dict[str, Any], list[str], list[str]]:
        """The report of an audit, and what it has asked of the run store and of the bucket."""
        self.storage.asked.clear()
        audit_id = self.api.start(mode=mode, grace_minutes=0)
        settled(self.api, audit_id)
        asked, report = list(self.storage.asked), self.api.report(audit_id)
        bucket = [one.query for one in asked if one.container == self.bucket]
        return report, [f"{one.method} {one.blob}" for one in asked if one.container == f"audits-{self.bucket}"], bucket


@pytest.fixture(scope="module")
def short(postgres_server: PostgresServer, azurite_server: AzuriteServer) -> Iterator[Short]:
    own = f"chunks-{uuid4().hex[:12]}"
    cases = [EXPIRING, YOUNG, LOST, RESCUED]
    database = postgres_server.create_database(own.replace("-", "_"))
    create_schema(database, LATER)
    plant_rows(database, LATER, cases)
    objects = [(key, bytes(size)) for case in cases for key, size in case.objects(LATER)]
    plant_azure(azurite_server.connection_string, own, objects)
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        service.create_container(f"audits-{own}")
    with ExitStack() as until_the_end:
        until_the_end.callback(postgres_server.drop_database, own.replace("-", "_"))
        storage = until_the_end.enter_context(storage_proxy(azurite_server.port))
        settings = {
            "REPORT_STORAGE": storage.connection_string,
            "AUDIT_REPORT_CONTAINER": f"audits-{own}",
            "AUDIT_PROFILES": "temp-recordings",
            "TEMP_RECORDINGS_DATABASE": database,
            "TEMP_RECORDINGS_TIME_ZONE": ZONES[LATER],
            "TEMP_RECORDINGS_PAUSE_SECONDS": "0",
            "TEMP_RECORDINGS_BUCKET": storage.connection_string,
            "TEMP_RECORDINGS_BUCKET__container": own,
            "AUDIT_SETTLE_MINUTES": "0",
        }
        app = until_the_end.enter_context(running_app(settings))
        api = Reports(app)
        until_the_end.callback(api.close)
        yield Short(api, storage, own)


def test_it_finds_what_a_full_audit_finds_of_those_meetings_and_asks_little(short: Short) -> None:
    full, _, of_full = short.audited("full")
    report, store, bucket = short.audited("expiring")
    assert verdicts(full) == {
        of: one for case in (EXPIRING, YOUNG, LOST, RESCUED) for of, one in case.verdicts().items()
    }
    assert verdicts(report) == EXPIRING.verdicts()
    assert (report["complete"], report["coverage"]["units"]["listed"]) == (True, 1)
    assert len(store) <= MOST_REQUESTS, store
    clock, *lookups = bucket
    assert "maxresults=1" in clock
    assert len(lookups) == 2 * LOOKUPS, lookups
    assert all(EXPIRING.meeting_id in query for query in lookups)
    assert [query for query in of_full if "delimiter" in query], "a full audit lists the bucket"
    notes = json.dumps(report["notes"])
    assert "looked only at meetings with a chunk" in notes
    assert "In rescue/, of the meetings that were looked at, lies nothing." in notes
    assert "In rescue/ lie 3 files of 960,700 bytes together; " in json.dumps(full["notes"])
    assert "only meetings with a chunk that is about to be deleted" in report["headline"]


def test_it_is_compared_with_its_own_kind_and_disturbs_no_comparison_of_full_audits(short: Short) -> None:
    before, _, _ = short.audited("full")
    first, _, _ = short.audited("expiring")
    second, _, _ = short.audited("expiring")
    after, _, _ = short.audited("full")
    since = second["since_last"]
    assert since["previous"]["id"] == first["audit"]["id"]
    assert (since["new"], since["resolved"]) == (0, 0)
    since = after["since_last"]
    assert since["previous"]["id"] == before["audit"]["id"]
    assert (since["new"], since["resolved"], since["persisting"]) == (0, 0, before["since_last"]["persisting"])
