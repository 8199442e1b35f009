from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.listing.pages import parse_blobs, parse_containers
from devstack.storage_stub.pages import BlobEntry, blob_page, container_page
from reconciliation.errors import ListingError
from reconciliation.keys import can_matter

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
LATER = "Sat, 21 Mar 2026 09:30:00 GMT"
# Every character that a blob's name may hold, those that XML cannot carry included; lone surrogates are not text.
NAMES = st.builds(
    str.__add__,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.sampled_from(["", ".mp4", ".ism", ".MP4", ".txt", " .mp4 "]),
)
ENTRIES = st.lists(st.builds(BlobEntry, NAMES, st.integers(0, 2**50), st.sampled_from([MODIFIED, LATER])), max_size=8)


@given(ENTRIES, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_a_page_gives_back_what_was_put_in_it(entries: list[BlobEntry], marker: str) -> None:
    page = parse_blobs(blob_page(entries, marker))
    assert page.marker == (marker or None)
    assert page.blobs.total == len(entries)
    kept = [(blob.name, blob.size) for blob in page.blobs.kept]
    assert kept == [(entry.name, entry.size) for entry in entries if can_matter(entry.name)]
    newest = max((entry.modified for entry in entries), key=lambda text: text == LATER, default=None)
    expected = {
        None: None,
        MODIFIED: datetime(2026, 3, 20, 9, 30, tzinfo=UTC),
        LATER: datetime(2026, 3, 21, 9, 30, tzinfo=UTC),
    }
    assert max(page.blobs.moments, default=None) == expected[newest]


@given(ENTRIES)
def test_the_quick_way_and_the_xml_parser_agree(entries: list[BlobEntry]) -> None:
    page = blob_page(entries, "")
    # An entity anywhere sends the page to the XML parser; a comment's worth of it changes nothing else.
    by_parser = page.replace(b'ServiceEndpoint="http://127.0.0.1/"', b'ServiceEndpoint="http://127.0.0.1/?a&amp;b"')
    assert parse_blobs(page) == parse_blobs(by_parser)


@given(st.lists(st.from_regex(r"[$a-z0-9][a-z0-9-]{2,62}", fullmatch=True), max_size=20), st.sampled_from(["", "next"]))
def test_container_names_come_in_the_order_of_the_page(names: list[str], marker: str) -> None:
    page = parse_containers(container_page(names, MODIFIED, marker))
    assert page.names == names
    assert page.marker == (marker or None)


def test_an_empty_account_and_an_empty_container_are_no_error() -> None:
    assert parse_containers(container_page([], MODIFIED, "")).names == []
    assert parse_blobs(blob_page([], "")).blobs == (0, [], [])


@pytest.mark.parametrize("cut", [0, 1, 30, 200, -1, -10])
def test_a_page_that_was_cut_short_is_refused(cut: int) -> None:
    page = blob_page([BlobEntry("a.mp4", 1, MODIFIED), BlobEntry("b.mp4", 2, MODIFIED)], "")
    with pytest.raises(ListingError):
        parse_blobs(page[:cut])


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("no date", b"<Last-Modified>", b"<Lost-Modified>"),
        ("a date of another form", MODIFIED.encode(), b"2026-03-20T09:30:00.0000000Z "),
        ("no size", b"<Content-Length>", b"<Content-Langth>"),
        ("a size that is no number", b"<Content-Length>1<", b"<Content-Length>one<"),
    ],
)
@pytest.mark.parametrize("parser", ["quick", "xml"])
def test_a_blob_that_cannot_be_understood_is_never_passed_over(what: str, old: bytes, new: bytes, parser: str) -> None:
    page = blob_page([BlobEntry("a.mp4", 1, MODIFIED)], "").replace(old, new)
    if parser == "xml":
        page = page.replace(b'ServiceEndpoint="', b'ServiceEndpoint="&amp;')
    with pytest.raises(ListingError):
        parse_blobs(page)


def test_garbled_xml_is_refused() -> None:
    with pytest.raises(ListingError, match="not XML"):
        parse_blobs(b"<EnumerationResults>&<Blob></EnumerationResults>")


@pytest.mark.parametrize("half", ["first", "second"])
def test_a_damaged_part_of_a_page_is_never_passed_over(half: str) -> None:
    names = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
    for page, parse in (
        (container_page(names, MODIFIED, "next"), parse_containers),
        (blob_page([BlobEntry(name, 1, MODIFIED) for name in names], "next"), parse_blobs),
    ):
        middle = len(page) // 2
        first, second = page[:middle], page[middle:]
        if half == "first":
            damaged = first.replace(b">", b"") + second
        else:
            damaged = first + second.replace(b">", b"", second.count(b">") - 1)
        with pytest.raises(ListingError):
            parse(damaged)


def test_names_that_xml_cannot_carry_are_decoded_as_the_service_documents_it() -> None:
    page = (
        '<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs><Blob>'
        '<Name Encoded="true">a%01%EF%BF%BE%20b%25.mp4</Name><Properties>'
        f"<Last-Modified>{MODIFIED}</Last-Modified><Content-Length>7</Content-Length></Properties></Blob></Blobs>"
        "<NextMarker /></EnumerationResults>"
    )
    [blob] = parse_blobs(page.encode()).blobs.kept
    assert blob.name == "a\x01￾ b%.mp4"
