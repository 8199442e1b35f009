"""What a database's refusals and failures are told as: real ones, of a real server."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres import Database
from dev.devstack.fast_stub.certificate import Certificate, make_certificate
from dev.devstack.postgres import HOST, PostgresServer
from profiles.pre_capture_sessions import PROFILE, queries
from reconciliation.errors import AuditError, DatabaseRefusedError, DatabaseUnavailableError, SettingsError
from reconciliation.queries import Moments, SqlRows

MOMENTS = Moments(datetime(2026, 1, 31, tzinfo=UTC), datetime.now(UTC))
DEFAULTS = PROFILE.parameters()
ROLE, ROLE_PASSWORD = "reader_of_nothing", "only-for-the-reader-7c1e"


async def failure(database: Database, query: SqlRows | None = None) -> AuditError:
    async def use() -> None:
        if query is None:
            await database.check()
        else:
            async with database.snapshot() as snapshot:
                async for _ in snapshot.lines(query):
                    pass

    with pytest.raises(AuditError) as caught:
        await use()
    return caught.value


@pytest.fixture(scope="module")
def _role(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"create role {ROLE} login password '{ROLE_PASSWORD}'".encode())


def as_role(url: str, role: str = ROLE, password: str = ROLE_PASSWORD, port: int | None = None) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}:{password}@{HOST}:{port or parts.port}").geturl()


def assert_tells(error: AuditError, kind: type[AuditError], *words: str) -> None:
    text = str(error)
    assert type(error) is kind, text
    for word in ("PRE_DATABASE", *words):
        assert word in text
    for secret in (ROLE, ROLE_PASSWORD, HOST, "wrong-password"):
        assert secret not in text
    assert error.retryable is (kind is DatabaseUnavailableError)


@pytest.mark.usefixtures("_role")
@pytest.mark.parametrize("role", [ROLE, "nobody_of_that_name"])
async def test_a_wrong_login_says_what_to_check(database_url: str, role: str) -> None:
    error = await failure(Database("PRE_DATABASE", as_role(database_url, role, "wrong-password")))
    assert_tells(error, DatabaseRefusedError, "refuses the login", "password", "firewall")
    assert role not in str(error)


@pytest.mark.usefixtures("_role")
async def test_a_database_that_is_not_there_says_to_check_its_name(database_url: str) -> None:
    url = urlsplit(as_role(database_url))._replace(path="/no_such_database").geturl()
    assert_tells(await failure(Database("PRE_DATABASE", url)), DatabaseRefusedError, "database name")


@pytest.mark.usefixtures("_role")
async def test_a_role_that_may_not_connect_says_what_to_grant(database_url: str) -> None:
    name = urlsplit(database_url).path[1:]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'revoke connect on database "{name}" from public'.encode())
    error = await failure(Database("PRE_DATABASE", as_role(database_url)))
    assert_tells(error, DatabaseRefusedError, "CONNECT")


@pytest.mark.usefixtures("_role")
async def test_a_role_that_may_not_read_says_what_to_grant(database_url: str) -> None:
    error = await failure(Database("PRE_DATABASE", as_role(database_url)), queries.candidates(DEFAULTS, MOMENTS))
    assert_tells(error, DatabaseRefusedError, "Grant", "SELECT")


async def test_a_database_without_the_tables_says_so(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database(f"empty_{uuid4().hex}")
    error = await failure(Database("PRE_DATABASE", url), queries.candidates(DEFAULTS, MOMENTS))
    assert_tells(error, DatabaseRefusedError, "no such table", "right database")


async def test_a_database_of_another_schema_says_so(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table capture_sessions drop column ingest_address")
    error = await failure(Database("PRE_DATABASE", database_url), queries.candidates(DEFAULTS, MOMENTS))
    assert_tells(error, DatabaseRefusedError, "does not understand the query", "schema")


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that is taken and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


async def test_a_server_that_is_down_says_what_to_check(database_url: str, dead_port: int) -> None:
    error = await failure(Database("PRE_DATABASE", as_role(database_url, port=dead_port)))
    assert_tells(error, DatabaseUnavailableError, "cannot be reached", "firewall")


async def test_a_host_that_does_not_exist_says_what_to_check() -> None:
    url = f"postgresql://{ROLE}:{ROLE_PASSWORD}@no-such-host.invalid/pre"
    error = await failure(Database("PRE_DATABASE", url))
    assert_tells(error, DatabaseUnavailableError, "cannot be reached")
    assert "no-such-host" not in str(error)


async def test_a_connection_broken_by_the_server_can_be_tried_again(database_url: str) -> None:
    error = await failure(
        Database("PRE_DATABASE", database_url), SqlRows("select pg_terminate_backend(pg_backend_pid())", {})
    )
    assert_tells(error, DatabaseUnavailableError, "audit again")


# --- what lasts until somebody mends it -------------------------------------------------------------------------------


def with_options(url: str, **options: str) -> str:
    return f"{url}?{urlencode(options, quote_via=quote)}"


async def test_an_url_that_cannot_be_used_is_a_matter_of_settings_and_not_quoted() -> None:
    error = await failure(Database("PRE_DATABASE", "postgresql://u:wrong-password@h/d?nonsense=1"))
    assert_tells(error, SettingsError, "is not a Postgres URL")


async def test_tls_that_the_server_does_not_offer_is_not_waited_for(database_url: str) -> None:
    error = await failure(Database("PRE_DATABASE", with_options(database_url, sslmode="require")))
    assert_tells(error, DatabaseRefusedError, "offers no TLS", "sslmode")


@pytest.mark.parametrize(
    "options",
    ["-c nonsense=1", "-c statement_timeout=soon", "--nonsense", "-c log_connections=on"],
    ids=["no such parameter", "no such value", "no such argument", "a parameter that is not the role's to set"],
)
@pytest.mark.usefixtures("_role")
async def test_an_option_that_the_server_refuses_is_told_as_one(database_url: str, options: str) -> None:
    error = await failure(Database("PRE_DATABASE", with_options(as_role(database_url), options=options)))
    assert_tells(error, DatabaseRefusedError, "options in its URL")


async def test_a_certificate_file_that_is_not_there_is_told(behind_tls: str) -> None:
    url = with_options(behind_tls, sslmode="verify-full", sslrootcert="/no/such/file")
    assert_tells(await failure(Database("PRE_DATABASE", url)), DatabaseRefusedError, "sslrootcert", "SSL_CERT_FILE")


@pytest.mark.parametrize("password", ["a#b", "a/b", "a@b", "a%b", "a:b", "a b", "a%41", "ä?&"])
async def test_any_password_works_when_it_is_percent_encoded(database_url: str, password: str) -> None:
    role = f"role_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create role {role} login password '{password}'".encode())
    await Database("PRE_DATABASE", as_role(database_url, role, quote(password, safe=""))).check()
    if password in {"a/b", "a@b", "a%b", "a%41"}:
        error = await failure(Database("PRE_DATABASE", as_role(database_url, role, password)))
        assert isinstance(error, DatabaseRefusedError | SettingsError)
        assert "password" in str(error)
        assert "%" in str(error) or "percent-encoded" in str(error)
        assert password not in str(error).replace("%2F for /, %3A for : and %40 for @", "")


@pytest.mark.parametrize("mode", ["require", "verify-full"])
async def test_a_server_whose_certificate_is_trusted_is_read(
    behind_tls: str, certificate: Certificate, mode: str
) -> None:
    url = with_options(behind_tls, sslmode=mode, sslrootcert=str(certificate.authority))
    await Database("PRE_DATABASE", url).check()


async def test_a_certificate_that_is_not_trusted_says_how_it_would_be(behind_tls: str, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "localhost")
    url = with_options(behind_tls, sslmode="verify-full", sslrootcert=str(other.authority))
    error = await failure(Database("PRE_DATABASE", url))
    assert_tells(error, DatabaseRefusedError, "cannot be trusted", "sslrootcert", "SSL_CERT_FILE")


async def test_the_machines_certificates_are_those_of_its_setting(
    behind_tls: str, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database("PRE_DATABASE", with_options(behind_tls, sslmode="verify-full", sslrootcert="system"))
    assert_tells(await failure(database), DatabaseRefusedError, "cannot be trusted", "SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    await database.check()


async def test_a_certificate_for_another_host_says_so(behind_tls: str, certificate: Certificate) -> None:
    url = with_options(
        behind_tls.replace("localhost", HOST), sslmode="verify-full", sslrootcert=str(certificate.authority)
    )
    assert_tells(await failure(Database("PRE_DATABASE", url)), DatabaseRefusedError, "cannot be trusted", "host")


# --- rows that are hidden ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_role")
async def test_rows_that_a_policy_hides_are_an_error_and_not_fewer_rows(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"grant select on all tables in schema public to {ROLE}".encode())
        connection.execute("alter table recordings enable row level security")
        connection.execute("create policy newer on recordings using (version > 1)")
    error = await failure(Database("PRE_DATABASE", as_role(database_url)), queries.candidates(DEFAULTS, MOMENTS))
    assert_tells(error, DatabaseRefusedError, "row level security", "BYPASSRLS")
    await Database("PRE_DATABASE", database_url).check()


async def test_policies_are_none_to_a_role_that_passes_them_by(database_url: str) -> None:
    role = f"role_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create role {role} login bypassrls password '{ROLE_PASSWORD}'".encode())
        connection.execute(f"grant select on all tables in schema public to {role}".encode())
        connection.execute("alter table recordings enable row level security")
        connection.execute("create policy nobody on recordings using (false)")
    async with Database("PRE_DATABASE", as_role(database_url, role)).snapshot() as snapshot:
        assert [texts async for texts in snapshot.lines(queries.candidates(DEFAULTS, MOMENTS))] == []


# --- by code ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("22012", DatabaseRefusedError, "cannot answer the query"),
        ("22P05", DatabaseRefusedError, "cannot answer the query"),
        ("0A000", DatabaseRefusedError, "does not understand the query"),
        ("42883", DatabaseRefusedError, "does not understand the query"),
        ("XX001", DatabaseRefusedError, "holds damaged data"),
        ("28P01", DatabaseRefusedError, "refuses the login"),
        ("40001", DatabaseUnavailableError, "broke off (40001)"),
        ("53300", DatabaseUnavailableError, "broke off (53300)"),
        ("57P01", DatabaseUnavailableError, "broke off (57P01)"),
        ("XX000", DatabaseUnavailableError, "broke off (XX000)"),
    ],
)
async def test_what_lasts_is_not_tried_again_and_what_passes_is(
    database_url: str, state: str, kind: type[AuditError], words: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            f"create function fail() returns text language plpgsql as $$ begin raise exception 'of {ROLE}'"
            f" using errcode = '{state}'; end $$".encode()
        )
    assert_tells(await failure(Database("PRE_DATABASE", database_url), SqlRows("select fail()", {})), kind, words)
