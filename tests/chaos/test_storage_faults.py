"""Each fault of the storage proxy does what its name says, to a client that knows nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

import chaos.storage
from adapters.listing.pages import parse_containers
from chaos.faults import LISTING_FAULTS, Fault, Weather
from chaos.storage import StorageProxy, garbled, storage_proxy
from devstack.storage_stub.catalogue import ListedAccount
from devstack.storage_stub.pages import BlobEntry, container_page
from devstack.storage_stub.server import Listings
from reconciliation.errors import ListingError

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
ACCOUNT = ListedAccount({name: [BlobEntry(f"{name}{n}.mp4", 1, MODIFIED) for n in range(3)] for name in ("aa", "bb")})
LIST = "/stub/?comp=list&maxresults=1"
BLOBS = "/stub/aa?restype=container&comp=list&maxresults=5000"
REFUSALS = {
    Fault.BUSY: (503, None),
    Fault.BUSY_RETRY_AFTER: (503, "1"),
    Fault.THROTTLED: (429, None),
    Fault.THROTTLED_RETRY_AFTER: (429, "1"),
    Fault.UNAUTHORIZED: (401, None),
    Fault.FORBIDDEN: (403, None),
}


@pytest.fixture
async def proxy() -> AsyncIterator[StorageProxy]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Listings(ACCOUNT, 0), "127.0.0.1", 0)
    async with storage_proxy(Weather(1, LISTING_FAULTS), server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def get(http: aiohttp.ClientSession, proxy: StorageProxy, target: str) -> tuple[int, bytes, str | None]:
    async with http.get(f"http://127.0.0.1:{proxy.port}{target}") as answer:
        return answer.status, await answer.read(), answer.headers.get("Retry-After")


def always(proxy: StorageProxy, fault: Fault) -> None:
    proxy.weather.kinds, proxy.weather.rate = (fault,), 1.0


async def test_without_faults_it_hands_on_and_notes_what_was_delivered_whole(
    proxy: StorageProxy, http: aiohttp.ClientSession
) -> None:
    assert await get(http, proxy, BLOBS) == (200, ACCOUNT.blobs("aa", "", 5000), None)
    assert await get(http, proxy, LIST) == (200, ACCOUNT.containers("", 1), None)
    assert proxy.delivered == {"aa"}
    assert proxy.weather.counts.total() == 0


async def test_a_container_is_delivered_with_its_last_page(proxy: StorageProxy, http: aiohttp.ClientSession) -> None:
    paged = BLOBS.replace("5000", "2")
    await get(http, proxy, paged)
    assert proxy.delivered == set()
    await get(http, proxy, f"{paged}&marker=aa2.mp4")
    assert proxy.delivered == {"aa"}


@pytest.mark.parametrize(("fault", "expected"), REFUSALS.items())
async def test_refusals(
    proxy: StorageProxy, http: aiohttp.ClientSession, fault: Fault, expected: tuple[int, str | None]
) -> None:
    always(proxy, fault)
    status, body, retry_after = await get(http, proxy, BLOBS)
    assert (status, retry_after) == expected
    assert b"<Error><Code>" in body
    assert proxy.weather.counts == {fault: 1}
    assert proxy.delivered == set()


@pytest.mark.parametrize(
    "fault", [Fault.DROP, Fault.RESET, Fault.LOST_ANSWER, Fault.TRUNCATED, Fault.WRONG_LENGTH, Fault.STALLED]
)
async def test_answers_that_do_not_arrive(
    proxy: StorageProxy, http: aiohttp.ClientSession, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.storage, "STALL_SECONDS", 0)
    always(proxy, fault)
    with pytest.raises(aiohttp.ClientError):
        await get(http, proxy, BLOBS)
    assert proxy.weather.counts[fault] > 0
    assert proxy.delivered == set()


async def test_a_reset_is_a_reset(proxy: StorageProxy) -> None:
    always(proxy, Fault.RESET)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(f"GET {BLOBS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_slow_answers_arrive_whole(
    proxy: StorageProxy, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.storage, "SLOWEST_SECONDS", 0.05)
    always(proxy, Fault.SLOW)
    assert (await get(http, proxy, BLOBS))[0] == 200
    assert proxy.delivered == {"aa"}


async def test_garbled_listings_have_the_right_length_and_are_no_xml(
    proxy: StorageProxy, http: aiohttp.ClientSession
) -> None:
    always(proxy, Fault.GARBLED)
    status, body, _ = await get(http, proxy, LIST)
    assert status == 200
    with pytest.raises(ListingError):
        parse_containers(body)


@pytest.mark.parametrize("strip", [True, False])
def test_every_way_to_garble_can_be_noticed(strip: bool) -> None:
    for names in ([], ["aa"], ["aa", "bb", "cc"]):
        with pytest.raises(ListingError):
            parse_containers(garbled(container_page(names, MODIFIED, ""), strip=strip))


async def test_a_repeated_marker_leads_back_to_its_own_page(proxy: StorageProxy, http: aiohttp.ClientSession) -> None:
    always(proxy, Fault.REPEATED_MARKER)
    _, first, _ = await get(http, proxy, LIST)
    assert parse_containers(first).marker == "bb", "a first page has no marker that could be repeated"
    _, second, _ = await get(http, proxy, f"{LIST}&marker=bb")
    assert parse_containers(second) == ("bb", ["bb"])


async def test_closed_containers_are_refused_whatever_the_weather(
    proxy: StorageProxy, http: aiohttp.ClientSession
) -> None:
    proxy.closed = frozenset({"aa"})
    assert (await get(http, proxy, BLOBS))[0] == 403
    assert (await get(http, proxy, BLOBS.replace("/aa", "/bb")))[0] == 200
    assert proxy.weather.counts == {Fault.CLOSED_CONTAINER: 1}


async def test_a_write_whose_answer_is_lost_was_done(tmp_path: Path) -> None:
    written: list[bytes] = []

    async def put(request: web.Request) -> web.Response:
        written.append(await request.read())
        return web.Response(status=201)

    app = web.Application()
    app.router.add_put("/{path:.*}", put)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    weather = Weather(1, (Fault.LOST_ANSWER,), rate=1.0)
    async with storage_proxy(weather, runner.addresses[0][1]) as proxy, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.put(f"http://127.0.0.1:{proxy.port}/stub/c/blob", data=b"all of it")
    await runner.cleanup()
    assert b"all of it" in written


def test_the_same_seed_draws_the_same_faults_at_about_the_rate() -> None:
    draws = [[Weather(7, LISTING_FAULTS, rate=0.1).draw() for _ in range(1)] for _ in range(2)]
    assert draws[0] == draws[1]
    weather = Weather(7, LISTING_FAULTS, rate=0.1)
    drawn = [weather.draw() for _ in range(5_000)]
    assert 400 < sum(fault is not None for fault in drawn) < 600
    assert {fault for fault in drawn if fault} == set(LISTING_FAULTS)
    assert weather.counts.total() == sum(fault is not None for fault in drawn)
    assert Weather(7, LISTING_FAULTS, rate=1.0).draw([]) is None
