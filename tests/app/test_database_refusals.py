"""A database that refuses or is not there: the audit fails with words that help, and leaves nothing half-written."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from dev.devstack.azurite import HOST
from dev.devstack.postgres import PostgresServer
from tests.app.world import Api, World, leaks, running

ROLE_PASSWORD = "read-nothing-9f3b"


@pytest.fixture(scope="module")
def no_grants(world: World, postgres_server: PostgresServer) -> str:
    """The world's database by a role that may log in and read nothing."""
    role = "reader_without_grants"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"create role {role} login password '{ROLE_PASSWORD}'".encode())
    url = urlsplit(world.database)
    return url._replace(netloc=f"{role}:{ROLE_PASSWORD}@{HOST}:{url.port}").geturl()


@pytest.fixture(scope="module")
def dead_port() -> Iterator[int]:
    """A port that is taken and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="module")
def refusing(world: World, no_grants: str) -> Iterator[Api]:
    with running(world.settings(PRE_DATABASE=no_grants)) as api:
        yield api


def test_a_database_that_may_not_be_read_fails_the_audit_and_says_what_to_grant(refusing: Api, world: World) -> None:
    view = refusing.ended(refusing.start())

    assert (view["state"], view["outcome"]) == ("failed", {"code": 4, "word": "failed"})
    assert "PRE_DATABASE" in view["error"]
    assert "SELECT" in view["error"]
    report = refusing.get(f"/audits/{view['id']}/report")
    assert report.status_code == 409
    assert f"{view['id']} is failed, so it has no report" in report.json()["detail"]
    folder = f"pre-capture-sessions/{view['id']}/"
    stored = {path.removeprefix(folder) for path in world.stored() if path.startswith(folder) and "(" not in path}
    assert stored == {"run.json", "rows/containers.jsonl.gz", "pulled/0.json"}
    assert leaks(refusing, world, ROLE_PASSWORD, "reader_without_grants") == []


def test_a_failed_audit_does_not_block_the_next_one(refusing: Api) -> None:
    first = refusing.ended(refusing.start())
    second = refusing.ended(refusing.start())
    assert [first["state"], second["state"]] == ["failed", "failed"]
    assert first["id"] != second["id"]


def test_a_database_that_is_not_there_degrades_health_and_says_why(world: World, dead_port: int) -> None:
    url = urlsplit(world.database)
    nowhere = url._replace(netloc=url.netloc.replace(f":{url.port}", f":{dead_port}")).geturl()
    with running(world.settings(PRE_DATABASE=nowhere)) as api:
        health = api.get("/health")
        assert health.status_code == 503
        assert health.json()["status"] == "degraded"
        checks = health.json()["checks"]
        assert not checks["database:PRE_DATABASE"]["ok"]
        assert "cannot be reached" in checks["database:PRE_DATABASE"]["detail"]
        assert checks["storage:SOURCE_STORAGE"]["ok"]
        assert checks["storage:REPORT_STORAGE"]["ok"]
        assert leaks(api, world) == []


def test_missing_settings_are_all_named_by_every_route_that_needs_them() -> None:
    with running({"AUDIT_MAX_PASSES": "none", "PRE_DATABASE": "AccountKey=abcdefgh"}) as api:
        for response in (api.get("/health"), api.get("/audits"), api.post("/audits")):
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            detail = response.json()["detail"]
            for name in ("SOURCE_STORAGE", "REPORT_STORAGE", "PRE_DATABASE", "AUDIT_MAX_PASSES"):
                assert name in detail
            assert "abcdefgh" not in detail
        assert api.get("/profiles").status_code == 200
