"""Asking for the next portion while the caller works on one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

PortionT = TypeVar("PortionT")


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


async def _next(portions: AsyncIterator[PortionT]) -> PortionT | None:
    return await anext(portions, None)
