"""More than there is room for, and listings that never end: a named error or a named gap, never a hang."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from aiohttp import web

from tests.app.proxy import Asked, Matches, Rule, StorageProxy, lists
from tests.app.world import Api, World, running

PAGE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    "<EnumerationResults><{0}></{0}><NextMarker>{1}</NextMarker></EnumerationResults>"
)


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, AUDIT_MAX_PASSES="1")) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


def account(asked: Asked) -> bool:
    return asked.lists_account


def pages(proxy: StorageProxy, matches: Matches, what: str, marker: Callable[[], str]) -> None:
    """Answer with empty pages that say there is another one."""

    async def page() -> web.Response:
        return web.Response(text=PAGE.format(what, marker()), content_type="application/xml")

    proxy.rules.append(Rule(matches, page))


def test_an_account_of_more_containers_than_the_app_is_set_up_for_is_refused(world: World) -> None:
    most = len(world.containers) - 1
    with running(world.settings(AUDIT_MAX_CONTAINERS=str(most))) as api:
        view = api.ended(api.start())
        assert (view["state"], view["outcome"]["word"]) == ("failed", "failed")
        assert f"more than {most:,} containers" in view["error"]
        assert "AUDIT_MAX_CONTAINERS" in view["error"]


def test_an_account_of_just_as_many_is_audited(world: World) -> None:
    with running(world.settings(AUDIT_MAX_CONTAINERS=str(len(world.containers)))) as api:
        assert api.ended(api.start())["state"] == "completed"


def test_an_account_whose_listing_goes_round_in_circles_ends_the_audit_with_the_reason(
    api: Api, proxy: StorageProxy
) -> None:
    pages(proxy, account, "Containers", lambda: "again")
    view = api.ended(api.start())
    assert view["state"] == "failed"
    assert "the same page marker twice" in view["error"]


@pytest.mark.parametrize(
    ("marker", "error"),
    [
        pytest.param(lambda: "again", "the same page marker twice", id="in circles"),
        pytest.param(
            map(str, count()).__next__, "no end to it after 10,000 pages", id="without an end", marks=pytest.mark.deep
        ),
    ],
)
def test_a_container_whose_listing_never_ends_is_a_gap_that_is_named(
    api: Api, world: World, proxy: StorageProxy, marker: Callable[[], str], error: str
) -> None:
    [hidden] = world.case("swept").containers
    pages(proxy, lists(hidden.name), "Blobs", marker)
    view = api.ended(api.start(), seconds=240)
    assert view["state"] == "incomplete"
    report = api.report(view["id"])
    [failed] = report["coverage"]["failed_units"]
    assert failed["unit"] == hidden.name
    assert error in failed["error"]
