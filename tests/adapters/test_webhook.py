import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientTimeout, web

from adapters import webhook
from adapters.webhook import post
from dev.devstack.azurite import HOST
from dev.devstack.fast_stub.certificate import make_certificate
from reconciliation.errors import NotificationError
from tests.adapters.proxy_on_loopback import forward_proxy
from tests.adapters.tls_on_loopback import serving

SECRET = "s3cr3t-path"
NOTICE = {"text": "\u2705 Audit 20260131-093000-1a2b3c4d: clean"}


@dataclass
class Chat:
    """An incoming webhook that answers as it is told; the last answer is given again and again."""

    answers: list[int]
    url: str = ""
    taken: list[Any] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    talk: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.taken.append(await request.json())
        if self.talk is not None:
            return await self.talk(request)
        return web.Response(
            headers=self.headers, status=self.answers[min(len(self.taken), len(self.answers)) - 1], text=f"No: {SECRET}"
        )


@asynccontextmanager
async def chat(*answers: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Chat]:
    told = Chat(list(answers))
    app = web.Application()
    app.router.add_post(f"/{SECRET}", told.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
    told.url = f"http://{HOST}:{runner.addresses[0][1]}/{SECRET}?sig={SECRET}"
    try:
        yield told
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(webhook, "_TIMEOUT", ClientTimeout(total=0.3))


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of somebody who takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        listening.listen()
        yield f"http://{HOST}:{listening.getsockname()[1]}/{SECRET}"


async def refused(url: str) -> str:
    """What the caller is told."""
    with pytest.raises(NotificationError) as caught:
        await post(url, NOTICE)
    return str(caught.value)


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_a_notice_that_is_taken_is_posted_once(status: int) -> None:
    async with chat(status) as told:
        await post(told.url, NOTICE)
    assert told.taken == [NOTICE]


async def test_a_notice_that_is_refused_twice_is_posted_a_third_time() -> None:
    async with chat(503, 429, 200) as told:
        await post(told.url, NOTICE)
    assert told.taken == [NOTICE] * 3


async def test_after_three_refusals_it_says_which_setting_and_what_was_answered() -> None:
    async with chat(404) as told:
        text = await refused(told.url)
    assert len(told.taken) == 3
    assert text == "Cannot notify AUDIT_WEBHOOK_URL: it answered 404. Check that the webhook still exists."


async def test_a_webhook_that_never_answers_is_given_up(silent: str) -> None:
    assert "did not answer in time" in await refused(silent)


@pytest.mark.parametrize(
    "url",
    [f"http://{HOST}:1/{SECRET}", f"https://[{SECRET}", f"http://{SECRET}.invalid/"],
    ids=["dead", "none", "host"],
)
async def test_the_address_is_in_no_error_and_in_no_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "asyncio")
    text = await refused(url)
    assert "AUDIT_WEBHOOK_URL" in text
    assert SECRET not in text
    assert SECRET not in caplog.text


async def test_nor_is_it_where_the_webhook_itself_repeats_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with chat(500) as told:
        text = await refused(told.url)
    assert SECRET not in text
    assert SECRET not in caplog.text


# --- who is told, and who is not ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_nothing_is_delivered_by_it(status: int) -> None:
    async with chat(200) as elsewhere, chat(status) as told:
        told.headers = {"Location": elsewhere.url}
        text = await refused(told.url)
    assert (len(told.taken), elsewhere.taken) == (1, [])
    assert text == (
        f"Cannot notify AUDIT_WEBHOOK_URL: it answered {status}, which leads elsewhere and is not followed. Give the "
        "address that it leads to."
    )


async def test_an_answer_without_an_end_is_not_waited_for() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(bytes(65536))
        return answer

    async with chat(200) as told:
        told.talk = endless
        await post(told.url, NOTICE)
    assert told.taken == [NOTICE]


async def test_a_certificate_that_nobody_trusts_is_told_at_once(tmp_path: Path) -> None:
    async with chat(200, tls=serving(make_certificate(tmp_path))) as told:
        text = await refused(told.url.replace("http://", "https://"))
    assert "a certificate that is not trusted here" in text
    assert "SSL_CERT_FILE" in text
    assert not told.taken


async def test_it_goes_by_the_usual_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.delenv("no_proxy", raising=False)
    async with chat(200, 200) as told, forward_proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        await post(told.url, NOTICE)
        [head] = proxy.heads
        assert head.startswith(f"POST {told.url} HTTP/1.1")
        monkeypatch.setenv("NO_PROXY", HOST)
        await post(told.url, NOTICE)
        assert len(proxy.heads) == 1
    assert told.taken == [NOTICE] * 2


async def test_a_proxy_that_cannot_be_one_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", f"socks5://me:{SECRET}@{HOST}:1")
    async with chat(200) as told:
        text = await refused(told.url)
    assert "HTTP_PROXY" in text
    assert SECRET not in text
    assert not told.taken
