"""What the lister does when storage does not do what it should."""

import asyncio
import gzip
import itertools
import logging
import tracemalloc
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from adapters.credentials import Endpoint, TokenSigner
from adapters.listing import connection
from adapters.listing import lister as lister_module
from adapters.listing.account import Account, Limits
from adapters.listing.lister import RestLister
from adapters.patience import Patience
from adapters.response_headers import Response, retry_after
from dev.devstack.fast_stub.certificate import make_certificate
from dev.devstack.storage_stub.pages import BlobEntry, blob_page, container_page
from reconciliation import VERSION
from reconciliation.errors import (
    AuditError,
    ContainerGoneError,
    ListingError,
    SettingsError,
    StorageRefusedError,
    StorageUnavailableError,
)
from tests.adapters.listing.scripted_storage import BY_SAS, QUICK, SIGNATURE, failure, storage, xml
from tests.adapters.tls_on_loopback import serving

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
PAGE = blob_page([BlobEntry("a.mp4", 1, MODIFIED)], "").decode()


async def test_pages_are_followed_to_the_end_and_markers_are_sent_back_unharmed() -> None:
    pages = {"": ("c 1", "a&b=c/ü%"), "a&b=c/ü%": ("c 2", "x"), "x": ("c 3", "")}

    def answer(request: web.Request) -> web.Response:
        name, marker = pages[request.query.get("marker", "")]
        return xml(blob_page([BlobEntry(f"{name}.mp4", 1, MODIFIED)], marker).decode())

    async with storage(answer, page_size=1) as (lister, seen):
        listed = await lister.blobs("some-container")
    assert [blob.name for page in listed for blob in page.kept] == ["c 1.mp4", "c 2.mp4", "c 3.mp4"]
    assert {request.query["maxresults"] for request in seen} == {"1"}
    assert {request.path for request in seen} == {"/acct/some-container"}
    assert {request.headers["x-ms-version"] for request in seen} == {"2023-11-03"}


def empty(request: web.Request, marker: str) -> web.Response:
    """A page of what was asked for, without a row."""
    page = blob_page([], marker) if "restype" in request.query else container_page([], MODIFIED, marker)
    return xml(page.decode())


@pytest.mark.parametrize("markers", [["again", "again"], ["one", "two", "one"]])
async def test_a_marker_that_comes_back_ends_in_a_named_error(markers: list[str]) -> None:
    following = itertools.cycle(markers)
    async with storage(lambda request: empty(request, next(following))) as (lister, seen):
        with pytest.raises(ListingError, match="same page marker twice"):
            await lister.blobs("some-container")
        assert len(seen) <= len(markers) + 1
        following = itertools.cycle(markers)
        with pytest.raises(ListingError, match="same page marker twice"):
            [page async for page in lister.containers()]


async def test_a_listing_without_an_end_ends_in_a_named_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lister_module, "MOST_PAGES", 20)
    following = map(str, itertools.count())
    async with storage(lambda request: empty(request, next(following))) as (lister, seen):
        with pytest.raises(ListingError, match="no end to it after 20 pages"):
            await lister.blobs("some-container")
        assert len(seen) <= 21
        with pytest.raises(ListingError, match="no end to it after 20 pages"):
            [page async for page in lister.containers()]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_temporary_failure_is_tried_again(status: int) -> None:
    answers = iter([failure(status), failure(status), xml(PAGE)])
    async with storage(lambda _: next(answers)) as (lister, seen):
        [page] = await lister.blobs("some-container")
    assert page.total == 1
    assert len(seen) == 3


async def test_a_lasting_failure_says_what_where_and_what_next_and_nothing_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with storage(lambda _: failure(503, "ServerBusy")) as (lister, seen):
        with pytest.raises(StorageUnavailableError) as caught:
            await lister.blobs("some-container")
    assert len(seen) == 4
    assert str(caught.value) == (
        "Cannot list container 'some-container' in account 'acct': storage answered 503, 4 times in a row. Check the "
        "account's network rules and its status, then audit again."
    )
    said = [record.getMessage() for record in caplog.records if record.name.startswith("capture_audit")]
    assert sum("Trying again in" in text for text in said) == 3
    assert not [text for text in said if "secret words" in text or SIGNATURE in text]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_not_tried_again_and_names_the_role(status: int) -> None:
    async with storage(lambda _: failure(status, "AuthorizationPermissionMismatch")) as (lister, seen):
        with pytest.raises(StorageRefusedError) as caught:
            [page async for page in lister.containers()]
    assert len(seen) == 1
    assert str(caught.value) == (
        f"Cannot list containers in account 'acct': storage answered {status} (AuthorizationPermissionMismatch). Grant "
        "the app's identity 'Storage Blob Data Reader' on the account, and check the account's network rules."
    )


