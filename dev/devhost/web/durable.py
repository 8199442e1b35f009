"""The durable management API, under the public base and the one that the SDK's client uses."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from dev.devhost.engine.operations import ConflictError, Filter, NotPossibleError, Operations, Refusal
from dev.devhost.engine.records import Instance
from dev.devhost.engine.rewinding import CannotRewindError
from dev.devhost.protocol.json_text import compact
from dev.devhost.protocol.management import check_status_body
from dev.devhost.protocol.status import history_rows, status_document
from dev.devhost.protocol.times import parse_stamp

_STATUSES = frozenset(
    {"Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended"}
)
_MAX_ID = 256
_TOKEN = "x-ms-continuation-token"  # noqa: S105 - a header's name
_WRONG = "Something went wrong while processing your request"
_BAD_ARGUMENT = "One or more of the arguments submitted is incorrect"
_REFUSED = {Refusal.UNKNOWN: 404, Refusal.ENDED: 410}


def _json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=compact(data), status=status, headers=headers, content_type="application/json")


def _problem(status: int, message: str, error: str, kind: str) -> web.Response:
    body = {"Message": message, "ExceptionMessage": error, "ExceptionType": kind, "StackTrace": ""}
    return _json(body, status)


def _bad_argument(error: str) -> web.Response:
    return _problem(400, _BAD_ARGUMENT, error, "System.ArgumentException")


def _conflict(error: Exception) -> web.Response:
    kind = "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException"
    return _problem(500, _WRONG, str(error), kind)


def _flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    text = request.query.get(name)
    return default if text is None else text.lower() == "true"


def _bad_json(error: Exception) -> web.Response:
    return _problem(400, "Invalid JSON content", str(error), "Newtonsoft.Json.JsonReaderException")


def check_instance_id(instance_id: str) -> str | None:
    """Why an instance id is refused, in the real host's words; None if it is fine."""
    if len(instance_id) > _MAX_ID:
        return f"Instance ID lengths must not exceed {_MAX_ID} characters."
    if instance_id.startswith("@"):
        return "instanceId (Parameter 'Orchestration instance ids must not start with @.')"
    if any(c in "/\\#?" or ord(c) < 32 or 127 <= ord(c) < 160 for c in instance_id):  # noqa: PLR2004 - control characters
        return (
            "instanceId (Parameter 'Orchestration instance ids must not contain /, \\, #, ?, or control characters.')"
        )
    return None


def _moment(text: str | None) -> datetime | None:
    """A query's date; what cannot be read is ignored, as by the real host."""
    try:
        return None if text is None else parse_stamp(text)
    except ValueError:
        return None


def _filter(request: web.Request) -> Filter:
    asked = frozenset(request.query.get("runtimeStatus", "").split(","))
    return Filter(
        created_from=_moment(request.query.get("createdTimeFrom")),
        created_to=_moment(request.query.get("createdTimeTo")),
        statuses=asked & _STATUSES,
        prefix=request.query.get("instanceIdPrefix", ""),
    )


