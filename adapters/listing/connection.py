"""One HTTP/1.1 connection to storage, kept open from one request to the next.

Built on llhttp, the parser of Node.js, which is strict about lengths, chunks and header lines. What llhttp cannot judge
is judged here: how large an answer may be, and what was not asked for.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from adapters.response_headers import Response
from reconciliation.errors import ListingError

# Larger than any real page: 5,000 names of 1,024 characters take at most 46 MB when they are percent-encoded, and their
# properties some 6 MB more.
LARGEST_PAGE = 64 * 1024 * 1024
_LARGEST_ERROR = _LARGEST_HEAD = 64 * 1024


class LostError(ConnectionError):
    """A kept connection ended before the first byte of the answer, as servers end idle ones: ask again at once."""


class UnansweredError(ConnectionError):
    """A new connection ended before the first byte of the answer."""


class BrokenError(ConnectionError):
    """The connection ended in the middle of the answer, or was closed from here."""


class NotHttpError(ConnectionError):
    """The answer is not HTTP, or none that was asked for."""


class Headers(Mapping[str, str]):
    """The headers of an answer, by their names in any case of letters; decoded when asked for, as few ever are."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        wanted = name.lower().encode("latin-1")
        for key, value in self._raw.items():
            if len(key) == len(wanted) and key.lower() == wanted:
                return value.decode("latin-1")
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower().encode("latin-1") in map(bytes.lower, self._raw)

    def __iter__(self) -> Iterator[str]:
        return (key.decode("latin-1") for key in self._raw)

    def __len__(self) -> int:
        return len(self._raw)


class Connection(asyncio.BufferedProtocol):
    """One request at a time: ``ask`` again only when the answer is there and the connection still ``usable``.

    ``buffer`` receives the data of all connections of an event loop, as each is parsed at once; ``hand_out`` gives the
    response to the future of ``ask``, which may be cancelled by then; ``on_lost`` is called when the connection has
    ended. ``asked_at`` is the loop's time of the last request, or of the beginning.
    """

    def __init__(
        self,
        buffer: memoryview,
        hand_out: Callable[[asyncio.Future[Response], Response], None],
        on_lost: Callable[["Connection"], None],
    ) -> None:
        self.usable = False
        self.asked_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._buffer = buffer
        self._hand_out = hand_out
        self._on_lost = on_lost
        self._transport: asyncio.Transport
        self._answer: asyncio.Future[Response] | None = None
        self._is_kept = False  # has answered before
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        # The parser calls these without any Python in between.
        self.on_header = self._headers.__setitem__
        self.on_body = self._pieces.append
        self._parser = HttpResponseParser(self)

    def ask(self, request: bytes) -> asyncio.Future[Response]:
        """Sends a whole request.

        The answer raises ``LostError``, ``UnansweredError``, ``BrokenError`` or ``NotHttpError``; ``ListingError`` for
        a page that is packed or too large; or what ``abort`` was given. The bodies of errors are truncated. A body
        without a length ends with the connection: whether a page is whole, its parser tells.
        """
        answer = self._answer = self._loop.create_future()
        self._received = 0
        self._status = 0
        self._is_complete = False
        self._sent_at = time.time()
        self.asked_at = self._loop.time()
        if self.usable:
            # With all others of this turn of the loop: a server nearby is not woken by each of them, which costs the
            # sender an eighth of a request's CPU.
            self._loop.call_soon(self._send, request)
        else:
            self._fail(self._ended_early())
        return answer

    @property
    def is_asked(self) -> bool:
        """True until there is an answer or an error."""
        return self._answer is not None

    def abort(self, error: Exception | None = None) -> None:
        """Closes the connection at once; who waits for an answer gets the error. Idempotent."""
        self.usable = False
        self._fail(error or BrokenError())
        self._transport.abort()

    # --- as the transport calls it ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # no base of it where the loop is another's
        self.asked_at = self._loop.time()
        self.usable = True

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._answer is None:
            self.abort()  # nobody asked
            return
        self._received += nbytes
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except (HttpParserError, HttpParserUpgrade):
            # Bytes after a complete answer are nobody's: the answer counts, the connection does not.
            self._stays_open = False
            if not self._is_complete:
                self.abort(NotHttpError())
                return
        if self._is_complete:
            self._finish()
        else:
            self._bound()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._answer is not None and self._received == 0:
            self._fail(self._ended_early())
        elif self._answer is not None and exc is None and self._ends_with_the_connection():
            self._stays_open = False
            self._finish()
        else:
            self._fail(BrokenError())
        self._on_lost(self)

    # --- as the parser calls it ---

    def on_message_begin(self) -> None:
        if self._is_complete:
            raise NotHttpError  # ends up as an error of the parser

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        if self._status >= HTTPStatus.OK:
            self._is_complete = True
            self._stays_open = self._parser.should_keep_alive()
        elif self._status == HTTPStatus.SWITCHING_PROTOCOLS:
            raise NotHttpError
        else:  # the answer is still to come
            self._status = 0
            self._headers.clear()

    # ---

    def _send(self, request: bytes) -> None:
        if self.usable:
            self._transport.write(request)

    def _finish(self) -> None:
        """Hands out the answer, as far as it was received."""
        answer, self._answer = self._answer, None
        headers, body = Headers(self._headers.copy()), b"".join(self._pieces)
        self._headers.clear()
        self._pieces.clear()
        self._is_kept = True
        if not self._stays_open:
            self.abort()
        assert answer is not None
        if self._status == HTTPStatus.OK and _is_packed(headers):
            if not answer.done():  # its caller was not cancelled
                answer.set_exception(_packed())
        else:
            self._hand_out(answer, Response(self._status, headers, body, self._sent_at, time.time()))

    def _bound(self) -> None:
        """Ends an answer that is not complete and already too long, or not wanted."""
        if self._status == 0:
            if self._received > _LARGEST_HEAD:
                self.abort(NotHttpError())
        elif self._status != HTTPStatus.OK:
            if self._received > _LARGEST_ERROR:
                self._stays_open = False
                self._finish()
        elif _is_packed(Headers(self._headers)):
            self.abort(_packed())
        elif self._received > LARGEST_PAGE:
            self.abort(ListingError(f"Storage answered with a page of more than {LARGEST_PAGE:,} bytes."))

    def _fail(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _ended_early(self) -> Exception:
        return LostError() if self._is_kept else UnansweredError()

    def _ends_with_the_connection(self) -> bool:
        headers = Headers(self._headers)
        return self._status > 0 and not ("Content-Length" in headers or "Transfer-Encoding" in headers)


def _is_packed(headers: Headers) -> bool:
    # Asked for first, as it hardly ever is there: a header that is missing costs an exception.
    return "Content-Encoding" in headers and headers["Content-Encoding"].lower() not in {"", "identity"}


def _packed() -> ListingError:
    return ListingError("Storage answered with a packed listing that nobody asked for.")
