"""How a connection comes about: by TLS, by proxies, or not at all."""

import asyncio
import gc
import ssl
from base64 import b64encode
from pathlib import Path
from socket import gaierror
from typing import Any

import pytest
from yarl import URL

from adapters.listing import opening
from adapters.listing.connection import Connection, NotHttpError, UnansweredError
from adapters.listing.opening import ProxyRefusedError, ProxyUnreachableError, UnreachableError, Way
from adapters.response_headers import Response
from dev.devstack.fast_stub.certificate import make_certificate
from tests.adapters.listing.scripted_server import Caller, Talk, answer, server, turns, until
from tests.adapters.proxy_on_loopback import forward_proxy
from tests.adapters.tls_on_loopback import serving


@pytest.fixture(autouse=True)
def _certificates_are_read_anew() -> None:
    opening.trusted.cache_clear()


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server needs that is trusted here."""
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    return serving(certificate)


async def echo(caller: Caller) -> None:
    while True:
        caller.say(answer((await caller.request()).encode()))


def hand_out(answer: asyncio.Future[Response], response: Response) -> None:
    if not answer.done():
        answer.set_result(response)


async def get(way: Way) -> Response:
    """The answer to one request on a connection of its own."""
    buffer = memoryview(bytearray(65536))
    async with asyncio.timeout(5):
        connection = await way.open(lambda: Connection(buffer, hand_out, lambda _: None))
        try:
            request = f"GET {way.prefix}/acct?sig=s3cr3t HTTP/1.1\r\n{way.head}\r\n"
            return await connection.ask(request.encode())
        finally:
            connection.abort()


async def test_tls_is_verified_against_what_ssl_cert_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    async with server(echo, serving(certificate)) as there:
        with pytest.raises(ssl.SSLCertVerificationError):
            await get(Way(there.address))
        opening.trusted.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
        head = (await get(Way(there.address))).body.decode()
    assert head == f"GET /acct?sig=s3cr3t HTTP/1.1\r\nHost: {there.address.authority}\r\n\r\n"


async def test_a_certificate_for_another_name_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path, "elsewhere.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    async with server(echo, serving(certificate)) as there:
        with pytest.raises(ssl.SSLCertVerificationError):
            await get(Way(there.address))


async def test_a_plain_port_speaks_no_tls() -> None:
    async def talk(caller: Caller) -> None:
        caller.say(answer(b"", 400))
        await caller.closed()

    async with server(talk) as there:
        with pytest.raises(ssl.SSLError):
            await get(Way(there.address.with_scheme("https").with_port(there.port)))


async def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(gaierror):
        await get(Way(URL("http://nobody.invalid")))


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_server_and_a_proxy_that_are_not_there(scheme: str) -> None:
    async with server(echo) as there:
        pass
    gone = URL(f"http://someone:s3cr3t@127.0.0.1:{there.port}")
    with pytest.raises(UnreachableError):
        await get(Way(URL(f"{scheme}://127.0.0.1:{there.port}")))
    with pytest.raises(ProxyUnreachableError) as caught:
        await get(Way(URL(f"{scheme}://nobody.invalid"), gone))
    assert "s3cr3t" not in repr(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize("proxied", [False, True])
async def test_opening_takes_no_longer_than_it_may(proxied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(caller: Caller) -> None:
        await caller.closed()

    monkeypatch.setattr(opening, "SECONDS", 0.05)
    async with server(hang) as there:
        address = URL(f"https://127.0.0.1:{there.port}")
        with pytest.raises(TimeoutError):
            await get(Way(address, there.address if proxied else None))
        await until(lambda: there.open == 0)


# --- proxies ----------------------------------------------------------------------------------------------------------

PROOF = f"Proxy-Authorization: Basic {b64encode(b'someone:s3cr3t').decode()}"


async def test_a_proxy_of_plain_http_is_told_the_address_and_who_asks_with_each_request() -> None:
    async with server(echo) as there, forward_proxy() as proxy:
        assert (await get(Way(there.address, URL(proxy.url)))).status == 200
    target = f"http://{there.address.authority}/acct?sig=s3cr3t"
    assert proxy.heads == [f"GET {target} HTTP/1.1\r\nHost: {there.address.authority}\r\n{PROOF}\r\n\r\n"]


async def test_a_proxy_of_https_learns_the_host_and_nothing_that_is_asked(tls: ssl.SSLContext) -> None:
    async with server(echo, tls) as there, forward_proxy() as proxy:
        said = (await get(Way(there.address, URL(proxy.url)))).body.decode()
    host = there.address.authority
    assert proxy.heads == [f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{PROOF}\r\n\r\n"]
    assert said == f"GET /acct?sig=s3cr3t HTTP/1.1\r\nHost: {host}\r\n\r\n"


async def test_whoever_needs_no_password_gives_none() -> None:
    async with server(echo) as there:
        said = (await get(Way(URL("http://a.example:81"), there.address))).body.decode()
    assert said == "GET http://a.example:81/acct?sig=s3cr3t HTTP/1.1\r\nHost: a.example:81\r\n\r\n"


@pytest.mark.parametrize("status", [302, 403, 407, 503])
async def test_a_proxy_that_refuses(status: int) -> None:
    async with forward_proxy(answer(b"", status)) as proxy:
        with pytest.raises(ProxyRefusedError) as caught:
            await get(Way(URL("https://a.example"), URL(proxy.url)))
    assert caught.value.status == status


def saying(data: bytes) -> Talk:
    async def talk(caller: Caller) -> None:
        await caller.request()
        caller.say(data)
        await caller.closed()

    return talk


@pytest.mark.parametrize(
    "said",
    [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nmore", b"x" * 70_000],
    ids=lambda said: said[:20].decode(),
)
async def test_what_is_no_answer_of_a_proxy(said: bytes) -> None:
    async with server(saying(said)) as there:
        with pytest.raises(NotHttpError):
            await get(Way(URL("https://a.example"), there.address))
        await until(lambda: there.open == 0)


async def test_a_proxy_that_hangs_up() -> None:
    async def talk(caller: Caller) -> None:
        await caller.request()
        caller.say(b"HTTP/1.1 200")

    async with server(talk) as there:
        with pytest.raises(ProxyUnreachableError):
            await get(Way(URL("https://a.example"), there.address))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("said", [b"", b"220 ready\r\n"], ids=["hangs up", "speaks"])
async def test_a_server_that_speaks_or_hangs_up_before_it_is_asked_leaves_nothing_and_nothing_is_said(
    version: ssl.TLSVersion, proxied: bool, said: bytes, tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(caller: Caller) -> None:
        caller.say(said)
        if said:
            await caller.closed()

    tls.maximum_version = version
    async with server(talk, tls) as there, forward_proxy() as proxy:
        for _ in range(20):
            with pytest.raises((UnansweredError, NotHttpError)):
                await get(Way(there.address, URL(proxy.url) if proxied else None))
        await until(lambda: there.open == 0)
    assert not caplog.records


@pytest.mark.parametrize("happens", ["lost", "reset", "ended", "spoken to"])
async def test_what_happens_between_a_tunnel_and_tls_ends_the_connection(
    happens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start_tls(transport: asyncio.Transport, protocol: Connection, *_: Any, **__: Any) -> asyncio.Transport:
        match happens:
            case "spoken to":
                protocol.get_buffer(-1)
                protocol.buffer_updated(1)
            case "ended":
                transport.abort()
                protocol.eof_received()
                protocol.connection_lost(None)
            case _:
                transport.abort()
                protocol.connection_lost(ConnectionResetError() if happens == "reset" else None)
        return transport

    monkeypatch.setattr(asyncio.get_running_loop(), "start_tls", start_tls)
    async with server(echo) as there, forward_proxy() as proxy:
        with pytest.raises(UnansweredError):
            await get(Way(there.address.with_scheme("https").with_port(there.port), URL(proxy.url)))
        await until(lambda: there.open == 0)


# CPython drops a socket, which closes it, when its race of addresses is cancelled at the moment of a success.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("proxied", [False, True])
async def test_whoever_gives_up_at_any_moment_of_opening_leaves_nothing_and_nothing_is_said(
    proxied: bool, tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async with server(echo, tls) as there, forward_proxy() as proxy:
        for moment in range(40):
            opened = asyncio.create_task(get(Way(there.address, URL(proxy.url) if proxied else None)))
            await turns(moment)
            opened.cancel()
            await asyncio.wait([opened])
        await until(lambda: there.open == 0)
    del opened
    gc.collect()
    assert not caplog.records


def test_a_way_shows_no_password() -> None:
    assert "s3cr3t" not in repr(Way(URL("https://a.example"), URL("http://someone:s3cr3t@p:1")))
