"""Asking for what is needed next while the caller works on something else."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

PortionT = TypeVar("PortionT")
DoneT = TypeVar("DoneT")


@asynccontextmanager
async def ahead(portions: AsyncIterator[PortionT]) -> AsyncIterator[AsyncIterator[PortionT]]:
    """The same portions, each asked for as soon as the one before it is there; nothing is asked for after the block."""
    coming = asyncio.create_task(_next(portions))

    async def following() -> AsyncIterator[PortionT]:
        nonlocal coming
        while (portion := await coming) is not None:
            coming = asyncio.create_task(_next(portions))
            await asyncio.sleep(0)  # lets it ask
            yield portion

    try:
        yield following()
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, DoneT]) -> AsyncIterator["asyncio.Task[DoneT]"]:
    """The task of work that goes on during the block, to be awaited in it; nothing goes on after the block."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _next(portions: AsyncIterator[PortionT]) -> PortionT | None:
    return await anext(portions, None)
