"""The account of the run store cannot be reached: every caller is told so, and soon."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from dev.devstack.azurite import ACCOUNT, ACCOUNT_KEY, HOST
from tests.app.world import Api, World, running

MOST_SECONDS = 15
ROUTES = [
    ("POST", "/audits"),
    ("GET", "/audits"),
    ("GET", "/audits/20260131-093000-1a2b3c4d"),
    ("GET", "/audits/20260131-093000-1a2b3c4d/report"),
    ("POST", "/audits/20260131-093000-1a2b3c4d/cancel"),
]


def connection_string(port: int) -> str:
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint=http://{HOST}:{port}/{ACCOUNT};"
    )


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A port that is taken and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="module")
def api(world: World, port: int) -> Iterator[Api]:
    with running(world.settings(REPORT_STORAGE=connection_string(port))) as api:
        assert api.get("/profiles").status_code == 200  # the app is loaded: no time is counted for that
        yield api


def soon(api: Api, method: str, path: str) -> httpx.Response:
    started = time.monotonic()
    response = api.post(path, b"{}") if method == "POST" else api.get(path)
    assert time.monotonic() - started < MOST_SECONDS
    return response


def test_health_says_which_account_and_why(api: Api) -> None:
    response = soon(api, "GET", "/health")
    assert response.status_code == 503
    document = response.json()
    assert document["status"] == "degraded"
    checks = document["checks"]
    assert not checks["storage:REPORT_STORAGE"]["ok"]
    for words in ("REPORT_STORAGE", "could not be reached", "network rules"):
        assert words in checks["storage:REPORT_STORAGE"]["detail"]
    assert checks["storage:SOURCE_STORAGE"]["ok"]
    assert checks["database:PRE_DATABASE"]["ok"]


@pytest.fixture(scope="module")
def refusals(api: Api) -> dict[tuple[str, str], httpx.Response]:
    """What each route answers; all are asked at once, since each takes its time to give up."""
    with ThreadPoolExecutor(len(ROUTES)) as pool:
        return dict(zip(ROUTES, pool.map(lambda route: soon(api, *route), ROUTES), strict=True))


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_every_route_that_needs_the_run_store_answers_with_a_problem(
    refusals: dict[tuple[str, str], httpx.Response], route: tuple[str, str]
) -> None:
    response = refusals[route]
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 503
    for words in ("REPORT_STORAGE", "could not be reached", "network rules"):
        assert words in problem["detail"]


def test_no_secret_was_told(api: Api, world: World, port: int) -> None:
    assert len(api.answers) > 3
    told = "\n".join(api.answers)
    assert "REPORT_STORAGE" in told
    assert f":{port}" not in told
    logged = {path.name: path.read_bytes() for path in api.app.log.parent.rglob("*") if path.is_file()}
    assert b"REPORT_STORAGE" in logged[api.app.log.name]
    password = world.database.partition("://")[2].partition(":")[2].partition("@")[0]
    for secret in (ACCOUNT_KEY, password):
        assert secret not in told
        assert [name for name, data in logged.items() if secret.encode() in data] == []


def test_health_does_not_wait_for_an_account_that_never_answers(world: World) -> None:
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()
        settings = world.settings(REPORT_STORAGE=connection_string(silent.getsockname()[1]))
        with running(settings) as api:
            assert api.get("/profiles").status_code == 200
            response = soon(api, "GET", "/health")
    assert response.status_code == 503
    checks = response.json()["checks"]
    assert checks["storage:REPORT_STORAGE"] == {"ok": False, "detail": "No answer within 10 seconds."}
    assert checks["storage:SOURCE_STORAGE"]["ok"]
    assert checks["database:PRE_DATABASE"]["ok"]
