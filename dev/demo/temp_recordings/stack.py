"""The demo's servers, all of them real: Postgres, a bucket and the app, with the cases planted in them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.demo.stuck_uploads.bucket import planted_bucket
from dev.demo.temp_recordings.cases import LATER, Case, cases_for
from dev.demo.temp_recordings.rows import ZONES, create_schema, plant_rows
from dev.devstack.app import RunningApp, running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres

PROFILE, BUCKET = "temp-recordings", "recordings"


@dataclass(frozen=True)
class Stack:
    """The running app, the world that it audits, and the settings that it has."""

    app: RunningApp
    settings: Mapping[str, str]
    cases: Sequence[Case]
    columns: str
    database: str

    def plant_rows_anew(self) -> None:
        """As if everything had happened until now: one meeting is going on, and does not stay so for long."""
        plant_rows(self.database, self.columns, self.cases)


@contextmanager
def stack(
    columns: str = LATER, *, on_azure: bool = False, directory: Path | None = None, port: int = 0
) -> Iterator[Stack]:
    """Run everything until the block ends. The rows have the columns that are asked for, and files lie in a bucket of
    S3 unless it is to be a container of Azure Storage.
    """
    cases = cases_for(columns)
    with ExitStack() as running:
        database = running.enter_context(postgres()).create_database("recordings")
        storage = running.enter_context(azurite())
        create_schema(database, columns)
        objects = ((key, content.data()) for case in cases for key, content in case.contents(columns))
        container_of = storage.connection_string if on_azure else None
        bucket = planted_bucket(running, "TEMP_RECORDINGS_BUCKET", BUCKET, objects, container_of)
        settings = {
            "AzureWebJobsStorage": storage.connection_string,
            "AUDIT_PROFILES": PROFILE,
            "AUDIT_ENVIRONMENT": "demo",
            "TEMP_RECORDINGS_DATABASE": database,
            "TEMP_RECORDINGS_TIME_ZONE": ZONES[columns],
            # Nothing is on its way here.
            "TEMP_RECORDINGS_PAUSE_SECONDS": "1",
            # The servers date every file now: waiting for it to settle would hide what is to be found.
            "AUDIT_SETTLE_MINUTES": "0",
            **bucket,
        }
        app = running.enter_context(running_app(settings, directory=directory, port=port))
        # One meeting is going on: its last chunk is of just now.
        plant_rows(database, columns, cases)
        yield Stack(app, settings, cases, columns, database)
