"""The demo's servers, all of them real: Postgres, a bucket, Prefect and the app, with the cases planted in them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from dev.demo.stuck_uploads.bucket import objects_of, planted_bucket
from dev.demo.stuck_uploads.cases import Case, cases_for
from dev.demo.stuck_uploads.rows import create_schema, plant_rows
from dev.demo.stuck_uploads.runs import CROP_DEPLOYMENT, DEPLOYMENT, plant_runs
from dev.devstack.app import RunningApp, running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres
from dev.devstack.prefect import PrefectServer, prefect
from profiles.stuck_uploads.dialects import DIALECTS
from profiles.stuck_uploads.statements import grants

PROFILE, BUCKET = "stuck-uploads", "uploads"
OTHERS = 1000
"""Videos that come before those of the cases, and are too young to be stuck."""
UNRELATED = 250
"""Runs of another flow that are newer than those of the cases."""
REPAIRER, PASSWORD = "capture_audit_repairs", "only-on-this-machine"


@dataclass(frozen=True)
class Stack:
    """The running app, the world that it audits, and the settings that it has."""

    app: RunningApp
    settings: Mapping[str, str]
    cases: Sequence[Case]
    database: str
    prefect: PrefectServer


@contextmanager
def stack(
    columns: str = "layout_status",
    *,
    on_azure: bool = False,
    others: int = OTHERS,
    unrelated: int = UNRELATED,
    directory: Path | None = None,
    port: int = 0,
) -> Iterator[Stack]:
    """Run everything until the block ends. The app has the columns that are asked for, and a bucket of S3 unless it is
    to be a container of Azure Storage.
    """
    cases = cases_for(columns)
    with ExitStack() as running:
        database = running.enter_context(postgres()).create_database("uploads")
        storage = running.enter_context(azurite())
        engine = running.enter_context(prefect())
        create_schema(database, columns)
        plant_rows(database, columns, cases, others=others)
        plant_runs(engine, cases, unrelated=unrelated)
        objects = objects_of(cases)
        container_of = storage.connection_string if on_azure else None
        bucket = planted_bucket(running, "STUCK_UPLOADS_BUCKET", BUCKET, objects, container_of)
        settings = {
            "AzureWebJobsStorage": storage.connection_string,
            "AUDIT_PROFILES": PROFILE,
            "AUDIT_ENVIRONMENT": "demo",
            "STUCK_UPLOADS_DATABASE": database,
            "STUCK_UPLOADS_PREFECT": engine.url,
            "STUCK_UPLOADS_REPAIR_DATABASE": repair_url(database, columns),
            "STUCK_UPLOADS_REPAIR_PREFECT": engine.url,
            "STUCK_UPLOADS_DEPLOYMENT": DEPLOYMENT,
            "STUCK_UPLOADS_CROP_DEPLOYMENT": CROP_DEPLOYMENT,
            "STUCK_UPLOADS_COLUMNS": columns,
            # Nothing is on its way here.
            "STUCK_UPLOADS_PAUSE_SECONDS": "1",
            # The servers date every object now: waiting for it to settle would hide what is to be found.
            "AUDIT_SETTLE_MINUTES": "0",
            "AUDIT_REPAIR_SECOND_LOOK_SECONDS": "2",
            **bucket,
        }
        app = running.enter_context(running_app(settings, directory=directory, port=port))
        yield Stack(app, settings, cases, database, engine)


def repair_url(url: str, columns: str) -> str:
    """The database's URL for a role that may set a status, and nothing else."""
    with psycopg.connect(url) as connection:
        connection.execute(f"create role {REPAIRER} login password '{PASSWORD}'".encode())
        connection.execute(grants(DIALECTS[columns]).format(role=REPAIRER).encode())
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{REPAIRER}:{PASSWORD}@{rest.rpartition('@')[2]}"
