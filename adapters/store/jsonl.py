"""JSON lines in gzip members. The same lines always make the same bytes, so a repeated step writes the same blob.

A file is a sequence of members, so it can be written in portions, read from any member's offset, and read as a stream.
"""

import gzip
import json
import zlib
from collections.abc import Iterable
from typing import Any

_GZIP = 16 + zlib.MAX_WBITS
# Level 1 takes a third of the time of level 6 and a tenth more room; ids and times hardly compress anyway.
_LEVEL = 1
# json.dumps() with options makes an encoder for each call, which costs more than encoding a small value.
to_text = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def pack(values: Iterable[Any]) -> bytes:
    """One member with one ASCII JSON text a line."""
    return pack_lines(map(to_text, values))


def pack_lines(lines: Iterable[str]) -> bytes:
    """One member with these lines; they must hold no line break."""
    return gzip.compress("".join([f"{line}\n" for line in lines]).encode(), compresslevel=_LEVEL, mtime=0)


def unpack(data: bytes) -> list[Any]:
    """The values of whole members, in order. Raises ``ValueError`` if the data is damaged."""
    unpacker = Unpacker()
    lines = unpacker.lines(data)
    unpacker.finish()
    return loads(lines)


def loads(lines: Iterable[bytes]) -> list[Any]:
    """The values of JSON texts. One parse of all takes a third of the time of one parse each.

    Raises ``ValueError`` if one of them is damaged.
    """
    try:
        values: list[Any] = json.loads(b"[" + b",".join(lines) + b"]")
    except ValueError as error:
        raise ValueError(f"the data is damaged ({error})") from error
    return values


class Unpacker:
    """Unpacks members as their bytes arrive, in pieces of any size."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._inside = False
        self._rest = b""

    def lines(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` completes. Raises ``ValueError`` if the data is damaged."""
        pieces = [self._rest]
        try:
            while data:
                pieces.append(self._member.decompress(data))
                data = self._member.unused_data
                self._inside = not self._member.eof
                if self._member.eof:
                    self._member = zlib.decompressobj(_GZIP)
        except zlib.error as error:
            raise ValueError(f"the data is damaged ({error})") from error
        *lines, self._rest = b"".join(pieces).split(b"\n")
        return lines

    def finish(self) -> None:
        """Raise ``ValueError`` if the data ended in the middle of a member or line."""
        if self._rest or self._inside:
            raise ValueError("the data is damaged (it was cut short)")
