"""A request to the proxy before a blob service, parsed."""

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def container(self) -> str:
        """The container that the path names, or nothing."""
        parts = self.target.partition("?")[0].split("/")
        return parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 - /account/container

    @property
    def lists_blobs(self) -> bool:
        """True for List Blobs."""
        return self.container != "" and "restype=container" in self.target and "comp=list" in self.target

    @property
    def lists_account(self) -> bool:
        """True for List Containers."""
        return self.container == "" and "comp=list" in self.target

    @property
    def lists(self) -> bool:
        """True for either listing."""
        return self.lists_account or self.lists_blobs

    @property
    def marker(self) -> str:
        """The marker of the requested page; empty for the first."""
        return self._parameter("marker")

    @property
    def asks_for_names(self) -> bool:
        """True for List Containers as the app lists an account; one name alone it asks for to compare clocks."""
        return self.lists_account and self._parameter("maxresults") != "1"

    def _parameter(self, name: str) -> str:
        return parse_qs(self.target.partition("?")[2]).get(name, [""])[0]


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None when there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    named = {name.lower(): value for name, value in headers}
    body = await _chunks(reader) if "chunked" in named.get("transfer-encoding", "") else b""
    length = int(named.get("content-length", "0"))
    return Request(method, target, headers, body or await reader.readexactly(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
    return bytes(body)
