"""Audits that fail or break off begin again under their own id, by hand or by the watchdog, and lose nothing."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest

from dev.devstack.azurite import HOST, AzuriteServer
from dev.devstack.postgres import PostgresServer
from tests.app.hosting import age, break_off, events, fire, guards, lose, record, settled
from tests.app.proxy import Asked, Held, StorageProxy, lists, storage_proxy, writes
from tests.app.world import Api, World, eventually, leaks, running

ROLE_PASSWORD = "granted-later-4c1e"


@pytest.fixture(scope="module")
def report_proxy(azurite_server: AzuriteServer) -> Iterator[StorageProxy]:
    with storage_proxy(azurite_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy, report_proxy: StorageProxy) -> Iterator[Api]:
    through = {"SOURCE_STORAGE": proxy.connection_string, "REPORT_STORAGE": report_proxy.connection_string}
    by_hand = {"AUDIT_WATCHDOG_SCHEDULE": "0 0 0 1 1 *"}  # the tests fire it: its own turn would come in between
    with running(world.settings(**through, **by_hand, AUDIT_MAX_RESUMES="1", AUDIT_MAX_PASSES="1")) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy, report_proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()
    report_proxy.reset()


def account(asked: Asked) -> bool:
    return asked.lists_account


def resumed(api: Api, audit_id: str) -> httpx.Response:
    return api.post(f"/audits/{audit_id}/resume")


def last(world: World) -> str:
    """The container that is read last."""
    return max(container.name for container in world.containers)


def at_work(api: Api, proxy: StorageProxy, world: World) -> tuple[str, Held]:
    """An audit that stands before its last container."""
    held = proxy.hold(lists(last(world)))
    audit_id = api.start()
    assert held.reached.wait(30)
    return audit_id, held


# --- what failed ----------------------------------------------------------------------------------------------------


@pytest.fixture
def closed_database(world: World, postgres_server: PostgresServer) -> tuple[str, str]:
    """The world's database by a role that may read nothing yet: its URL and its name."""
    role = f"reader_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"create role {role} login password '{ROLE_PASSWORD}'".encode())
    url = urlsplit(world.database)
    return url._replace(netloc=f"{role}:{ROLE_PASSWORD}@{HOST}:{url.port}").geturl(), role


def test_an_audit_that_the_database_refused_is_resumed_when_it_allows_and_lists_nothing_a_second_time(
    world: World, proxy: StorageProxy, closed_database: tuple[str, str]
) -> None:
    url, role = closed_database
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, PRE_DATABASE=url)) as api:
        failed = api.ended(api.start())
        assert (failed["state"], failed["resumes"]) == ("failed", 0)
        assert "SELECT" in failed["error"]
        with psycopg.connect(world.database, autocommit=True) as connection:
            connection.execute(f"grant select on all tables in schema public to {role}".encode())
        settled(api, failed["id"])

        response = resumed(api, failed["id"])
        assert (response.status_code, response.json()["state"]) == (202, "queued")
        view = api.ended(failed["id"])

        assert (view["state"], view["resumes"], view["error"]) == ("completed", 1, None)
        assert api.report(view["id"])["audit"]["resumes"] == 1
        # The time, the listing, and the one that it is held to.
        assert sum(asked.lists_account for asked in proxy.asked) == 3
        assert leaks(api, world, ROLE_PASSWORD) == []


def test_a_resumed_audit_keeps_its_finished_shards_and_makes_its_report_anew(
    api: Api, world: World, proxy: StorageProxy, report_proxy: StorageProxy
) -> None:
    report_proxy.refuse(writes("findings.csv"), 403, "AuthorizationFailure")
    failed = api.ended(api.start())
    assert failed["state"] == "failed"
    assert "Check the account key in REPORT_STORAGE" in failed["error"]
    assert f"pre-capture-sessions/{failed['id']}/report.json" in world.stored()
    settled(api, failed["id"])
    report_proxy.reset()
    proxy.asked.clear()

    assert resumed(api, failed["id"]).status_code == 202
    view = api.ended(failed["id"])

    assert (view["state"], view["resumes"]) == ("completed", 1)
    read = {asked.container for asked in proxy.asked if asked.lists_blobs}
    assert read <= world.opened_again.keys(), "a shard that was done was read again"
    assert api.report(view["id"])["audit"]["resumes"] == 1, "the report is the one of before the resume"


