"""What could not be read is said, and nothing is concluded from it."""

from collections import Counter
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient

from dev.demo.__main__ import verdicts
from tests.app.proxy import Asked, StorageProxy, lists
from tests.app.world import ABSENT, Api, World, leaks, running


@pytest.fixture(scope="module")
def world(own_world: World) -> World:
    return own_world


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, AUDIT_MAX_PASSES="2")) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


def test_a_container_that_is_never_read_makes_absence_unverified_and_the_audit_incomplete(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    [hidden] = world.case("swept").containers
    proxy.refuse(lists(hidden.name), 403, "AuthorizationFailure")

    view, report = api.audited()

    assert (view["state"], view["outcome"]) == ("incomplete", {"code": 3, "word": "incomplete"})
    assert report["complete"] is False
    coverage = report["coverage"]
    assert coverage["units"] == {
        "noun": "container",
        "listed": len(world.containers),
        "scanned": len(world.containers) - 1,
        "skipped": 0,
        "failed": 1,
    }
    [failed] = coverage["failed_units"]
    assert failed["unit"] == hidden.name
    assert "403 (AuthorizationFailure)" in failed["error"]
    assert "Check the account key in SOURCE_STORAGE" in failed["error"]
    # A second, complete copy of what is incomplete could stand in it as well.
    doubted = ABSENT | {"incomplete_encode"}
    changed = {subject: "unverified" if v in doubted else v for subject, v in world.expected.items()}
    changed[str(world.case("swept").session_id)] = "unverified"
    changed[hidden.name] = "evidence_error"
    assert verdicts(report) == changed
    assert report["since_last"]["resolved"] is None
    assert leaks(api, world) == []


def test_a_container_that_fails_in_the_first_pass_only_is_read_in_the_second(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    [hidden] = world.case("swept").containers
    proxy.refuse(lists(hidden.name), 403, "AuthorizationFailure", times=1)

    view, report = api.audited()

    assert (view["state"], view["outcome"]["code"]) == ("completed", 1)
    assert verdicts(report) == world.expected
    reads = Counter(asked.container for asked in proxy.asked if asked.lists_blobs)
    once = [container.name for container in world.containers]
    again = Counter(once) + world.opened_again
    assert reads == again + Counter([hidden.name]), "a container that had been read was read again"


def test_a_container_deleted_during_the_scan_is_a_skip_that_is_counted(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    [hidden] = world.case("stuck").containers

    def delete() -> None:
        with BlobServiceClient.from_connection_string(world.source) as service:
            service.delete_container(hidden.name)

    proxy.before(lists(hidden.name), delete)

    view, report = api.audited()

    assert view["state"] == "completed"
    assert report["coverage"]["units"]["skipped"] == 1
    assert report["coverage"]["skipped_by_reason"] == {"deleted during the scan": 1}
    assert verdicts(report) == world.expected | {str(world.case("stuck").session_id): "stuck_empty"}


def test_an_account_that_cannot_be_listed_ends_the_audit_as_failed_and_says_why(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    def account(asked: Asked) -> bool:
        return asked.lists_account

    proxy.refuse(account, 403, "AuthorizationPermissionMismatch")

    view = api.ended(api.start())

    assert (view["state"], view["outcome"]["code"]) == ("failed", 4)
    assert "list containers" in view["error"]
    assert "403 (AuthorizationPermissionMismatch)" in view["error"]
    assert "Check the account key in SOURCE_STORAGE" in view["error"]
    assert api.get(f"/audits/{view['id']}/report").status_code == 409
    health = api.get("/health")
    assert health.status_code == 503
    assert "403" in health.json()["checks"]["storage:SOURCE_STORAGE"]["detail"]