class DurableApi:
    """Handlers of the management API."""

    def __init__(
        self, operations: Operations, orchestrators: list[str], new_id: Callable[[], str], task_hub: str
    ) -> None:
        self._operations = operations
        self._orchestrators = {name.lower(): name for name in orchestrators}
        self._new_id = new_id
        self._task_hub = task_hub

    async def handle(self, request: web.Request, path: str) -> web.Response:  # noqa: PLR0911 - a table of endpoints
        """Answer a request; ``path`` is what follows the base, undecoded."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match request.method, parts:
            case "POST", ["orchestrators", name]:
                return await self._start(request, name, self._new_id())
            case "POST", ["orchestrators", name, instance_id]:
                return await self._start(request, name, instance_id)
            case "GET", ["instances"]:
                return self._list(request)
            case "DELETE", ["instances"]:
                return self._purge_all(request)
            case "GET" | "HEAD", ["instances", instance_id]:
                return self._status(request, instance_id)
            case "DELETE", ["instances", instance_id]:
                return (
                    _json({"instancesDeleted": 1}) if self._operations.purge(instance_id) else web.Response(status=404)
                )
            case "POST", ["instances", instance_id, "raiseEvent", name]:
                return await self._raise_event(request, instance_id, name)
            case "POST", ["instances", instance_id, verb]:
                return await self._operate(request, instance_id, verb)
        return web.Response(status=404)

    async def _start(self, request: web.Request, name: str, instance_id: str) -> web.Response:
        text = (await request.read()).decode("utf-8", "replace")
        try:
            value = json.loads(text) if text.strip() else None
        except ValueError as error:
            return _bad_json(error)
        if name.lower() not in self._orchestrators:
            known = ", ".join(f"'{each}'" for each in self._orchestrators.values())
            return _bad_argument(
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
                f"Additional info: The following are the known orchestrator functions: {known}."
            )
        if (problem := check_instance_id(instance_id)) is not None:
            return _bad_argument(problem)
        try:
            self._operations.start(name, instance_id, None if value is None else compact(value))
        except ConflictError as error:
            return _conflict(error)
        if "timeout" in request.query:
            return await self._wait(request, instance_id)
        return self._accepted(request, instance_id)

    def _accepted(self, request: web.Request, instance_id: str) -> web.Response:
        body = check_status_body(f"{request.scheme}://{request.host}", self._task_hub, instance_id)
        return _json(body, 202, {"Location": body["statusQueryGetUri"], "Retry-After": "10"})

    async def _wait(self, request: web.Request, instance_id: str) -> web.Response:
        try:
            timeout = float(request.query["timeout"])
            interval = float(request.query.get("pollingInterval", "1"))
        except ValueError:
            return _bad_argument("timeout and pollingInterval must be numbers of seconds.")
        deadline = asyncio.get_running_loop().time() + timeout
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(min(interval, 0.2))
            instance = self._operations.store.instance(instance_id)
            if instance is not None and instance.status == "Completed":
                return _json(json.loads(instance.output or "null"))
            if instance is not None and not instance.live:
                return _json(_document(instance, show_input=True))
        return self._accepted(request, instance_id)

    def _status(self, request: web.Request, instance_id: str) -> web.Response:
        instance = self._operations.store.instance(instance_id)
        if instance is None:
            return web.Response(status=404)
        document = _document(instance, show_input=_flag(request, "showInput", default=True))
        if _flag(request, "showHistory"):
            events = self._operations.store.past(instance_id).events
            document["historyEvents"] = history_rows(events, show_output=_flag(request, "showHistoryOutput"))
        if instance.live:
            return _json(document, 202, {"Location": str(request.url), "Retry-After": "5"})
        failed = instance.status == "Failed" and _flag(request, "returnInternalServerErrorOnFailure")
        return _json(document, 500 if failed else 200)

    def _list(self, request: web.Request) -> web.Response:
        instances = self._operations.query(_filter(request))
        token = request.headers.get(_TOKEN)
        if token:
            first = base64.b64decode(token).decode("utf-8", "replace")
            instances = [instance for instance in instances if instance.id >= first]
        top = request.query.get("top", "")
        size = int(top) if top.isdecimal() and int(top) > 0 else len(instances)
        headers = {}
        if len(instances) > size:
            headers[_TOKEN] = base64.b64encode(instances[size].id.encode()).decode()
        show_input = _flag(request, "showInput")
        return _json([_document(instance, show_input=show_input) for instance in instances[:size]], 200, headers)

    def _purge_all(self, request: web.Request) -> web.Response:
        if _moment(request.query.get("createdTimeFrom")) is None:
            return _json("Please provide value for 'createdTimeFrom' parameter.", 400)
        deleted = self._operations.purge_all(_filter(request))
        return _json({"instancesDeleted": deleted}) if deleted else web.Response(status=404)

    async def _raise_event(self, request: web.Request, instance_id: str, name: str) -> web.Response:
        instance = self._operations.store.instance(instance_id)
        if instance is None:
            return web.Response(status=404)
        if not instance.live:
            return web.Response(status=410)
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            return _json({"Message": "Only application/json request content is supported"}, 400)
        try:
            payload = compact(json.loads(await request.text()))
        except ValueError as error:
            return _bad_json(error)
        return _outcome(self._operations.raise_event(instance_id, name, payload))

    async def _operate(self, request: web.Request, instance_id: str, verb: str) -> web.Response:
        reason = request.query.get("reason")
        verbs: dict[str, Callable[[str, str | None], Refusal | None]] = {
            "terminate": self._operations.terminate,
            "suspend": self._operations.suspend,
            "resume": self._operations.resume,
            "rewind": self._operations.rewind,
        }
        if verb == "restart":
            return self._restart(request, instance_id)
        if verb not in verbs:
            return web.Response(status=404)
        try:
            return _outcome(verbs[verb](instance_id, reason))
        except NotPossibleError as error:
            return _problem(500, _WRONG, str(error), "System.InvalidOperationException")
        except CannotRewindError as error:
            return _problem(501, _WRONG, str(error), "System.NotImplementedException")

    def _restart(self, request: web.Request, instance_id: str) -> web.Response:
        try:
            target = self._operations.restart(
                instance_id, new_id=_flag(request, "restartWithNewInstanceId", default=True)
            )
        except ConflictError as error:
            return _conflict(error)
        if target is None:
            error_text = f"An orchestrastion with the instanceId {instance_id} was not found."
            message = "InstanceId does not match a valid orchestration instance."
            return _problem(400, message, error_text, "System.ArgumentException")
        return self._accepted(request, target)


def _outcome(refusal: Refusal | None) -> web.Response:
    return web.Response(status=202 if refusal is None else _REFUSED[refusal])


def _document(instance: Instance, *, show_input: bool) -> dict[str, Any]:
    return status_document(
        name=instance.name,
        instance_id=instance.id,
        status=instance.status,
        raw_input=instance.raw_input if show_input else None,
        custom_status=instance.custom_status,
        output=instance.output,
        created=instance.created,
        updated=instance.updated,
    )


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
