"""How soon it is found out that an account cannot be reached, in time that is only a number."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from socket import gaierror

import pytest

from adapters.credentials import Endpoint
from adapters.listing import opening
from adapters.listing.account import Limits
from adapters.listing.connection import Connection
from adapters.listing.lister import RestLister
from adapters.listing.opening import UnreachableError
from reconciliation.errors import StorageUnavailableError
from reconciliation.lookups import BlobPage
from tests.adapters.listing.scripted_server import answer
from tests.adapters.listing.scripted_storage import BY_SAS
from tests.adapters.listing.without_network import Network, QuickLoop, Wire

PAGE = answer(b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs /><NextMarker /></EnumerationResults>')


@dataclass
class Dark(Network):
    """A network on which each connection fails ``after`` seconds, or is waited for in vain if that is longer, until it
    comes back ``until`` seconds after the beginning.
    """

    error: Exception = field(default_factory=UnreachableError)
    after: float = 1_000.0
    until: float = float("inf")
    is_prompt: bool = True

    async def open(self, make: Callable[[], Connection]) -> Connection:
        loop = asyncio.get_running_loop()
        if loop.time() < self.until:
            async with asyncio.timeout(opening.SECONDS):
                await asyncio.sleep(self.after)
            raise self.error
        return await super().open(make)

    def on_request(self, wire: Wire) -> None:
        asyncio.get_running_loop().call_soon(wire.say, PAGE)


def listed(network: Dark, arrivals: Sequence[float]) -> tuple[list[list[BlobPage] | BaseException], list[float]]:
    """What comes of callers that arrive at these moments, and how many seconds each takes."""

    async def together() -> tuple[list[list[BlobPage] | BaseException], list[float]]:
        loop = asyncio.get_running_loop()
        begun, took = loop.time(), list[float]()
        network.until += begun
        account = network.account(Limits())
        lister = RestLister(Endpoint("http://account.example", "acct", BY_SAS), account)

        async def one(arrival: float) -> list[BlobPage]:
            await asyncio.sleep(arrival)
            arrived = loop.time()
            try:
                return await lister.blobs("some-container")
            finally:
                took.append(loop.time() - arrived)

        results = await asyncio.gather(*map(one, arrivals), return_exceptions=True)
        account.close()
        return results, took

    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        return runner.run(together())


@pytest.mark.parametrize(
    ("error", "after"),
    [(UnreachableError(), 1_000.0), (gaierror(), 6.0), (UnreachableError(), 3.0), (UnreachableError(), 0.01)],
    ids=["packets are swallowed", "a resolver that is not answered", "a router that says so", "refused"],
)
def test_many_find_out_as_soon_as_one_that_nothing_is_there(error: Exception, after: float) -> None:
    [alone], [at_best] = listed(Dark(error=error, after=after), [0.0])
    results, took = listed(Dark(error=error, after=after), [0.0] * 128)
    assert {type(result) for result in (alone, *results)} == {StorageUnavailableError}
    assert max(took) <= 1.25 * at_best + opening.SECONDS


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("spread", [0.0, 5.0, 15.0])
def test_many_wait_for_a_network_that_comes_back_as_long_as_one_would(spread: float, seed: int) -> None:
    chance = random.Random(seed)
    results, _ = listed(Dark(until=30.0), [chance.uniform(0.0, spread) for _ in range(128)])
    assert not [result for result in results if isinstance(result, BaseException)]
