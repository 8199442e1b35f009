import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from azure.storage.blob._shared.policies_async import ExponentialRetry

from adapters.connections import StorageConnection, by_connection_string
from adapters.store.blobs import BlobStore
from dev.devstack.azurite import ACCOUNT, ACCOUNT_KEY, HOST, AzuriteServer
from dev.devstack.fast_stub.certificate import make_certificate
from reconciliation.errors import RunStoreError, StorageRefusedError, StorageUnavailableError
from tests.adapters.proxy_on_loopback import forward_proxy
from tests.adapters.tls_on_loopback import serving

Use = Callable[[BlobStore], Awaitable[object]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


async def listed(store: BlobStore, prefix: str = "") -> list[str]:
    return [blob.path async for blob in store.listing(prefix)]


async def folders(store: BlobStore) -> list[str]:
    return [name async for name in store.folders()]


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def read_stream(store: BlobStore, path: str = "a") -> list[bytes]:
    return [chunk async for chunk in store.read_stream(path)]


USES: dict[str, Use] = {
    "write": lambda store: store.write("a", b"1"),
    "write_stream": lambda store: store.write_stream("a", pieces(b"1")),
    "create": lambda store: store.create("a", b"1"),
    "replace": lambda store: store.replace("a", b"1", '"0x1"'),
    "append": lambda store: store.append("a", b"1"),
    "delete": lambda store: store.delete("a"),
    "metadata": lambda store: store.metadata("a"),
    "read": lambda store: store.read("a"),
    "read_stream": read_stream,
    "listing": listed,
    "folders": folders,
}


def connection(port: int, key: str = ACCOUNT_KEY, scheme: str = "http") -> StorageConnection:
    protocol = f"DefaultEndpointsProtocol={scheme};AccountName={ACCOUNT};AccountKey={key};"
    return by_connection_string("REPORT_STORAGE", f"{protocol}BlobEndpoint={scheme}://{HOST}:{port}/{ACCOUNT};")


@asynccontextmanager
async def opened(storage: StorageConnection) -> AsyncIterator[BlobStore]:
    store = BlobStore(storage, "refused")
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def store_on(handler: Handler) -> AsyncIterator[BlobStore]:
    """A store on an account that answers everything so."""
    async with answering(handler) as port, opened(connection(port)) as store:
        yield store


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that is taken and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@pytest.fixture
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's client waits for a minute between its attempts."""
    monkeypatch.setattr(ExponentialRetry, "get_backoff_time", lambda *_: 0.0)


async def test_what_is_not_there_is_none_or_nothing_and_not_an_error(blobs: BlobStore) -> None:
    for _ in ("no container", "an empty one"):
        assert await blobs.read("a") is None
        assert await blobs.read("a") is None
        assert await listed(blobs) == []
        assert await folders(blobs) == []
        assert not await blobs.replace("a", b"1", '"0x8D"')
        await blobs.write("loose", b"")
        await blobs.delete("loose")


async def test_a_write_replaces_bytes_and_metadata(blobs: BlobStore) -> None:
    await blobs.write("folder/a", b"first", {"scanned": "1"})
    await blobs.write("folder/a", b"2nd", {"scanned": "2"})
    stored = await blobs.read("folder/a")
    assert stored is not None
    assert stored.data == b"2nd"
    [blob] = [blob async for blob in blobs.listing("folder/")]
    assert (blob.path, blob.size, dict(blob.metadata)) == ("folder/a", 3, {"scanned": "2"})
    assert blob.last_modified.tzinfo is not None


async def test_an_empty_blob_is_a_blob(blobs: BlobStore) -> None:
    await blobs.write("empty", b"")
    stored = await blobs.read("empty")
    assert stored is not None
    assert stored.data == b""


async def test_a_range_is_read_without_the_rest(blobs: BlobStore) -> None:
    await blobs.write("a", b"0123456789")
    stored = await blobs.read("a", offset=3, length=4)
    assert stored is not None
    assert stored.data == b"3456"


# --- streams ----------------------------------------------------------------------------------------------------------

MANY = secrets.token_bytes(9_000_001)  # more than the vendor's client sends or fetches at once
# The vendor's client sends blocks of 4 MB, for which aiohttp recommends another type.
_blocks = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")


@_blocks
@pytest.mark.parametrize("size", [50_000, 4 * 1024 * 1024, 5_000_000, len(MANY)])
async def test_a_stream_comes_back_as_it_was_whatever_its_pieces(blobs: BlobStore, size: int) -> None:
    await blobs.write_stream("a", pieces(*(MANY[at : at + size] for at in range(0, len(MANY), size))))
    chunks = await read_stream(blobs)
    assert len(chunks) > 1
    assert b"".join(chunks) == MANY


@pytest.mark.parametrize("empty", [(), (b"",), (b"", b"")])
async def test_a_stream_of_nothing_is_an_empty_blob(blobs: BlobStore, empty: tuple[bytes, ...]) -> None:
    await blobs.write("a", b"old")
    await blobs.write_stream("a", pieces(*empty))
    assert b"".join(await read_stream(blobs)) == b""
    assert await blobs.read("a") is not None


async def test_a_stream_that_is_not_there_says_what_where_and_what_next(blobs: BlobStore) -> None:
    for _ in ("no container", "an empty one"):
        with pytest.raises(RunStoreError, match=r"no a in container 'store-.*' of REPORT_STORAGE. Start a new audit"):
            await read_stream(blobs)
        await blobs.write("b", b"")


@_blocks
@pytest.mark.parametrize("old", [None, b"old"])
async def test_a_stream_appears_only_when_all_of_it_has_arrived(blobs: BlobStore, old: bytes | None) -> None:
    if old is not None:
        await blobs.write("a", old)
    seen = []

    async def watched() -> AsyncIterator[bytes]:
        for piece in (MANY[:8_500_000], MANY[8_500_000:]):
            yield piece
            stored = await blobs.read("a")
            seen.append((None if stored is None else stored.data, await listed(blobs)))

    await blobs.write_stream("a", watched())
    assert seen == [(old, [] if old is None else ["a"])] * 2
    stored = await blobs.read("a")
    assert stored is not None
    assert stored.data == MANY


@_blocks
@pytest.mark.parametrize("before", [0, 1, 100_000, 9_000_000])
@pytest.mark.parametrize("old", [None, b"old"])
async def test_a_stream_that_breaks_off_leaves_what_was_there(blobs: BlobStore, old: bytes | None, before: int) -> None:
    if old is not None:
        await blobs.write("a", old)

    async def broken_off() -> AsyncIterator[bytes]:
        yield MANY[:before]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await blobs.write_stream("a", broken_off())
    stored = await blobs.read("a")
    assert (None if stored is None else stored.data) == old
    assert await listed(blobs) == ([] if old is None else ["a"])
    await blobs.write_stream("a", pieces(b"new"))
    assert await read_stream(blobs) == [b"new"]


@_blocks
async def test_a_writer_that_is_cancelled_leaves_what_was_there(blobs: BlobStore) -> None:
    await blobs.write("a", b"old")
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield MANY
        reached.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(blobs.write_stream("a", endless()))
    async with asyncio.timeout(60):
        await reached.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await read_stream(blobs) == [b"old"]


# --- what is there, and who was first ---------------------------------------------------------------------------------


async def test_listings_and_folders_are_ascending_and_complete(blobs: BlobStore) -> None:
    paths = ["2/run.json", "1/run.json", "1/shards/0001", "active/x.json", "loose"]
    await asyncio.gather(*(blobs.write(path, b"x") for path in paths))
    assert await listed(blobs) == sorted(paths)
    assert await listed(blobs, "1/") == ["1/run.json", "1/shards/0001"]
    assert await folders(blobs) == ["1", "2", "active"]


async def test_what_many_append_is_all_there_each_in_one_piece(blobs: BlobStore) -> None:
    await asyncio.gather(*(blobs.append("a/log", bytes([number]) * 100) for number in range(20)))
    stored = await blobs.read("a/log")
    assert stored is not None
    pieces = [stored.data[at : at + 100] for at in range(0, len(stored.data), 100)]
    assert sorted(pieces) == [bytes([number]) * 100 for number in range(20)]
    assert await blobs.delete("a/log")
    await blobs.append("a/log", b"anew")
    assert b"".join(await read_stream(blobs, "a/log")) == b"anew"


async def test_of_twenty_creators_one_wins_and_its_bytes_stay(blobs: BlobStore) -> None:
    won = await asyncio.gather(*(blobs.create("guard", f"{n}".encode()) for n in range(20)))
    assert won.count(True) == 1
    stored = await blobs.read("guard")
    assert stored is not None
    assert stored.data == f"{won.index(True)}".encode()


async def test_of_twenty_replacers_of_one_version_one_wins(blobs: BlobStore) -> None:
    await blobs.write("guard", b"old")
    stored = await blobs.read("guard")
    assert stored is not None
    won = await asyncio.gather(*(blobs.replace("guard", f"{n}".encode(), stored.etag) for n in range(20)))
    assert won.count(True) == 1
    after = await blobs.read("guard")
    assert after is not None
    assert after.data == f"{won.index(True)}".encode()


async def test_a_blob_is_deleted_once_and_only_if_it_is_still_the_one_that_was_seen(blobs: BlobStore) -> None:
    assert not await blobs.delete("a")
    await blobs.write("a", b"1")
    seen = await blobs.read("a")
    assert seen is not None
    await blobs.write("a", b"2")
    assert not await blobs.delete("a", seen.etag)
    assert await blobs.read("a") is not None
    now = await blobs.read("a")
    assert now is not None
    assert [await blobs.delete("a", now.etag), await blobs.delete("a", now.etag)] == [True, False]
    await blobs.write("a", b"3")
    assert [await blobs.delete("a"), await blobs.delete("a")] == [True, False]


@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
@pytest.mark.parametrize("size", [0, 10, 5_000_000], ids=["nothing", "short", "long"])
async def test_a_stream_carries_its_metadata_however_long_it_is(blobs: BlobStore, size: int) -> None:
    assert await blobs.metadata("a") is None
    await blobs.write_stream("a", pieces(*[b"x" * 100_000] * (size // 100_000), b"y" * (size % 100_000)), {"of": "1.0"})
    assert await blobs.metadata("a") == {"of": "1.0"}
    await blobs.write_stream("a", pieces(b"z"))
    assert await blobs.metadata("a") == {}


async def test_what_is_created_or_replaced_carries_its_metadata(blobs: BlobStore) -> None:
    assert await blobs.create("a", b"1", {"of": "first"})
    assert await blobs.metadata("a") == {"of": "first"}
    seen = await blobs.read("a")
    assert seen is not None
    assert await blobs.replace("a", b"2", seen.etag, {"of": "second"})
    assert await blobs.metadata("a") == {"of": "second"}


async def test_twenty_stores_may_make_the_container_at_once(storage: StorageConnection) -> None:
    stores = [BlobStore(storage, "made-by-twenty") for _ in range(20)]
    try:
        await asyncio.gather(*(store.write(f"{n}", b"x") for n, store in enumerate(stores)))
        assert len(await listed(stores[0])) == 20
    finally:
        await asyncio.gather(*(store.close() for store in stores))


WRITES = {name: use for name, use in USES.items() if name in {"write", "write_stream", "create"}}


@pytest.mark.parametrize("use", WRITES.values(), ids=WRITES.keys())
async def test_a_container_that_is_deleted_while_the_app_runs_is_made_again_by_the_next_write(
    blobs: BlobStore, use: Use
) -> None:
    await blobs.write("before", b"1")
    await blobs._container.delete_container()
    await use(blobs)
    assert await listed(blobs) == ["a"]


@_blocks
async def test_so_is_it_by_a_long_stream(blobs: BlobStore) -> None:
    await blobs.write("before", b"1")
    await blobs._container.delete_container()
    await blobs.write_stream("a", pieces(MANY))
    assert b"".join(await read_stream(blobs)) == MANY


async def test_a_container_is_asked_for_only_when_it_is_missing(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    make = blobs._container.create_container

    async def noted() -> object:
        made.append(1)
        return await make()

    monkeypatch.setattr(blobs._container, "create_container", noted)
    for _ in range(3):
        await blobs.write("a", b"1")
        await blobs.create("b", b"1")
    assert made == [1]


@pytest.mark.parametrize("use", [*WRITES.values(), USES["replace"]], ids=[*WRITES, "replace"])
async def test_a_container_that_is_being_deleted_is_no_blob_that_was_there_first(use: Use) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=409, headers={"x-ms-error-code": "ContainerBeingDeleted"})

    async with store_on(refuse) as store:
        with pytest.raises(StorageUnavailableError, match=r"it is being deleted\. Try again in a minute"):
            await use(store)


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
async def test_a_refused_key_says_what_where_and_what_next(azurite_server: AzuriteServer, use: Use) -> None:
    key = "d3Jvbmcta2V5LXdyb25nLWtleS13cm9uZy1rZXk="
    async with opened(connection(azurite_server.port, key)) as store:
        with pytest.raises(StorageRefusedError) as caught:
            await use(store)
    text = str(caught.value)
    assert "container 'refused' of REPORT_STORAGE" in text
    assert "403" in text
    assert "Check the account key in REPORT_STORAGE" in text
    assert key not in text
    assert not caught.value.retryable


@pytest.mark.usefixtures("_without_waiting")
@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
async def test_an_account_that_cannot_be_reached_says_what_where_and_what_next(dead_port: int, use: Use) -> None:
    async with opened(connection(dead_port)) as store:
        with pytest.raises(StorageUnavailableError) as caught:
            await use(store)
    text = str(caught.value)
    assert "container 'refused' of REPORT_STORAGE" in text
    assert "could not be reached" in text
    assert "network rules" in text
    assert ACCOUNT_KEY not in text
    assert str(dead_port) not in text
    assert caught.value.retryable


async def test_an_account_that_cannot_be_reached_is_given_up_before_a_caller_gives_up(dead_port: int) -> None:
    """With the client's own pauses, which are random: several callers at once."""

    async def seconds() -> float:
        started = time.monotonic()
        async with opened(connection(dead_port)) as store:
            with pytest.raises(StorageUnavailableError):
                await store.write("a", b"1")
        return time.monotonic() - started

    assert max(await asyncio.gather(*(seconds() for _ in range(20)))) < 15


@pytest.mark.usefixtures("_without_waiting")
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (408, StorageUnavailableError),
        (429, StorageUnavailableError),
        (500, StorageUnavailableError),
        (503, StorageUnavailableError),
        (400, StorageRefusedError),
    ],
)
async def test_an_answer_that_is_no_answer_tells_its_status(status: int, kind: type[Exception]) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with answering(refuse) as port, opened(connection(port)) as store:
        with pytest.raises(kind, match=f"Cannot write in container 'refused' of REPORT_STORAGE: .* {status}"):
            await store.replace("a", b"x", '"0x8D"')


# --- the way there ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def answering(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a service that answers everything with ``handler``."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def nobody(_: web.Request) -> web.Response:
    pytest.fail("nobody may be asked here")


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_is_a_refusal_and_not_followed(status: int, use: Use) -> None:
    async with answering(nobody) as elsewhere:

        async def redirect(request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": f"http://{HOST}:{elsewhere}{request.path_qs}"})

        async with answering(redirect) as port, opened(connection(port)) as store:
            with pytest.raises(StorageRefusedError, match=f"{status} .which leads elsewhere and is not followed"):
                await use(store)


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
async def test_a_certificate_that_nobody_trusts_is_told_at_once(tmp_path: Path, use: Use) -> None:
    async with answering(nobody, serving(make_certificate(tmp_path))) as port:
        began = time.monotonic()
        async with opened(connection(port, scheme="https")) as store:
            with pytest.raises(StorageRefusedError, match=r"certificate that is not trusted here\. .*SSL_CERT_FILE"):
                await use(store)
        assert time.monotonic() - began < 1


async def test_a_plain_port_that_is_asked_by_https_is_told_at_once() -> None:
    async with answering(nobody) as port, opened(connection(port, scheme="https")) as store:
        began = time.monotonic()
        with pytest.raises(StorageRefusedError, match=r"could not agree on TLS .* http:// or https://"):
            await store.write("a", b"1")
        assert time.monotonic() - began < 1


async def test_it_goes_by_the_usual_proxy(azurite_server: AzuriteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    async with forward_proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with opened(connection(azurite_server.port)) as store:
            await store.write("a", b"1")
        assert [head.split(" ", 1)[0] for head in proxy.heads] == ["PUT"] * 3, "in vain, the container, the blob"
        monkeypatch.setenv("no_proxy", HOST)
        async with opened(connection(azurite_server.port)) as store:
            await store.write("a", b"1")
        assert len(proxy.heads) == 3
