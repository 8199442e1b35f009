"""Calling the app's functions: sync ones in a thread pool, async ones on the event loop, as the real worker does."""

import asyncio
import contextvars
import os
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import azure.functions as func
from azure.durable_functions.models import DurableOrchestrationContext
from azure.functions import durable_functions, meta
from azure.functions.timer import TimerRequest

from dev.devhost.engine.port import ActivityFailedError
from dev.devhost.protocol.json_text import rewrite
from dev.devhost.protocol.responses import Response, parse_response
from dev.devhost.protocol.times import stamp
from dev.devhost.worker.functions import AppFunction, HttpAnswer, HttpCall, TimerCall, Trigger, WrongResultError
from dev.devhost.worker.loading import App

_THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
_last_run = threading.local()


def watch_sdk() -> None:
    """Remember, per thread, the context of the orchestrator that the SDK runs there. Idempotent.

    The SDK does not say how many tasks it has counted; comparing that with its list is how drift is found.
    """
    original = DurableOrchestrationContext.from_json
    if getattr(original, "devhost", False):
        return

    def from_json(cls: Any, text: str) -> Any:
        context = original.__func__(cls, text)
        _last_run.context = context
        return context

    from_json.devhost = True  # type: ignore[attr-defined]
    DurableOrchestrationContext.from_json = classmethod(from_json)


def _counted() -> int | None:
    """How many tasks this thread's last orchestrator has given an id; None if it did not get that far."""
    context = getattr(_last_run, "context", None)
    _last_run.context = None
    return None if context is None else int(context._sequence_number)  # noqa: SLF001 - there is no public way


def threads() -> int:
    setting = os.environ.get(_THREADS_SETTING, "")
    return int(setting) if setting.isdigit() and int(setting) > 0 else min(32, (os.cpu_count() or 1) + 4)


class Calls:
    """Calls functions of one app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._by_name = {f.name: f for f in app}
        self._activities = {f.durable_name.lower(): f for f in app if f.trigger is Trigger.ACTIVITY}
        self._orchestrators = {f.durable_name.lower(): f for f in app if f.trigger is Trigger.ORCHESTRATION}
        self._pool = ThreadPoolExecutor(threads(), thread_name_prefix="function")
        watch_sdk()

    async def _in_thread(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: context.run(call, *args, **kwargs))

    async def _call(self, function: AppFunction, arguments: dict[str, Any]) -> Any:
        call = self._app[function]
        if function.is_async:
            return await call(**arguments)
        return await self._in_thread(call, **arguments)

    async def run_orchestrator(self, name: str, body: str) -> Response:
        """Call an orchestrator's handle with a trigger body. Never raises for what user code does."""
        call = self._app[self._orchestrators[name.lower()]]

        def handle() -> Response:
            returned, raised, stack = None, None, ""
            try:
                returned = call(func.OrchestrationContext(body))
            except Exception as error:  # noqa: BLE001 - user code; every failure is a response
                raised, stack = error, "".join(traceback.format_tb(error.__traceback__))
            return replace(parse_response(returned, raised, stack), counted=_counted())

        response: Response = await self._in_thread(handle)
        return response

    async def run_activity(self, name: str, text: str | None) -> str | None:
        """Run an activity with JSON text in and out (None for None). Raises ActivityFailedError with the real text."""
        function = self._activities[name.lower()]
        converter = durable_functions.ActivityTriggerConverter
        try:
            value = converter.decode(meta.Datum(type="string", value=text or "null"), trigger_metadata={})
            result = await self._call(function, {function.parameter: value})
            return None if result is None else rewrite(str(converter.encode(result, expected_type=None).value))
        except Exception as error:
            raise ActivityFailedError(f" {type(error).__name__}: {error}") from error

    async def run_http(self, name: str, call: HttpCall, clients: dict[str, str]) -> HttpAnswer:
        """Call an HTTP function. Its exceptions pass through; what is no answer raises WrongResultError."""
        function = self._by_name[name]
        request = func.HttpRequest(
            method=call.method,
            url=call.url,
            headers=call.headers,
            params=call.query,
            route_params=call.route_parameters,
            body=call.body,
        )
        return _answer(await self._call(function, {function.parameter: request, **clients}))

    async def run_timer(self, name: str, call: TimerCall, clients: dict[str, str]) -> None:
        """Call a timer function. Its exceptions pass through; a result raises WrongResultError."""
        function = self._by_name[name]
        moments = {"Last": call.last, "LastUpdated": call.last, "Next": call.next}
        status = {key: None if moment is None else stamp(moment) for key, moment in moments.items()}
        request = TimerRequest(past_due=call.past_due, schedule_status=status, schedule={"AdjustForDST": True})
        result = await self._call(function, {function.parameter: request, **clients})
        if result is not None:
            raise WrongResultError(f"function {function.name} without a $return binding returned a non-None value")


def _answer(result: Any) -> HttpAnswer:
    if result is None:
        return HttpAnswer(204)
    if isinstance(result, str):
        return HttpAnswer(200, (("Content-Type", "text/plain; charset=utf-8"),), result.encode())
    if not isinstance(result, func.HttpResponse):
        raise WrongResultError(f"an HTTP function must return func.HttpResponse or str, not {type(result).__name__}")
    headers = [(str(name), str(value)) for name, value in result.headers.items() if name.lower() != "content-length"]
    if not any(name.lower() == "content-type" for name, _ in headers):
        mimetype = str(result.mimetype)
        headers.append(
            ("Content-Type", f"{mimetype}; charset={result.charset}" if mimetype.startswith("text/") else mimetype)
        )
    return HttpAnswer(int(result.status_code), tuple(headers), result.get_body())  # which may be the app's own enum
