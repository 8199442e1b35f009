"""One listing client as a process of its own: ``python -m dev.benchmarks.client NAME URL CONCURRENCY``.

Lists every container of the account and every blob of each, and prints what it saw and what that cost. Wall and CPU are
those of the listing; a service imports its libraries once. How late a timer of the same event loop was is what anything
else in the process would have had to wait.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from statistics import quantiles

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob.aio import BlobServiceClient

from adapters.credentials import Endpoint, KeySigner
from adapters.listing.account import Account, Limits
from adapters.listing.lister import RestLister
from dev.devstack.storage_stub import ACCOUNT, KEY
from profiles.pre_capture_sessions.evidence import read_evidence
from profiles.pre_capture_sessions.keys import MATTERING_SUFFIXES

TIMER_SECONDS = 0.005


@contextmanager
def opened(url: str, connections: int) -> Iterator[RestLister]:
    """Our lister, with no ceiling to its speed."""
    with closing(Account(url, limits=Limits(per_second=0, connections=connections))) as account:
        yield RestLister(Endpoint(url, ACCOUNT, KeySigner(ACCOUNT, KEY)), account)


async def ours(url: str, concurrency: int) -> tuple[int, int]:
    """What a scan does: our lister, read to PRE's evidence."""
    with opened(url, concurrency) as lister:
        names = [name async for page in lister.containers() for name in page]
        waiting, containers, blobs = iter(names), 0, 0

        async def work() -> None:
            nonlocal containers, blobs
            for name in waiting:
                pages = await lister.blobs(name, MATTERING_SUFFIXES)
                # Not kept, as a scan lets go of it after each shard: garbage collection would look through all of it.
                evidence = read_evidence(name, pages, datetime.now(UTC))
                containers += 1
                blobs += evidence.blobs

        await asyncio.gather(*(work() for _ in range(concurrency)))
    return containers, blobs


async def sdk(url: str, concurrency: int, *, names_only: bool) -> tuple[int, int]:
    """azure-storage-blob's asynchronous client, as its documentation uses it."""
    async with BlobServiceClient(url, credential=AzureNamedKeyCredential(ACCOUNT, KEY)) as service:
        names = [container.name async for container in service.list_containers()]
        waiting = iter(names)
        blobs = 0

        async def work() -> None:
            nonlocal blobs
            for name in waiting:
                client = service.get_container_client(name)
                listing = client.list_blob_names() if names_only else client.list_blobs()
                found = [blob async for blob in listing]
                blobs += len(found)

        await asyncio.gather(*(work() for _ in range(concurrency)))
    return len(names), blobs


CLIENTS: dict[str, Callable[[str, int], Awaitable[tuple[int, int]]]] = {
    "ours": ours,
    "sdk_blobs": lambda url, concurrency: sdk(url, concurrency, names_only=False),
    "sdk_names": lambda url, concurrency: sdk(url, concurrency, names_only=True),
}


async def _lateness(late: list[float]) -> None:
    """Collects how many seconds late a timer is, again and again."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TIMER_SECONDS
        await asyncio.sleep(TIMER_SECONDS)
        late.append(loop.time() - due)


async def _measured(name: str, url: str, concurrency: int) -> dict[str, float]:
    late = list[float]()
    watch = asyncio.create_task(_lateness(late))
    wall, cpu = time.perf_counter(), time.process_time()
    containers, blobs = await CLIENTS[name](url, concurrency)
    cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    watch.cancel()
    p99 = quantiles(late, n=100)[-1] if len(late) > 1 else 0.0
    return {**cost, "containers": containers, "blobs": blobs, "lag_p99_ms": p99 * 1000}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measured(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