def test_what_was_unread_when_an_audit_failed_is_read_and_reported_when_it_is_resumed(
    api: Api, world: World, proxy: StorageProxy, report_proxy: StorageProxy
) -> None:
    [hidden] = world.case("swept").containers
    proxy.refuse(lists(hidden.name), 403, "AuthorizationFailure")
    report_proxy.refuse(writes("findings.csv"), 403, "AuthorizationFailure")
    failed = api.ended(api.start())
    assert (failed["state"], failed["dead_letters"]) == ("failed", 1)
    settled(api, failed["id"])
    proxy.reset()
    report_proxy.reset()

    assert resumed(api, failed["id"]).status_code == 202
    view = api.ended(failed["id"])

    assert (view["state"], view["dead_letters"]) == ("completed", 0)
    report = api.report(view["id"])
    assert report["complete"]
    assert report["coverage"]["failed_units"] == []


@pytest.mark.parametrize("end", ["completed", "cancelled"])
def test_there_is_nothing_to_resume_in_an_audit_that_is_done(api: Api, proxy: StorageProxy, end: str) -> None:
    held = proxy.hold(account)
    audit_id = api.start()
    assert held.reached.wait(30)
    refused = resumed(api, audit_id)
    assert (refused.status_code, refused.json()["state"]) == (409, "running")
    if end == "cancelled":
        assert api.post(f"/audits/{audit_id}/cancel").status_code == 202
    held.release()
    assert api.ended(audit_id)["state"] == end
    refused = resumed(api, audit_id)
    assert (refused.status_code, refused.json()["state"]) == (409, end)
    assert refused.headers["content-type"] == "application/problem+json"


def test_an_audit_that_is_not_there_cannot_be_resumed(api: Api) -> None:
    assert resumed(api, "20260131-093000-1a2b3c4d").status_code == 404
    assert resumed(api, "..%2f..%2factive").status_code == 400


# --- what broke off -------------------------------------------------------------------------------------------------


