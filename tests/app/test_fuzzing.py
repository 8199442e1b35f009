"""A small fuzzing run; make fuzz sends the large one."""

from collections.abc import Iterator

import pytest

from dev.demo.cases import healthy_cases, special_cases
from tests.app.conftest import PlantWorld
from tests.app.fuzzing.campaign import KEY, SETTINGS, fuzz
from tests.app.proxy import StorageProxy
from tests.app.world import Api, World, leaks, running


@pytest.fixture(scope="module")
def world(plant: PlantWorld) -> World:
    return plant([case for case in special_cases() if case.name == "swept"] + healthy_cases(2), [])


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, **SETTINGS)) as api:
        yield api


@pytest.mark.deep
def test_nothing_that_is_asked_breaks_the_app_or_makes_it_tell_a_secret(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    tally = fuzz(api, world, proxy, at_least=200, examples=2, tell=lambda _tally: None)

    assert tally.requests >= 200
    assert tally.problems == []
    assert leaks(api, world, KEY) == []
