"""One active audit for each profile, whoever asks and however many ask at once."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.app.proxy import Asked, StorageProxy
from tests.app.world import Api, World, eventually, running


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string)) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


def listing(asked: Asked) -> bool:
    return asked.lists_blobs


def test_of_fifty_starts_at_once_one_is_accepted_and_the_others_are_told_which(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    held = proxy.hold(listing)

    async def start_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=api.app.url, timeout=60, limits=limits) as client:
            return await asyncio.gather(*(client.post("/audits", json={}) for _ in range(50)))

    responses = asyncio.run(start_all())
    [accepted] = [response for response in responses if response.status_code == 202]
    refused = [response for response in responses if response.status_code == 409]
    assert len(refused) == 49
    audit_id = accepted.json()["id"]
    assert {response.json()["active_id"] for response in refused} == {audit_id}
    assert {response.headers["content-type"] for response in refused} == {"application/problem+json"}
    assert len(api.get("/audits").json()["audits"]) == 1

    assert held.reached.wait(30)
    held.release()
    assert api.ended(audit_id)["state"] == "completed"


def test_a_running_audit_has_progress_and_no_report_yet(api: Api, world: World, proxy: StorageProxy) -> None:
    held = proxy.hold(listing)
    audit_id = api.start()
    assert held.reached.wait(30)

    view = api.view(audit_id)
    assert (view["state"], view["phase"], view["outcome"]) == ("running", "scan", None)
    assert view["progress"]["units"]["listed"] == len(world.containers)
    assert view["progress"]["percent"] == 0
    assert "retry-after" in api.get(f"/audits/{audit_id}").headers
    refused = api.get(f"/audits/{audit_id}/report")
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == f"Audit {audit_id} has not ended, so it has no report."
    assert "state" not in refused.json()  # the record's own would contradict what GET /audits/{id} tells

    held.release()
    assert api.ended(audit_id)["state"] == "completed"
    assert api.report(audit_id)["complete"]


def test_a_cancelled_audit_stays_cancelled_and_makes_way(api: Api, proxy: StorageProxy) -> None:
    held = proxy.hold(listing)
    audit_id = api.start()
    assert held.reached.wait(30)

    cancelled = api.post(f"/audits/{audit_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert api.post(f"/audits/{audit_id}/cancel").json()["state"] == "cancelled"
    refused = api.get(f"/audits/{audit_id}/report")
    assert refused.status_code == 409
    assert f"{audit_id} is cancelled, so it has no report" in refused.json()["detail"]

    proxy.reset()
    held.release()
    view, _ = api.audited()
    assert view["state"] == "completed"
    first = api.view(audit_id)
    assert (first["state"], first["outcome"]["code"]) == ("cancelled", 4)


def test_progress_grows_while_containers_are_read(api: Api, world: World, proxy: StorageProxy) -> None:
    last = max(container.name for container in world.containers)
    held = proxy.hold(lambda asked: asked.lists_blobs and asked.container == last)
    audit_id = api.start()
    assert held.reached.wait(30)

    def all_but_one() -> dict[str, int] | None:
        containers: dict[str, int] = api.view(audit_id)["progress"]["units"]
        return containers if containers["scanned"] == len(world.containers) - 1 else None

    # The held shard says how far it has come without having ended.
    assert eventually(all_but_one, "all containers but the held one are counted", 20)["failed"] == 0
    held.release()
    assert api.ended(audit_id)["progress"]["percent"] == 100
