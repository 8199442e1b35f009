"""People are told once of each end they want to hear of, and whatever becomes of the notice harms no audit."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dev.devstack.azurite import HOST
from tests.app.hosting import break_off, fire, settled
from tests.app.proxy import Asked, StorageProxy, lists
from tests.app.world import Api, World, eventually, leaks, running

SECRET = "hook-7d1f5a"


@dataclass
class Chat:
    """An incoming webhook; what it was told, in order."""

    url: str
    status: int = 200
    told: list[str] = field(default_factory=list)


@contextmanager
def chatting() -> Iterator[Chat]:
    chat = Chat("")

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            chat.told.append(json.loads(body)["text"])
            self.send_response(chat.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            pass

    with ThreadingHTTPServer((HOST, 0), Webhook) as server:
        chat.url = f"http://{HOST}:{server.server_port}/{SECRET}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield chat
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    with chatting() as chat:
        yield chat


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy, chat: Chat) -> Iterator[Api]:
    settings = world.settings(SOURCE_STORAGE=proxy.connection_string, AUDIT_MAX_PASSES="1", AUDIT_MAX_RESUMES="0")
    with running({**settings, "AUDIT_WEBHOOK_URL": chat.url}) as api:
        yield api


@pytest.fixture(autouse=True)
def _quiet(proxy: StorageProxy, chat: Chat) -> Iterator[None]:
    chat.status = 200
    chat.told.clear()
    yield
    proxy.reset()


def account(asked: Asked) -> bool:
    return asked.lists_account


def test_people_are_told_of_a_plan_that_waits_and_of_nobodys_name(api: Api, chat: Chat) -> None:
    view, _ = api.audited()
    settled(api, view["id"])
    chat.told.clear()
    accepted = api._http.post(f"/audits/{view['id']}/repairs", json={"by": "Ann Smith"})
    assert accepted.status_code == 202, accepted.text
    repair_id = accepted.json()["id"]
    told = eventually(lambda: chat.told or None, "the webhook is told", 60)
    assert f"repair {repair_id}" in told[0]
    assert "Its plan waits for an approval until" in told[0]
    assert "Ann" not in told[0]


def test_people_are_told_once_of_findings(api: Api, chat: Chat) -> None:
    view, report = api.audited()
    settled(api, view["id"])
    [told] = chat.told
    assert view["id"] in told
    assert "findings" in told
    assert report["headline"] in told


def test_each_round_of_an_audit_is_an_end_of_its_own(api: Api, world: World, proxy: StorageProxy, chat: Chat) -> None:
    [hidden] = world.case("swept").containers
    proxy.refuse(lists(hidden.name), 403, "AuthorizationFailure")
    audit_id = api.ended(api.start())["id"]
    settled(api, audit_id)
    proxy.reset()
    assert api.post(f"/audits/{audit_id}/dead-letters/replay").status_code == 202
    api.ended(audit_id)
    settled(api, audit_id)
    assert [told.partition("\n")[0].rpartition(": ")[2] for told in chat.told] == ["incomplete", "findings"]


def test_people_are_told_why_an_audit_failed_and_again_when_it_was_resumed(
    api: Api, proxy: StorageProxy, chat: Chat
) -> None:
    proxy.refuse(account, 403, "AuthorizationFailure")
    audit_id = api.ended(api.start())["id"]
    settled(api, audit_id)
    proxy.reset()
    assert api.post(f"/audits/{audit_id}/resume").status_code == 202
    assert api.ended(audit_id)["state"] == "completed"
    settled(api, audit_id)
    first, second = chat.told
    assert "Check the account key in SOURCE_STORAGE" in first
    assert first.partition("\n")[0].endswith(": failed")
    assert second.partition("\n")[0].endswith(": findings")


def test_an_audit_that_the_watchdog_gives_up_is_told_of_though_it_has_no_orchestration(
    api: Api, proxy: StorageProxy, chat: Chat
) -> None:
    held = proxy.hold(account)
    audit_id = api.start()
    assert held.reached.wait(30)
    break_off(api, audit_id)
    fire(api, "watchdog")
    fire(api, "watchdog")
    held.release()
    [told] = chat.told
    assert "AUDIT_MAX_RESUMES" in told


def test_nobody_is_told_of_what_was_cancelled(api: Api, proxy: StorageProxy, chat: Chat) -> None:
    held = proxy.hold(account)
    audit_id = api.start()
    assert held.reached.wait(30)
    assert api.post(f"/audits/{audit_id}/cancel").status_code == 202
    held.release()
    settled(api, audit_id)
    assert chat.told == []


def test_a_webhook_that_refuses_harms_no_audit_and_its_address_is_told_to_nobody(
    api: Api, world: World, chat: Chat
) -> None:
    chat.status = 500
    view, report = api.audited()
    assert (view["state"], view["error"]) == ("completed", None)
    assert report["complete"]
    settled(api, view["id"])
    assert len(chat.told) == 3
    assert "Cannot notify AUDIT_WEBHOOK_URL: it answered 500" in api.app.log.read_text(encoding="utf-8")
    assert leaks(api, world, SECRET) == []
