"""What is needed next is on its way while the caller works on something else."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.ahead import ahead, meanwhile


class Pages:
    """Pages that note when they are asked for, and how their reading ended."""

    def __init__(self, *pages: str | Exception) -> None:
        self.pages = pages
        self.asked = list[object]()
        self.is_closed = False

    async def read(self) -> AsyncIterator[str]:
        try:
            for page in self.pages:
                self.asked.append(page)
                await asyncio.sleep(0)
                if isinstance(page, Exception):
                    raise page
                yield page
        finally:
            self.is_closed = True


async def read(pages: Pages, into: list[tuple[str, int]]) -> None:
    """Notes each page that is given, and how many have been asked for by then."""
    async with ahead(pages.read()) as given:
        async for page in given:
            into.append((page, len(pages.asked)))  # noqa: PERF401 - what came before an error counts


async def test_each_page_is_given_once_and_the_next_one_is_asked_for_before() -> None:
    found = list[tuple[str, int]]()
    await read(Pages("a", "b", "c"), found)
    assert found == [("a", 2), ("b", 3), ("c", 3)]


async def test_nothing_in_it_gives_nothing() -> None:
    async with ahead(Pages().read()) as given:
        assert [page async for page in given] == []


async def test_what_came_before_an_error_is_given() -> None:
    found = list[tuple[str, int]]()
    with pytest.raises(ValueError, match="broken"):
        await read(Pages("a", "b", ValueError("broken")), found)
    assert [page for page, _ in found] == ["a", "b"]


@pytest.mark.parametrize("following", ["b", ValueError("broken")])
async def test_who_needs_no_more_ends_the_reading(following: str | Exception) -> None:
    pages = Pages("a", following, "c")
    async with ahead(pages.read()) as given:
        assert await anext(given) == "a"
    assert pages.is_closed
    assert "c" not in pages.asked


async def test_work_goes_on_while_the_block_does_something_else() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        begun.set()
        await go_on.wait()
        return "done"

    async with meanwhile(work()) as task:
        await begun.wait()
        go_on.set()
        assert await task == "done"


async def test_work_that_nobody_waits_for_ends_with_the_block() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with meanwhile(work()):
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_the_error_of_work_is_raised_where_it_is_waited_for() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with meanwhile(work()) as task:
            await task
