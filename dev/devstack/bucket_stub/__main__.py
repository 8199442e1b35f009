"""``python -m dev.devstack.bucket_stub KEYS [CONTENTS]``: serve a stubbed bucket on this machine."""

import argparse
import asyncio
from pathlib import Path

from dev.devstack.bucket_stub.listing import read_objects, read_sizes
from dev.devstack.bucket_stub.server import serve


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="bucket_stub", description="A bucket of S3 that can be listed and read.")
    parser.add_argument("keys", type=Path, help="a line for each object: its key, a tab, and the file of its content")
    parser.add_argument(
        "contents",
        type=Path,
        nargs="?",
        help="the folder of those files; without it lines ascend and give sizes in bytes, and nothing can be read",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    given = parser.parse_args()
    objects = read_objects(given.keys, given.contents) if given.contents else read_sizes(given.keys)
    asyncio.run(serve(objects, given.port))


if __name__ == "__main__":
    main()
