"""The real worker's rules. Every source is a function_app.py; what is refused is named."""

import sys
from types import ModuleType
from typing import Any

import pytest

from dev.devhost.worker.functions import LoadError, Trigger
from dev.devhost.worker.loading import read_app

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
HEAD = """
from __future__ import annotations
from collections.abc import Mapping, Generator
from dataclasses import dataclass
from typing import Any, Optional, TypedDict
import azure.functions as func
import azure.durable_functions as df
app = func.FunctionApp()
class Request(TypedDict):
    id: str
@dataclass
class Data:
    id: str
"""


def load(source: str) -> list[Any]:
    module = ModuleType("devhost_loading_test")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(HEAD + source, "function_app.py", "exec", dont_inherit=True), module.__dict__)
        return list(read_app(module))
    finally:
        del sys.modules[module.__name__]


def activity(annotation: str, returns: str = "dict") -> str:
    return f'@app.activity_trigger(input_name="request")\ndef work(request: {annotation}) -> {returns}: ...\n'


@pytest.mark.parametrize("annotation", ["Request", "dict", "list", "Mapping", "object", "Any", "Data", "str", "int"])
def test_plain_types_load(annotation: str) -> None:
    (function,) = load(activity(annotation))
    assert (function.name, function.durable_name, function.trigger) == ("work", "work", Trigger.ACTIVITY)


@pytest.mark.parametrize(
    "annotation", ["dict[str, object]", "str | None", "Optional[str]", "list[int]", "Mapping[str, int]"]
)
def test_generics_and_unions_are_refused(annotation: str) -> None:
    with pytest.raises(LoadError, match=r"function 'work': parameter 'request' has the annotation"):
        load(activity(annotation))


@pytest.mark.parametrize("returns", ["dict | None", "tuple[int, int]", "Request"])
def test_return_annotations_do_not_matter(returns: str) -> None:
    assert load(activity("Request", returns))


def test_all_problems_are_reported() -> None:
    with pytest.raises(LoadError) as refused:
        load(activity("list[int]") + activity("dict[str, int]").replace("work", "other"))
    assert "refuses 2 function(s)" in str(refused.value)
    assert "'work'" in str(refused.value)
    assert "'other'" in str(refused.value)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            '@app.orchestration_trigger(context_name="ctx")\ndef o(ctx): ...\n',
            'context_name is "ctx"|no parameter: ctx',
        ),
        ('@app.activity_trigger(input_name="x")\ndef a(y): ...\n', "no binding: y"),
        ('@app.activity_trigger(input_name="x")\ndef a(): ...\n', "no parameter: x"),
        ('@app.activity_trigger(input_name="x")\ndef a(x, context: func.Context): ...\n', "the invocation context"),
        ('@app.route("r")\ndef r(req: str) -> func.HttpResponse: ...\n', "bound to httpTrigger"),
        ('@app.route("r")\ndef r(req: func.HttpRequest) -> "func.HttpResponse | None": ...\n', "return annotation"),
        ('@app.route("r")\ndef r(req: func.HttpRequest) -> int: ...\n', "return annotation"),
        ('@app.timer_trigger(arg_name="t", schedule="0 * * * * *")\ndef t(t: int) -> None: ...\n', "timerTrigger"),
        ('@app.queue_trigger("m", "q", "C")\ndef q(m): ...\n', "does not serve queueTrigger"),
        ('@app.entity_trigger(context_name="context")\ndef e(context): ...\n', "does not serve entityTrigger"),
        ("app2 = func.FunctionApp()\n", "exactly one FunctionApp"),
        ('@app.timer_trigger("t", "0 * * * * *", run_on_startup=True)\ndef t(t): ...\n', "run_on_startup"),
        (
            '@app.route("r")\n@app.retry("fixed_delay", "2", "00:00:01")\ndef r(req): ...\n',
            "the retry policy",
        ),
        (
            '@app.route("r")\n@app.durable_client_input("c", "Other")\nasync def r(req, c): ...\n',
            "the task_hub",
        ),
    ],
)
def test_refused(source: str, text: str) -> None:
    with pytest.raises(LoadError, match=text):
        load(source)


def test_duplicate_names_are_refused() -> None:
    with pytest.raises(LoadError, match="refuses the app"):
        load(activity("Request") * 2)


def test_a_whole_app_loads() -> None:
    functions = load("""
bp = df.Blueprint()
@bp.route("audits/{id}", methods=["GET", "POST"])
@bp.durable_client_input(client_name="client")
async def audits(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse: ...
@bp.timer_trigger(arg_name="timer", schedule="%WHEN%")
def tick(timer: func.TimerRequest) -> None: ...
def audit(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    yield
bp.orchestration_trigger(context_name="context")(audit)
@bp.activity_trigger(input_name="request", activity="renamed")
def plan(request: Request) -> Request: ...
app.register_functions(bp)
""")
    by_name = {function.name: function for function in functions}
    audits = by_name["audits"]
    assert (audits.route, audits.methods) == ("audits/{id}", {"GET", "POST"})
    assert audits.is_async
    assert audits.clients == ("client",)
    assert by_name["tick"].schedule == "%WHEN%"
    assert by_name["audit"].trigger is Trigger.ORCHESTRATION
    assert by_name["plan"].durable_name == "renamed"
