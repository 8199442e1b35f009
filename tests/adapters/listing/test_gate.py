"""Who is let in when, over which connection, and that no place is lost."""

import asyncio
import gc
from collections.abc import Callable
from socket import gaierror
from typing import Any

import pytest

from adapters.listing.connection import BrokenError
from adapters.listing.connections import Connections
from adapters.listing.gate import Gate, Turn
from adapters.listing.throttle import Throttle
from tests.adapters.listing.scripted_server import turns
from tests.adapters.listing.without_network import Network, QuickLoop


def gate_of(most: int, ceiling: float | None = None, network: Network | None = None) -> Gate:
    network = network or Network(is_prompt=True)
    return Gate(Throttle(ceiling), Connections(network.open, seconds=30.0, most=most))


def in_no_time(test: Callable[[], Any]) -> Callable[[], None]:
    """A test whose time is only a number, and in which no error is lost."""

    def run() -> None:
        lost: list[dict[str, Any]] = []
        with asyncio.Runner(loop_factory=QuickLoop) as runner:
            runner.get_loop().set_exception_handler(lambda _, context: lost.append(context))
            runner.run(test())
            gc.collect()
        assert not lost

    return run


@in_no_time
async def test_as_many_come_in_as_there_are_connections_and_the_others_in_the_order_in_which_they_came() -> None:
    gate, order, got = gate_of(2), list[int](), list[Turn]()

    async def one(number: int) -> None:
        got.append(await gate.enter())
        order.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    await turns()
    assert order == [0, 1]
    gate.leave(got[0][0])
    await turns()
    assert order == [0, 1, 2]
    gate.leave(got[1][0])
    gate.leave(got[2][0])
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


@in_no_time
async def test_whoever_is_cancelled_takes_no_place_along() -> None:
    gate = gate_of(1)
    connection, _ = await gate.enter()
    waiting, behind = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await turns()
    waiting.cancel()
    await turns()
    gate.leave(connection)
    assert (await behind)[0] is connection


@in_no_time
async def test_whoever_is_cancelled_while_let_in_gives_the_place_back() -> None:
    gate = gate_of(1)
    connection, _ = await gate.enter()
    waiting, behind = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await turns()
    gate.leave(connection)  # lets it in, and before it can go on it is cancelled
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await behind)[0] is connection


@in_no_time
async def test_whoever_is_cancelled_while_refused_is_not_missed() -> None:
    network = Network()
    gate = gate_of(1, network=network)
    waiting = asyncio.create_task(gate.enter())
    await turns()
    gate._fail(gaierror())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@in_no_time
async def test_whoever_lost_its_connection_comes_before_all_others() -> None:
    gate = gate_of(1)
    connection, _ = await gate.enter()
    waiting = [asyncio.create_task(gate.enter()) for _ in range(3)]
    await turns()
    connection.abort()
    again = asyncio.create_task(gate.enter_again())
    done, _ = await asyncio.wait([again, *waiting], return_when=asyncio.FIRST_COMPLETED)
    assert done == {again}
    gate.close()
    assert {type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)} == {BrokenError}


@in_no_time
async def test_after_a_refusal_all_wait_for_the_pause_and_then_come_in() -> None:
    gate, loop = gate_of(4), asyncio.get_running_loop()
    connection, begun = await gate.enter()
    refused_at = loop.time()
    gate.leave_refused(connection, begun, 0.2)
    entered = await asyncio.gather(*(gate.enter() for _ in range(4)))
    assert 0.2 <= min(at for _, at in entered) - refused_at <= 0.23


@in_no_time
async def test_an_opening_that_fails_while_all_pause_is_nobodys_error() -> None:
    network = Network(is_prompt=True)
    gate = gate_of(2, network=network)
    connection, begun = await gate.enter()
    network.is_prompt = False
    second = asyncio.create_task(gate.enter())
    await turns()
    gate.leave_refused(connection, begun, 5.0)
    network.opening[0].set_exception(gaierror())
    assert (await second)[0] is connection


@in_no_time
async def test_a_ceiling_spreads_what_comes_at_once() -> None:
    gate = gate_of(128, 200.0)

    async def one() -> float:
        connection, begun = await gate.enter()
        gate.leave(connection)
        return begun

    begun = await asyncio.gather(*(one() for _ in range(41)))
    assert max(begun) - min(begun) >= 0.14  # 41 at 200 per second, less what may be made up for
    assert begun == sorted(begun)
