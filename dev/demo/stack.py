"""The demo's servers: a real Postgres, a real Azurite and the app, with the demo's world planted in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from dev.demo.cases import Case, healthy_cases, other_containers, special_cases
from dev.demo.planting import create_schema, plant_containers, plant_rows
from dev.devstack.app import RunningApp, running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import PostgresServer, postgres
from profiles.pre_capture_sessions.statements import GRANTS

HEALTHY_SESSIONS = 280
DATABASE = "pre"
REPAIRER, PASSWORD = "capture_audit_repairs", "only-on-this-machine"


def demo_cases() -> list[Case]:
    return special_cases() + healthy_cases(HEALTHY_SESSIONS)


@contextmanager
def demo_stack(directory: Path | None = None, port: int = 0) -> Iterator[RunningApp]:
    """Run everything until the block ends. With a directory, data and orchestrations are kept there between starts."""
    folders = {name: directory / name if directory else None for name in ("postgres", "azurite", "host")}
    with postgres(folders["postgres"]) as database, azurite(folders["azurite"]) as storage:
        url = planted_database(database, storage.connection_string)
        settings = {
            "AzureWebJobsStorage": storage.connection_string,
            "SOURCE_STORAGE": storage.connection_string,
            "PRE_DATABASE": url,
            "PRE_REPAIR_DATABASE": repair_url(url),
            # The demo is run at any time of day, and looks again at once.
            "AUDIT_REPAIR_CLOSED_HOURS": "none",
            "AUDIT_REPAIR_SECOND_LOOK_SECONDS": "2",
            "AUDIT_ENVIRONMENT": "demo",
            # The emulator dates every blob now; waiting for the media to settle would hide all of it.
            "AUDIT_SETTLE_MINUTES": "0",
            "AUDIT_SHARD_CONTAINERS": "20",
        }
        with running_app(settings, directory=folders["host"], port=port) as app:
            yield app


def repair_url(url: str) -> str:
    """The database's URL for a role that may change what repairs change, and nothing else; made if it is not there."""
    with psycopg.connect(url) as connection:
        if not connection.execute("select 1 from pg_roles where rolname = %s", [REPAIRER]).fetchone():
            connection.execute(f"create role {REPAIRER} login password '{PASSWORD}'".encode())
            connection.execute(GRANTS.format(role=REPAIRER).encode())
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{REPAIRER}:{PASSWORD}@{rest.rpartition('@')[2]}"


def planted_database(database: PostgresServer, connection_string: str) -> str:
    """The URL of the demo's database; it and the containers are planted unless that was done before."""
    with psycopg.connect(database.url()) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
    if found:
        return database.url(DATABASE)
    cases = demo_cases()
    plant_containers(connection_string, [c for case in cases for c in case.containers] + other_containers())
    # The database comes into being under its name only when all is planted, so that a cut start is made again.
    unfinished = f"{DATABASE}_unfinished"
    database.drop_database(unfinished)
    url = database.create_database(unfinished)
    create_schema(url)
    plant_rows(url, cases)
    return database.create_database(DATABASE, template=unfinished)
