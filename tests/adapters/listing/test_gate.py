"""Who is let in when, and that no place is lost."""

import asyncio

import pytest

from adapters.listing.gate import Gate
from adapters.listing.throttle import Throttle


async def turns() -> None:
    """Until everything that can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_as_many_come_in_as_there_are_places_and_the_others_in_the_order_in_which_they_came() -> None:
    gate, order = Gate(Throttle(None, 2)), list[int]()

    async def one(number: int) -> None:
        await gate.enter()
        order.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    await turns()
    assert order == [0, 1]
    gate.leave()
    await turns()
    assert order == [0, 1, 2]
    gate.leave()
    gate.leave()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


async def test_whoever_is_cancelled_takes_no_place_along() -> None:
    gate = Gate(Throttle(None, 1))
    await gate.enter()
    waiting, behind = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await turns()
    waiting.cancel()
    await turns()
    gate.leave()
    async with asyncio.timeout(5):
        await behind


async def test_whoever_is_cancelled_while_let_in_gives_the_place_back() -> None:
    gate = Gate(Throttle(None, 1))
    await gate.enter()
    waiting, behind = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await turns()
    gate.leave()  # lets it in, and before it can go on it is cancelled
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(5):
        await behind


async def test_after_a_refusal_all_wait_for_the_pause_and_then_come_in() -> None:
    gate, loop = Gate(Throttle(None, 4)), asyncio.get_running_loop()
    begun = await gate.enter()
    refused_at = loop.time()
    gate.leave_refused(begun, 0.2)
    async with asyncio.timeout(5):
        entered = await asyncio.gather(*(gate.enter() for _ in range(4)))
    assert min(entered) - refused_at >= 0.2


async def test_a_ceiling_spreads_what_comes_at_once() -> None:
    gate = Gate(Throttle(200.0, 128))

    async def one() -> float:
        begun = await gate.enter()
        gate.leave()
        return begun

    async with asyncio.timeout(10):
        begun = await asyncio.gather(*(one() for _ in range(41)))
    assert max(begun) - min(begun) >= 0.14  # 41 at 200 per second, less what may be made up for
    assert begun == sorted(begun)