def test_the_watchdog_resumes_what_broke_off_although_an_activity_of_before_still_works(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    audit_id, held = at_work(api, proxy, world)
    break_off(api, audit_id)
    view = api.view(audit_id)
    assert (view["state"], view["outcome"]) == ("interrupted", None)
    assert api.get(f"/audits/{audit_id}/report").status_code == 409

    fire(api, "watchdog")
    assert api.view(audit_id)["state"] in {"queued", "running"}
    held.release()  # of both: the scan of before, and the one that is there now

    view = api.ended(audit_id)
    assert (view["state"], view["resumes"]) == ("completed", 1)
    assert api.report(audit_id)["audit"]["resumes"] == 1
    assert record(world, audit_id)["resumes"] == 1
    assert events(api, "audit.resumed")[-1]["audit_id"] == audit_id


def test_the_watchdog_gives_up_after_as_many_resumes_as_it_may_and_says_so(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    audit_id, held = at_work(api, proxy, world)
    break_off(api, audit_id)
    fire(api, "watchdog")
    eventually(lambda: api.view(audit_id)["state"] == "running" or None, "it works again", 20)
    break_off(api, audit_id)
    age(world, audit_id, timedelta(minutes=5))
    assert api.view(audit_id)["state"] == "interrupted"

    fire(api, "watchdog")
    view = api.view(audit_id)
    assert (view["state"], view["outcome"]["word"], view["resumes"]) == ("failed", "failed", 1)
    assert "AUDIT_MAX_RESUMES" in view["error"]
    assert events(api, "audit.given_up")[-1]["audit_id"] == audit_id
    assert events(api, "audit.failed")[-1]["audit_id"] == audit_id

    held.release()
    assert resumed(api, audit_id).status_code == 202, "a person may always try again"
    view = api.ended(audit_id)
    assert (view["state"], view["resumes"]) == ("completed", 2)


def test_an_audit_whose_orchestration_is_lost_is_interrupted_once_it_cannot_be_on_its_way_any_more(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    audit_id, held = at_work(api, proxy, world)
    lose(api, audit_id)
    assert api.view(audit_id)["state"] == "queued"
    fire(api, "watchdog")
    assert record(world, audit_id)["resumes"] == 0, "it was resumed although it may just have been started"
    age(world, audit_id, timedelta(minutes=2))
    assert api.view(audit_id)["state"] == "interrupted"
    fire(api, "watchdog")
    held.release()
    assert api.ended(audit_id)["resumes"] == 1


def test_a_host_that_dies_with_all_it_knew_leaves_an_audit_that_another_one_ends(
    world: World, proxy: StorageProxy, tmp_path: Path
) -> None:
    settings = world.settings(SOURCE_STORAGE=proxy.connection_string)
    with running(settings, tmp_path / "one") as api:
        audit_id, held = at_work(api, proxy, world)
        os.kill(api.app.pid, signal.SIGKILL)
        eventually(lambda: api.app.server.has_ended() or None, "the host ends", 10)
        held.drop()
        proxy.reset()
    shutil.rmtree(tmp_path / "one", ignore_errors=True)
    age(world, audit_id, timedelta(minutes=2))
    with running(settings, tmp_path / "two") as api:
        assert api.view(audit_id)["state"] == "interrupted"
        fire(api, "watchdog")
        view = api.ended(audit_id)
        assert (view["state"], view["resumes"]) == ("completed", 1)
        assert api.report(audit_id)["audit"]["resumes"] == 1


def test_a_new_audit_takes_the_place_of_one_that_broke_off(api: Api, world: World, proxy: StorageProxy) -> None:
    first, held = at_work(api, proxy, world)
    break_off(api, first)
    held.release()
    second = api.start()
    view = api.view(first)
    assert (view["state"], view["outcome"]["word"]) == ("failed", "failed")
    assert "a new audit took its place" in view["error"]
    assert api.ended(second)["state"] == "completed"


def test_what_broke_off_can_be_cancelled(api: Api, world: World, proxy: StorageProxy) -> None:
    audit_id, held = at_work(api, proxy, world)
    break_off(api, audit_id)
    assert api.post(f"/audits/{audit_id}/cancel").status_code == 202
    fire(api, "watchdog")
    held.release()
    assert api.view(audit_id)["state"] == "cancelled"
    assert events(api, "audit.cancelled")[-1]["audit_id"] == audit_id


# --- guards, and many at once -----------------------------------------------------------------------------------------


def test_the_watchdog_frees_the_guard_of_an_audit_that_has_ended_and_of_no_other(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    held = proxy.hold(account)
    audit_id = api.start()
    assert held.reached.wait(30)
    fire(api, "watchdog")
    assert guards(world) == [audit_id]
    assert api.view(audit_id)["state"] == "running"
    assert api.post(f"/audits/{audit_id}/cancel").status_code == 202
    held.release()
    assert guards(world) == [audit_id]
    fire(api, "watchdog")
    assert guards(world) == []
    fire(api, "watchdog")


def test_an_audit_that_comes_to_its_end_frees_its_guard_itself(api: Api, world: World) -> None:
    audit_id = api.start()
    settled(api, audit_id)
    assert api.view(audit_id)["state"] == "completed"
    assert guards(world) == []


def test_of_all_who_resume_and_start_at_once_one_gets_through(
    api: Api, world: World, proxy: StorageProxy, report_proxy: StorageProxy
) -> None:
    report_proxy.refuse(writes("findings.csv"), 403, "AuthorizationFailure")
    failed = str(api.ended(api.start())["id"])
    settled(api, failed)
    report_proxy.reset()
    held = proxy.hold(lambda asked: True)

    async def ask_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=20)
        async with httpx.AsyncClient(base_url=api.app.url, timeout=60, limits=limits) as client:
            resumes = (client.post(f"/audits/{failed}/resume") for _ in range(10))
            starts = (client.post("/audits", json={}) for _ in range(10))
            return await asyncio.gather(*resumes, *starts)

    responses = asyncio.run(ask_all())
    [accepted] = [response.json()["id"] for response in responses if response.status_code == 202]
    assert {response.status_code for response in responses} == {202, 409}
    assert guards(world) == [accepted]
    active = [view["id"] for view in api.get("/audits?limit=200").json()["audits"] if view["state"] in WORKING]
    assert active == [accepted]
    held.release()
    assert api.ended(accepted)["state"] == "completed"


WORKING = {"queued", "running", "interrupted"}


def test_the_watchdog_a_person_and_a_cancellation_in_one_moment_leave_one_story(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    audit_id, held = at_work(api, proxy, world)
    break_off(api, audit_id)
    with ThreadPoolExecutor(9) as pool:
        fired = pool.submit(fire, api, "watchdog")
        asked = [pool.submit(resumed, api, audit_id) for _ in range(6)]
        cancelled = pool.submit(api.post, f"/audits/{audit_id}/cancel")
        answers = [each.result().status_code for each in asked]
        fired.result()
    assert set(answers) <= {202, 409}
    assert answers.count(202) <= 1
    assert cancelled.result().status_code == 202
    held.release()
    assert api.view(audit_id)["state"] == "cancelled"
    settled(api, audit_id)
    fire(api, "watchdog")
    assert api.view(audit_id)["state"] == "cancelled"
    assert record(world, audit_id)["resumes"] <= 1
