"""All clients go by the same proxy: the lister, the webhook (see test_webhook.py) and the vendor's client."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from adapters.proxies import proxy_for
from dev.devstack.azurite import ACCOUNT_KEY, HOST
from dev.devstack.fast_stub.certificate import make_certificate
from dev.devstack.storage_stub.pages import BlobEntry, blob_page, container_page
from reconciliation.errors import SettingsError, StorageRefusedError, StorageUnavailableError
from tests.adapters.listing.scripted_storage import SIGNATURE, failure, storage, xml
from tests.adapters.proxy_on_loopback import forward_proxy
from tests.adapters.tls_on_loopback import serving

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
PAGE = blob_page([BlobEntry("a.mp4", 1, MODIFIED)], "").decode()


@pytest.fixture(autouse=True)
def _no_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "proxied"),
    [
        ({}, False),
        ({"HTTPS_PROXY": "http://p:1"}, True),
        ({"https_proxy": "http://p:1"}, True),
        ({"HTTP_PROXY": "http://p:1"}, False),
        ({"HTTPS_PROXY": ""}, False),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "acct.blob.core.windows.net"}, False),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".core.windows.net"}, False),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "127.0.0.1,localhost"}, True),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, False),
        ({"HTTPS_PROXY": "nonsense", "NO_PROXY": "*"}, False),
    ],
)
def test_which_proxy(environment: dict[str, str], proxied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(URL("https://acct.blob.core.windows.net")) == (URL("http://p:1") if proxied else None)


@pytest.mark.parametrize(
    "told",
    [
        "p:8080",
        "//p:8080",
        "https://me:s3cr3t@p",
        "socks5://p:1",
        "http://",
        "http://[",
        "http://p:s3cr3t",
        "http://me:s3cr3t%E2%82%AC@p:1",  # no header line can hold it
        "http://%E2%82%AC:s3cr3t@p:1",
    ],
)
def test_what_is_no_proxy_is_a_matter_of_the_settings(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", told)
    with pytest.raises(SettingsError, match="HTTPS_PROXY") as caught:
        proxy_for(URL("https://acct.blob.core.windows.net"))
    assert "s3cr3t" not in repr(caught.value) + repr(caught.value.__context__)


async def test_a_listing_goes_by_the_proxy_whole_and_one_connection_serves_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with storage(lambda _: xml(PAGE)) as (lister, seen):
            for _ in range(3):
                [page] = await lister.blobs("some-container")
                assert page.total == 1
    for head in proxy.heads:
        first, *headers = head.splitlines()
        assert first.startswith(f"GET http://{seen[0].host}/acct/some-container?restype=container&comp=list")
        assert SIGNATURE in first
        assert {line.split(":")[0] for line in headers if line} == {
            "x-ms-version",
            "User-Agent",
            "Accept-Encoding",
            "Host",
            "Proxy-Authorization",
        }
    assert len(proxy.heads) == len(seen) == 3
    assert len({request.transport for request in seen}) == 1


async def test_loopback_needs_no_proxy_where_it_is_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", f"{HOST},localhost")
        async with storage(lambda _: xml(PAGE)) as (lister, _):
            assert len(await lister.blobs("some-container")) == 1
    assert not proxy.heads


@pytest.mark.parametrize(("status", "lasts"), [(407, True), (403, True), (503, False)])
async def test_a_proxy_that_refuses_https_is_blamed(status: int, lasts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    async with forward_proxy(refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with storage(lambda _: failure(500), scheme="https") as (lister, seen):
            kind = StorageRefusedError if lasts else StorageUnavailableError
            with pytest.raises(
                kind, match=rf"the proxy answered {status}.*\. Check HTTP_PROXY and HTTPS_PROXY"
            ) as caught:
                await lister.blobs("some-container")
    assert "s3cr3t" not in str(caught.value)
    assert len(proxy.heads) == (1 if lasts else 4)
    assert not seen


async def test_a_proxy_that_is_not_there_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with forward_proxy() as proxy:
        gone = proxy.url
    monkeypatch.setenv("HTTP_PROXY", gone)
    async with storage(lambda _: xml(PAGE)) as (lister, _):
        with pytest.raises(StorageUnavailableError, match="since the proxy could not be, 4 times") as caught:
            await lister.blobs("some-container")
    assert "s3cr3t" not in str(caught.value)


# As a process of its own: certificates are read when it starts.
ALL_CLIENTS = """
import asyncio, sys
from adapters.store.blobs import BlobStore
from adapters.credentials import endpoint_of
from adapters.listing.account import Account
from adapters.listing.lister import RestLister
from adapters.connections import by_connection_string
from adapters.webhook import post

async def main(url, key):
    text = f"AccountName=acct;AccountKey={key};BlobEndpoint={url}/acct"
    connection = by_connection_string("S", text)
    lister = RestLister(endpoint_of(connection), Account(connection.url))
    print([names async for names in lister.containers()])
    lister.close()
    store = BlobStore(connection, "audits")
    print(await store.metadata("a") is not None)
    await store.close()
    await post(f"{url}/hook", {})

asyncio.run(main(*sys.argv[1:]))
"""


async def test_every_client_goes_through_the_proxy_to_https_and_trusts_what_ssl_cert_file_names(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        return xml(container_page(["some-container"], MODIFIED, "").decode())

    certificate = make_certificate(tmp_path)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=serving(certificate)).start()
    authority = f"{HOST}:{runner.addresses[0][1]}"
    try:
        async with forward_proxy() as proxy:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", ALL_CLIENTS, f"https://{authority}", ACCOUNT_KEY),
                env=os.environ
                | {
                    "HTTPS_PROXY": proxy.url,
                    "SSL_CERT_FILE": str(certificate.authority),
                    "PYTHONPATH": str(Path.cwd()),
                },
                stdout=asyncio.subprocess.PIPE,
            )
            said, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        await runner.cleanup()
    assert said.decode().split("\n") == ["[['some-container']]", "True", ""]
    assert asked == ["GET /acct/", "HEAD /acct/audits/a", "POST /hook"]
    assert [head.splitlines()[0] for head in proxy.heads] == [f"CONNECT {authority} HTTP/1.1"] * 3
    assert all("Proxy-Authorization: Basic " in head for head in proxy.heads)
    assert not [head for head in proxy.heads if "sig=" in head or "\nAuthorization" in head]