@pytest.mark.parametrize(("status", "code"), [(404, "ContainerNotFound"), (409, "ContainerBeingDeleted")])
async def test_a_deleted_container_is_gone_and_not_unreadable(status: int, code: str) -> None:
    async with storage(lambda _: failure(status, code)) as (lister, seen):
        with pytest.raises(ContainerGoneError):
            await lister.blobs("some-container")
    assert len(seen) == 1


async def test_a_cut_page_and_a_broken_connection_are_tried_again() -> None:
    def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    def answer(request: web.Request) -> web.Response:
        return hang_up(request) if len(seen) == 2 else xml(PAGE[:-30] if len(seen) == 1 else PAGE)

    async with storage(answer) as (lister, seen):
        [page] = await lister.blobs("some-container")
    assert page.total == 1
    assert len(seen) == 3


async def test_an_account_that_is_not_there_is_unavailable_in_words_without_an_address() -> None:
    async with storage(lambda _: xml(PAGE)) as (lister, _):
        pass  # the server is gone now
    gone = lister._endpoint
    with (
        closing(Account(gone.url, patience=QUICK)) as account,
        pytest.raises(StorageUnavailableError, match="storage could not be reached, 4 times") as caught,
    ):
        await RestLister(gone, account, patience=QUICK).blobs("some-container")
    assert "127.0.0.1" not in str(caught.value)


async def test_retry_after_holds_back_every_caller_and_no_longer_than_the_ceiling() -> None:
    throttled = asyncio.Event()
    times: list[float] = []

    def answer(request: web.Request) -> web.Response:
        times.append(asyncio.get_running_loop().time())
        if not throttled.is_set():
            throttled.set()
            return failure(503, "ServerBusy", Retry_After="3600")
        return xml(PAGE)

    patience = Patience(attempts=3, first_wait=0.001, longest_wait=0.2, request_timeout=5)
    async with storage(answer, patience=patience) as (lister, _):
        first = asyncio.create_task(lister.blobs("first"))
        await throttled.wait()
        # The answer is on its way: the next caller starts only when it has been understood.
        throttle = lister._account._gate._throttle
        async with asyncio.timeout(5):
            while throttle.per_second == Limits.per_second:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0)
        await asyncio.gather(first, lister.blobs("second"), lister.blobs("third"))
    assert len(times) == 4
    assert min(times[1:]) - times[0] >= 0.2


async def test_container_pages_are_streamed() -> None:
    def answer(request: web.Request) -> web.Response:
        marker = request.query.get("marker", "")
        return xml(container_page([f"c{marker or 0}"], MODIFIED, "1" if not marker else "").decode())

    async with storage(answer) as (lister, seen):
        pages = lister.containers()
        assert await anext(pages) == ["c0"]
        assert len(seen) == 1
        assert await anext(pages) == ["c1"]
        await pages.aclose()  # type: ignore[attr-defined]


async def test_an_answer_that_never_comes_ends_in_a_named_error() -> None:
    silence = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await silence.wait()
        return web.Response()

    patience = Patience(attempts=2, first_wait=0.001, longest_wait=0.01, request_timeout=0.1)
    async with storage(hang, patience=patience) as (lister, seen):
        with pytest.raises(StorageUnavailableError, match="storage did not answer in time, 2 times"):
            await lister.blobs("some-container")
        silence.set()
    assert len(seen) == 2


# --- what is no answer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    ["", "<html>Sign in</html>", PAGE.replace("Blobs>", "blobs>"), "<?xml version='1.0'?><EnumerationResults />"],
    ids=["nothing", "a sign-in page", "another case", "a bare root"],
)
async def test_what_is_no_listing_is_tried_again_and_ends_in_an_error_and_never_in_nothing(body: str) -> None:
    async with storage(lambda _: xml(body if len(seen) < 3 else PAGE)) as (lister, seen):
        [page] = await lister.blobs("some-container")
    assert (page.total, len(seen)) == (1, 3)
    async with storage(lambda _: xml(body)) as (lister, seen):
        with pytest.raises(ListingError, match=r"4 times in a row\. Look at what answers in storage's place"):
            await lister.blobs("some-container")
        with pytest.raises(ListingError):
            [page async for page in lister.containers()]
    assert len(seen) == 8


