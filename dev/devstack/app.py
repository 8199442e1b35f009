"""The app itself on a development machine: started as a child that ends with this process."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.devstack.supervise import Server, supervised, wait_for, workspace

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
# The settings of a developer's shell must not reach an app that is being tried.
_OURS = (
    "AUDIT_",
    "SOURCE_STORAGE",
    "REPORT_STORAGE",
    "INGEST_STORAGE",
    "PRE_DATABASE",
    "STUCK_UPLOADS_",
    "AzureWebJobs",
)


@dataclass(frozen=True)
class RunningApp:
    """A running host with the app in it; ``url`` is the address of its API."""

    url: str
    log: Path
    server: Server
    ready: Path

    @property
    def pid(self) -> int:
        """The host's process: another one after the host has ended itself and was started again."""
        return int(json.loads(self.ready.read_text(encoding="utf-8"))["pid"])


@contextmanager
def running_app(
    settings: Mapping[str, str], *, directory: Path | None = None, port: int = 0, root: Path = ROOT
) -> Iterator[RunningApp]:
    """Run the app on devhost until the block, or this process, ends.

    With a directory its orchestrations survive there for the next start; without one they are thrown away. Port 0 takes
    a free one. A host that ends itself, because its worker died too often, is started again as the platform does it.
    Raises ``DevStackError`` with the end of its log if it does not start.
    """
    with workspace(directory, "host") as place:
        ready = place.path / "ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "dev.devhost", "--root", str(root), "--port", str(port)]
        command += ["--state", str(place.path), "--ready-file", str(ready), "--settings", str(place.path / "none.json")]
        (place.path / "none.json").write_text('{"IsEncrypted": false, "Values": {}}', encoding="utf-8")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        environment = {**inherited, "PYTHONPATH": str(ROOT), "FUNCTIONS_WORKER_RUNTIME": "python", **settings}

        def note() -> RunningApp | None:
            if not ready.exists():
                return None
            state = json.loads(ready.read_text(encoding="utf-8"))
            return RunningApp(f"{state['url']}/api", server.log, server, ready)

        with supervised("The app", command, place, env=environment, again=True) as server:
            yield wait_for(server, note, START_SECONDS)
