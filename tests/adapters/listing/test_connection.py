"""One connection, and a server that says what it wants, in pieces of any size."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.listing import connection as connection_module
from adapters.listing.connection import BrokenError, Connection, Headers, LostError, NotHttpError, UnansweredError
from adapters.listing.opening import Way
from adapters.response_headers import Response
from reconciliation.errors import ListingError
from tests.adapters.listing.scripted_server import Caller, Talk, answer, server, turns, until

ASKED = b"GET /acct?sig=s3cr3t HTTP/1.1\r\nHost: there\r\n\r\n"
BODY = b"<EnumerationResults>\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK</EnumerationResults>"
IN_CHUNKS = b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in (BODY[:7], BODY[7:8], BODY[8:]))
BY_LENGTH = answer(BODY, 200, "ETag: one", "Retry-After:")
BY_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + IN_CHUNKS + b"0\r\n\r\n"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n"
BY_THE_END = b"HTTP/1.1 200 OK\r\nETag: one\r\n\r\n" + BODY
STAYING = {
    "length": (BY_LENGTH, 200, BODY),
    "chunks": (BY_CHUNKS, 200, BODY),
    "a trailer": (BY_CHUNKS[:-2] + b"ETag: two\r\n\r\n", 200, BODY),
    "another status": (answer(BODY, 503, "Retry-After: 7"), 503, BODY),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "early hints": (EARLY + BY_LENGTH, 200, BODY),
}
ENDING = {
    "close": answer(BODY, 200, "Connection: close"),
    "HTTP/1.0": BY_LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "no length": BY_THE_END,
    "neither length nor body": b"HTTP/1.1 403 Forbidden\r\nServer: gate\r\n\r\n",
}


@asynccontextmanager
async def connected(talk: Talk) -> AsyncIterator[Connection]:
    """A connection to a server that talks so."""
    async with server(talk) as there:
        buffer = memoryview(bytearray(65536))
        connection = await Way(there.address).open(lambda: Connection(buffer, hand_out, lambda _: None))
        try:
            yield connection
        finally:
            connection.abort()
            await turns()


def hand_out(answer: asyncio.Future[Response], response: Response) -> None:
    if not answer.done():
        answer.set_result(response)


async def asked(connection: Connection) -> Response:
    async with asyncio.timeout(5):
        return await connection.ask(ASKED)


def in_pieces(*pieces: bytes) -> Talk:
    """Answers one request in pieces, and ends the connection."""

    async def talk(caller: Caller) -> None:
        await caller.request()
        for piece in pieces:
            caller.say(piece)
            await turns()

    return talk


def staying(*pieces: bytes) -> Talk:
    """Answers one request in pieces and another whole, and lets the caller end the connection."""

    async def talk(caller: Caller) -> None:
        await in_pieces(*pieces)(caller)
        await caller.request()
        caller.say(answer(b"second"))
        await caller.closed()

    return talk


@pytest.mark.parametrize(("said", "status", "body"), STAYING.values(), ids=STAYING)
async def test_an_answer_cut_anywhere_is_the_same_and_its_connection_is_used_again(
    said: bytes, status: int, body: bytes
) -> None:
    for cut in range(1, len(said)):
        async with connected(staying(said[:cut], said[cut:])) as connection:
            response = await asked(connection)
            assert (response.status, response.body) == (status, body)
            assert connection.usable
            assert not connection.is_asked
            assert (await asked(connection)).body == b"second"


@pytest.mark.parametrize("said", ENDING.values(), ids=ENDING)
async def test_an_answer_that_ends_with_its_connection_is_whole_and_nothing_more_is_asked(said: bytes) -> None:
    for cut in range(1, len(said)):
        async with connected(in_pieces(said[:cut], said[cut:])) as connection:
            response = await asked(connection)
            assert response.body == said.partition(b"\r\n\r\n")[2]
            assert not connection.usable


@pytest.mark.parametrize(
    "said", [*(said for said, _, _ in STAYING.values()), *ENDING.values()], ids=[*STAYING, *ENDING]
)
async def test_an_answer_may_come_byte_by_byte(said: bytes) -> None:
    async with connected(in_pieces(*(bytes([one]) for one in said))) as connection:
        assert (await asked(connection)).body in {BODY, b""}


@pytest.mark.parametrize("said", [BY_LENGTH, BY_CHUNKS, EARLY + BY_LENGTH, ENDING["close"]])
async def test_an_answer_that_breaks_off_anywhere_is_none(said: bytes) -> None:
    for cut in range(1, len(said)):
        async with connected(in_pieces(said[:cut])) as connection:
            with pytest.raises(BrokenError):
                await asked(connection)
            assert not connection.usable


async def test_a_head_that_breaks_off_is_no_answer_that_ends_with_its_connection() -> None:
    for cut in range(1, BY_THE_END.index(b"\r\n\r\n") + 4):
        async with connected(in_pieces(BY_THE_END[:cut])) as connection:
            with pytest.raises(BrokenError):
                await asked(connection)


async def test_a_body_without_a_length_is_not_whole_when_its_connection_is_reset() -> None:
    async def talk(caller: Caller) -> None:
        await in_pieces(BY_THE_END)(caller)
        caller.reset()

    async with connected(talk) as connection:
        with pytest.raises(BrokenError):
            await asked(connection)


@pytest.mark.parametrize("reset", [False, True])
async def test_a_new_connection_that_ends_at_once_gives_no_answer(reset: bool) -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        if reset:
            caller.reset()

    async with connected(talk) as connection:
        with pytest.raises(UnansweredError):
            await asked(connection)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("before", [False, True], ids=["after the request", "before it"])
async def test_a_kept_connection_that_ends_before_the_answer_is_lost(reset: bool, before: bool) -> None:
    async def talk(caller: Caller) -> None:
        await in_pieces(BY_LENGTH)(caller)
        if not before:
            await caller.request()
        if reset:
            caller.reset()

    async with connected(talk) as connection:
        await asked(connection)
        if before:
            await until(lambda: not connection.usable)
        with pytest.raises(LostError):
            await asked(connection)


async def test_a_kept_connection_that_ends_in_the_answer_is_broken() -> None:
    async def talk(caller: Caller) -> None:
        await in_pieces(BY_LENGTH)(caller)
        await caller.request()
        caller.say(b"H")

    async with connected(talk) as connection:
        await asked(connection)
        with pytest.raises(BrokenError):
            await asked(connection)


# --- what nobody asked for --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unasked", [b"x", b"HTTP/1.1 200 OK", BY_LENGTH, BY_LENGTH[:-5]])
@pytest.mark.parametrize("said", [BY_LENGTH, BY_CHUNKS], ids=["length", "chunks"])
async def test_more_than_the_answer_ends_the_connection_and_changes_no_answer(said: bytes, unasked: bytes) -> None:
    async with connected(staying(said + unasked)) as connection:
        assert (await asked(connection)).body == BODY
        assert not connection.usable


async def test_what_comes_unasked_later_ends_the_connection_too() -> None:
    async def talk(caller: Caller) -> None:
        await in_pieces(BY_LENGTH)(caller)
        await turns()
        caller.say(BY_LENGTH)
        await caller.closed()

    async with connected(talk) as connection:
        assert (await asked(connection)).body == BODY
        await until(lambda: not connection.usable)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9\r\n",
        b"<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsoon\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + BY_LENGTH,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000,
    ],
    ids=lambda said: said[:60].decode(),
)
async def test_what_is_not_http_ends_the_connection(said: bytes) -> None:
    async def talk(caller: Caller) -> None:
        await in_pieces(said)(caller)
        await caller.closed()

    async with connected(talk) as connection:
        with pytest.raises(NotHttpError):
            await asked(connection)
        assert not connection.usable


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip"])
@pytest.mark.parametrize("name", ["Content-Encoding", "content-encoding"])
@pytest.mark.parametrize("whole", [False, True])
async def test_a_packed_page_is_refused_before_it_is_whole(encoding: str, name: str, whole: bool) -> None:
    said = answer(BODY, 200, f"{name}: {encoding}")
    async with connected(staying(said if whole else said[:-1])) as connection:
        with pytest.raises(ListingError, match="packed listing that nobody asked for"):
            await asked(connection)


async def test_a_page_that_says_it_is_not_packed_is_read() -> None:
    async with connected(staying(answer(BODY, 200, "Content-Encoding: Identity"))) as connection:
        assert (await asked(connection)).body == BODY


@pytest.mark.parametrize("head", [b"Content-Length: 10000000", b"Transfer-Encoding: chunked", b"X: y"])
@pytest.mark.parametrize("status", [200, 503])
async def test_an_answer_without_an_end_is_not_read_to_its_end(
    status: int, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "LARGEST_PAGE", 1_000_000)
    said = 0

    async def talk(caller: Caller) -> None:
        nonlocal said
        await caller.request()
        caller.say(b"HTTP/1.1 %d Said\r\n%b\r\n\r\n" % (status, head))
        for _ in range(1000):
            caller.say(b"2710\r\n" + b"x" * 10_000 + b"\r\n" if b"chunked" in head else b"x" * 10_000)
            await caller.writer.drain()
            said += 10_000

    async with connected(talk) as connection:
        if status == 200:
            with pytest.raises(ListingError, match="a page of more than 1,000,000 bytes"):
                await asked(connection)
        else:
            response = await asked(connection)
            assert response.status == status
            assert 60_000 < len(response.body) < 200_000
        assert not connection.usable
    assert said < 9_000_000


async def test_a_large_page_is_read_whole() -> None:
    body = bytes(range(256)) * 40_000

    async def talk(caller: Caller) -> None:
        await caller.request()
        caller.say(answer(body))
        await caller.closed()

    async with connected(talk) as connection:
        assert (await asked(connection)).body == body
        assert connection.usable


# --- the caller -------------------------------------------------------------------------------------------------------


async def test_an_aborted_request_gets_the_error_and_its_late_answer_is_nobodys() -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        caller.say(BY_LENGTH[:-1])
        await caller.closed()

    async with connected(talk) as connection:
        waiting = connection.ask(ASKED)
        await turns()
        connection.abort(TimeoutError())
        connection.abort()
        with pytest.raises(TimeoutError):
            await waiting


async def test_the_answer_to_a_cancelled_request_disturbs_nobody() -> None:
    async with connected(staying(BY_LENGTH)) as connection:
        waiting = connection.ask(ASKED)
        waiting.cancel()
        await until(lambda: not connection.is_asked)
        assert waiting.cancelled()


async def test_no_error_and_nothing_that_shows_a_connection_has_a_secret() -> None:
    async with connected(in_pieces(b"s3cr3t")) as connection:
        waiting = connection.ask(ASKED)
        assert "s3cr3t" not in repr(connection) + repr(waiting)
        with pytest.raises(NotHttpError) as caught:
            await waiting
    assert "s3cr3t" not in repr(caught.value) + str(caught.value) + repr(caught.value.__cause__)


async def test_an_answer_is_dated_by_this_machines_clock() -> None:
    async with connected(staying(BY_LENGTH)) as connection:
        first, second = await asked(connection), await asked(connection)
    assert first.sent_at <= first.responded_at <= second.sent_at <= second.responded_at


async def test_the_headers_of_an_answer_are_its_own() -> None:
    async with connected(staying(answer(BODY, 503, "Retry-After: 7"))) as connection:
        first, second = await asked(connection), await asked(connection)
    assert first.headers.get("retry-after") == "7"
    assert second.headers.get("Retry-After", "none") == "none"


def test_headers_are_found_in_any_case_and_read_as_the_bytes_they_are() -> None:
    headers = Headers({b"RETRY-after": b"7", b"X": b"\xfc"})
    assert headers["Retry-After"] == headers.get("retry-after") == "7"
    assert "retry-AFTER" in headers
    assert headers.get("Date", "") == ""
    assert dict(headers) == {"RETRY-after": "7", "X": "\xfc"}
    assert len(headers) == 2
