"""The demo's servers, all of them real: Postgres, a bucket and the app, with the cases planted in them."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from dev.demo.stuck_uploads.bucket import planted_bucket
from dev.demo.temp_recordings.cases import DOCUMENTED, LATER, Case, cases_for
from dev.demo.temp_recordings.rows import ZONES, create_schema, plant_rows
from dev.devstack.app import RunningApp, running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres
from profiles.temp_recordings.files import BUCKET as FILES
from profiles.temp_recordings.statements import REPAIR_BUCKET, REPAIR_DATABASE, grants

PROFILE, BUCKET = "temp-recordings", "recordings"
S3, AZURE, FOLDER = "S3", "Azure", "a folder"
"""Where the files lie."""
_REPAIRER, _PASSWORD = "repairer", "only-in-the-demo"
_HOURS_AGO = 3 * 60 * 60


@dataclass(frozen=True)
class Stack:
    """The running app, the world that it audits, and the settings that it has."""

    app: RunningApp
    settings: Mapping[str, str]
    cases: Sequence[Case]
    columns: str
    database: str
    storage: str

    def plant_rows_anew(self) -> None:
        """As if everything had happened until now: one meeting is going on, and does not stay so for long."""
        plant_rows(self.database, self.columns, self.cases)


@contextmanager
def stack(
    columns: str = LATER,
    *,
    store: str = S3,
    directory: Path | None = None,
    port: int = 0,
    more: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Run everything until the block ends, with ``more`` settings. The rows have the columns that are asked for.

    Files lie in a bucket of S3, in a container of Azure Storage, or in a folder: there they are hours old, as servers
    would not have it.
    """
    cases = cases_for(columns)
    with ExitStack() as running:
        database = running.enter_context(postgres()).create_database("recordings")
        storage = running.enter_context(azurite())
        create_schema(database, columns)
        objects = ((key, content.data()) for case in cases for key, content in case.contents(columns))
        if store == FOLDER:
            bucket = _planted_folder(running, objects)
        else:
            container_of = storage.connection_string if store == AZURE else None
            bucket = planted_bucket(running, FILES, BUCKET, objects, container_of)
        settings = {
            "AzureWebJobsStorage": storage.connection_string,
            "AUDIT_PROFILES": PROFILE,
            "AUDIT_ENVIRONMENT": "demo",
            "TEMP_RECORDINGS_DATABASE": database,
            REPAIR_DATABASE: repair_url(database, columns),
            "TEMP_RECORDINGS_TIME_ZONE": ZONES[columns],
            # Nothing is on its way here.
            "TEMP_RECORDINGS_PAUSE_SECONDS": "1",
            # The servers date every file now: waiting for it to settle would hide what is to be found.
            "AUDIT_SETTLE_MINUTES": "0",
            "AUDIT_REPAIR_SECOND_LOOK_SECONDS": "2",
            **bucket,
            **{name.replace(FILES, REPAIR_BUCKET): value for name, value in bucket.items()},
            **(more or {}),
        }
        app = running.enter_context(running_app(settings, directory=directory, port=port))
        # One meeting is going on: its last chunk is of just now.
        plant_rows(database, columns, cases)
        yield Stack(app, settings, cases, columns, database, storage.connection_string)


def repair_url(url: str, columns: str) -> str:
    """The database's URL for a role that may do what repairs do, and nothing else."""
    with psycopg.connect(url) as connection:
        connection.execute(f"create role {_REPAIRER} login password '{_PASSWORD}'".encode())
        rights = grants(documented=columns == DOCUMENTED, deletes=True)
        connection.execute(rights.format(role=_REPAIRER).encode())
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{_REPAIRER}:{_PASSWORD}@{rest.rpartition('@')[2]}"


def _planted_folder(running: ExitStack, objects: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """The settings of a folder with these files, which is there until the stack is closed."""
    root = Path(running.enter_context(TemporaryDirectory(prefix="capture-audit-recordings-"))).resolve()
    moment = time.time() - _HOURS_AGO
    for key, data in objects:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (moment, moment))
    return {f"{FILES}__folder": str(root)}
