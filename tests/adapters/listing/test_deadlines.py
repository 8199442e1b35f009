import asyncio

import pytest

from adapters.listing.deadlines import Deadlines


async def test_what_ends_in_time_is_left_alone() -> None:
    deadlines = Deadlines(1)
    for _ in range(20):
        with deadlines.one():
            await asyncio.sleep(0)
    await asyncio.sleep(1.1)  # a deadline that was kept must not fire later


async def test_what_hangs_ends_in_a_timeout_and_the_task_goes_on() -> None:
    deadlines = Deadlines(0.04)
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError), deadlines.one():
        await asyncio.Event().wait()
    assert 0.04 <= asyncio.get_running_loop().time() - began < 2
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_each_of_many_has_a_deadline_of_its_own() -> None:
    deadlines = Deadlines(0.1)

    async def request(seconds: float) -> str:
        try:
            with deadlines.one():
                await asyncio.sleep(seconds)
        except TimeoutError:
            return "late"
        return "in time"

    assert await asyncio.gather(*map(request, [0.0, 60, 0.02, 60])) == ["in time", "late", "in time", "late"]


async def test_a_cancellation_from_elsewhere_is_not_swallowed() -> None:
    deadlines = Deadlines(60)

    async def request() -> None:
        with deadlines.one():
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_beside_the_deadline_wins() -> None:
    deadlines = Deadlines(60)

    async def request() -> None:
        with deadlines.one() as _:
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await asyncio.sleep(0)
    [deadline] = deadlines._in_flight
    deadline.pass_by()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_inside_stays_what_it_is() -> None:
    with pytest.raises(KeyError), Deadlines(60).one():
        raise KeyError
