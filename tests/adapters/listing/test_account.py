"""An account as it is asked: no faster than it allows, over no more connections than were given."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
from aiohttp import web

from adapters.listing.account import Account, Limits
from adapters.listing.throttle import LEAST_PER_SECOND
from adapters.patience import Patience
from reconciliation import VERSION
from reconciliation.errors import SettingsError
from tests.adapters.listing.scripted_server import Caller, server
from tests.adapters.listing.scripted_server import answer as said
from tests.adapters.listing.scripted_storage import SIGNATURE, failure, storage, xml


def pace_of(account: Account) -> float | None:
    return account._gate._throttle.per_second


async def test_a_request_is_what_was_asked_for_and_goes_over_a_connection_that_is_there() -> None:
    heads: list[str] = []

    async def talk(caller: Caller) -> None:
        while True:
            heads.append(await caller.request())
            caller.say(said())

    async with server(talk) as there:
        with closing(Account(f"{there.address}/acct")) as account:
            for _ in range(3):
                response, hint = await account.get("/a", "comp=list", {"Authorization": "Bearer x"})
                assert (response.status, response.body, hint) == (200, b"ok", None)
    lines = [
        "GET /acct/a?comp=list HTTP/1.1",
        f"Host: 127.0.0.1:{there.port}",
        "x-ms-version: 2023-11-03",
        f"User-Agent: capture-audit/{VERSION}",
        "Accept-Encoding: identity",
        "Authorization: Bearer x",
    ]
    assert [head.split("\r\n") for head in heads] == [[*lines, "", ""]] * 3
    assert len(there.callers) == 1


@pytest.mark.parametrize(
    ("limits", "processes", "share"),
    [
        (Limits(), 1, Limits(5000, 128)),
        (Limits(), 2, Limits(2500, 64)),
        (Limits(0, 128), 2, Limits(0, 64)),  # no ceiling stays none
        (Limits(5, 1), 2, Limits(3, 1)),  # less than one is none, or no ceiling at all
    ],
)
def test_the_processes_of_an_instance_share_its_limits(limits: Limits, processes: int, share: Limits) -> None:
    assert limits.shared_by(processes) == share


@pytest.mark.parametrize("value", ["s3cr3t\r\nX: y", "s3cr3t\n", "\rs3cr3t"])
async def test_a_header_that_would_be_two_is_never_sent(value: str) -> None:
    async with storage(lambda _: xml("<a/>")) as (lister, seen):
        with pytest.raises(ValueError, match="end of a line") as caught:
            await lister._account.get("/", "", {"Authorization": value})
    assert "s3cr3t" not in str(caught.value)
    assert not seen


@pytest.mark.parametrize(("status", "hint"), [(503, 7.0), (502, 7.0), (404, 7.0), (200, None)])
async def test_how_long_an_answer_asks_to_wait_is_told_beside_it(status: int, hint: float | None) -> None:
    async with storage(lambda _: failure(status, "", Retry_After="7")) as (lister, _):
        response, told = await lister._account.get("/c", "", {})
    assert (response.status, told) == (status, hint)


@pytest.mark.parametrize(
    ("answer", "slows_down"),
    [
        (failure(503, "ServerBusy"), True),
        (failure(429, "TooManyRequests"), True),
        (failure(500, "OperationTimedOut"), True),
        (failure(500, "InternalError"), False),
        (failure(403, "AuthorizationFailure"), False),
        (failure(404, "ContainerNotFound"), False),
        (xml("<OperationTimedOut/><Code>OperationTimedOut</Code>"), False),
    ],
    ids=lambda value: f"{value.status} {value.text}"[:60] if isinstance(value, web.Response) else None,
)
async def test_what_is_refused_for_want_of_room_slows_everybody_down(answer: web.Response, slows_down: bool) -> None:
    async with storage(lambda _: answer) as (lister, seen):
        account = lister._account
        response, _ = await account.get("/some-container", "comp=list", {})
        assert response.status == answer.status
        assert len(seen) == 1, "an account asks once; its callers ask again"
        assert pace_of(account) == (LEAST_PER_SECOND if slows_down else Limits.per_second)


async def test_a_slower_pace_is_told_once_for_each_burst_and_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "capture_audit.listing")
    all_there = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        if len(seen) == 16:
            all_there.set()
        await all_there.wait()
        return failure(503, "ServerBusy")

    async with storage(answer) as (lister, seen):
        await asyncio.gather(*(lister._account.get("/some-container", SIGNATURE, {}) for _ in range(16)))
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith("127.0.0.1 refuses requests for want of room (503). It is asked at most ")


async def test_no_more_requests_are_under_way_than_there_are_connections() -> None:
    under_way, most = 0, 0
    go_on = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 3:
            go_on.set()
        await go_on.wait()
        under_way -= 1
        return xml("<a/>")

    async with storage(answer) as (lister, _):
        url = lister._endpoint.url
        with closing(Account(url, limits=Limits(per_second=0, connections=3))) as account:
            async with asyncio.timeout(20):
                await asyncio.gather(*(account.get("/c", f"n={n}", {}) for n in range(30)))
    assert most == 3


@asynccontextmanager
async def with_one_connection(patience: Patience) -> AsyncIterator[tuple[Account, list[web.Request]]]:
    """An account that does not answer below ``/silent``, and the requests that it was asked."""
    silence = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/acct/silent":
            await silence.wait()
        return xml("<a/>")

    async with storage(answer) as (lister, seen):
        with closing(Account(lister._endpoint.url, limits=Limits(connections=1), patience=patience)) as account:
            yield account, seen
        silence.set()


async def test_a_caller_that_gives_up_leaves_its_place_to_the_next() -> None:
    async with with_one_connection(Patience()) as (account, seen):
        waiting = asyncio.create_task(account.get("/silent", "", {}))
        async with asyncio.timeout(20):
            while not seen:  # noqa: ASYNC110 - the server has no event to wait for
                await asyncio.sleep(0)
            waiting.cancel()
            assert (await account.get("/c", "", {}))[0].status == 200


async def test_an_answer_that_does_not_come_leaves_its_place_to_the_next() -> None:
    async with with_one_connection(Patience(request_timeout=0.1)) as (account, _):
        with pytest.raises(TimeoutError):
            await account.get("/silent", "", {})
        assert (await account.get("/c", "", {}))[0].status == 200


@pytest.mark.parametrize("url", ["", "ftp://a.b", "https://me:s3cr3t@a.b"])
def test_an_address_that_cannot_be_asked_is_told_without_its_secret(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Account(url)
    assert "s3cr3t" not in str(caught.value)
