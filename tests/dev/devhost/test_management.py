"""The management API of a running host against the recorded answers, and the SDK's own client on it."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dev.devhost.protocol.management import client_binding
from tests.dev.devhost.hosts import RunningHost, running_host, until, write_app
from tests.dev.devhost.recorded import alike, app_source, load, names, same_rows, timeless

BASE = "/runtime/webhooks/durabletask"
RECORDED = load("client_binding")
PROBE = """
@app.orchestration_trigger(context_name="context")
def binding_probe(context):
    value = yield context.wait_for_external_event("go")
    return value


@app.route("binding")
@app.durable_client_input(client_name="client")
async def binding(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return func.HttpResponse(client._orchestration_bindings.task_hub_name)


@app.route("verbs/{verb}/{id}")
@app.durable_client_input(client_name="client")
async def verbs(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    import json
    target, verb = req.route_params["id"], req.route_params["verb"]
    if verb == "status":
        result = (await client.get_status(target)).to_json()
    elif verb == "all":
        result = [each.to_json() for each in await client.get_status_all()]
    elif verb == "purge":
        result = (await client.purge_instance_history(target)).instances_deleted
    elif verb == "restart":
        result = await client.restart(target, restart_with_new_instance_id=True)
    elif verb == "rewind":
        result = await client.rewind(target, "again")
    else:
        result = await getattr(client, verb)(target, "because")
    return func.HttpResponse(json.dumps(result), mimetype="application/json")
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder: Path = tmp_path_factory.mktemp("management")
    write_app(folder, app_source(names()) + PROBE, maxConcurrentActivityFunctions=10)
    with running_host(folder) as running:
        yield running


def comparable(text: str, url: str) -> str:
    """Without the parts of a URL that every host has its own of."""
    text = text.replace(url, "http://HOST").replace("127.0.0.1:7071", "HOST").replace("localhost:7071", "HOST")
    return re.sub(r"code=\w+", "code=KEY", text).replace("<x repeated 250 times>", "x" * 250)


def expand(text: str) -> str:
    return re.sub(r"<x repeated (\d+) times>", lambda match: "x" * int(match[1]), text)


def free_text(case: dict[str, Any], actual: Any) -> Any:
    """Texts that cannot be equal: parser messages and the list of known orchestrators."""
    recorded = json.loads(expand(json.dumps(case["body"])))
    if isinstance(recorded, dict) and "StackTrace" in recorded:
        loose = recorded["Message"] == "Invalid JSON content" or "known orchestrator" in recorded["ExceptionMessage"]
        return recorded | ({"ExceptionMessage": "<...>"} if loose else {})
    if isinstance(recorded, dict) and "<...>" in recorded:  # the management dict, cut to its id
        return recorded.keys() <= actual.keys() | {"<...>"} and actual
    return recorded


def settle(host: RunningHost, case: dict[str, Any]) -> None:
    """Wait where the recording waited: for the state that the next case is about."""
    wanted = {
        "status, running": ("probe-a", "Running"),
        "status, completed": ("probe-w", "Completed"),
        "status, suspended": ("probe-sdk", "Suspended"),
        "suspend, suspended": ("probe-sdk", "Suspended"),
        "status of terminated": ("probe-w2", "Terminated"),
        "rewind, running": ("probe-sdk", "Running"),
        "list, all by prefix": ("probe-w2", "Terminated"),
    }.get(case["case"])
    if wanted:
        until(lambda: host.instance(wanted[0])["runtimeStatus"] == wanted[1])


def test_every_recorded_answer(host: RunningHost) -> None:
    probe = RECORDED["check_status_response"]
    answer = host.call("POST", "/api/start/binding_probe/probe-sdk", probe["request_body"].encode())
    assert answer.status == probe["status"]
    assert comparable(answer.body.decode(), host.url) == comparable(json.dumps(probe["body"]), host.url)
    assert comparable(answer.headers["Location"], host.url) == comparable(probe["headers"]["Location"], host.url)
    token: str | None = None
    for case in RECORDED["cases"]:
        settle(host, case)
        method, path = expand(case["request"]).split(" ", 1)
        body = case.get("request_body")
        kind = "text/plain" if "text/plain" in case["case"] else "application/json"
        data = None if body is None else body.encode()
        paging: dict[str, str] = {"x_ms_continuation_token": token} if token and "next page" in case["case"] else {}
        answer = host.call(method, path, data, kind, **paging)
        token = answer.headers.get("x-ms-continuation-token")
        assert answer.status == case["status"], (case, answer)
        assert ("Retry-After" in answer.headers) == ("Retry-After" in case["headers"]), case
        if not answer.body:
            assert case["body"] in ("", None), case
            continue
        actual = json.loads(comparable(answer.body.decode(), host.url))
        if case["case"].startswith(("list", "bulk")) and "prefix" not in case["request"].lower():
            continue  # what is listed depends on everything that ran before
        recorded = free_text(case, actual)
        recorded = json.loads(comparable(json.dumps(recorded), host.url))
        if isinstance(recorded, dict) and "historyEvents" in recorded:
            assert same_rows(recorded.pop("historyEvents"), actual.pop("historyEvents")), case
        assert alike(timeless(recorded), timeless(actual)), (case, actual)


def test_pages(host: RunningHost) -> None:
    for name in ("page-1", "page-2", "page-3"):
        host.start("no_yield", name)
    page = host.call("GET", f"{BASE}/instances/?top=2&instanceIdPrefix=page-")
    assert [row["instanceId"] for row in page.json] == ["page-1", "page-2"]
    token = page.headers["x-ms-continuation-token"]
    path = f"{BASE}/instances/?top=2&instanceIdPrefix=page-"
    last = host.call("GET", path, x_ms_continuation_token=token)
    assert [row["instanceId"] for row in last.json] == ["page-3"]
    assert "x-ms-continuation-token" not in last.headers


def test_rpc_base_serves_the_same(host: RunningHost) -> None:
    host.start("no_yield", "rpc")
    host.ended("rpc")
    assert host.call("GET", "/durabletask/instances/rpc").json["output"] == "at once"


def test_client_binding_is_the_real_one() -> None:
    recorded = json.loads(RECORDED["client_binding"].replace("KEY", "devhost").replace("17071", "7071"))
    assert json.loads(client_binding(7071, "RecHub")) == recorded


def test_start_over_live_and_ended_instances(host: RunningHost) -> None:
    start = f"{BASE}/orchestrators/same_id/same_id"
    host.start("same_id", "same_id", "first")
    answer = host.call("POST", start, b'"\\"second\\""')
    assert answer.status == 500
    assert answer.json["ExceptionType"] == "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException"
    host.call("POST", f"{BASE}/instances/same_id/raiseEvent/go", b'"e1"')
    assert host.ended("same_id")["output"] == ["first", "e1"]
    host.start("same_id", "same_id", "third")
    host.call("POST", f"{BASE}/instances/same_id/terminate?reason=x")
    assert host.ended("same_id")["output"] == "x"
    host.start("same_id", "same_id", "fourth")
    host.call("POST", f"{BASE}/instances/same_id/raiseEvent/go", b'"e4"')
    ended = host.ended("same_id")
    recorded = load("same_id")["status"]
    assert same_rows(recorded.pop("historyEvents"), ended.pop("historyEvents"))
    assert alike(timeless(recorded), timeless(ended))


def test_rewind(host: RunningHost) -> None:
    host.start("rewound", "rewound")
    assert host.ended("rewound")["runtimeStatus"] == "Failed"
    assert host.call("GET", "/api/verbs/rewind/rewound").status == 200
    ended = host.ended("rewound")
    assert ended["output"] == ["first", 2]
    assert same_rows(load("rewound")["status"]["historyEvents"], ended["historyEvents"])


def test_rewind_of_a_failed_child_is_refused_clearly(host: RunningHost) -> None:
    host.start("sub_fail_uncaught", "no-rewind")
    host.ended("no-rewind")
    answer = host.call("POST", f"{BASE}/instances/no-rewind/rewind?reason=x")
    assert answer.status == 501
    assert "sub-orchestration" in answer.json["ExceptionMessage"]


def test_restart(host: RunningHost) -> None:
    host.start("restarted", "restarted", "again")
    host.ended("restarted")
    same = host.call("POST", f"{BASE}/instances/restarted/restart?restartWithNewInstanceId=false")
    assert same.json["id"] == "restarted"
    history = host.ended("restarted")["historyEvents"]
    assert history[0]["Generation"] == 1
    other = host.call("GET", "/api/verbs/restart/restarted").json
    assert host.ended(other["id"])["output"] == "again"


def test_purge_ends_everything(host: RunningHost) -> None:
    host.start("terminated", "purged")
    until(lambda: host.instance("purged")["runtimeStatus"] == "Running")
    assert host.call("GET", "/api/verbs/purge/purged").json == 1
    assert host.instance("purged") is None
    assert host.call("POST", f"{BASE}/instances/purged/terminate?reason=x").status == 404
    assert host.call("GET", "/api/verbs/purge/purged").json == 0


def is_in(host: RunningHost, status: str) -> bool:
    return bool(host.call("GET", "/api/verbs/status/verbs").json["runtimeStatus"] == status)


def test_client_verbs(host: RunningHost) -> None:
    host.start("same_id", "verbs")
    until(lambda: host.instance("verbs")["runtimeStatus"] == "Running")
    assert host.call("GET", "/api/binding").body == b"RecHub"
    for verb, status in (("suspend", "Suspended"), ("resume", "Running"), ("terminate", "Terminated")):
        assert host.call("GET", f"/api/verbs/{verb}/verbs").status == 200
        until(partial(is_in, host, status))
    assert any(row["instanceId"] == "verbs" for row in host.call("GET", "/api/verbs/all/x").json)


def test_unsupported_calls_fail_the_instance_with_their_name(tmp_path: Path) -> None:
    source = """
import azure.durable_functions as df
app = df.DFApp()
@app.orchestration_trigger(context_name="context")
def calls_http(context):
    yield context.call_http("GET", "http://localhost/")
@app.orchestration_trigger(context_name="context")
def calls_entity(context):
    yield context.call_entity(df.EntityId("counter", "one"), "get")
"""
    write_app(tmp_path, source)
    with running_host(tmp_path) as running:
        for name, call in (("calls_http", "call_http"), ("calls_entity", "call_entity")):
            running.start(name, name)
            ended = running.ended(name)
            assert ended["runtimeStatus"] == "Failed"
            assert f"devhost does not support {call}" in ended["output"]
