"""Calling an HTTP API that speaks JSON, with retries; and holding the conversations of sources with it."""

import asyncio
import json
import logging
import math
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import aiohttp
from yarl import URL

from adapters.api_connection import ApiConnection
from adapters.network_faults import TEMPORARY, Fault, fault_of, is_redirect
from adapters.proxies import proxy_for
from adapters.redaction import redacted
from adapters.response_headers import Response, clock_ahead, date_in, retry_after
from adapters.store.jsonl import to_text
from reconciliation import VERSION
from reconciliation.errors import ApiInDoubtError, ApiRefusedError, ApiUnavailableError, AuditError, ListingError
from reconciliation.evidence import Unread
from reconciliation.queries import HttpAnswer, HttpCall, HttpRows

logger = logging.getLogger("capture_audit.api")

LARGEST_ANSWER = 16 * 1024 * 1024
_LARGEST_ERROR = 64 * 1024
_LONGEST_DETAIL = 200
_HEADERS = {
    "User-Agent": f"capture-audit/{VERSION}",
    "Accept": "application/json",
    # Unpacked, a few megabytes can be as many gigabytes.
    "Accept-Encoding": "identity",
}
# Nothing in it may lead out of the API's own path.
_PATH = re.compile(
    r"(?!.*(^|/)(\.|%2[eE]){1,2}([/?]|$))[A-Za-z0-9._~!$&'()*+,;=:@%/-]+(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json *(; *charset *= *\"?utf-8\"?)?", re.IGNORECASE)
_NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)
_IN_ITS_PLACE = "Look at what answers in its place, such as a proxy or a page to log in."
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Tries:
    """The tries of one call; times in seconds. Between two of them it waits up to ``first_wait``, doubled with each
    try, and no less than the API asks for, as far as that is not longer than ``longest_wait``.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    each_seconds: float = 30.0
    all_seconds: float = 120.0


@dataclass(frozen=True)
class _Trouble:
    """Why there is no answer. ``was_it_done``: the call may have been carried out all the same."""

    fault: Fault
    was_it_done: bool
    kind: type[AuditError] = ApiUnavailableError
    hint: float | None = None


def open_api_session() -> aiohttp.ClientSession:
    """A session for the APIs of one process."""
    return aiohttp.ClientSession(
        # Shorter than servers keep one (uvicorn: 5 s): one that is closed just now would leave a call in doubt.
        connector=aiohttp.TCPConnector(keepalive_timeout=3),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),  # each try has its own deadline
        auto_decompress=False,
    )


class HttpApi:
    """Calls the API of one setting. Safe for many concurrent callers on one event loop.

    Raises ``SettingsError`` if the address of its proxy cannot be used.
    """

    def __init__(
        self,
        connection: ApiConnection,
        session: aiohttp.ClientSession,
        *,
        tries: Tries | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._setting = connection.setting
        self._session = session
        self._proxy = proxy_for(URL(connection.url))
        self._headers = {"Authorization": connection.authorization} if connection.authorization else {}
        self._tries = tries or Tries()
        self._sleep, self._clock = sleep, clock

    @property
    def try_seconds(self) -> float:
        """How long the answer to one request is waited for."""
        return self._tries.each_seconds

    async def call(self, call: HttpCall) -> HttpAnswer:
        """The answer to a call, with one of the statuses that it expects; the body of a 204 is None.

        Raises ``ApiRefusedError``, ``ApiUnavailableError``, or ``ListingError`` for an answer that is no JSON or too
        large. A call that is to be sent ``once`` is sent once, and raises ``ApiInDoubtError`` if it may have been
        received and no answer tells whether it was carried out.
        """
        what = f"call {_shown(call.path)} of {self._setting}"
        if not _PATH.fullmatch(call.path):
            raise ListingError(f"Cannot {what}: that is no path of an API. See what it was made of.")
        url = f"{self._connection.url}/{call.path.lstrip('/')}"
        return await self._tried(url, call, lambda response: self._judged(response, call.expects), what)

    async def clock_ahead(self) -> timedelta:
        """How far its clock is ahead of this machine's (negative: behind), to within a second or two; zero if it tells
        no date. Its address itself is asked, and any answer will do. Raises ``ApiUnavailableError``.
        """

        def judged(response: Response) -> timedelta:
            return clock_ahead(response.headers, response.sent_at, response.responded_at)

        return await self._tried(self._connection.url, HttpCall("", expects=()), judged, f"reach {self._setting}")

    async def check(self, *queries: HttpRows) -> None:
        """Make the first call of each of the conversations; without any, see that somebody answers. Raises as
        ``call``, and ``ApiRefusedError`` where the answer shows that rows would be missing.
        """
        if not queries:
            await self.clock_ahead()
        for query in queries:
            talk = query.talk()
            try:
                first = next(talk, None)
                then = talk.send(await self.call(first)) if isinstance(first, HttpCall) else None
                if isinstance(then, Unread):
                    raise ApiRefusedError(then.reason)
            except StopIteration:
                pass
            finally:
                talk.close()

    async def rows(self, query: HttpRows) -> AsyncIterator[list[str] | Unread]:
        """A JSON text for each row, in portions as the conversation gives them; an ``Unread`` is the last. Raises as
        ``call``, and what the conversation raises. It is closed in the end, however that comes.
        """
        talk = query.talk()
        try:
            said = next(talk, None)
            while said is not None:
                if isinstance(said, HttpCall):
                    answer = await self.call(said)
                    try:
                        said = talk.send(answer)
                    except StopIteration:
                        return
                elif isinstance(said, Unread):
                    yield said
                    return
                else:
                    yield [*map(to_text, said)]
                    said = next(talk, None)
        finally:
            talk.close()

    async def _tried(
        self, url: str, call: HttpCall, judged: Callable[[Response], ResultT | _Trouble], what: str
    ) -> ResultT:
        """What ``judged`` makes of the response, which is asked for again while that is a temporary trouble."""
        begun, attempt = self._clock(), 0
        while True:
            attempt += 1
            left = self._tries.all_seconds - (self._clock() - begun)
            said = await self._once(url, call, judged, min(self._tries.each_seconds, left))
            if not isinstance(said, _Trouble):
                return said
            wait = self._wait(attempt, said.hint)
            is_over = attempt == self._tries.attempts or self._clock() - begun + wait >= self._tries.all_seconds
            if is_over or said.fault.lasts or call.once:
                _give_up(said, what, attempt, once=call.once)
            logger.info("Cannot %s yet: it %s. Trying again in %.1f s", what, said.fault.what, wait)
            await self._sleep(wait)

    async def _once(
        self, url: str, call: HttpCall, judged: Callable[[Response], ResultT | _Trouble], seconds: float
    ) -> ResultT | _Trouble:
        try:
            async with asyncio.timeout(seconds):
                return judged(await self._sent(url, call))
        except ListingError as error:
            return _Trouble(Fault(str(error), _IN_ITS_PLACE), was_it_done=True, kind=ListingError)
        except (aiohttp.ClientError, TimeoutError) as error:
            fault = fault_of(error)
            kind = ApiRefusedError if fault.lasts else ApiUnavailableError
            return _Trouble(fault, not isinstance(error, _NOT_SENT), kind)

    async def _sent(self, url: str, call: HttpCall) -> Response:
        posted = call.body is not None
        headers = {**self._headers, **({"Content-Type": "application/json"} if posted else {})}
        sent_at = time.time()
        async with self._session.request(
            "POST" if posted else "GET",
            URL(url, encoded=True),
            data=to_text(call.body).encode() if posted else None,
            headers=headers,
            proxy=self._proxy,
            allow_redirects=False,
        ) as response:
            body = await _body(response, LARGEST_ANSWER if response.status in call.expects else _LARGEST_ERROR)
            return Response(response.status, response.headers, body, sent_at, time.time())

    def _judged(self, response: Response, expects: tuple[int, ...]) -> HttpAnswer | _Trouble:
        """The answer; raises ``ListingError`` if it has an expected status and is not what an API says."""
        status = response.status
        if status in expects:
            if len(response.body) > LARGEST_ANSWER:
                raise ListingError(f"answered with more than {LARGEST_ANSWER:,} bytes")
            value = None if status == HTTPStatus.NO_CONTENT else _value(response)
            return HttpAnswer(status, value, date_in(response.headers))
        if status in TEMPORARY:
            done = status != HTTPStatus.TOO_MANY_REQUESTS
            return _Trouble(Fault(f"answered {status}"), done, hint=retry_after(response.headers))
        if is_redirect(status):
            elsewhere = f"answered {status}, which leads elsewhere and is not followed"
            return _Trouble(Fault(elsewhere, _IN_ITS_PLACE, lasts=True), was_it_done=False, kind=ApiRefusedError)
        fault = Fault(f"answered {status}{self._detail(response.body)}", self._advice(status), lasts=True)
        refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        return _Trouble(fault, was_it_done=not refused, kind=ApiRefusedError)

    def _detail(self, body: bytes) -> str:
        """The API's own words about an error, in parentheses; empty if they are no plain text, or repeat a secret."""
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            return ""
        given = told.get("detail", told.get("exception_message")) if isinstance(told, dict) else None
        text = " ".join(given.split()).rstrip(".") if isinstance(given, str) else ""
        if not text.isprintable() or any(secret in text for secret in self._connection.secrets):
            return ""
        return f" ({redacted(text, _LONGEST_DETAIL)})" if text else ""

    def _advice(self, status: int) -> str:
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return f"Check {self._setting}__bearerToken or {self._setting}__basicAuth, and what that user may do."
        if status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            return f"Check the address in {self._setting}, and that what is asked for is there."
        return "See whether the server's version is one that this app knows."

    def _wait(self, attempt: int, hint: float | None) -> float:
        """The seconds before the next try: full jitter, on top of what the API asks for."""
        most = min(self._tries.first_wait * 2 ** (attempt - 1), self._tries.longest_wait)
        asked = min(max(hint or 0.0, 0.0), self._tries.longest_wait)
        return asked + random.uniform(0, most)  # noqa: S311 - jitter


