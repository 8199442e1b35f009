"""The planted world of a test module: rows in a database of its own, containers in an account of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from dev.demo.cases import Case, PlantedContainer, healthy_cases, other_containers, special_cases
from dev.devstack.azurite import AzuriteServer, azurite
from dev.devstack.postgres import PostgresServer
from tests.app.proxy import StorageProxy, storage_proxy
from tests.app.world import Api, World, planted, running

PlantWorld = Callable[[list[Case], list[PlantedContainer]], World]


@pytest.fixture(scope="module")
def source_storage() -> Iterator[AzuriteServer]:
    """An account that nobody else writes to: an audit lists all of it."""
    with azurite() as server:
        yield server


@pytest.fixture(scope="module")
def plant(
    postgres_server: PostgresServer, pre_template: str, azurite_server: AzuriteServer, source_storage: AzuriteServer
) -> Iterator[PlantWorld]:
    """Plants cases in a new database and the module's account; the run store is in another account."""
    with ExitStack() as dropped:

        def plant(cases: list[Case], more: list[PlantedContainer]) -> World:
            name = f"app_{uuid4().hex}"
            database = postgres_server.create_database(name, template=pre_template)
            dropped.callback(postgres_server.drop_database, name)
            containers = [container for case in cases for container in case.containers] + more
            return planted(
                World(
                    source=source_storage.connection_string,
                    report=azurite_server.connection_string,
                    report_container=f"audits-{uuid4().hex}",
                    database=database,
                    cases=tuple(cases),
                    containers=tuple(containers),
                )
            )

        yield plant


@pytest.fixture(scope="module")
def world(plant: PlantWorld) -> World:
    """The demo's special cases among a few healthy ones."""
    return plant(special_cases() + healthy_cases(12), other_containers())


@pytest.fixture(scope="module")
def proxy(source_storage: AzuriteServer) -> Iterator[StorageProxy]:
    """A proxy before the account."""
    with storage_proxy(source_storage.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def api(world: World) -> Iterator[Api]:
    """The app over the world, with nothing between them."""
    with running(world.settings()) as api:
        yield api
