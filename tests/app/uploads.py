"""The app over a few stuck uploads, on the servers that all tests share, with a schedule that never fires by itself."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import httpx
from azure.storage.blob import BlobServiceClient

from dev.demo.stuck_uploads.bucket import plant_azure
from dev.demo.stuck_uploads.cases import Case
from dev.demo.stuck_uploads.rows import create_schema, plant_rows
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.prefect import PrefectServer
from dev.devstack.prefect_planting import Planting
from tests.app.hosting import root
from tests.app.proxy import StorageProxy, storage_proxy
from tests.app.world import Api, running

COLUMNS = "layout_status"
NEW_YEAR = "0 0 3 1 1 *"  # never while a test runs
TIMER = "scheduled_audit_stuck_uploads"
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Servers:
    """What all tests share."""

    postgres: PostgresServer
    azurite: AzuriteServer
    prefect: PrefectServer


@dataclass(frozen=True)
class Uploads:
    """An app, what it asks of its run store, the deployment and the pool of its runs, and where its run store is."""

    api: Api
    store: StorageProxy
    prefect: PrefectServer
    database: str
    deployment: str
    pool: str
    storage: str
    container: str

    def keep_online(self) -> None:
        """The workers that were heard of before are heard of again: they are not any more after a while."""
        with Planting(self.prefect) as plant:
            for worker in plant.made(f"work_pools/{self.pool}/workers/filter", {}):
                plant.heartbeat(self.pool, worker["name"])

    def activities(self, audit_id: str) -> list[str]:
        """What the history of an audit says that was done."""
        instance = f"{root(self.api)}/runtime/webhooks/durabletask/instances/{audit_id}"
        history = httpx.get(f"{instance}?showHistory=true").json()["historyEvents"]
        names = [one.get("FunctionName") or one.get("Name") for one in history if one["EventType"].startswith("Task")]
        return [str(name) for name in names]

    def runs_of(self, case: Case) -> list[dict[str, Any]]:
        """The runs that repairs have created for a case."""
        with Planting(self.prefect) as plant:
            found: list[dict[str, Any]] = plant.made(
                "flow_runs/filter", {"flow_runs": {"tags": {"all_": [f"video:{case.video_id}"]}}}
            )
        return [run for run in found if run["deployment_id"] == self.deployment]


@contextmanager
def uploads(
    cases: Sequence[Case], servers: Servers, more: Mapping[str, str] = NOTHING, *, worker: bool = True
) -> Iterator[Uploads]:
    """The app over these cases, with ``more`` settings; with ``worker`` one is online."""
    own = uuid4().hex[:12]
    name, pool = f"uploads_{own}", f"videos-{own}"
    database = servers.postgres.create_database(name)
    create_schema(database, COLUMNS)
    plant_rows(database, COLUMNS, cases)
    storage = servers.azurite.connection_string
    plant_azure(storage, f"bucket-{own}", [one for case in cases for one in case.objects()])
    with Planting(servers.prefect) as plant:
        deployment = plant.deployment(f"process-{own}", "production", pool)
        if worker:
            plant.heartbeat(pool, "worker-0")
    with BlobServiceClient.from_connection_string(storage) as service:
        service.create_container(f"audits-{own}")
    with ExitStack() as open_until_the_end:
        open_until_the_end.callback(servers.postgres.drop_database, name)
        store = open_until_the_end.enter_context(storage_proxy(servers.azurite.port))
        settings = {
            "REPORT_STORAGE": store.connection_string,
            "AUDIT_REPORT_CONTAINER": f"audits-{own}",
            "AUDIT_PROFILES": "stuck-uploads",
            "AUDIT_SCHEDULE__STUCK_UPLOADS": NEW_YEAR,
            "AUDIT_WATCHDOG_SCHEDULE": NEW_YEAR,
            "STUCK_UPLOADS_DATABASE": database,
            "STUCK_UPLOADS_PREFECT": servers.prefect.url,
            "STUCK_UPLOADS_DEPLOYMENT": f"process-{own}/production",
            "STUCK_UPLOADS_COLUMNS": COLUMNS,
            "STUCK_UPLOADS_BUCKET": storage,
            "STUCK_UPLOADS_BUCKET__container": f"bucket-{own}",
            "STUCK_UPLOADS_REPAIR_PREFECT": servers.prefect.url,
            **more,
        }
        api = open_until_the_end.enter_context(running(settings))
        yield Uploads(api, store, servers.prefect, database, deployment, pool, storage, f"audits-{own}")
