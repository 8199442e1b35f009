"""The stub in Python sends as the service does: in chunks, with a byte order mark, each blob with its own date."""

from collections.abc import Iterator

import httpx
import pytest

from adapters.listing.pages import parse_blobs, parse_containers
from dev.devstack.storage_stub.uniform import UniformAccount, container_name, session_key_of
from dev.devstack.stub import StubbedStorage, stubbed_storage

ONE = container_name(0)


@pytest.fixture(scope="module")
def storage() -> Iterator[StubbedStorage]:
    with stubbed_storage(["--uniform", "30x500"]) as running:
        yield running


def test_a_container_is_listed_in_chunks_behind_a_byte_order_mark(storage: StubbedStorage) -> None:
    answer = httpx.get(f"{storage.url}/{ONE}?restype=container&comp=list")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.content.startswith(b"\xef\xbb\xbf<?xml")
    assert answer.content == UniformAccount(30, 500).blobs(ONE, "", 5_000)
    blobs = parse_blobs(answer.content, ONE).blobs.kept
    assert len({blob.last_modified for blob in blobs}) == len({blob.name for blob in blobs}) == 500
    assert sum(blob.name.startswith(session_key_of(ONE)) for blob in blobs) == 4


def test_containers_have_dates_of_their_own(storage: StubbedStorage) -> None:
    answer = httpx.get(f"{storage.url}/?comp=list")
    assert parse_containers(answer.content).names == sorted(container_name(number) for number in range(30))
    assert len({row[:29] for row in answer.text.split("<Last-Modified>")[1:]}) == 30


def test_each_answer_of_one_connection_is_that_to_its_request(storage: StubbedStorage) -> None:
    with httpx.Client() as client:
        for name in (ONE, container_name(1), ONE):
            page = client.get(f"{storage.url}/{name}?restype=container&comp=list").content
            assert parse_blobs(page, name).blobs.total == 500
