"""As ``client``, with obstore: ``python -m dev.benchmarks.obstore_client URL CONTAINERS CONCURRENCY``.

It runs in an environment of its own. obstore lists no containers, so it is told how many there are.
"""

import asyncio
import json
import sys
import time

from obstore.store import AzureStore

from dev.devstack.storage_stub import ACCOUNT, KEY
from dev.devstack.storage_stub.uniform import container_name


async def obstore(url: str, containers: int, concurrency: int) -> int:
    """The blobs of all containers, each of which is a store, as its documentation says."""
    waiting, blobs = iter(range(containers)), 0

    async def work() -> None:
        nonlocal blobs
        for number in waiting:
            store = AzureStore(
                container_name=container_name(number),
                account_name=ACCOUNT,
                account_key=KEY,
                endpoint=url,
                client_options={"allow_http": True},
            )
            async for batch in store.list():
                blobs += len(batch)

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return blobs


if __name__ == "__main__":
    begun, used = time.perf_counter(), time.process_time()
    seen = asyncio.run(obstore(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    print(json.dumps({"wall": time.perf_counter() - begun, "cpu": time.process_time() - used, "blobs": seen}))
