"""The planted world of a test module: rows in a database of its own, containers in an account that nobody changes, or
in one of its own (``plant``).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from dev.demo.cases import Case, PlantedContainer, healthy_cases, other_containers, special_cases
from dev.demo.planting import plant_containers, plant_rows
from dev.devstack.azurite import AzuriteServer, azurite
from dev.devstack.postgres import PostgresServer
from dev.devstack.prefect import PrefectServer
from tests.app.proxy import StorageProxy, storage_proxy
from tests.app.uploads import Servers
from tests.app.world import Api, World, running

PlantWorld = Callable[[list[Case], list[PlantedContainer]], World]
WithRows = Callable[[str, list[Case], list[PlantedContainer]], World]
CASES, MORE = special_cases() + healthy_cases(12), other_containers()


@pytest.fixture(scope="session")
def standard_storage() -> Iterator[AzuriteServer]:
    """An account with the containers of the standard world, for all modules of a worker: nobody writes to it."""
    with azurite() as server:
        plant_containers(server.connection_string, [*containers_of(CASES), *MORE])
        yield server


@pytest.fixture(scope="module")
def source_storage() -> Iterator[AzuriteServer]:
    """An account that nobody else writes to: an audit lists all of it."""
    with azurite() as server:
        yield server


@pytest.fixture(scope="module")
def with_rows(postgres_server: PostgresServer, pre_template: str, azurite_server: AzuriteServer) -> Iterator[WithRows]:
    """Plants the rows of cases in a new database beside an account; the run store is in another account."""
    with ExitStack() as dropped:

        def with_rows(source: str, cases: list[Case], more: list[PlantedContainer]) -> World:
            name = f"app_{uuid4().hex}"
            database = postgres_server.create_database(name, template=pre_template)
            dropped.callback(postgres_server.drop_database, name)
            plant_rows(database, cases)
            return World(
                source=source,
                report=azurite_server.connection_string,
                report_container=f"audits-{uuid4().hex}",
                database=database,
                cases=tuple(cases),
                containers=(*containers_of(cases), *more),
            )

        yield with_rows


@pytest.fixture(scope="module")
def plant(with_rows: WithRows, source_storage: AzuriteServer) -> PlantWorld:
    """Plants cases in a new database and the module's own account."""

    def plant(cases: list[Case], more: list[PlantedContainer]) -> World:
        plant_containers(source_storage.connection_string, [*containers_of(cases), *more])
        return with_rows(source_storage.connection_string, cases, more)

    return plant


def containers_of(cases: list[Case]) -> list[PlantedContainer]:
    return [container for case in cases for container in case.containers]


@pytest.fixture(scope="module")
def world(with_rows: WithRows, standard_storage: AzuriteServer) -> World:
    """The standard world: the demo's special cases among a few healthy ones. Its containers are not to be changed."""
    return with_rows(standard_storage.connection_string, CASES, MORE)


@pytest.fixture(scope="module")
def own_world(plant: PlantWorld) -> World:
    """The standard world, with containers that the module may change."""
    return plant(CASES, MORE)


@pytest.fixture(scope="module")
def proxy(world: World) -> Iterator[StorageProxy]:
    """A proxy before the world's account."""
    port = urlsplit(world.source.partition("BlobEndpoint=")[2]).port
    assert port is not None
    with storage_proxy(port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def api(world: World) -> Iterator[Api]:
    """The app over the world, with nothing between them."""
    with running(world.settings()) as api:
        yield api


@pytest.fixture
def servers(postgres_server: PostgresServer, azurite_server: AzuriteServer, prefect_server: PrefectServer) -> Servers:
    return Servers(postgres_server, azurite_server, prefect_server)
