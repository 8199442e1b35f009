"""What a real host does and devhost does not: refused by name, never passed over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev.devhost.hosts import RunningHost, running_host, until, write_app

BASE = "/runtime/webhooks/durabletask"
SOURCE = """
import datetime as dt
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()


@app.activity_trigger(input_name="x")
def fails(x: int) -> int:
    raise ValueError("no")


def later(context):
    return context.current_utc_datetime + dt.timedelta(hours=1)


@app.orchestration_trigger(context_name="context")
def waits(context):
    yield context.create_timer(later(context))


@app.route("asks/{verb}/{id}")
@app.durable_client_input(client_name="client")
async def asks(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    verb, target = req.route_params["verb"], req.route_params["id"]
    arguments = {
        "start_new": ("waits",),
        "raise_event": (target, "go"),
        "suspend": (target, "because"),
        "resume": (target, "because"),
        "rewind": (target, "because"),
        "restart": (target,),
        "get_status_all": (),
        "read_entity_state": (df.EntityId("counter", "one"),),
    }[verb]
    try:
        await getattr(client, verb)(*arguments)
    except Exception as error:
        return func.HttpResponse(str(error), status_code=409)
    return func.HttpResponse("done")
"""
ORCHESTRATORS = {
    "call_activity_with_retry": 'yield context.call_activity_with_retry("fails", df.RetryOptions(10, 2), 1)',
    "call_sub_orchestrator": 'yield context.call_sub_orchestrator("waits")',
    "call_sub_orchestrator_with_retry": (
        'yield context.call_sub_orchestrator_with_retry("waits", df.RetryOptions(10, 2))'
    ),
    "continue_as_new": "context.continue_as_new(1)\n    return",
    "wait_for_external_event": 'yield context.wait_for_external_event("go")',
    "call_entity": 'yield context.call_entity(df.EntityId("counter", "one"), "get")',
    "signal_entity": 'context.signal_entity(df.EntityId("counter", "one"), "add")',
    "call_http": 'yield context.call_http("GET", "http://localhost/")',
    "task_any": "yield context.task_any([context.create_timer(later(context))])",
    "set_custom_status": 'context.set_custom_status("here")\n    yield context.create_timer(later(context))',
    "cancelling a timer": """timer = context.create_timer(later(context))
    try:
        yield context.task_all([context.call_activity("fails", 1), timer])
    except Exception:
        timer.cancel()
        yield context.call_activity("fails", 1)""",
}


def orchestrator(number: int, body: str) -> str:
    trigger = '@app.orchestration_trigger(context_name="context")'
    return f"\n\n{trigger}\ndef asks_{number}(context):\n    {body}\n    yield\n"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder: Path = tmp_path_factory.mktemp("refusals")
    write_app(folder, SOURCE + "".join(orchestrator(i, body) for i, body in enumerate(ORCHESTRATORS.values())))
    with running_host(folder) as running:
        running.start("waits", "waiting")
        until(lambda: running.instance("waiting")["runtimeStatus"] == "Running")
        yield running


@pytest.mark.parametrize("call", ORCHESTRATORS)
def test_what_an_orchestrator_may_not_ask_for_fails_its_instance(host: RunningHost, call: str) -> None:
    number = list(ORCHESTRATORS).index(call)
    host.start(f"asks_{number}", f"a{number}")
    ended = host.ended(f"a{number}")
    text = f"devhost does not serve {call}. Use 'func start' for this orchestration."
    assert (ended["runtimeStatus"], ended["output"]) == (
        "Failed",
        f"Orchestrator function 'asks_{number}' failed: {text}",
    )
    assert f"ERROR Orchestration 'a{number}' (asks_{number}): {text}" in host.log


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("POST", "orchestrators/waits", "starting an orchestration without an instance id"),
        ("POST", "orchestrators/waits/w?timeout=1", "the query parameter timeout here"),
        ("POST", "orchestrators/waits/w?version=2", "the query parameter version here"),
        ("POST", "orchestrators/waits/w?taskHub=Other", "the task hub Other, only RecHub"),
        ("GET", "instances/", "listing instances"),
        ("GET", "instances?instanceIdPrefix=w", "listing instances"),
        (
            "GET",
            "instances/waiting?returnInternalServerErrorOnFailure=true",
            "the query parameter returnInternalServerErrorOnFailure here",
        ),
        ("POST", "instances/waiting/raiseEvent/go", "raiseEvent"),
        ("POST", "instances/waiting/suspend?reason=x", "suspend"),
        ("POST", "instances/waiting/resume?reason=x", "resume"),
        ("POST", "instances/waiting/restart", "restart"),
        ("POST", "instances/waiting/rewind?reason=x", "rewind"),
        (
            "DELETE",
            "instances/?createdTimeFrom=2020-01-01T00:00:00Z&instanceIdPrefix=w",
            "the query parameter instanceIdPrefix here",
        ),
        ("GET", "entities/counter/one", "durable entities"),
        ("POST", "entities/counter/one?op=add", "durable entities"),
    ],
)
def test_what_nobody_may_ask_the_management_api_for_is_501(
    host: RunningHost, method: str, path: str, what: str
) -> None:
    answer = host.call(method, f"{BASE}/{path}", b"null" if method == "POST" else None)
    text = f"devhost does not serve {what}. Use 'func start' for that."
    assert (answer.status, answer.json["ExceptionMessage"]) == (501, text)
    assert text in host.log
    assert host.instance("waiting")["runtimeStatus"] == "Running"
    assert host.instance("w") is None


@pytest.mark.parametrize(
    "verb",
    ["start_new", "raise_event", "suspend", "resume", "rewind", "restart", "get_status_all", "read_entity_state"],
)
def test_the_sdks_client_raises_on_it(host: RunningHost, verb: str) -> None:
    answer = host.call("GET", f"/api/asks/{verb}/waiting")
    assert (answer.status, b"501" in answer.body or b"devhost does not serve" in answer.body) == (409, True)
