"""JSON lines in gzip members. The same values always make the same bytes, so a repeated step writes the same blob."""

import gzip
import json
import zlib
from collections.abc import Iterable
from typing import Any


def pack(values: Iterable[Any]) -> bytes:
    """One gzip member with one ASCII JSON text a line; members may stand one behind the other in a file."""
    lines = "".join(json.dumps(value, separators=(",", ":")) + "\n" for value in values)
    return gzip.compress(lines.encode("ascii"), compresslevel=6, mtime=0)


def unpack(data: bytes) -> list[Any]:
    """The values of one or more members, in order. Raises ``ValueError`` if the data is damaged."""
    try:
        return [json.loads(line) for line in gzip.decompress(data).splitlines()]
    except (EOFError, OSError, zlib.error, ValueError) as error:
        raise ValueError(f"the data is damaged ({error})") from error