async def test_a_gateway_that_drops_what_was_asked_for_makes_no_empty_container() -> None:
    page = container_page(["some-container"], MODIFIED, "").decode()
    async with storage(lambda _: xml(page)) as (lister, _):
        with pytest.raises(ListingError):
            await lister.blobs("some-container")
        assert [names async for names in lister.containers()] == [["some-container"]]


async def test_the_listing_of_another_container_is_no_answer() -> None:
    page = PAGE.replace("<EnumerationResults ", '<EnumerationResults ContainerName="this-one" ')
    async with storage(lambda _: xml(page)) as (lister, _):
        assert len(await lister.blobs("this-one")) == 1
        with pytest.raises(ListingError, match="of another container"):
            await lister.blobs("that-one")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP"])
async def test_a_packed_page_is_refused_unpacked(encoding: str) -> None:
    body = gzip.compress(bytes(100_000_000))

    def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    async with storage(answer) as (lister, _):
        tracemalloc.start()
        try:
            with pytest.raises(ListingError, match="packed listing that nobody asked for, 4 times"):
                await lister.blobs("some-container")
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("status", [200, 503, 403])
async def test_an_answer_without_an_end_is_not_read_to_its_end(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LARGEST_PAGE", 1_000_000)
    written = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal written
        endless = web.StreamResponse(status=status)
        await endless.prepare(request)
        with suppress(ConnectionError):
            for _ in range(1000):
                await endless.write(b"<Blob>" * 10_000)
                written += 60_000
        return endless

    async with storage(answer) as (lister, _):
        with pytest.raises(AuditError) as caught:
            await lister.blobs("some-container")
    assert written < 30_000_000
    said = {200: "a page of more than 1,000,000 bytes", 503: "answered 503", 403: "answered 403"}
    assert said[status] in str(caught.value)


async def test_a_large_page_is_read_whole() -> None:
    page = blob_page([BlobEntry(f"{n:06}{'x' * 1000}.mp4", n, MODIFIED) for n in range(5000)], "").decode()
    async with storage(lambda _: xml(page)) as (lister, _):
        [read] = await lister.blobs("some-container")
    assert read.total == len(read.kept) == 5000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_refusal_and_not_followed(status: int) -> None:
    def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"http://{request.host}/other/?comp=list"})

    async with storage(answer) as (lister, seen):
        with pytest.raises(StorageRefusedError, match=f"answered {status}, which leads elsewhere and is not followed"):
            [page async for page in lister.containers()]
    assert [request.path for request in seen] == ["/acct/"]


@pytest.mark.parametrize("name", ["a/b", "abc?restype=x", "abc#x", "abc%2f", "..", "abc\r\nX: y", "abc\0", "", "\\n"])
async def test_a_name_that_storage_cannot_have_is_asked_of_nobody(name: str) -> None:
    async with storage(lambda _: xml(PAGE)) as (lister, seen):
        with pytest.raises(ListingError, match="cannot have a container of that name") as caught:
            await lister.blobs(name)
    assert not seen
    assert str(caught.value).isprintable()


async def test_an_odd_name_among_containers_takes_no_other_with_it() -> None:
    page = container_page(["first-one", "odd\none", "second-one"], MODIFIED, "").decode()
    async with storage(lambda request: xml(PAGE if "restype" in request.query else page)) as (lister, _):
        [names] = [names async for names in lister.containers()]
        assert names == ["first-one", "odd\\none", "second-one"]
        read = await asyncio.gather(*(lister.blobs(name) for name in names), return_exceptions=True)
    assert [isinstance(pages, ListingError) for pages in read] == [False, True, False]
    assert [page.total for pages in (read[0], read[2]) if isinstance(pages, list) for page in pages] == [1, 1]


