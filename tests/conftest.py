"""The servers that tests share; each starts, within about a second, for the first test of a worker that asks for it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings

from dev.devstack.azurite import AzuriteServer, azurite
from dev.devstack.moto import MotoServer, moto
from dev.devstack.postgres import PostgresServer, postgres
from dev.devstack.prefect import PrefectServer, prefect
from tests.baseline.recorded import Baseline

# Machines are shared: how long an example takes says nothing. A first look: pytest --hypothesis-profile quick; thorough
# ones, as `make test-deep` takes them: --hypothesis-profile thorough, and deep tests/worlds
settings.register_profile("patient", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "quick", settings.get_profile("patient"), max_examples=20, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
settings.register_profile("thorough", settings.get_profile("patient"), max_examples=200)
settings.register_profile("deep", settings.get_profile("patient"), max_examples=5000)
settings.load_profile("patient")

PRE_SCHEMA = Path(__file__).parents[1] / "dev" / "demo" / "pre_schema.sql"


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "record what audits find instead of comparing it; when this may be done: tests/baseline/__main__.py"
    parser.addoption("--write-baseline", action="store_true", help=help_text)


@pytest.fixture(scope="session")
def baseline(pytestconfig: pytest.Config) -> Baseline:
    """What audits found at the last release, to hold a report against."""
    return Baseline(writing=pytestconfig.getoption("--write-baseline"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server; give each test a database of its own."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def azurite_server() -> Iterator[AzuriteServer]:
    """A blob service, in memory; all tests of a worker share its account, so use unique container names."""
    with azurite() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[MotoServer]:
    """A server of S3, in memory, that checks signatures; all tests of a worker share it, so use unique bucket names."""
    with moto() as server:
        yield server


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[PrefectServer]:
    """A Prefect server, ready within five seconds; all tests of a worker share it, so use unique names of flows."""
    with prefect() as server:
        yield server


@pytest.fixture(scope="session")
def pre_template(postgres_server: PostgresServer) -> str:
    """The name of a database that holds the empty PRE schema, to be copied and never connected to."""
    name = "pre_template"
    with psycopg.connect(postgres_server.create_database(name), autocommit=True) as connection:
        connection.execute(PRE_SCHEMA.read_bytes())
    return name


@pytest.fixture
def database_url(postgres_server: PostgresServer, pre_template: str) -> Iterator[str]:
    """The URL of a new database with the empty PRE schema; it is dropped after the test, open connections or not."""
    name = f"test_{uuid4().hex}"
    yield postgres_server.create_database(name, template=pre_template)
    postgres_server.drop_database(name)
