"""What a test of the whole app works with: a planted world, a running app, and a caller of its API."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from jsonschema import Draft202012Validator

from dev.demo.cases import Case, PlantedContainer
from dev.demo.planting import plant_containers, plant_rows
from dev.devstack.app import RunningApp, running_app
from dev.devstack.azurite import ACCOUNT_KEY
from dev.report_schema import path_of
from profiles.pre_capture_sessions import PROFILE
from reporting.declared import report_of

ENDED = frozenset({"completed", "incomplete", "failed", "cancelled"})
ABSENT = frozenset({"expected_empty", "suspect_lost", "stuck_empty", "encode_lost"})
"""The verdicts that conclude something from media not being there."""
RECORDING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REPORT_SCHEMA = Draft202012Validator(json.loads(path_of(PROFILE.name).read_text(encoding="utf-8")))
REPORT = report_of(PROFILE)
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class World:
    """Where the planted rows and containers are, and where the run store is to be."""

    source: str
    report: str
    report_container: str
    database: str
    cases: tuple[Case, ...]
    containers: tuple[PlantedContainer, ...]

    def settings(self, **changes: str) -> dict[str, str]:
        """App settings; nothing waits for storage to settle."""
        return {
            "SOURCE_STORAGE": self.source,
            "REPORT_STORAGE": self.report,
            "AUDIT_REPORT_CONTAINER": self.report_container,
            "PRE_DATABASE": self.database,
            "AUDIT_SETTLE_MINUTES": "0",
            "AUDIT_SHARD_CONTAINERS": "10",
            **changes,
        }

    @property
    def expected(self) -> dict[str, str]:
        """The verdict of every session that is a candidate, and of what else is worth a line, by id."""
        sessions = {str(case.session_id): case.expected for case in self.cases if case.expected is not None}
        return sessions | {subject: verdict for case in self.cases for subject, verdict in case.also.items()}

    @property
    def candidates(self) -> int:
        """How many sessions an audit judges."""
        return sum(case.expected is not None for case in self.cases)

    @property
    def rows(self) -> set[str]:
        """The ids of all recordings that have a row."""
        return {str(recording.recording_id) for case in self.cases for recording in case.recordings}

    @property
    def doubtful(self) -> set[str]:
        """What the second look lists: media without a row, and the containers of rows that look wrong."""
        unregistered = {container.name for container in self._unregistered if holds_media(container)}
        return unregistered | {subject for case in self.cases for subject in case.also}

    @property
    def opened_again(self) -> Counter[str]:
        """What an audit lists more than once, and how often: whatever is in doubt, empty, or missed by a row.

        What a row misses is asked for twice: is the listing right, and is the finding.
        """
        empty = {container.name for container in self._unregistered if not holds_media(container)}
        missing = {subject for subject, verdict in self.expected.items() if verdict == "row_without_container"}
        return Counter([*self.doubtful, *empty, *missing])

    @property
    def _unregistered(self) -> list[PlantedContainer]:
        return [one for one in self.containers if is_recording(one.name) and one.name not in self.rows]

    def case(self, name: str) -> Case:
        return next(case for case in self.cases if case.name == name)

    def stored(self) -> dict[str, bytes]:
        """Every blob of the run store by its path, and its metadata as bytes beside it."""
        with (
            BlobServiceClient.from_connection_string(self.report) as service,
            service.get_container_client(self.report_container) as container,
        ):
            found = {}
            for blob in container.list_blobs(include=["metadata"]):
                with suppress(ResourceNotFoundError):  # the watchdog may just have freed a guard
                    found[blob.name] = container.download_blob(blob.name).readall()
                found[f"{blob.name} (metadata)"] = repr(blob.metadata).encode()
            return found


def is_recording(container: str) -> bool:
    """True if a container is named like a recording."""
    return RECORDING.fullmatch(container) is not None


def holds_media(container: PlantedContainer) -> bool:
    """True if there is a track in it."""
    return any(blob.endswith(".mp4") for blob in container.blobs)


def planted(world: World, *, extra: Iterable[PlantedContainer] = ()) -> World:
    """Write the world's rows and containers."""
    plant_rows(world.database, world.cases)
    plant_containers(world.source, [*world.containers, *extra])
    return world


def eventually(probe: Callable[[], Answer | None], what: str, seconds: float = 60) -> Answer:
    """The probe's first answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while (answer := probe()) is None:
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return answer


class Api:
    """The HTTP API of a running app; keeps the text of every answer."""

    def __init__(self, app: RunningApp) -> None:
        self.app = app
        self.answers: list[str] = []
        self._http = httpx.Client(base_url=app.url, timeout=60, event_hooks={"response": [self._keep]})

    def _keep(self, response: httpx.Response) -> None:
        response.read()
        self.answers.append(f"{response.headers!r}\n{response.text}")

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> httpx.Response:
        return self._http.get(path)

    def post(self, path: str, content: bytes | None = None) -> httpx.Response:
        return self._http.post(path, content=content)

    def start(self, **body: Any) -> str:
        """Start an audit; its id."""
        response = self._http.post("/audits", json=body)
        assert response.status_code == 202, response.text
        audit_id: str = response.json()["id"]
        return audit_id

    def view(self, audit_id: str) -> dict[str, Any]:
        response = self._http.get(f"/audits/{audit_id}")
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    def ended(self, audit_id: str, seconds: float = 90) -> dict[str, Any]:
        """The audit's document when it has ended."""

        def probe() -> dict[str, Any] | None:
            view = self.view(audit_id)
            return view if view["state"] in ENDED else None

        return eventually(probe, f"audit {audit_id} ends", seconds)

    def audited(self, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an audit and wait for it: its document and its report, which is what its schema says."""
        view = self.ended(self.start(**body))
        assert view["state"] in {"completed", "incomplete"}, view["error"]
        return view, self.report(view["id"])

    def report(self, audit_id: str) -> dict[str, Any]:
        response = self._http.get(f"/audits/{audit_id}/report")
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        REPORT_SCHEMA.validate(document)
        REPORT.model_validate_json(response.content)
        return document


@contextmanager
def running(settings: Mapping[str, str], directory: Path | None = None) -> Iterator[Api]:
    """The app with these settings, and a caller of it."""
    with running_app(settings, directory=directory) as app:
        api = Api(app)
        try:
            yield api
        finally:
            api.close()


def leaks(api: Api, world: World, *more_secrets: str) -> list[str]:
    """Where a secret can be read: in the host's log, an answer, the host's state, or the run store."""
    password = world.database.partition("://")[2].partition(":")[2].partition("@")[0]
    assert len(password) > 8
    secrets = [secret.encode() for secret in (ACCOUNT_KEY, "sig=", password, *more_secrets)]
    places = {"answers": "\n".join(api.answers).encode()}
    places |= {path.name: path.read_bytes() for path in api.app.log.parent.rglob("*") if path.is_file()}
    places |= world.stored()
    return [
        f"{secret.decode()[:6]}... in {place}" for place, data in places.items() for secret in secrets if secret in data
    ]
