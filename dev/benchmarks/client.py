"""One listing client as a process of its own: ``python -m dev.benchmarks.client NAME URL CONCURRENCY``.

Lists every container of the account and every blob of each, and prints what it saw and what that cost. Wall and CPU are
those of the listing; a service imports its libraries once.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob.aio import BlobServiceClient

from adapters.credentials import Endpoint, KeySigner
from adapters.listing.lister import RestLister, open_session
from profiles.pre_capture_sessions.evidence import ContainerEvidence, read_evidence
from profiles.pre_capture_sessions.keys import MATTERING_SUFFIXES

KEY = base64.b64encode(b"the stub checks no signature").decode()


async def ours(url: str, concurrency: int) -> tuple[int, int]:
    """What a scan does: our lister, read to PRE's evidence."""
    async with open_session() as session:
        lister = RestLister(Endpoint(url, "stub", KeySigner("stub", KEY)), session)
        names = [name async for page in lister.containers() for name in page]
        waiting, found = iter(names), list[ContainerEvidence]()

        async def work() -> None:
            for name in waiting:
                pages = await lister.blobs(name, MATTERING_SUFFIXES)
                found.append(read_evidence(name, pages, datetime.now(UTC)))

        await asyncio.gather(*(work() for _ in range(concurrency)))
    return len(found), sum(evidence.blobs for evidence in found)


async def sdk(url: str, concurrency: int, *, names_only: bool) -> tuple[int, int]:
    """azure-storage-blob's asynchronous client, as its documentation uses it."""
    async with BlobServiceClient(url, credential=AzureNamedKeyCredential("stub", KEY)) as service:
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


async def _measured(name: str, url: str, concurrency: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    containers, blobs = await CLIENTS[name](url, concurrency)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "containers": containers,
        "blobs": blobs,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measured(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
