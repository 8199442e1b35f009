"""What a test does to the host behind the app's back: fires its timers, and ends orchestrations as a crash does."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
from azure.storage.blob import BlobServiceClient

from tests.app.world import Api, World, eventually


def root(api: Api) -> str:
    """The address of the host itself."""
    return api.app.url.removesuffix("/api")


def fire(api: Api, timer: str) -> None:
    """Fire a timer by hand and wait until it has done its work."""
    before = runs(api, timer)
    assert httpx.post(f"{root(api)}/admin/functions/{timer}").status_code == 202
    eventually(lambda: runs(api, timer) > before or None, f"timer {timer} has run", 30)


def runs(api: Api, timer: str) -> int:
    """How often a timer has ended."""
    text = api.app.log.read_text(encoding="utf-8")
    assert f"Executed 'Functions.{timer}' (Failed)" not in text, text[-3000:]
    return text.count(f"Executed 'Functions.{timer}' (Succeeded)")


def break_off(api: Api, audit_id: str) -> None:
    """End an audit's orchestration without its knowing, as a real host does when its worker dies at the wrong moment.

    What its activities are doing in that moment goes on: they may stand on another instance.
    """
    instance = f"{root(api)}/runtime/webhooks/durabletask/instances/{audit_id}"
    assert httpx.post(f"{instance}/terminate?reason=crash").status_code == 202

    def ended() -> bool | None:
        return httpx.get(instance).json()["runtimeStatus"] == "Terminated" or None

    eventually(ended, "the orchestration has ended", 10)


def lose(api: Api, audit_id: str) -> None:
    """Lose an audit's orchestration, as with a task hub that was deleted."""
    break_off(api, audit_id)
    instance = f"{root(api)}/runtime/webhooks/durabletask/instances/{audit_id}"
    assert httpx.delete(instance).status_code == 200


def settled(api: Api, audit_id: str) -> None:
    """Wait until an audit's orchestration has done all it had to do."""
    instance = f"{root(api)}/runtime/webhooks/durabletask/instances/{audit_id}"
    done = {"Completed", "Failed", "Terminated"}
    eventually(lambda: httpx.get(instance).json()["runtimeStatus"] in done or None, "the orchestration ends", 30)


def record(world: World, audit_id: str) -> dict[str, Any]:
    """An audit's record as it is stored."""
    document: dict[str, Any] = json.loads(world.stored()[f"pre-capture-sessions/{audit_id}/run.json"])
    return document


def age(world: World, audit_id: str, by: timedelta) -> None:
    """Let an audit's last change, and its end, be longer ago, instead of waiting that long."""
    document = record(world, audit_id)
    for name in ("updated_at", "ended_at"):
        if document[name] is not None:
            moment = datetime.fromisoformat(document[name]) - by
            document[name] = moment.isoformat().replace("+00:00", "Z")
    with BlobServiceClient.from_connection_string(world.report) as service:
        blob = service.get_blob_client(world.report_container, f"pre-capture-sessions/{audit_id}/run.json")
        blob.upload_blob(json.dumps(document), overwrite=True)


def guards(world: World) -> list[str]:
    """The audits that hold a guard."""
    return [json.loads(data)["audit_id"] for path, data in world.stored().items() if path.endswith("/active.json")]


def events(api: Api, name: str) -> list[dict[str, Any]]:
    """The events of that name in the host's log, in order."""
    found = re.findall(r"\{\"event\": .*\}", api.app.log.read_text(encoding="utf-8"))
    return [document for text in found if (document := json.loads(text))["event"] == name]
