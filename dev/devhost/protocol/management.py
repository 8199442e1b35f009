"""Management URLs and the string that a durable client binding receives: a real host's, also where devhost refuses."""

import json
from typing import Any
from urllib.parse import quote

PUBLIC_BASE = "/runtime/webhooks/durabletask"
RPC_BASE = "/durabletask"
KEY = "devhost"
PLACEHOLDER = "INSTANCEID"
_OPERATIONS = {
    "statusQueryGetUri": "?",
    "sendEventPostUri": "/raiseEvent/{eventName}?",
    "terminatePostUri": "/terminate?reason={text}&",
    "rewindPostUri": "/rewind?reason={text}&",
    "purgeHistoryDeleteUri": "?",
    "restartPostUri": "/restart?",
    "suspendPostUri": "/suspend?reason={text}&",
    "resumePostUri": "/resume?reason={text}&",
}


def management_urls(origin: str, task_hub: str, instance_id: str) -> dict[str, str]:
    """All management URLs of an instance, with its id; ``origin`` is scheme and authority."""
    target = f"{origin}{PUBLIC_BASE}/instances/{quote(instance_id, safe='')}"
    query = f"taskHub={task_hub}&connection=Storage&code={KEY}"
    return {"id": instance_id, **{name: f"{target}{path}{query}" for name, path in _OPERATIONS.items()}}


def check_status_body(origin: str, task_hub: str, instance_id: str) -> dict[str, str]:
    """The host's own 202 body: the management URLs without the one for rewinding."""
    urls = management_urls(origin, task_hub, instance_id)
    del urls["rewindPostUri"]
    return urls


def client_binding(port: int, task_hub: str) -> str:
    """The JSON string that a durable client parameter receives."""
    origin = f"http://localhost:{port}"
    start = f"{origin}{PUBLIC_BASE}/orchestrators/{{functionName}}[/{{instanceId}}]?"
    binding: dict[str, Any] = {
        "taskHubName": task_hub,
        "connectionName": None,
        "creationUrls": {
            "createNewInstancePostUri": f"{start}code={KEY}",
            "createAndWaitOnNewInstancePostUri": (
                f"{start}timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}&code={KEY}"
            ),
        },
        "managementUrls": management_urls(origin, task_hub, PLACEHOLDER),
        "baseUrl": f"{origin}{PUBLIC_BASE}",
        "requiredQueryStringParameters": f"code={KEY}",
        "rpcBaseUrl": f"http://127.0.0.1:{port}{RPC_BASE}/",
    }
    return json.dumps(binding, separators=(",", ":"))
