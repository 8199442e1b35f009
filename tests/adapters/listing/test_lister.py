"""What the lister does when storage does not do what it should."""

import asyncio
import itertools
import logging
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken

from adapters.credentials import TokenSigner
from adapters.listing.lister import Patience
from devstack.storage_stub.pages import BlobEntry, blob_page, container_page
from reconciliation import VERSION
from reconciliation.errors import ContainerGoneError, ListingError, StorageRefusedError, StorageUnavailableError
from tests.adapters.listing.scripted_storage import SIGNATURE, failure, storage, xml

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


@pytest.mark.parametrize("markers", [["again", "again"], ["one", "two", "one"]])
async def test_a_marker_that_comes_back_ends_in_a_named_error(markers: list[str]) -> None:
    following = itertools.cycle(markers)
    async with storage(lambda _: xml(blob_page([], next(following)).decode())) as (lister, seen):
        with pytest.raises(ListingError, match="same page marker twice"):
            await lister.blobs("some-container")
        assert len(seen) <= len(markers) + 1
        following = itertools.cycle(markers)
        with pytest.raises(ListingError, match="same page marker twice"):
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
    assert len(said) == 3
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
    async with storage(lambda _: xml(PAGE)) as (other, _):
        lister._session = other._session
        with pytest.raises(StorageUnavailableError, match="storage could not be reached, 4 times") as caught:
            await lister.blobs("some-container")
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
        async with asyncio.timeout(5):
            while not lister._pause_until:  # noqa: ASYNC110 - the lister has no event to wait for
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
        ("Host", "User-Agent", "x-ms-version")
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
