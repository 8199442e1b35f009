"""Names that Azurite cannot store, in the XML that Azure documents for them.

https://learn.microsoft.com/rest/api/storageservices/list-blobs#response-body: a name that XML cannot carry (U+FFFE or
U+FFFF in it) comes percent-encoded, marked ``Encoded="true"``.
"""

from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.listing.pages import parse_blobs
from reconciliation.errors import ListingError

KEY = "0123456789abcdef0123456789abcdef"
DATE = "Fri, 20 Mar 2026 09:30:00 GMT"
# What XML 1.0 can hold as it is; a carriage return only as a reference.
IN_XML = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff", include_characters="\t\n")
ANY = st.characters(exclude_categories=["Cs"])


def page(*names: str, marker: str = "", start: str = '\ufeff<?xml version="1.0" encoding="utf-8"?>') -> bytes:
    blobs = "".join(
        f"<Blob>{name}<Properties><Creation-Time>{DATE}</Creation-Time><Last-Modified>{DATE}</Last-Modified>"
        "<Etag>0x8D</Etag><Content-Length>7</Content-Length><Content-Type>video/mp4</Content-Type></Properties>"
        "<OrMetadata /></Blob>"
        for name in names
    )
    following = f"<NextMarker>{marker}</NextMarker>" if marker else "<NextMarker />"
    return (
        f'{start}<EnumerationResults ServiceEndpoint="https://acct.blob.core.windows.net/" ContainerName="c">'
        f"<MaxResults>5000</MaxResults><Blobs>{blobs}</Blobs>{following}</EnumerationResults>"
    ).encode()


def names_in(data: bytes) -> list[str]:
    return [blob.name for blob in parse_blobs(data).blobs.kept]


@given(st.lists(st.text(IN_XML, max_size=30), max_size=4))
def test_names_that_xml_can_carry_come_through_unharmed(ends: list[str]) -> None:
    names = [f"{KEY}_{end}.mp4" for end in ends]
    assert names_in(page(*(f"<Name>{escape(name)}</Name>" for name in names))) == names


@given(st.lists(st.text(ANY, max_size=30), max_size=4))
def test_names_that_come_encoded_are_decoded(ends: list[str]) -> None:
    names = [f"{KEY}_{end}.mp4" for end in ends]
    assert names_in(page(*(f'<Name Encoded="true">{quote(name, safe="/")}</Name>' for name in names))) == names


def test_a_name_that_only_looks_encoded_is_left_alone_beside_one_that_is() -> None:
    encoded = f'<Name Encoded="true">{KEY}_%EF%BF%BE%41.mp4</Name>'
    assert names_in(page(f"<Name>{KEY}_%41.mp4</Name>", encoded)) == [f"{KEY}_%41.mp4", f"{KEY}_\ufffeA.mp4"]


@pytest.mark.parametrize("marker", ["2!92!MDAwMDE0!", "a/b&amp;c d%20e"])
@pytest.mark.parametrize("name", [f"<Name>{KEY}.mp4</Name>", f"<Name>{KEY}_&amp;.mp4</Name>"])
def test_the_way_to_the_next_page_is_found_whatever_the_names_are(name: str, marker: str) -> None:
    read = parse_blobs(page(name, marker=marker))
    assert read.marker == marker.replace("&amp;", "&")
    assert parse_blobs(page(name)).marker is None


def test_a_page_without_blobs_may_still_lead_to_another() -> None:
    read = parse_blobs(page(marker="next"))
    assert (read.marker, read.blobs.total) == ("next", 0)


def test_every_blob_is_counted_whether_or_not_its_name_can_matter() -> None:
    data = page("<Name>notes.txt</Name>", f"<Name>{KEY}_&lt;x&gt;.mp4</Name>", "<Name>a.mpd</Name>")
    assert parse_blobs(data).blobs.total == 3


@pytest.mark.parametrize("name", [f"<Name>{KEY}.mp4</Name>", f"<Name>{KEY}_&amp;.mp4</Name>"])
def test_a_page_cut_anywhere_is_refused(name: str) -> None:
    whole = page(name, name)
    for length in range(len(whole)):
        with pytest.raises(ListingError):
            parse_blobs(whole[:length])
