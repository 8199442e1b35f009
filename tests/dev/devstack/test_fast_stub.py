"""The fast stub lists what the stub in Python does, byte for byte, as the service sends it."""

import asyncio
import shutil
import ssl
from pathlib import Path

import aiohttp
import httpx
import pytest

from adapters.listing.pages import parse_blobs, parse_containers
from dev.devstack.fast_stub import build
from dev.devstack.storage_stub.uniform import UniformAccount, container_name
from dev.devstack.stub import Limit, StubbedStorage
from dev.devstack.supervise import DevStackError
from reconciliation.lookups import Blob
from tests.dev.devstack.fast_account import counts, fast_account

BLOBS = "restype=container&comp=list"
ONE = container_name(0)


def get(storage: StubbedStorage, path: str, query: str) -> httpx.Response:
    return httpx.get(f"{storage.url}/{path}?{query}", verify=False)


def all_containers(storage: StubbedStorage, most: int) -> list[str]:
    names, marker = list[str](), ""
    while True:
        page = parse_containers(get(storage, "", f"comp=list&maxresults={most}{marker}").content)
        names += page.names
        if page.marker is None:
            return names
        marker = f"&marker={page.marker.replace('!', '%21')}"


def all_blobs(storage: StubbedStorage, container: str, most: int) -> list[Blob]:
    blobs, marker = list[Blob](), ""
    while True:
        page = parse_blobs(get(storage, container, f"{BLOBS}&maxresults={most}{marker}").content, container)
        assert page.blobs.total <= most
        blobs += page.blobs.kept
        if page.marker is None:
            return blobs
        marker = f"&marker={page.marker}"


@pytest.mark.parametrize("blobs", [0, 2, 4, 50, 5_000])
def test_a_container_is_listed_to_the_byte_as_by_the_stub_in_python(blobs: int) -> None:
    account = UniformAccount(20, blobs)
    with fast_account(f"20x{blobs}") as storage:
        for number in range(20):
            container = container_name(number)
            assert get(storage, container, BLOBS).content == account.blobs(container, "", 5_000)


@pytest.mark.parametrize("most", [1, 7, 1_000, 5_000])
def test_all_containers_come_in_pages_of_any_size_ascending(most: int) -> None:
    with fast_account("40x4") as storage:
        assert all_containers(storage, most) == sorted(container_name(number) for number in range(40))


def test_a_large_account_comes_in_pages_of_five_thousand() -> None:
    with fast_account("12000x0") as storage:
        page = parse_containers(get(storage, "", "comp=list&maxresults=9999").content)
        assert len(page.names) == 5_000
        assert all_containers(storage, 5_000) == sorted(container_name(number) for number in range(12_000))


@pytest.mark.parametrize("most", [1, 7, 1_000])
def test_a_container_comes_in_pages_of_any_size(most: int) -> None:
    whole = UniformAccount(1, 50).blobs(ONE, "", 5_000)
    assert whole is not None
    with fast_account("1x50") as storage:
        assert all_blobs(storage, ONE, most) == parse_blobs(whole).blobs.kept


def test_each_blob_and_each_container_has_a_date_of_its_own() -> None:
    with fast_account("30x500") as storage:
        dates = {blob.last_modified for blob in all_blobs(storage, ONE, 5_000)}
        rows = get(storage, "", "comp=list").text.split("<Last-Modified>")[1:]
    assert len(dates) == 500
    assert len({row[:29] for row in rows}) == 30


def test_answers_are_chunked_and_begin_with_a_byte_order_mark() -> None:
    with fast_account("1x500") as storage:
        answer = get(storage, ONE, BLOBS)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    assert {"x-ms-request-id", "x-ms-version", "date", "server"} <= set(answer.headers)
    assert answer.content.startswith(b"\xef\xbb\xbf<?xml")


@pytest.mark.parametrize("container", ["short", "g" * 36])
def test_there_is_no_container_of_another_kind_of_name(container: str) -> None:
    with fast_account("1x4") as storage:
        answer = get(storage, container, BLOBS)
    assert answer.status_code == 404
    assert "<Code>ContainerNotFound</Code>" in answer.text


@pytest.mark.parametrize("retry_after", [1, None])
def test_what_is_more_than_the_limit_is_refused_and_counted(retry_after: int | None) -> None:
    with fast_account("1x4", limit=Limit(1, retry_after)) as storage:
        answers = [get(storage, ONE, BLOBS) for _ in range(20)]
        told = counts(storage)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert answers[0].status_code == 200
    assert refused
    assert {answer.headers.get("Retry-After") for answer in refused} == {retry_after and str(retry_after)}
    assert all("<Code>ServerBusy</Code>" in answer.text for answer in refused)
    assert (told["requests"], told["refused"]) == (20, len(refused))


def test_tls_is_verified_by_the_authority_that_it_names() -> None:
    with fast_account("1x5000", tls=True) as storage:
        trusting = ssl.create_default_context(cafile=str(storage.authority))
        with httpx.Client(verify=trusting) as client:
            whole = client.get(f"{storage.url}/{ONE}?{BLOBS}").content
            with client.stream("GET", f"{storage.url}/?comp=list") as answer:
                assert answer.extensions["network_stream"].get_extra_info("ssl_object").version() == "TLSv1.3"
        assert whole == UniformAccount(1, 5_000).blobs(ONE, "", 5_000)
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(f"{storage.url}/{ONE}?{BLOBS}")


async def test_many_connections_are_answered_each_in_its_own_time() -> None:
    expected = UniformAccount(300, 4)
    with fast_account("300x4", latency_ms=(1, 20)) as storage:
        names = [container_name(number) for number in range(300)] * 3
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=300)) as session:

            async def listed(name: str) -> bytes:
                async with session.get(f"{storage.url}/{name}?{BLOBS}") as answer:
                    return await answer.read()

            answers = await asyncio.gather(*(listed(name) for name in names))
        connections = (await asyncio.to_thread(counts, storage))["connections"]
    assert answers == [expected.blobs(name, "", 5_000) for name in names]
    assert connections > 100


def test_without_a_compiler_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "CACHE", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(DevStackError, match=r"needs a C compiler \(cc\) and OpenSSL's headers"):
        build.binary()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler (cc)")
def test_without_openssl_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = tmp_path / "stub.c"
    source.write_text("#include <openssl/no-such-file.h>\n", encoding="utf-8")
    monkeypatch.setattr(build, "CACHE", tmp_path)
    monkeypatch.setattr(build, "SOURCE", source)
    with pytest.raises(DevStackError, match="lacks OpenSSL's headers or library"):
        build.binary()