# --- a part of a container --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["7f", "a/b", "R&D <take> ü%2F?#+ 🎥", "&marker=x", "\r\n", "\ufffe"])
async def test_blobs_are_asked_for_by_the_beginning_of_their_names_on_every_page(prefix: str) -> None:
    following = {"": "next", "next": ""}

    def answer(request: web.Request) -> web.Response:
        marker = request.query.get("marker", "")
        entry = BlobEntry(f"{prefix}{marker}.mp4", 1, MODIFIED)
        return xml(blob_page([entry], following[marker]).decode())

    async with storage(answer) as (lister, seen):
        pages = await lister.blobs("some-container", prefix=prefix)
    assert [blob.name for page in pages for blob in page.kept] == [f"{prefix}.mp4", f"{prefix}next.mp4"]
    assert [request.query["prefix"] for request in seen] == [prefix] * 2


async def test_without_a_beginning_none_is_sent() -> None:
    async with storage(lambda _: xml(PAGE)) as (lister, seen):
        await lister.blobs("some-container")
    assert "prefix" not in seen[0].query


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("<Blobs>", "<Prefix>7e</Prefix><Blobs>"),
        blob_page([BlobEntry("7f.mp4", 1, MODIFIED)], "").decode().replace("<Blobs>", "<Prefix>7</Prefix><Blobs>"),
        PAGE,
    ],
    ids=["another", "a shorter one", "none"],
)
async def test_a_gateway_that_changes_or_drops_the_beginning_gives_no_answer(page: str) -> None:
    async with storage(lambda _: xml(page)) as (lister, seen):
        with pytest.raises(ListingError, match="4 times in a row"):
            await lister.blobs("some-container", prefix="7f")
    assert len(seen) == 4


# --- how long to wait -------------------------------------------------------------------------------------------------

