"""What the clock starts: the scheduled audit once for each slot, and the clearing away of what is old."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.app.hosting import age, events, fire, record, root, runs
from tests.app.proxy import Asked, StorageProxy
from tests.app.world import Api, World, eventually, running

NEW_YEAR = "0 0 3 1 1 *"  # never while a test runs


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    schedule = {"AUDIT_SCHEDULE": NEW_YEAR, "AUDIT_SCHEDULED_MODE": "fast", "AUDIT_RETENTION_DAYS": "30"}
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, **schedule)) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


def account(asked: Asked) -> bool:
    return asked.lists_account


def audits(api: Api) -> list[str]:
    return [view["id"] for view in api.get("/audits?limit=200").json()["audits"]]


def test_a_timer_that_fires_twice_in_its_slot_is_one_audit_of_the_chosen_mode(api: Api, proxy: StorageProxy) -> None:
    held = proxy.hold(account)
    address = f"{root(api)}/admin/functions/scheduled_audit"
    assert [httpx.post(address).status_code for _ in range(2)] == [202, 202]
    eventually(lambda: runs(api, "scheduled_audit") == 2 or None, "both have fired", 30)
    [audit_id] = audits(api)
    held.release()
    view = api.ended(audit_id)
    assert (view["state"], view["parameters"]["mode"]) == ("completed", "fast")
    fire(api, "scheduled_audit")
    slots = [audit_id.rpartition("-")[0] for audit_id in audits(api)]
    assert len(slots) == len(set(slots)), "two audits of one minute"
    api.ended(audits(api)[0])


def test_a_scheduled_audit_stands_back_while_another_one_is_active(api: Api, proxy: StorageProxy) -> None:
    held = proxy.hold(account)
    audit_id = api.start()
    assert held.reached.wait(30)
    before = audits(api)
    fire(api, "scheduled_audit")
    assert audits(api) == before
    held.release()
    assert api.ended(audit_id)["state"] == "completed"


def test_without_its_setting_there_is_no_schedule_but_there_is_a_watchdog(world: World) -> None:
    with running(world.settings()) as api:
        assert httpx.post(f"{root(api)}/admin/functions/scheduled_audit").status_code == 404
        fire(api, "watchdog")
        fire(api, "retention")
        assert "does not resolve" not in api.app.log.read_text(encoding="utf-8")


def test_what_is_old_is_deleted_at_night_and_what_runs_or_is_compared_with_stays(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    old, newest = api.ended(api.start())["id"], api.ended(api.start())["id"]
    held = proxy.hold(account)
    at_work = api.start()
    assert held.reached.wait(30)
    for audit_id in (old, newest, at_work):
        age(world, audit_id, timedelta(days=31))
    fire(api, "retention")
    left = audits(api)
    assert at_work in left
    assert newest in left
    assert old not in left
    assert not [path for path in world.stored() if path.startswith(f"pre-capture-sessions/{old}/")]
    [purged] = events(api, "retention.purged")
    assert purged["audits"] >= 1
    assert purged["states"] == "completed, failed, terminated, canceled"
    held.release()
    assert api.ended(at_work)["state"] == "completed"
    assert record(world, newest)["state"] == "completed"
