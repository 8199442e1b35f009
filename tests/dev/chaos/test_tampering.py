"""What is made of a listing's answer: its reader notices, or it is a listing that leaves out just what was meant."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.listing.pages import parse_blobs, parse_containers
from dev.chaos.tampering import (
    SHAPES,
    emptied,
    ended,
    from_the_future,
    garbled,
    has_rows,
    names_in,
    next_marker,
    without,
)
from dev.devstack.storage_stub.pages import BlobEntry, blob_page, container_page
from reconciliation.errors import ListingError
from reconciliation.times import from_stamp

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
NAMES = st.lists(st.sampled_from(["aa", "bb", "cc-input", "$root", "mk-import-reports"]), unique=True).map(sorted)
BLOBS = st.lists(st.sampled_from(["a.mp4", "b.ism", "R&D <take> ü.mp4", "c.ts"]), unique=True).map(sorted)
MARKERS = st.sampled_from(["", "dd", "a&b"])


def of_blobs(names: list[str], marker: str = "") -> bytes:
    return blob_page([BlobEntry(name, 7, MODIFIED) for name in names], marker)


@pytest.mark.parametrize("strip", [True, False])
@given(names=NAMES)
def test_every_way_to_garble_can_be_noticed(strip: bool, names: list[str]) -> None:
    with pytest.raises(ListingError):
        parse_containers(garbled(container_page(names, MODIFIED, ""), strip=strip))


@pytest.mark.parametrize("at", range(len(SHAPES)))
@given(names=NAMES, blobs=BLOBS, marker=MARKERS)
def test_every_other_shape_can_be_noticed(at: int, names: list[str], blobs: list[str], marker: str) -> None:
    with pytest.raises(ListingError):
        parse_containers(SHAPES[at](container_page(names, MODIFIED, marker)))
    with pytest.raises(ListingError):
        parse_blobs(SHAPES[at](of_blobs(blobs, marker)), "aa")


@given(NAMES, MARKERS)
def test_a_page_of_containers_tells_its_names_and_where_the_next_begins(names: list[str], marker: str) -> None:
    page = container_page(names, MODIFIED, marker)
    assert (names_in(page), next_marker(page), has_rows(page)) == (names, marker, bool(names))


@given(NAMES, BLOBS, MARKERS)
def test_lies_have_the_right_shape_and_leave_out_what_they_say(names: list[str], blobs: list[str], marker: str) -> None:
    containers, listing = container_page(names, MODIFIED, marker), of_blobs(blobs, marker)
    leads_on = marker or None
    assert parse_containers(ended(containers)) == (None, names)
    assert parse_containers(emptied(containers)) == (leads_on, [])
    assert parse_blobs(ended(listing)) == (None, parse_blobs(listing).blobs)
    assert parse_blobs(emptied(listing)) == (leads_on, (0, [], []))
    for name in names:
        others = [other for other in names if other != name]
        assert parse_containers(without(containers, name)) == (leads_on, others)


@given(BLOBS, st.sets(st.sampled_from(["a.mp4", "R&D <take> ü.mp4", "not there"])))
def test_some_blobs_were_changed_in_the_future_and_nothing_else_is_changed(blobs: list[str], ahead: set[str]) -> None:
    future, past = datetime(2099, 12, 31, 23, tzinfo=UTC), datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
    page = parse_blobs(from_the_future(of_blobs(blobs), ahead)).blobs
    before = parse_blobs(of_blobs(blobs)).blobs
    assert [*map(from_stamp, page.changes)] == [future if name in ahead else past for name in blobs]
    assert page.kept == [blob._replace(last_modified=future if blob.name in ahead else past) for blob in before.kept]
