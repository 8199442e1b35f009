"""HTTP and timer functions, settings and the log of a running host."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev.devhost.hosts import REPOSITORY, RunningHost, running_host, until, write_app

SOURCE = """
import json
import logging
import os
import azure.functions as func
import azure.durable_functions as df

app = func.FunctionApp()
logging.info("the environment says %s and %s", os.environ["FROM_FILE"], os.environ["FROM_BOTH"])


@app.route("echo/{name}/{rest}", methods=["GET", "POST", "HEAD"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {"method": req.method, "url": req.url, "route": dict(req.route_params), "query": dict(req.params),
            "body": req.get_body().decode(), "header": req.headers.get("X-Test")}
    return func.HttpResponse(json.dumps(seen), mimetype="application/json", headers={"X-Answer": "yes"})


@app.route("size", methods=["POST"])
async def size(req: func.HttpRequest) -> str:
    return str(len(req.get_body()))


@app.route("fails")
def fails(req: func.HttpRequest) -> str:
    raise ValueError("secret text")


@app.route("problem")
def problem(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse('{"status": 409}', status_code=409, mimetype="application/problem+json")


@app.timer_trigger(arg_name="timer", schedule="%NO_SUCH_SETTING%")
def disabled(timer: func.TimerRequest) -> None: ...


@app.timer_trigger(arg_name="timer", schedule="%NIGHTLY%")
@app.durable_client_input(client_name="client")
async def nightly(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    logging.info("nightly runs, past due %s, next %s", timer.past_due, timer.schedule_status["Next"])
    await client.start_new("quick", "from-timer")


@app.orchestration_trigger(context_name="context")
def quick(context):
    return "done"


@app.timer_trigger(arg_name="timer", schedule="*/1 * * * * *")
def often(timer: func.TimerRequest) -> None:
    logging.info("often runs")
"""
REST = """
import azure.functions as func

app = func.FunctionApp()


@app.route("files/{*rest}")
def files(req: func.HttpRequest) -> str: ...
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder: Path = tmp_path_factory.mktemp("host")
    write_app(folder, SOURCE)
    values = {"FROM_FILE": "file", "FROM_BOTH": "file", "NIGHTLY": "0 0 0 * * *"}
    (folder / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    with running_host(folder, FROM_BOTH="environment") as running:
        yield running


def test_a_request_arrives_whole(host: RunningHost) -> None:
    answer = host.call("POST", "/api/echo/a%20b/c%2Fd?x=1&y=2&x=3", b"body", X_Test="header")
    seen = answer.json
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Answer"] == "yes"
    assert seen["route"] == {"name": "a b", "rest": "c%2Fd"}
    assert seen["query"] == {"x": "1,3", "y": "2"}
    assert (seen["body"], seen["header"], seen["method"]) == ("body", "header", "POST")
    assert seen["url"].startswith(host.url + "/api/echo/")


def test_a_line_break_in_a_path_is_part_of_its_parameter(host: RunningHost) -> None:
    assert host.call("GET", "/api/echo/a%0Ab/c").json["route"] == {"name": "a\nb", "rest": "c"}


def test_head_has_no_body(host: RunningHost) -> None:
    answer = host.call("HEAD", "/api/echo/a/b")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", ["/api/nothing", "/", "/api/size", "/admin/functions/nothing"])
def test_unknown_routes_and_methods_are_empty_404(host: RunningHost, path: str) -> None:
    answer = host.call("GET" if "admin" not in path else "POST", path)
    assert (answer.status, answer.body) == (404, b"")


def test_exceptions_are_empty_500(host: RunningHost) -> None:
    answer = host.call("GET", "/api/fails")
    assert (answer.status, answer.body) == (500, b"")


def test_problem_documents_pass_through(host: RunningHost) -> None:
    answer = host.call("GET", "/api/problem")
    assert (answer.status, answer.headers["Content-Type"]) == (409, "application/problem+json")


def test_large_bodies(host: RunningHost) -> None:
    assert host.call("POST", "/api/size", b"x" * 50_000_000).body == b"50000000"
    assert host.call("POST", "/api/size", b"x" * (100 * 1024 * 1024 + 1)).status == 500


def test_log(host: RunningHost) -> None:
    until(lambda: host.log.count("often runs") >= 2)
    host.call("GET", "/api/echo/a/b?token=hidden")
    log = host.log
    assert "the environment says file and environment" in log
    assert f"Host started on {host.url}" in log
    assert f"echo: [GET,HEAD,POST] {host.url}/api/echo/{{name}}/{{rest}}" in log
    assert "'%NO_SUCH_SETTING%' does not resolve to a value" in log
    assert "hidden" not in log


def test_timers_fire_by_hand(host: RunningHost) -> None:
    assert host.call("POST", "/admin/functions/nightly", b'{"input": ""}').status == 202
    until(lambda: host.instance("from-timer"))
    assert host.ended("from-timer")["output"] == "done"
    assert host.log.count("nightly runs, past due False") == 1


@pytest.mark.parametrize(
    ("source", "host_json", "text"),
    [
        ("import azure.functions as func\n", "{}", "exactly one FunctionApp"),
        ("app = 1 / 0", "{}", "ZeroDivisionError"),
        (SOURCE, "{", "host.json' is not JSON"),
        (SOURCE, '{"functionTimeout": "soon"}', "functionTimeout"),
        (SOURCE, '{"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}', "at least 1"),
        (REST, "{}", "does not serve the route segment '{*rest}'"),
        (None, "{}", "no function_app.py"),
    ],
)
def test_what_cannot_start_says_why(tmp_path: Path, source: str | None, host_json: str, text: str) -> None:
    if source is not None:
        (tmp_path / "function_app.py").write_text(source)
    (tmp_path / "host.json").write_text(host_json)
    command = [sys.executable, "-m", "dev.devhost", "--root", str(tmp_path), "--port", "0"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert text in done.stderr
