"""Prefect's server, the real one: in an environment of its own, since its pins are not the app's."""

import http.client
import os
import re
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.devstack.supervise import DevStackError, supervised, wait_for, workspace

HOST = "127.0.0.1"
START_SECONDS = 120
ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".venvs" / "prefect"
REQUIREMENTS = Path(__file__).with_suffix(".txt")

# What marks runs late, workers offline and pauses over stays, and so does the scheduler. These only keep a record of
# what happens, and hold up everyone who writes to the one file meanwhile.
_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "INFO",  # or it does not say where it listens
    # What is marked at once gets into each other's way in SQLite, and is tried again in the next round: of 5 seconds.
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}


@dataclass(frozen=True)
class PrefectServer:
    """A running server, and the SQLite file that it writes to."""

    port: int
    database: Path

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://{HOST}:{self.port}/api"


@contextmanager
def prefect(
    directory: Path | None = None, port: int = 0, *, auth: str = "", stop_signal: signal.Signals = signal.SIGTERM
) -> Iterator[PrefectServer]:
    """Run a Prefect server until the block, or this process, ends.

    With a directory its database is kept there for the next start; without one it is thrown away. Port 0 takes a free
    one. ``auth`` is a ``user:password`` that it asks for; ``stop_signal`` is what ends it. The first start on a machine
    takes twice as long as the others, which begin with a copy of the database that it made. Raises DevStackError if
    Prefect is not installed or does not start.
    """
    program, template = INSTALLED / "bin" / "prefect", _template()
    if not (INSTALLED / "installed").exists():
        raise DevStackError(f"Prefect is not installed in {INSTALLED}. Run 'make test' or 'make demo', which do that.")
    with workspace(directory, "prefect") as place:
        database = place.path / "prefect.db"
        is_new = not database.exists()
        is_copy = is_new and _copy(template, database)
        # The user's own settings of Prefect must not reach this server.
        env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | _SETTINGS
        env |= {"PREFECT_HOME": str(place.path), "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": str(not is_copy).lower()}
        if auth:
            env["PREFECT_SERVER_API_AUTH_STRING"] = auth
        command = [str(program), "server", "start", "--host", HOST, "--port", str(port)]
        with supervised("Prefect", command, place, stop_signal=stop_signal, env=env) as server:
            answering = wait_for(server, lambda: _answering_port(server.log), START_SECONDS)
            if is_new and not is_copy:
                _keep(database, template)
            yield PrefectServer(answering, database)


def version() -> str:
    """The version of the server."""
    found = re.search(r"^prefect==(\S+)$", REQUIREMENTS.read_text(encoding="ascii"), re.MULTILINE)
    assert found is not None
    return found[1]


def _template() -> Path:
    return ROOT / ".cache" / f"prefect-{version()}.db"


def _copy(template: Path, database: Path) -> bool:
    """True if there was one to copy."""
    try:
        database.write_bytes(template.read_bytes())
    except FileNotFoundError:
        return False
    return True


def _keep(database: Path, template: Path) -> None:
    """Save a new database for later starts. Two processes may do so at once: either of theirs is good, and whole."""
    template.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=template.parent) as draft:
        copy = Path(draft) / template.name
        # The server is running, so a copy of the file alone would lack what is in its log.
        with closing(sqlite3.connect(database, timeout=30)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        copy.replace(template)


def _answering_port(log: Path) -> int | None:
    """The port of the server, once it is ready. It chooses it itself, so no other process can take it first."""
    text = log.read_text(encoding="utf-8", errors="replace")
    found = re.search(rf"running on http://{re.escape(HOST)}:(\d+)", text)
    if found is None:
        return None
    connection = http.client.HTTPConnection(HOST, int(found[1]), timeout=5)
    try:
        connection.request("GET", "/api/ready")
        return int(found[1]) if connection.getresponse().status == http.HTTPStatus.OK else None
    except OSError:
        return None
    finally:
        connection.close()
