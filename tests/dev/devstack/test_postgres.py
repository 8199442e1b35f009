import socket
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from dev.devstack import postgres as postgres_module
from dev.devstack.postgres import HOST, PostgresServer, postgres
from dev.devstack.supervise import DevStackError


def answer(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def test_two_servers_at_once_do_not_meet(postgres_server: PostgresServer) -> None:
    with postgres() as other:
        assert other.port != postgres_server.port
        assert other.password != postgres_server.password
        assert answer(other.url(), "show port") == str(other.port)


def test_a_database_copies_its_template(postgres_server: PostgresServer) -> None:
    template = postgres_server.create_database("fruit")
    with psycopg.connect(template, autocommit=True) as connection:
        connection.execute("create table apples (n int)")
        connection.execute("insert into apples values (7)")

    assert answer(postgres_server.create_database("fruit copy", template="fruit"), "select n from apples") == 7

    postgres_server.drop_database("fruit copy")
    postgres_server.drop_database("fruit copy")
    names = "select string_agg(datname, ',') from pg_database where datname like 'fruit%'"
    assert answer(postgres_server.url(), names) == "fruit"


def test_a_database_is_dropped_under_an_open_connection(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.create_database("busy")) as connection:
        postgres_server.drop_database("busy")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")


def test_roles_need_their_password(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("create role reader login password 'right'")
    url = urlsplit(postgres_server.url())
    right = url._replace(netloc=f"reader:right@{HOST}:{url.port}").geturl()
    wrong = url._replace(netloc=f"reader:wrong@{HOST}:{url.port}").geturl()
    assert answer(right, "select current_user::text") == "reader"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        answer(wrong, "select 1")


def test_the_password_is_not_shown(postgres_server: PostgresServer) -> None:
    assert postgres_server.password not in repr(postgres_server)


def test_a_given_directory_keeps_the_databases_and_takes_one_server(tmp_path: Path) -> None:
    with postgres(tmp_path / "kept") as first:
        first.create_database("kept")
        with pytest.raises(DevStackError, match=r"postmaster\.pid"), postgres(tmp_path / "kept"):
            pass
        assert answer(first.url(), "show fsync") == "on"
    with postgres(tmp_path / "kept") as second:
        assert second.password == first.password
        assert answer(second.url("kept"), "select current_database()::text") == "kept"


def test_a_taken_port_is_told_when_it_was_asked_for(postgres_server: PostgresServer) -> None:
    with pytest.raises(DevStackError, match="Address already in use"), postgres(port=postgres_server.port):
        pass


def test_a_port_taken_in_the_meantime_is_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as quicker, socket.socket() as probe:
        probe.bind((HOST, 0))
        free = probe.getsockname()[1]
        probe.close()
        ports = iter([quicker.getsockname()[1], free])
        monkeypatch.setattr(postgres_module, "_free_port", lambda: next(ports))
        with postgres() as server:
            assert server.port == free


def test_tests_get_an_empty_pre_database(database_url: str) -> None:
    assert answer(database_url, "select count(*) from capture_sessions") == 0
