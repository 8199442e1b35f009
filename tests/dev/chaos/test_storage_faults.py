"""Each fault of the storage proxy does what its name says, to a client that knows nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from adapters.listing.pages import parse_blobs, parse_containers
from dev.chaos import storage as module
from dev.chaos.faults import LIES, LISTING_FAULTS, Fault, Weather
from dev.chaos.storage import Conditions, StorageProxy, storage_proxy
from dev.chaos.tampering import SHAPES
from dev.devstack.storage_stub.catalogue import Account
from dev.devstack.storage_stub.pages import BlobEntry
from dev.devstack.storage_stub.server import Listings
from reconciliation.errors import ListingError
from reconciliation.times import from_rfc1123

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"


def account(*names: str) -> Account:
    return Account({name: [BlobEntry(f"{name}{n}.mp4", 1, MODIFIED) for n in range(3)] for name in names})


ACCOUNT = account("aa", "bb")
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


@asynccontextmanager
async def proxy_before(listed: Account) -> AsyncIterator[StorageProxy]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Listings(listed, 0), "127.0.0.1", 0)
    async with storage_proxy(Weather(1, LISTING_FAULTS), server.sockets[0].getsockname()[1]) as proxy:
        proxy.begin(Conditions(frozenset(listed.entries)))
        yield proxy
    server.close()


@pytest.fixture
async def proxy() -> AsyncIterator[StorageProxy]:
    async with proxy_before(ACCOUNT) as proxy:
        yield proxy


@pytest.fixture
async def proxy_of_three() -> AsyncIterator[StorageProxy]:
    async with proxy_before(account("aa", "bb", "cc")) as proxy:
        yield proxy


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
    "fault", [Fault.DROP, Fault.RESET, Fault.LOST_RESPONSE, Fault.TRUNCATED, Fault.WRONG_LENGTH, Fault.STALLED]
)
async def test_answers_that_do_not_arrive(
    proxy: StorageProxy, http: aiohttp.ClientSession, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0)
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
    monkeypatch.setattr(module, "SLOWEST_SECONDS", 0.05)
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


async def test_answers_of_another_shape_are_no_listings(proxy: StorageProxy, http: aiohttp.ClientSession) -> None:
    always(proxy, Fault.WRONG_SHAPE)
    for _ in SHAPES:
        status, names, _ = await get(http, proxy, LIST)
        _, blobs, _ = await get(http, proxy, BLOBS)
        assert status == 200
        with pytest.raises(ListingError):
            parse_containers(names)
        with pytest.raises(ListingError):
            parse_blobs(blobs, "aa")
    assert (proxy.delivered, proxy.lied_about) == (set(), set())


async def test_a_repeated_marker_leads_back_to_its_own_page(proxy: StorageProxy, http: aiohttp.ClientSession) -> None:
    always(proxy, Fault.REPEATED_MARKER)
    _, first, _ = await get(http, proxy, LIST)
    assert parse_containers(first).marker == "bb", "a first page has no marker that could be repeated"
    _, second, _ = await get(http, proxy, f"{LIST}&marker=bb")
    assert parse_containers(second) == ("bb", ["bb"])


async def test_closed_containers_are_refused_whatever_the_weather(
    proxy: StorageProxy, http: aiohttp.ClientSession
) -> None:
    proxy.begin(Conditions(closed=frozenset({"aa"})))
    assert (await get(http, proxy, BLOBS))[0] == 403
    assert (await get(http, proxy, BLOBS.replace("/aa", "/bb")))[0] == 200
    assert proxy.weather.counts == {Fault.CLOSED_CONTAINER: 1}


# --- lies: what has the right shape and is not true ----------------------------------------------------------------

NAMES = "/stub/?comp=list&maxresults=2"
PAGED = BLOBS.replace("5000", "2")


@pytest.mark.parametrize(("fault", "status"), [(Fault.VANISHED, 404), (Fault.BEING_DELETED, 409)])
async def test_a_container_seems_to_be_gone_once(
    proxy: StorageProxy, http: aiohttp.ClientSession, fault: Fault, status: int
) -> None:
    always(proxy, fault)
    answers = [await get(http, proxy, target) for target in (BLOBS, BLOBS, BLOBS.replace("/aa", "/bb"))]
    assert [answer[0] for answer in answers] == [status, 200, status]
    assert (proxy.delivered, proxy.lied_about) == ({"aa"}, {"aa", "bb"})
    assert proxy.weather.counts == {fault: 2}


async def test_a_page_ends_a_containers_listing_once(proxy: StorageProxy, http: aiohttp.ClientSession) -> None:
    always(proxy, Fault.LOST_MARKER)
    assert parse_blobs((await get(http, proxy, PAGED))[1]).marker is None
    assert (proxy.delivered, proxy.lied_about) == (set(), {"aa"})
    assert parse_blobs((await get(http, proxy, PAGED))[1]).marker == "aa2.mp4"
    assert (await get(http, proxy, f"{PAGED}&marker=aa2.mp4"))[1] == ACCOUNT.blobs("aa", "aa2.mp4", 2)
    assert proxy.delivered == {"aa"}


async def test_a_container_of_which_a_page_was_emptied_was_not_delivered_by_its_last_one(
    proxy: StorageProxy, http: aiohttp.ClientSession
) -> None:
    always(proxy, Fault.EMPTIED_PAGE)
    assert parse_blobs((await get(http, proxy, PAGED))[1]) == ("aa2.mp4", (0, [], []))
    await get(http, proxy, f"{PAGED}&marker=aa2.mp4")
    assert (proxy.delivered, proxy.lied_about) == (set(), {"aa"})
    await get(http, proxy, PAGED)
    await get(http, proxy, f"{PAGED}&marker=aa2.mp4")
    assert proxy.delivered == {"aa"}


@pytest.mark.parametrize(
    ("fault", "left", "lied_about"),
    [
        (Fault.LOST_MARKER, [["aa", "bb"], ["aa", "bb"]], {"cc"}),
        (Fault.EMPTIED_PAGE, [[], ["aa", "bb"]], {"aa", "bb"}),
        (Fault.LEFT_OUT, [["bb"], ["aa"]], {"aa", "bb"}),
    ],
)
async def test_each_container_is_left_out_of_the_account_once(
    http: aiohttp.ClientSession,
    proxy_of_three: StorageProxy,
    fault: Fault,
    left: list[list[str]],
    lied_about: set[str],
) -> None:
    proxy = proxy_of_three
    always(proxy, fault)
    pages = [parse_containers((await get(http, proxy, NAMES))[1]) for _ in (1, 2, 3)]
    assert sorted(page.names for page in pages[:2]) == sorted(left)
    assert pages[2].names == ["aa", "bb"]
    assert proxy.lied_about == lied_about


async def test_no_container_is_lied_about_in_two_ways_within_an_audit(
    proxy: StorageProxy, http: aiohttp.ClientSession
) -> None:
    proxy.begin(Conditions(containers=frozenset({"aa", "bb"})))
    always(proxy, Fault.VANISHED)
    assert (await get(http, proxy, BLOBS))[0] == 404
    proxy.weather.kinds = LIES
    for _ in range(20):
        assert (await get(http, proxy, BLOBS))[0] == 200
    assert "aa" in parse_containers((await get(http, proxy, NAMES))[1]).names
    proxy.begin(Conditions(containers=frozenset({"aa", "bb"})))
    always(proxy, Fault.VANISHED)
    assert (await get(http, proxy, BLOBS))[0] == 404, "another audit"


async def test_on_a_truthful_day_there_are_no_lies(proxy: StorageProxy, http: aiohttp.ClientSession) -> None:
    proxy.begin(Conditions(truthful=True))
    proxy.weather.kinds, proxy.weather.rate = LIES, 1.0
    assert (await get(http, proxy, BLOBS))[1] == ACCOUNT.blobs("aa", "", 5000)
    assert (await get(http, proxy, NAMES))[1] == ACCOUNT.containers("", 2)
    assert proxy.weather.counts.total() == 0


async def test_clocks_are_compared_without_lies(proxy: StorageProxy, http: aiohttp.ClientSession) -> None:
    proxy.weather.kinds, proxy.weather.rate = LIES, 1.0
    assert parse_containers((await get(http, proxy, LIST))[1]) == ("bb", ["aa"])
    assert proxy.weather.counts.total() == 0


# --- clocks ----------------------------------------------------------------------------------------------------------


async def test_some_blobs_are_from_the_future_at_each_asking(proxy: StorageProxy, http: aiohttp.ClientSession) -> None:
    proxy.begin(Conditions(future={"aa": frozenset({"aa1.mp4"})}))
    pages = [parse_blobs((await get(http, proxy, BLOBS))[1]).blobs for _ in (1, 2)]
    assert [[blob.last_modified.year for blob in page.kept] for page in pages] == [[2026, 2099, 2026]] * 2
    assert (await get(http, proxy, BLOBS.replace("/aa", "/bb")))[1] == ACCOUNT.blobs("bb", "", 5000)
    assert proxy.delivered == {"aa", "bb"}
    assert proxy.weather.counts == {Fault.FUTURE_BLOBS: 2}


@pytest.mark.parametrize("minutes", [-40, 17])
async def test_a_clock_that_is_off_is_off_by_as_much_throughout(
    proxy: StorageProxy, http: aiohttp.ClientSession, minutes: int
) -> None:
    proxy.begin(Conditions(clock_ahead=timedelta(minutes=minutes)))
    for target in (LIST, BLOBS):
        async with http.get(f"http://127.0.0.1:{proxy.port}{target}") as answer:
            [date] = answer.headers.getall("Date")
            ahead = from_rfc1123(date) - datetime.now(UTC)
            assert abs(ahead - timedelta(minutes=minutes)) < timedelta(seconds=30)
    assert proxy.weather.counts == {Fault.CLOCK_AHEAD: 1}


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
    weather = Weather(1, (Fault.LOST_RESPONSE,), rate=1.0)
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
