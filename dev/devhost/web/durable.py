"""The durable management API, under the public base and the one that the SDK's client uses.

What the real one can do and this one does not is refused with 501, a text that names it, and an ERROR in the log.
"""

import json
import logging
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from dev.devhost.engine.operations import ConflictError, Filter, Operations
from dev.devhost.engine.port import Worker
from dev.devhost.engine.records import Instance
from dev.devhost.protocol.json_text import compact
from dev.devhost.protocol.management import check_status_body
from dev.devhost.protocol.status import history_rows, status_document
from dev.devhost.protocol.times import parse_stamp

_log = logging.getLogger("devhost.durable")
_STATUSES = frozenset(
    {"Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended"}
)
_VERBS_NOT_SERVED = ("suspend", "resume", "restart", "rewind")
_MAX_ID = 256
_WRONG = "Something went wrong while processing your request"
_BAD_ARGUMENT = "One or more of the arguments submitted is incorrect"


class _NotServedError(Exception):
    """The request is for something that this host does not serve; the text names it."""


def _json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=compact(data), status=status, headers=headers, content_type="application/json")


def _problem(status: int, message: str, error: str, kind: str) -> web.Response:
    body = {"Message": message, "ExceptionMessage": error, "ExceptionType": kind, "StackTrace": ""}
    return _json(body, status)


def _bad_argument(error: str) -> web.Response:
    return _problem(400, _BAD_ARGUMENT, error, "System.ArgumentException")


def _flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    text = request.query.get(name)
    return default if text is None else text.lower() == "true"


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


def _refuse_what_is_not_served(method: str, parts: list[str]) -> None:
    """Raises _NotServedError for what a real host would do; what it would not know either passes."""
    match method, parts:
        case "POST", ["orchestrators", _]:
            raise _NotServedError("starting an orchestration without an instance id")
        case "GET", ["instances"]:
            raise _NotServedError("listing instances")
        case "POST", ["instances", _, "raiseEvent", _]:
            raise _NotServedError("raiseEvent")
        case "POST", ["instances", _, verb] if verb in _VERBS_NOT_SERVED:
            raise _NotServedError(verb)
        case _, ["entities", *_]:
            raise _NotServedError("durable entities")


class DurableApi:
    """Handlers of the management API."""

    def __init__(self, operations: Operations, worker: Worker, task_hub: str) -> None:
        self._operations = operations
        self._worker = worker
        self._task_hub = task_hub

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """Answer a request; ``path`` is what follows the base, undecoded."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        try:
            return await self._response(request, parts)
        except _NotServedError as what:
            text = f"devhost does not serve {what}. Use 'func start' for that."
            _log.error("%s %s: %s", request.method, request.path, text)
            return _problem(501, _WRONG, text, "System.NotImplementedException")

    async def _response(self, request: web.Request, parts: list[str]) -> web.Response:
        match request.method, parts:
            case "POST", ["orchestrators", name, instance_id]:
                self._check_query(request)
                return await self._start(request, name, instance_id)
            case "GET", ["instances", instance_id]:
                self._check_query(request, "showInput", "showHistory", "showHistoryOutput")
                return self._status(request, instance_id)
            case "POST", ["instances", instance_id, "terminate"]:
                self._check_query(request, "reason")
                return self._terminate(request, instance_id)
            case "DELETE", ["instances", instance_id]:
                self._check_query(request)
                purged = self._operations.purge(instance_id)
                return _json({"instancesDeleted": 1}) if purged else web.Response(status=404)
            case "DELETE", ["instances"]:
                self._check_query(request, "createdTimeFrom", "createdTimeTo", "runtimeStatus")
                return self._purge_all(request)
        _refuse_what_is_not_served(request.method, parts)
        return web.Response(status=404)

    def _check_query(self, request: web.Request, *served: str) -> None:
        """Raises _NotServedError for a parameter that would have to be ignored."""
        for name, value in request.query.items():
            if name not in (*served, "taskHub", "connection", "code"):
                raise _NotServedError(f"the query parameter {name} here")
            if name == "taskHub" and value != self._task_hub:
                raise _NotServedError(f"the task hub {value}, only {self._task_hub}")

    async def _start(self, request: web.Request, name: str, instance_id: str) -> web.Response:
        text = (await request.read()).decode("utf-8", "replace")
        try:
            value = json.loads(text) if text.strip() else None
        except ValueError as error:
            return _problem(400, "Invalid JSON content", str(error), "Newtonsoft.Json.JsonReaderException")
        if name.lower() not in self._worker.orchestrators:
            registered = ", ".join(f"'{each}'" for each in self._worker.orchestrators.values())
            return _bad_argument(
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
                f"Additional info: The following are the known orchestrator functions: {registered}."
            )
        if (problem := check_instance_id(instance_id)) is not None:
            return _bad_argument(problem)
        try:
            self._operations.start(name, instance_id, None if value is None else compact(value))
        except ConflictError as error:
            kind = "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException"
            return _problem(500, _WRONG, str(error), kind)
        body = check_status_body(f"{request.scheme}://{request.host}", self._task_hub, instance_id)
        return _json(body, 202, {"Location": body["statusQueryGetUri"], "Retry-After": "10"})

    def _status(self, request: web.Request, instance_id: str) -> web.Response:
        instance = self._operations.store.instance(instance_id)
        if instance is None:
            return web.Response(status=404)
        document = _document(instance, show_input=_flag(request, "showInput", default=True))
        if _flag(request, "showHistory"):
            events = self._operations.store.history(instance_id)
            document["historyEvents"] = history_rows(events, show_output=_flag(request, "showHistoryOutput"))
        if instance.live:
            return _json(document, 202, {"Location": str(request.url), "Retry-After": "5"})
        return _json(document)

    def _terminate(self, request: web.Request, instance_id: str) -> web.Response:
        instance = self._operations.store.instance(instance_id)
        if instance is None:
            return web.Response(status=404)
        if not instance.live:
            return web.Response(status=410)
        self._operations.terminate(instance_id, request.query.get("reason"))
        return web.Response(status=202)

    def _purge_all(self, request: web.Request) -> web.Response:
        created_from = _moment(request.query.get("createdTimeFrom"))
        if created_from is None:
            return _json("Please provide value for 'createdTimeFrom' parameter.", 400)
        statuses = frozenset(request.query.get("runtimeStatus", "").split(","))
        which = Filter(created_from, _moment(request.query.get("createdTimeTo")), statuses & _STATUSES)
        deleted = self._operations.purge_all(which)
        return _json({"instancesDeleted": deleted}) if deleted else web.Response(status=404)


def _document(instance: Instance, *, show_input: bool) -> dict[str, Any]:
    return status_document(
        name=instance.name,
        instance_id=instance.id,
        status=instance.status,
        raw_input=instance.raw_input if show_input else None,
        output=instance.output,
        created=instance.created,
        updated=instance.updated,
    )
