"""A reverse proxy in front of a blob service: passes everything on, unless a rule says otherwise for one request."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

from dev.devstack.azurite import ACCOUNT, ACCOUNT_KEY, HOST

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass(frozen=True)
class Asked:
    """A request as the rules see it; ``container`` and ``blob`` are empty where the path names none."""

    method: str
    container: str
    blob: str
    query: str
    replaces: bool

    @property
    def lists_account(self) -> bool:
        return self.container == "" and "comp=list" in self.query

    @property
    def lists_blobs(self) -> bool:
        return self.container != "" and self.blob == "" and "comp=list" in self.query

    @property
    def page(self) -> str:
        """The marker of the asked page; empty for the first."""
        return URL(f"http://x/?{self.query}", encoded=True).query.get("marker", "")


Matches = Callable[[Asked], bool]
Action = Callable[[], Awaitable[web.Response | None]]


def lists(container: str) -> Matches:
    return lambda asked: asked.lists_blobs and asked.container == container


def second_look() -> Matches:
    """Lists a container that was listed before: the scan reads each once, and the second look what it doubted."""
    seen: set[str] = set()

    def again(asked: Asked) -> bool:
        if not asked.lists_blobs or asked.page:
            return False
        known = asked.container in seen
        seen.add(asked.container)
        return known

    return again


def lists_again(container: str) -> Matches:
    """Lists one container, from the second time on."""
    once, again = lists(container), second_look()
    return lambda asked: once(asked) and again(asked)


def writes(ending: str) -> Matches:
    return lambda asked: asked.method == "PUT" and asked.blob.endswith(ending)


@dataclass
class Change:
    """What becomes of the answers to the first ``times`` requests that match (None: to all of them)."""

    matches: Matches
    made: Callable[[bytes], bytes]
    times: int | None = None

    def applied(self, asked: Asked, body: bytes) -> bytes:
        if self.times == 0 or not self.matches(asked):
            return body
        if self.times is not None:
            self.times -= 1
        return self.made(body)


@dataclass
class Rule:
    """What happens to the first ``times`` requests that match (None: to all of them)."""

    matches: Matches
    action: Action
    times: int | None = None

    def takes(self, asked: Asked) -> bool:
        if self.times == 0 or not self.matches(asked):
            return False
        if self.times is not None:
            self.times -= 1
        return True


def replaces(ending: str) -> Matches:
    return lambda asked: asked.method == "PUT" and asked.blob.endswith(ending) and asked.replaces


@dataclass
class Held:
    """Requests that are kept waiting; ``reached`` is set when the first one came.

    ``drop`` ends them without passing them on: their sender is dead, and storage never got them.
    """

    reached: threading.Event
    release: Callable[[], None]
    drop: Callable[[], None]


@dataclass
class StorageProxy:
    """A running proxy. All methods may be called from any thread."""

    loop: asyncio.AbstractEventLoop
    port: int = 0
    rules: list[Rule] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint=http://{HOST}:{self.port}/{ACCOUNT};"
        )

    def reset(self) -> None:
        self.rules.clear()
        self.asked.clear()
        self.changes.clear()

    def refuse(self, matches: Matches, status: int, code: str, times: int | None = None) -> None:
        """Answer as storage does when it will not."""

        async def refusal() -> web.Response:
            body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>No.</Message></Error>'
            headers = {"x-ms-error-code": code}
            return web.Response(status=status, text=body, content_type="application/xml", headers=headers)

        self.rules.append(Rule(matches, refusal, times))

    def change(self, matches: Matches, made: Callable[[bytes], bytes], times: int | None = None) -> None:
        """Pass the first matching requests on, and change what is answered."""
        self.changes.append(Change(matches, made, times))

    def before(self, matches: Matches, action: Callable[[], object]) -> None:
        """Do something just before the first matching request is passed on."""

        async def act() -> None:
            await asyncio.to_thread(action)

        self.rules.append(Rule(matches, act, 1))

    def hold(self, matches: Matches) -> Held:
        """Keep all matching requests waiting until they are released."""
        passed: asyncio.Future[bool] = self.loop.create_future()

        def decide(value: bool) -> None:
            if not passed.done():
                passed.set_result(value)

        def told(value: bool) -> None:
            self.loop.call_soon_threadsafe(decide, value)

        held = Held(threading.Event(), lambda: told(True), lambda: told(False))

        async def wait() -> web.Response | None:
            held.reached.set()
            return None if await asyncio.shield(passed) else web.Response(status=500)

        self.rules.append(Rule(matches, wait))
        return held


@contextmanager
def storage_proxy(target_port: int) -> Iterator[StorageProxy]:
    """Run a proxy before the blob service on ``target_port`` in a thread of its own."""
    started = threading.Event()
    proxies: list[StorageProxy] = []
    stop = asyncio.Event()

    async def serve() -> None:
        proxy = StorageProxy(asyncio.get_running_loop())
        async with aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0)) as session:

            async def handle(request: web.Request) -> web.Response:
                return await _answer(proxy, session, target_port, request)

            app = web.Application(client_max_size=1 << 30)
            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
            await runner.setup()
            site = web.TCPSite(runner, HOST, 0)
            await site.start()
            proxy.port = runner.addresses[0][1]
            proxies.append(proxy)
            started.set()
            await stop.wait()
            await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10), "the proxy did not start"
    try:
        yield proxies[0]
    finally:
        proxies[0].loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _answer(
    proxy: StorageProxy, session: aiohttp.ClientSession, target_port: int, request: web.Request
) -> web.Response:
    _, _, container, blob = (*request.path.split("/", 3), "", "")[:4]
    asked = Asked(request.method, container, blob, request.rel_url.raw_query_string, "If-Match" in request.headers)
    proxy.asked.append(asked)
    for rule in list(proxy.rules):
        if rule.takes(asked) and (answer := await rule.action()) is not None:
            return answer
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
    # The date is part of a signature.
    headers += [(name, request.headers[name]) for name in ("Date",) if name in request.headers]
    url = URL(f"http://{HOST}:{target_port}{request.rel_url.raw_path_qs}", encoded=True)
    body = await request.read()
    async with session.request(
        request.method, url, headers=headers, data=body or None, skip_auto_headers=_AUTOMATIC, allow_redirects=False
    ) as told:
        kept = [(name, value) for name, value in told.headers.items() if name.lower() not in _HOP_BY_HOP]
        if request.method == "HEAD" and "Content-Length" in told.headers:
            kept.append(("Content-Length", told.headers["Content-Length"]))
        told_body = await told.read()
        for change in proxy.changes:
            told_body = change.applied(asked, told_body)
        answer = web.Response(status=told.status, reason=told.reason, body=told_body)
        answer.headers.clear()
        answer.headers.extend(kept)
        return answer
