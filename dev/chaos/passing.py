"""Passing a request on to the server behind a proxy, and writing its response."""

from typing import NamedTuple

import aiohttp
from yarl import URL

from dev.chaos.proxy import HOST
from dev.chaos.request import Request

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class Response(NamedTuple):
    """A response of the service behind the proxy: its status line, its headers as sent, its body."""

    status: str
    headers: str
    body: bytes

    @property
    def good(self) -> bool:
        """True for a 200."""
        return self.status.startswith("200")


async def passed_on(session: aiohttp.ClientSession, port: int, request: Request) -> Response:
    """The response of the server on a port of this machine."""
    headers = [(name, value) for name, value in request.headers if name.lower() not in _HOP_BY_HOP]
    host = next((value for name, value in request.headers if name.lower() == "host"), f"{HOST}:{port}")
    url = URL(f"http://{HOST}:{port}{request.target}", encoded=True)
    async with session.request(
        request.method,
        url,
        headers=[*headers, ("Host", host)],
        data=request.body or None,
        skip_auto_headers=_AUTOMATIC,
        allow_redirects=False,
    ) as response:
        kept = "".join(f"{n}: {v}\r\n" for n, v in response.headers.items() if n.lower() not in _HOP_BY_HOP)
        if request.method == "HEAD":
            kept += f"x-proxied-length: {response.headers.get('Content-Length', 0)}\r\n"
        return Response(f"{response.status} {response.reason}", kept, await response.read())


def head(status: str, headers: str, length: int) -> bytes:
    """The head of a response with a body of this length."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n".encode("latin-1")