def _give_up(trouble: _Trouble, what: str, attempts: int, *, once: bool) -> NoReturn:
    fault = trouble.fault
    if trouble.was_it_done and once:
        raise ApiInDoubtError(
            f"Sent a request to {what}, which {fault.what}: that does not tell whether it was done. Look there before "
            "it is done again."
        )
    times = f", {attempts} times in a row" if attempts > 1 else ""
    advice = fault.advice or "Check that the server is up and can be reached from here, then try again."
    raise trouble.kind(f"Cannot {what}: it {fault.what}{times}. {advice}")


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, and no more than a piece beyond ``most`` bytes of it."""
    size, pieces = 0, list[bytes]()
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            response.close()
            break
    return b"".join(pieces)


def _value(response: Response) -> Any:
    """The JSON of a body. Raises ``ListingError``."""
    if response.headers.get("Content-Encoding", "").lower() not in {"", "identity"}:
        raise ListingError("answered with a packed body that nobody asked for")
    if not _JSON.fullmatch(response.headers.get("Content-Type", "").strip()):
        raise ListingError("answered with something that is not JSON by its Content-Type")
    try:
        return json.loads(response.body.decode("utf-8"), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise ListingError("answered with something that is not JSON") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("there is no such number in JSON")
    return number


def _shown(path: str) -> str:
    """A path in a message: without its query, and without what could break a line."""
    return redacted("".join(filter(str.isprintable, path.partition("?")[0])), _LONGEST_DETAIL)
