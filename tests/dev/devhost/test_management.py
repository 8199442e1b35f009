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
    yield context.create_timer(context.current_utc_datetime + dt.timedelta(hours=1))


@app.orchestration_trigger(context_name="context")
def orchestrator_raises(context):
    yield context.call_activity("echo", 1)
    raise ValueError("bad é")


@app.orchestration_trigger(context_name="context")
def echoes(context):
    return context.get_input()


@app.route("verbs/{verb}/{id}")
@app.durable_client_input(client_name="client")
async def verbs(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    target, verb = req.route_params["id"], req.route_params["verb"]
    if verb == "start":
        result = await client.start_new("echoes", instance_id=target, client_input={"a": ["é", 1]})
    elif verb == "status":
        result = (await client.get_status(target)).to_json()
    elif verb == "terminate":
        result = await client.terminate(target, "because")
    else:
        began, states = dt.datetime(2020, 1, 1), [df.OrchestrationRuntimeStatus.Completed]
        result = (await client.purge_instance_history_by(began, dt.datetime(2099, 1, 1), states)).instances_deleted
    return func.HttpResponse(json.dumps(result), mimetype="application/json")
"""
"""The probe of the recordings, which waited for an event, and the SDK's client."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder: Path = tmp_path_factory.mktemp("management")
    write_app(folder, "import json\n" + app_source(names()) + PROBE, maxConcurrentActivityFunctions=10)
    with running_host(folder) as running:
        yield running


def comparable(text: str, url: str) -> str:
    """Without the parts of a URL that every host has its own of."""
    text = text.replace(url, "http://HOST").replace("127.0.0.1:7071", "HOST").replace("localhost:7071", "HOST")
    return re.sub(r"code=\w+", "code=KEY", text).replace("<x repeated 250 times>", "x" * 250)


def expand(text: str) -> str:
    return re.sub(r"<x repeated (\d+) times>", lambda match: "x" * int(match[1]), text)


def free_text(case: dict[str, Any], actual: Any) -> Any:
    """Texts that cannot be equal: parser messages and the list of known orchestrators. A custom status is refused."""
    recorded = json.loads(expand(json.dumps(case["body"])))
    if isinstance(recorded, dict) and "StackTrace" in recorded:
        loose = recorded["Message"] == "Invalid JSON content" or "known orchestrator" in recorded["ExceptionMessage"]
        return recorded | ({"ExceptionMessage": "<...>"} if loose else {})
    if isinstance(recorded, dict) and "customStatus" in recorded:
        return recorded | {"customStatus": None}
    if isinstance(recorded, dict) and "<...>" in recorded:  # the management dict, cut to its id
        return recorded.keys() <= actual.keys() | {"<...>"} and actual
    return recorded


def test_every_recorded_answer(host: RunningHost) -> None:
    probe = RECORDED["check_status_response"]
    answer = host.call("POST", "/api/start/binding_probe/probe-sdk", probe["request_body"].encode())
    assert answer.status == probe["status"]
    assert comparable(answer.body.decode(), host.url) == comparable(json.dumps(probe["body"]), host.url)
    assert comparable(answer.headers["Location"], host.url) == comparable(probe["headers"]["Location"], host.url)
    for name, instance in (("no_yield", "probe-w"), ("binding_probe", "probe-w2"), ("orchestrator_raises", "probe-w3")):
        host.start(name, instance)
    states = {"probe-sdk": "Running", "probe-w": "Completed", "probe-w2": "Running", "probe-w3": "Failed"}
    for instance, state in states.items():
        until(partial(is_in, host, instance, state))
    for case in RECORDED["cases"]:
        check(host, case)
        if case["case"] == "start, raw, no body":
            until(partial(is_in, host, "probe-a", "Running"))
        if case["case"] == "terminate, running, no reason":
            until(partial(is_in, host, "probe-w2", "Terminated"))


def is_in(host: RunningHost, instance: str, state: str) -> bool:
    return bool(host.instance(instance)["runtimeStatus"] == state)


def check(host: RunningHost, case: dict[str, Any]) -> None:
    method, path = expand(case["request"]).split(" ", 1)
    body = case.get("request_body")
    kind = "text/plain" if "text/plain" in case["case"] else "application/json"
    answer = host.call(method, path, None if body is None else body.encode(), kind)
    assert answer.status == case["status"], (case, answer)
    assert ("Retry-After" in answer.headers) == ("Retry-After" in case["headers"]), case
    if not answer.body:
        assert case["body"] in ("", None), case
        return
    actual = json.loads(comparable(answer.body.decode(), host.url))
    if case["case"].startswith("bulk"):
        return  # how many depends on everything that ran before
    recorded = json.loads(comparable(json.dumps(free_text(case, actual)), host.url))
    if isinstance(recorded, dict) and "historyEvents" in recorded:
        assert same_rows(recorded.pop("historyEvents"), actual.pop("historyEvents")), case
    assert alike(timeless(recorded), timeless(actual)), (case, actual)


def test_rpc_base_serves_the_same(host: RunningHost) -> None:
    host.start("no_yield", "rpc")
    host.ended("rpc")
    assert host.call("GET", "/durabletask/instances/rpc").json["output"] == "at once"


def test_client_binding_is_the_real_one() -> None:
    recorded = json.loads(RECORDED["client_binding"].replace("KEY", "devhost").replace("17071", "7071"))
    assert json.loads(client_binding(7071, "RecHub")) == recorded


def test_start_over_live_and_ended_instances(host: RunningHost) -> None:
    start = f"{BASE}/orchestrators/binding_probe/again"
    host.start("binding_probe", "again", "first")
    answer = host.call("POST", start, b'"\\"second\\""')
    assert answer.status == 500
    assert answer.json["ExceptionType"] == "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException"
    host.call("POST", f"{BASE}/instances/again/terminate?reason=x")
    assert host.ended("again")["output"] == "x"
    for generation in (1, 2):
        host.start("echoes", "again", "third")
        ended = host.ended("again")
        assert (ended["output"], ended["historyEvents"][0]["Generation"]) == ("third", generation)


def test_purge_ends_everything(host: RunningHost) -> None:
    host.start("terminated", "purged")
    until(lambda: host.instance("purged")["runtimeStatus"] == "Running")
    assert host.call("DELETE", f"{BASE}/instances/purged").json == {"instancesDeleted": 1}
    assert host.instance("purged") is None
    assert host.call("POST", f"{BASE}/instances/purged/terminate?reason=x").status == 404
    assert host.call("DELETE", f"{BASE}/instances/purged").status == 404


def test_the_verbs_of_the_sdks_client(host: RunningHost) -> None:
    assert host.call("GET", "/api/verbs/start/verbs").json == "verbs"
    assert host.ended("verbs")["output"] == {"a": ["é", 1]}
    assert host.call("GET", "/api/verbs/status/verbs").json["runtimeStatus"] == "Completed"
    host.start("binding_probe", "ending")
    assert host.call("GET", "/api/verbs/terminate/ending").status == 200
    assert host.ended("ending")["output"] == "because"
    assert host.call("GET", "/api/verbs/purge/all").json >= 1
    assert host.instance("verbs") is None
    assert host.instance("ending") is not None
    assert host.call("GET", "/api/verbs/purge/all").json == 0
