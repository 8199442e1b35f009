"""JSON lines in gzip members. The same values always make the same bytes, so a repeated step writes the same blob."""

import gzip
import json
from collections.abc import Iterable, Iterator
from typing import Any


def pack(values: Iterable[Any]) -> bytes:
    """One gzip member with one ASCII JSON text a line; members may stand one behind the other in a file."""
    lines = "".join(json.dumps(value, separators=(",", ":")) + "\n" for value in values)
    return gzip.compress(lines.encode("ascii"), compresslevel=6, mtime=0)


def unpack(data: bytes) -> Iterator[Any]:
    """The values of one or more members, in order. Raises ``EOFError`` or ``ValueError`` if the data is damaged."""
    for line in gzip.decompress(data).splitlines():
        yield json.loads(line)