DATE = "Fri, 20 Mar 2026 09:30:00 GMT"


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("1.5", 1.5),
        ("9" * 400, float("inf")),
        ("Fri, 20 Mar 2026 09:30:09 GMT", 9),
        ("Fri, 20 Mar 2026 09:00:00 GMT", -1800),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
    ],
)
def test_what_a_hint_says(hint: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": hint, "Date": DATE}) == seconds


@pytest.mark.parametrize("hint", ["0", "0.001", "Fri, 20 Mar 2026 09:00:00 GMT", "-1", "soon"])
async def test_a_hint_never_shortens_a_pause(hint: str) -> None:
    times: list[float] = []

    def answer(_request: web.Request) -> web.Response:
        times.append(asyncio.get_running_loop().time())
        return failure(503, "ServerBusy", Retry_After=hint, Date=DATE)

    patience = Patience(attempts=3, first_wait=0.1, longest_wait=5, request_timeout=5)
    async with storage(answer, patience=patience) as (lister, _):
        with pytest.raises(StorageUnavailableError):
            await lister.blobs("some-container")
    assert times[1] - times[0] >= 0.1
    assert times[2] - times[1] >= 0.2


# --- what lasts is not tried again ------------------------------------------------------------------------------------


async def test_a_certificate_that_nobody_trusts_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with storage(lambda _: xml(PAGE), tls=serving(make_certificate(tmp_path))) as (lister, seen):
        monkeypatch.setattr(lister, "_hold_back", never)
        with pytest.raises(StorageRefusedError, match=r"certificate that is not trusted here\. .* SSL_CERT_FILE"):
            await lister.blobs("some-container")
    assert not seen


async def test_a_plain_port_that_is_asked_by_https_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with storage(lambda _: xml(PAGE), scheme="https") as (lister, seen):
        monkeypatch.setattr(lister, "_hold_back", never)
        with pytest.raises(StorageRefusedError, match=r"could not agree on TLS .* http:// or https://"):
            await lister.blobs("some-container")
    assert not seen


async def test_a_port_with_tls_that_is_asked_by_http_ends_in_words_that_say_so(tmp_path: Path) -> None:
    async with storage(lambda _: xml(PAGE), tls=serving(make_certificate(tmp_path)), scheme="http") as (lister, _):
        with pytest.raises(StorageUnavailableError, match="http:// or https://"):
            await lister.blobs("some-container")


async def test_a_host_that_does_not_exist_is_tried_again_and_its_name_is_blamed() -> None:
    url = "http://nobody.invalid"
    with closing(Account(url, patience=QUICK)) as account:
        lister = RestLister(Endpoint(url, "nobody", BY_SAS), account, patience=QUICK)
        with pytest.raises(StorageUnavailableError, match=r"cannot be resolved, 4 times in a row\. .* DNS"):
            await lister.blobs("some-container")


@pytest.mark.parametrize(
    "url",
    ["", "acct", "ftp://a.b", "https://", "http://[x", "http://a:port", "https://me:s3cr3t@a.b", "https://a:99999"],
)
async def test_an_address_that_cannot_be_asked_is_a_matter_of_the_settings(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Account(url)
    assert "s3cr3t" not in str(caught.value)


async def never(*_anything: object) -> None:
    pytest.fail("what lasts was tried again")


@dataclass(frozen=True)
class FailingSigner:
    """Cannot sign, for whatever reason."""

    error: Exception

    async def sign(self) -> tuple[str, dict[str, str]]:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("s3cr3t"),
        TimeoutError(),
        aiohttp.ClientError(),
        ClientAuthenticationError("s3cr3t"),
        OSError(),
        KeyError(),
    ],
    ids=repr,
)
async def test_what_cannot_be_signed_is_refused_at_once_and_never_sent(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with storage(lambda _: xml(PAGE), signer=FailingSigner(error)) as (lister, seen):
        monkeypatch.setattr(lister, "_hold_back", never)
        with pytest.raises(StorageRefusedError) as caught:
            await lister.blobs("some-container")
    assert not seen
    assert "s3cr3t" not in str(caught.value)


async def test_what_a_signer_says_about_the_settings_is_passed_on() -> None:
    async with storage(lambda _: xml(PAGE), signer=FailingSigner(SettingsError("The key is none."))) as (lister, seen):
        with pytest.raises(SettingsError, match="The key is none"):
            await lister.blobs("some-container")
    assert not seen


# --- the clock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=3), -timedelta(days=2)])
async def test_how_far_the_clock_of_storage_is_ahead(ahead: timedelta) -> None:
    def answer(request: web.Request) -> web.Response:
        page = empty(request, "")
        page.headers["Date"] = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
        return page

    async with storage(answer) as (lister, seen):
        told = await lister.clock_ahead()
    assert abs(told - ahead) < timedelta(minutes=1)
    assert [(request.path, request.query["maxresults"]) for request in seen] == [("/acct/", "1")]


@pytest.mark.parametrize("date", ["", "yesterday", "2026-03-20T09:30:00Z", "Fri, 99 Mar 2026 09:30:00 GMT"])
async def test_without_a_date_that_can_be_read_no_clock_is_ahead(date: str) -> None:
    def answer(request: web.Request) -> web.Response:
        page = empty(request, "")
        page.headers["Date"] = date
        return page

    async with storage(answer) as (lister, _):
        assert await lister.clock_ahead() == timedelta(0)


def test_the_clock_is_held_against_the_middle_of_the_time_that_the_answer_took() -> None:
    asked = datetime(2026, 3, 20, 9, 29, 50, tzinfo=UTC).timestamp()
    page = container_page([], MODIFIED, "")
    answer = Response(200, {"Date": DATE}, page, asked, asked + 14)
    assert lister_module._clock_ahead(answer) == timedelta(seconds=3)


async def test_the_clock_of_somebody_else_is_not_taken() -> None:
    async with storage(lambda _: xml("<html />")) as (lister, _):
        with pytest.raises(ListingError):
            await lister.clock_ahead()
    async with storage(lambda _: failure(403)) as (lister, _):
        with pytest.raises(StorageRefusedError):
            await lister.clock_ahead()


# --- what a request carries -------------------------------------------------------------------------------------------


class Identity:
    """An identity that is given another token each time."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(f"token-{len(self.scopes)}", 0)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "Identity":
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass


async def test_a_request_says_which_version_it_speaks_and_who_asks_and_nothing_else() -> None:
    async with storage(lambda _: xml(PAGE)) as (lister, seen):
        await lister.blobs("some-container")
    [request] = seen
    assert dict(request.headers) == {
        "x-ms-version": "2023-11-03",
        "User-Agent": f"capture-audit/{VERSION}",
        "Accept-Encoding": "identity",
        "Host": request.host,
    }
    assert request.host.startswith("127.0.0.1:")
    assert request.query_string.endswith(SIGNATURE)


async def test_an_identity_is_proved_by_a_bearer_token_that_is_asked_for_each_time_and_stands_in_no_address() -> None:
    identity = Identity()
    async with storage(lambda _: xml(PAGE), signer=TokenSigner(identity)) as (lister, seen):
        await lister.blobs("some-container")
        await lister.blobs("some-container")
    assert [request.headers["Authorization"] for request in seen] == ["Bearer token-1", "Bearer token-2"]
    assert {tuple(sorted(set(request.headers) - {"Authorization"})) for request in seen} == {
        ("Accept-Encoding", "Host", "User-Agent", "x-ms-version")
    }
    assert [request.query_string for request in seen] == ["restype=container&comp=list&maxresults=5000"] * 2
    assert set(identity.scopes) == {"https://storage.azure.com/.default"}


# --- connections ------------------------------------------------------------------------------------------------------


@dataclass
class HalfAnswers:
    """Answers the container ``first`` in two halves, the second only when told; others at once, by their name."""

    half_sent: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    transports: list[asyncio.BaseTransport | None] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.transports.append(request.transport)
        name = request.path.rpartition("/")[2]
        page = blob_page([BlobEntry(f"{name}.mp4", 1, MODIFIED)], "")
        if name != "first":
            return xml(page.decode())
        answer = web.StreamResponse(headers={"Content-Length": str(len(page))})
        await answer.prepare(request)
        await answer.write(page[:50])
        self.half_sent.set()
        try:
            async with asyncio.timeout(5):
                await self.go_on.wait()
            await answer.write(page[50:])
        except (ConnectionError, asyncio.CancelledError):
            self.closed.set()
        return answer


async def names_of_eight_others(lister: Any) -> list[str]:
    """The one blob of each of eight containers, read one after the other."""
    return [page.kept[0].name for n in range(8) for page in await lister.blobs(f"other-{n}")]


EIGHT = [f"other-{n}.mp4" for n in range(8)]


async def test_a_cancelled_request_closes_its_connection_and_its_late_answer_is_nobodys() -> None:
    answers = HalfAnswers()
    async with storage(answers) as (lister, _):
        task = asyncio.create_task(lister.blobs("first"))
        await answers.half_sent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answers.go_on.set()
        assert await names_of_eight_others(lister) == EIGHT
    assert answers.transports[0] not in answers.transports[1:]
    assert len(set(answers.transports[1:])) == 1, "a connection that was read to its end is used again"


async def test_a_request_out_of_time_closes_its_connection_and_its_late_answer_is_nobodys() -> None:
    answers = HalfAnswers()
    patience = Patience(attempts=1, first_wait=0.001, longest_wait=0.01, request_timeout=0.2)
    async with storage(answers, patience=patience) as (lister, _):
        with pytest.raises(StorageUnavailableError, match="storage did not answer in time"):
            await lister.blobs("first")
        answers.go_on.set()
        assert await names_of_eight_others(lister) == EIGHT
    assert answers.transports[0] not in answers.transports[1:]
    assert len(set(answers.transports[1:])) == 1, "a connection that was read to its end is used again"


async def test_a_request_that_is_cancelled_before_any_answer_closes_its_connection() -> None:
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        if not request.path.endswith("first"):
            return xml(PAGE)
        arrived.set()
        async with asyncio.timeout(5):
            while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(0)
        closed.set()
        return web.Response()

    async with storage(hang) as (lister, _):
        task = asyncio.create_task(lister.blobs("first"))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await closed.wait()
        assert [page.total for page in await lister.blobs("second")] == [1]


async def test_many_requests_cancelled_in_the_middle_mix_up_no_answers() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        await asyncio.sleep(0)
        return xml(blob_page([BlobEntry(f"{name}.mp4", 1, MODIFIED)], "").decode())

    async with storage(answer) as (lister, _):
        for n in range(60):
            tasks = {name: asyncio.create_task(lister.blobs(name)) for name in (f"a-{n}", f"b-{n}", f"c-{n}")}
            for _ in range(n):
                await asyncio.sleep(0)
            tasks[f"b-{n}"].cancel()
            await asyncio.wait(tasks.values())
            for name, task in tasks.items():
                if not task.cancelled():
                    assert [blob.name for page in task.result() for blob in page.kept] == [f"{name}.mp4"]
