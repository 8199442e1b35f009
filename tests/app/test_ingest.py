"""With the account of the raw recordings an audit tells what was never encoded from what never was."""

from collections.abc import Iterator
from typing import Any

import pytest

from dev.demo.__main__ import verdicts
from dev.demo.cases import DAY, Case, PlantedContainer, demo_id, encoded, healthy_cases
from dev.demo.planting import plant_containers
from dev.devstack.azurite import AzuriteServer, azurite
from tests.app.conftest import PlantWorld
from tests.app.proxy import Asked, StorageProxy, storage_proxy
from tests.app.world import Api, World, leaks, running


def stuck(name: str, why: str, **members: Any) -> Case:
    return Case(name, why, "stuck_empty", status="PROCESSING", age=3 * DAY, **members)


CASES = [
    stuck("never encoded", "its hearing is still in the ingest account"),
    stuck("nothing anywhere", "the ingest account has a container of its booking, and nothing in it"),
    stuck("no container", "the ingest account has never heard of its booking"),
    Case("relabelled raw", "raw media is left of it, but its status asks for no encode", "suspect_lost", swept=True),
    Case(
        "unused raw", "never used, though its booking's other session was recorded", "expected_empty", booking="shared"
    ),
    Case(
        "hidden raw",
        "it was encoded, and its raw media is still there",
        "unregistered_recording",
        status="PROCESSING",
        age=3 * DAY,
        containers=(encoded(demo_id("hidden raw: recording"), demo_id("hidden raw").hex),),
    ),
]


def booking(name: str) -> str:
    """The ingest account's containers are named by bookings."""
    return str(demo_id(f"{name}: booking"))


@pytest.fixture(scope="module")
def world(plant: PlantWorld) -> World:
    return plant(CASES + healthy_cases(3), [])


@pytest.fixture(scope="module")
def ingest() -> Iterator[StorageProxy]:
    """The ingest account, through a proxy."""

    def planted(server: AzuriteServer) -> None:
        raw = {"0/section": 4000, "gc_state": 10, f"{demo_id('somebody')}.ism": 700}
        containers = [
            PlantedContainer(booking(name), raw) for name in ("never encoded", "relabelled raw", "shared", "hidden raw")
        ]
        plant_containers(server.connection_string, [*containers, PlantedContainer(booking("nothing anywhere"), {})])

    with azurite() as server, storage_proxy(server.port) as proxy:
        planted(server)
        yield proxy


@pytest.fixture(autouse=True)
def _no_rules(ingest: StorageProxy) -> Iterator[None]:
    yield
    ingest.reset()


@pytest.fixture(scope="module")
def api(world: World, ingest: StorageProxy) -> Iterator[Api]:
    with running(world.settings(INGEST_STORAGE=ingest.connection_string)) as api:
        yield api


def reason_of(report: dict[str, Any], name: str) -> str:
    [reason] = [f["reason"] for f in report["findings"] if f["subject"]["id"] == str(demo_id(name))]
    return str(reason)


def test_a_stuck_session_whose_booking_has_raw_media_can_be_encoded_again(
    api: Api, world: World, ingest: StorageProxy
) -> None:
    view, report = api.audited()
    assert view["state"] == "completed"
    never_encoded = str(world.case("never encoded").session_id)
    assert verdicts(report) == world.expected | {never_encoded: "encode_lost"}
    [finding] = [f for f in report["findings"] if f["verdict"] == "encode_lost"]
    assert (finding["severity"], finding["evidence"]) == ("high", [])
    assert "3 blobs of its booking" in finding["reason"]
    assert "holds nothing of its booking either" in reason_of(report, "nothing anywhere")
    assert "holds nothing of its booking either" in reason_of(report, "no container")
    assert "3 blobs of its booking" in reason_of(report, "relabelled raw")
    # It is asked about sessions in doubt only, and never listed as a whole.
    assert {asked.container for asked in ingest.asked} == {
        booking(name) for name in ("never encoded", "nothing anywhere", "no container", "relabelled raw", "hidden raw")
    }
    assert all(asked.lists_blobs and asked.method == "GET" for asked in ingest.asked)
    assert leaks(api, world) == []


def test_without_the_setting_it_is_not_known_and_nothing_is_said_of_it(world: World) -> None:
    with running(world.settings()) as api:
        view, report = api.audited()
    assert view["state"] == "completed"
    assert verdicts(report) == world.expected
    assert "ingest account still holds" not in str(report["findings"])
    assert "ingest account holds" not in str(report["findings"])


def refused(_asked: Asked) -> bool:
    return True


def test_an_ingest_account_that_refuses_changes_nothing_and_is_logged(
    api: Api, world: World, ingest: StorageProxy
) -> None:
    ingest.refuse(refused, 403, "AuthorizationPermissionMismatch")
    view, report = api.audited()
    assert (view["state"], report["complete"]) == ("completed", True)
    assert verdicts(report) == world.expected
    assert len(ingest.asked) == 5, "a refusal is asked for once"
    log = api.app.log.read_text(encoding="utf-8")
    assert f"{booking('never encoded')} in INGEST_STORAGE could not be looked up" in log
    assert "403 (AuthorizationPermissionMismatch)" in log


def test_an_ingest_container_that_is_refused_leaves_the_others_known(
    api: Api, world: World, ingest: StorageProxy
) -> None:
    ingest.refuse(lambda asked: asked.container == booking("nothing anywhere"), 403, "AuthorizationFailure")
    _, report = api.audited()
    never_encoded = str(world.case("never encoded").session_id)
    assert verdicts(report) == world.expected | {never_encoded: "encode_lost"}
    assert "ingest" not in reason_of(report, "nothing anywhere")
    assert "holds nothing of its booking either" in reason_of(report, "no container")
