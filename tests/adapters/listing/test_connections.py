"""Many requests over few connections, and a server that does what a test has written down."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.listing import connections as connections_module
from adapters.listing import opening
from adapters.listing.account import Account, Limits
from adapters.listing.connection import BrokenError, Connection, NotHttpError, UnansweredError
from adapters.listing.connections import Connections
from adapters.listing.opening import UnreachableError, Way
from adapters.patience import Patience
from dev.devstack.fast_stub.certificate import make_certificate
from tests.adapters.listing.scripted_server import Caller, Server, Talk, answer, server, turns, until
from tests.adapters.tls_on_loopback import serving


@asynccontextmanager
async def asking(
    talk: Talk, tls: ssl.SSLContext | None = None, *, most: int = 128, seconds: float = 30.0
) -> AsyncIterator[tuple[Account, Server]]:
    """An account at a server that talks so."""
    async with server(talk, tls) as there:
        account = account_at(there, most, seconds)
        try:
            yield account, there
        finally:
            account.close()
            await until(lambda: not pool_of(account)._all)


def account_at(there: Server, most: int = 128, seconds: float = 30.0) -> Account:
    limits = Limits(per_second=0, connections=most)
    account = Account(str(there.address), limits=limits, patience=Patience(request_timeout=seconds))
    account._gate._throttle._window = most  # as if many had been answered
    return account


def pool_of(account: Account) -> Connections:
    return account._gate._connections


async def get(account: Account, target: str = "/") -> str:
    async with asyncio.timeout(5):
        response, _ = await account.get(target, "", {})
        return response.body.decode()


async def target_of(caller: Caller) -> str:
    return (await caller.request()).split()[1].removesuffix("?")


async def echo(caller: Caller) -> None:
    """Answers each request with its target."""
    while True:
        caller.say(answer((await target_of(caller)).encode()))


class Held:
    """Answers each request with its target, once it may, and ``more`` bytes; ``arrived`` are all targets, in order."""

    def __init__(self, more: int = 0) -> None:
        self.more = more
        self.arrived: list[str] = []
        self.open = asyncio.Event()

    async def __call__(self, caller: Caller) -> None:
        while True:
            target = await target_of(caller)
            self.arrived.append(target)
            await self.open.wait()
            caller.say(answer(target.encode() + bytes(self.more)))


async def test_never_are_there_more_connections_than_allowed_and_each_gets_its_own_answer() -> None:
    async with asking(echo, most=7) as (account, there):
        targets = [f"/{n}" for n in range(500)]
        assert await asyncio.gather(*(get(account, target) for target in targets)) == targets
    assert there.most <= len(there.callers) <= 7


async def test_who_waits_is_served_in_order() -> None:
    held = Held()
    async with asking(held, most=1) as (account, _):
        tasks = [asyncio.create_task(get(account, f"/{n}")) for n in range(20)]
        await until(lambda: held.arrived == ["/0"])
        held.open.set()
        await asyncio.gather(*tasks)
    assert held.arrived == [f"/{n}" for n in range(20)]


async def test_the_connection_that_was_used_last_is_used_first() -> None:
    held = Held()
    async with asking(held) as (account, there):
        tasks = [asyncio.create_task(get(account, f"/{n}")) for n in range(3)]
        await until(lambda: len(held.arrived) == 3)
        held.open.set()
        await asyncio.gather(*tasks)
        last = pool_of(account)._idle[-1]
        for _ in range(5):
            await get(account)
            assert pool_of(account)._idle[-1] is last
    assert len(there.callers) == 3


async def test_no_more_than_sixteen_connections_are_opened_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opening = most = 0
    really_open = Way.open

    async def open_slowly(way: Way, make: Callable[[], Connection]) -> Connection:
        nonlocal opening, most
        opening += 1
        most = max(most, opening)
        await turns(20)
        opening -= 1
        return await really_open(way, make)

    monkeypatch.setattr(Way, "open", open_slowly)
    held = Held()
    async with asking(held, most=50) as (account, there):
        tasks = [asyncio.create_task(get(account, f"/{n}")) for n in range(60)]
        await until(lambda: len(held.arrived) == 50)
        held.open.set()
        await asyncio.gather(*tasks)
    assert most == 16
    assert len(there.callers) == 50


@pytest.mark.parametrize(("size", "most"), [(0, 32), (100_000, 8), (1_100_000, 1)])
async def test_callers_go_on_a_few_in_each_turn_of_the_loop_and_all_in_the_end(size: int, most: int) -> None:
    held = Held(size)
    done = 0

    async def ask(account: Account) -> None:
        nonlocal done
        await account.get("/", "", {})
        done += 1

    async with asking(held) as (account, _):
        tasks = [asyncio.create_task(ask(account)) for _ in range(100)]
        await until(lambda: len(held.arrived) == 100)
        held.open.set()
        before = done
        async with asyncio.timeout(5):
            while done < 100:
                await asyncio.sleep(0)
                assert done - before <= most
                before = done
        await asyncio.gather(*tasks)


# --- connections that end ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reset", [False, True])
async def test_a_kept_connection_that_is_lost_is_replaced_and_nobody_notices(reset: bool) -> None:
    async def once(caller: Caller) -> None:
        caller.say(answer((await target_of(caller)).encode()))
        await caller.request()
        if reset:
            caller.reset()

    async with asking(once, most=3) as (account, there):
        for n in range(5):
            targets = [f"/{n}-{m}" for m in range(3)]
            assert await asyncio.gather(*(get(account, target) for target in targets)) == targets
    assert len(there.callers) > 5


async def test_an_idle_connection_that_the_server_ends_is_forgotten() -> None:
    async def once(caller: Caller) -> None:
        await caller.request()
        caller.say(answer())

    async with asking(once) as (account, there):
        for n in range(3):
            assert await get(account) == "ok"
            await until(lambda: not pool_of(account)._all)
            assert not pool_of(account)._idle
            assert len(there.callers) == n + 1


async def test_a_connection_that_the_server_wants_closed_is_not_used_again() -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        caller.say(answer(b"ok", 200, "Connection: close"))
        await caller.closed()

    async with asking(talk, most=1) as (account, there):
        assert [await get(account) for _ in range(3)] == ["ok"] * 3
    assert len(there.callers) == 3
    assert there.most <= 2  # the server may see the end of one a moment after the beginning of the next


@pytest.mark.parametrize(
    ("said", "kind"), [(b"", UnansweredError), (b"HTTP/1.1 200", BrokenError), (b"x", NotHttpError)]
)
async def test_what_is_no_answer_is_an_error_for_each_who_asked_and_leaves_nothing(
    said: bytes, kind: type[Exception]
) -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        caller.say(said)

    async with asking(talk, most=2) as (account, there):
        errors = await asyncio.gather(*(get(account) for _ in range(6)), return_exceptions=True)
        assert [type(error) for error in errors] == [kind] * 6
        await until(lambda: not pool_of(account)._all)
    assert len(there.callers) == 6


async def test_a_server_that_closes_each_connection_at_once_is_asked_once_for_each_request() -> None:
    async def talk(_caller: Caller) -> None:
        pass

    async with asking(talk, most=4) as (account, there):
        errors = await asyncio.gather(*(get(account) for _ in range(8)), return_exceptions=True)
    assert {type(error) for error in errors} == {UnansweredError}
    assert len(there.callers) <= 8


async def test_a_server_that_is_not_there_is_an_error_for_each_who_asked_and_may_come_back() -> None:
    async with asking(echo) as (_, there):
        pass
    account = account_at(there, most=2)
    errors = await asyncio.gather(*(get(account) for _ in range(5)), return_exceptions=True)
    assert [type(error) for error in errors] == [UnreachableError] * 5
    async with server(echo) as there:
        pool_of(account)._open_one = Way(there.address).open
        assert await get(account, "/back") == "/back"
        account.close()
        await until(lambda: not pool_of(account)._all)


# --- callers that give up, time that runs out -------------------------------------------------------------------------


async def test_a_cancelled_request_ends_its_connection_and_frees_its_place() -> None:
    held = Held()
    async with asking(held, most=1) as (account, there):
        first, second = (asyncio.create_task(get(account, f"/{n}")) for n in range(2))
        await until(lambda: held.arrived == ["/0"])
        first.cancel()
        await asyncio.wait([first])
        held.open.set()
        assert await second == "/1"
        assert first.cancelled()
        assert len(pool_of(account)._all) == 1
    assert len(there.callers) == 2


async def test_who_gives_up_while_waiting_takes_no_connection_along() -> None:
    held = Held()
    async with asking(held, most=1) as (account, there):
        tasks = [asyncio.create_task(get(account, f"/{n}")) for n in range(4)]
        await until(lambda: held.arrived == ["/0"])
        tasks[1].cancel()
        tasks[2].cancel()
        held.open.set()
        await asyncio.wait(tasks)
        assert [task.cancelled() for task in tasks] == [False, True, True, False]
        assert (len(pool_of(account)._all), len(pool_of(account)._idle)) == (1, 1)
    assert held.arrived == ["/0", "/3"]
    assert len(there.callers) == 1


async def test_requests_cancelled_at_any_moment_mix_up_nothing_and_lose_no_connection() -> None:
    async with asking(echo, most=3) as (account, _):
        for n in range(120):
            targets = [f"/{n}-{m}" for m in range(5)]
            tasks = [asyncio.create_task(get(account, target)) for target in targets]
            await turns(n // 5)
            tasks[n % 5].cancel()
            await asyncio.wait(tasks)
            for task, target in zip(tasks, targets, strict=True):
                assert task.cancelled() or task.result() == target
            await until(lambda: len(pool_of(account)._all) == len(pool_of(account)._idle))
            assert len(pool_of(account)._idle) <= 3


async def test_a_request_out_of_time_raises_and_ends_its_connection_and_the_next_is_served() -> None:
    async def talk(caller: Caller) -> None:
        target = await target_of(caller)
        if target != "/never":
            caller.say(answer(target.encode()))
        await caller.closed()

    async with asking(talk, most=1, seconds=0.05) as (account, there):
        never, next_one = (asyncio.create_task(get(account, target)) for target in ("/never", "/next"))
        with pytest.raises(TimeoutError):
            await never
        assert await next_one == "/next"
    assert len(there.callers) == 2


async def test_only_what_is_late_is_ended() -> None:
    held = Held()
    async with asking(held, seconds=30) as (account, _):
        task = asyncio.create_task(get(account, "/0"))
        await until(lambda: held.arrived == ["/0"])
        pool_of(account)._look()
        held.open.set()
        assert await task == "/0"
        pool_of(account)._look()
        assert len(pool_of(account)._idle) == 1


async def test_connections_that_nobody_needs_are_closed_and_then_nothing_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "IDLE_SECONDS", 0.0)
    async with asking(echo, seconds=0.02) as (account, there):
        await get(account)
        await until(lambda: not pool_of(account)._all and pool_of(account)._timer is None)
        assert await get(account, "/again") == "/again"
        await until(lambda: not pool_of(account)._all and pool_of(account)._timer is None)
    assert len(there.callers) == 2


async def test_a_connection_that_nobody_needs_gives_its_place_back_though_its_server_says_no_goodbye(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(caller: Caller) -> None:
        await caller.request()
        caller.say(answer())
        caller.turn_deaf()
        try:
            await asyncio.Event().wait()
        finally:
            caller.reset()

    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    monkeypatch.setattr(connections_module, "IDLE_SECONDS", -1.0)
    opening.trusted.cache_clear()
    async with asking(deaf, serving(certificate), most=1) as (account, there):
        for _ in range(3):
            assert await get(account) == "ok"
            pool_of(account)._look()
    assert len(there.callers) == 3


async def test_closing_ends_what_is_under_way_what_waits_and_what_is_opened() -> None:
    held = Held()
    async with asking(held, most=2) as (account, _):
        tasks = [asyncio.create_task(get(account)) for _ in range(4)]
        await until(lambda: len(held.arrived) == 2)
        account.close()
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(error) for error in errors] == [BrokenError] * 4
        with pytest.raises(BrokenError):
            await get(account)
        await until(lambda: not pool_of(account)._all)


async def test_closing_while_connections_are_opened_opens_none() -> None:
    async with asking(echo) as (account, _):
        tasks = [asyncio.create_task(get(account)) for _ in range(40)]
        await turns(1)
        account.close()
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(error) for error in errors} == {BrokenError}
        assert not pool_of(account)._all
