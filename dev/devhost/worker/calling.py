"""Calling the app's functions: sync ones in a thread pool, async ones on the event loop, as the real worker does."""

import asyncio
import contextvars
import os
import threading
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import azure.functions as func
from azure.durable_functions.models import DurableOrchestrationContext
from azure.functions import durable_functions, meta
from azure.functions.timer import TimerRequest

from dev.devhost.engine.port import ActivityFailedError, OrchestratorResult
from dev.devhost.protocol.answers import parse_answer
from dev.devhost.protocol.json_text import rewrite
from dev.devhost.protocol.shadow import Known
from dev.devhost.protocol.times import stamp
from dev.devhost.worker.context import InvocationContext
from dev.devhost.worker.functions import AppFunction, TimerCall, Trigger, WrongResultError

_THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
_seen = threading.local()


def watch_sdk() -> None:
    """Remember, per thread, the context of the orchestrator that the SDK runs there. Idempotent.

    The SDK does not hand out the ids that it counts; comparing them with ours is how drift is found.
    """
    original = DurableOrchestrationContext.from_json
    if getattr(original, "devhost", False):
        return

    def from_json(cls: Any, text: str) -> Any:
        context = original.__func__(cls, text)
        _seen.context = context
        return context

    from_json.devhost = True  # type: ignore[attr-defined]
    DurableOrchestrationContext.from_json = classmethod(from_json)


def sdk_tasks() -> dict[int, str]:
    """The integer task ids that this thread's last orchestrator holds open: action class, or remark if anonymous."""
    context = getattr(_seen, "context", None)
    _seen.context = None
    tasks = {} if context is None else {i: t for i, t in context.open_tasks.items() if isinstance(i, int)}
    kinds = {}
    for task_id, task in tasks.items():
        action = getattr(task, "action_repr", None)
        kinds[task_id] = getattr(action, "metadata", None) or type(action).__name__
    return kinds


def threads() -> int:
    """How many threads run sync functions."""
    setting = os.environ.get(_THREADS_SETTING, "")
    return int(setting) if setting.isdigit() and int(setting) > 0 else min(32, (os.cpu_count() or 1) + 4)


class Calls:
    """Calls functions of one app. ``directory`` is its folder."""

    def __init__(self, functions: Iterable[AppFunction], directory: str) -> None:
        functions = list(functions)
        self._activities = {f.durable_name.lower(): f for f in functions if f.trigger is Trigger.ACTIVITY}
        self._orchestrators = {f.durable_name.lower(): f for f in functions if f.trigger is Trigger.ORCHESTRATION}
        self._directory = directory
        self._pool = ThreadPoolExecutor(threads(), thread_name_prefix="function")
        self._known = Known(frozenset(self._activities), frozenset(self._orchestrators))
        watch_sdk()

    @property
    def known(self) -> Known:
        """The registered activity and orchestrator names, in lower case."""
        return self._known

    @property
    def orchestrator_names(self) -> list[str]:
        """Orchestrator names as they were registered."""
        return [f.durable_name for f in self._orchestrators.values()]

    def close(self) -> None:
        """Let go of the threads without waiting for what they do."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: context.run(call, *args, **kwargs))

    async def _call(self, function: AppFunction, arguments: dict[str, Any]) -> Any:
        if function.wants_context:
            arguments["context"] = InvocationContext(function.name, self._directory)
        if function.is_async:
            return await function.call(**arguments)
        return await self._in_thread(function.call, **arguments)

    async def run_orchestrator(self, name: str, body: str) -> OrchestratorResult:
        """Call an orchestrator's handle with a trigger body. Never raises for what user code does."""
        call = self._orchestrators[name.lower()].call

        def handle() -> OrchestratorResult:
            returned, raised, stack = None, None, ""
            try:
                returned = call(func.OrchestrationContext(body))
            except Exception as error:  # noqa: BLE001 - user code; every failure is an answer
                raised, stack = error, "".join(traceback.format_tb(error.__traceback__))
            return OrchestratorResult(parse_answer(returned, raised, stack), sdk_tasks())

        result: OrchestratorResult = await self._in_thread(handle)
        return result

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

    async def run_http(self, function: AppFunction, request: func.HttpRequest, clients: dict[str, str]) -> Any:
        """Call an HTTP function; what it returned. Its exceptions pass through."""
        return await self._call(function, {function.parameter: request, **clients})

    async def run_timer(self, function: AppFunction, call: TimerCall, clients: dict[str, str]) -> None:
        """Call a timer function. Its exceptions pass through; a result raises WrongResultError."""
        moments = {"Last": call.last, "LastUpdated": call.last, "Next": call.next}
        status = {key: None if moment is None else stamp(moment) for key, moment in moments.items()}
        request = TimerRequest(past_due=call.past_due, schedule_status=status, schedule={"AdjustForDST": True})
        result = await self._call(function, {function.parameter: request, **clients})
        if result is not None:
            raise WrongResultError(f"function {function.name} without a $return binding returned a non-None value")
