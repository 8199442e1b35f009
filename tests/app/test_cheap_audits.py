"""An audit that is made every quarter of an hour is cheap: in what it asks of the run store, and in its history."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from dev.demo.stuck_uploads.bucket import plant_azure
from dev.demo.stuck_uploads.cases import CASES, Case
from dev.demo.stuck_uploads.rows import create_schema, plant_rows
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.prefect import PrefectServer
from dev.devstack.prefect_planting import Planting
from tests.app.hosting import fire, root, settled
from tests.app.proxy import StorageProxy, storage_proxy
from tests.app.world import Api, running

MOST_REQUESTS, MOST_ACTIVITIES = 30, 12
COLUMNS, POOL = "layout_status", "videos"
NEW_YEAR = "0 0 3 1 1 *"  # never while a test runs
TIMER = "scheduled_audit_stuck_uploads"
PROCESSED = next(case for case in CASES if case.expected == "healthy")
LONG_MISSING = Case(6, "nobody ever uploaded it", "source_missing", age=timedelta(days=240), files={})
WORLDS = {"nothing is stuck": (PROCESSED,), "missing for months": (PROCESSED, LONG_MISSING)}
EXPECTED = {"nothing is stuck": "clean", "missing for months": "findings"}


@dataclass(frozen=True)
class Measured:
    """An app, and what it asks of its run store."""

    api: Api
    store: StorageProxy

    def audited(self, start: Callable[[], object]) -> tuple[dict[str, Any], list[str]]:
        """An audit from its start to the end of its orchestration, and what it asked of the run store."""
        self.store.asked.clear()
        start()
        records = {one.blob.split("/")[1] for one in self.store.asked if one.blob.endswith("/run.json")}
        [audit_id] = records
        settled(self.api, audit_id)
        asked = [f"{one.method} {one.blob or one.query}".replace(audit_id, "*") for one in self.store.asked]
        return self.api.view(audit_id), asked

    def activities(self, audit_id: str) -> list[str]:
        """What its history says that was done."""
        instance = f"{root(self.api)}/runtime/webhooks/durabletask/instances/{audit_id}"
        history = httpx.get(f"{instance}?showHistory=true").json()["historyEvents"]
        names = [one.get("FunctionName") or one.get("Name") for one in history if one["EventType"].startswith("Task")]
        return [str(name) for name in names]


@contextmanager
def uploads(
    cases: tuple[Case, ...], database_server: PostgresServer, server: AzuriteServer, engine: PrefectServer
) -> Iterator[Measured]:
    """The app over these cases, with a schedule of their profile that never fires by itself."""
    own = uuid4().hex[:12]
    database = database_server.create_database(f"uploads_{own}")
    create_schema(database, COLUMNS)
    plant_rows(database, COLUMNS, cases)
    plant_azure(server.connection_string, f"bucket-{own}", [one for case in cases for one in case.objects()])
    with Planting(engine) as plant:
        plant.deployment(f"process-{own}", "production", POOL)
        plant.heartbeat(POOL, "worker-0")
    with BlobServiceClient.from_connection_string(server.connection_string) as service:
        service.create_container(f"audits-{own}")
    with ExitStack() as open_until_the_end:
        open_until_the_end.callback(database_server.drop_database, f"uploads_{own}")
        store = open_until_the_end.enter_context(storage_proxy(server.port))
        settings = {
            "REPORT_STORAGE": store.connection_string,
            "AUDIT_REPORT_CONTAINER": f"audits-{own}",
            "AUDIT_PROFILES": "stuck-uploads",
            "AUDIT_SCHEDULE__STUCK_UPLOADS": NEW_YEAR,
            "AUDIT_WATCHDOG_SCHEDULE": NEW_YEAR,
            "STUCK_UPLOADS_DATABASE": database,
            "STUCK_UPLOADS_PREFECT": engine.url,
            "STUCK_UPLOADS_DEPLOYMENT": f"process-{own}/production",
            "STUCK_UPLOADS_COLUMNS": COLUMNS,
            "STUCK_UPLOADS_BUCKET": server.connection_string,
            "STUCK_UPLOADS_BUCKET__container": f"bucket-{own}",
        }
        yield Measured(open_until_the_end.enter_context(running(settings)), store)


@pytest.mark.parametrize("world", WORLDS)
def test_a_scheduled_audit_asks_little_of_the_run_store_and_has_a_short_history(
    world: str, postgres_server: PostgresServer, azurite_server: AzuriteServer, prefect_server: PrefectServer
) -> None:
    with uploads(WORLDS[world], postgres_server, azurite_server, prefect_server) as measured:
        before, first = measured.audited(lambda: measured.api.start(mode="fast"))
        view, asked = measured.audited(lambda: fire(measured.api, TIMER))
        report = measured.api.get(f"/audits/{view['id']}/report").json()
        activities = measured.activities(view["id"])
    assert (view["state"], view["outcome"]["word"]) == ("completed", EXPECTED[world])
    assert report["since_last"]["previous"]["id"] == before["id"], "what is asked includes the comparison"
    for requests in (first, asked):
        assert len(requests) <= MOST_REQUESTS, "\n".join([f"{len(requests)} requests:", *requests])
        assert requests.count("DELETE stuck-uploads/active.json") == 1, "its profile is free at its end"
    reads = asked.count("GET stuck-uploads/*/run.json")
    assert reads == len(activities), "each step looks whether the audit was cancelled"
    assert 7 <= len(activities) <= MOST_ACTIVITIES, activities
