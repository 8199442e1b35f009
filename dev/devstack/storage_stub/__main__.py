"""``python -m dev.devstack.storage_stub --uniform 20000x4``: serve a stubbed account on this machine."""

import argparse
import asyncio
from pathlib import Path

from dev.devstack.storage_stub.catalogue import Catalogue, read_account
from dev.devstack.storage_stub.server import serve
from dev.devstack.storage_stub.uniform import UniformAccount


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="storage_stub", description="A blob service that only lists.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--uniform", metavar="CONTAINERSxBLOBS", help="such as 20000x4")
    what.add_argument("--account", type=Path, metavar="FILE", help="JSON lines with container and blobs")
    parser.add_argument("--latency-ms", type=float, default=0, help="before each answer (default: 0)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    given = parser.parse_args()
    if given.account:
        catalogue: Catalogue = read_account(given.account)
    else:
        containers, _, blobs = given.uniform.partition("x")
        catalogue = UniformAccount(int(containers), int(blobs))
    asyncio.run(serve(catalogue, given.port, given.latency_ms / 1000))


if __name__ == "__main__":
    main()
