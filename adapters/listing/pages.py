"""Reading one page of List Containers or List Blobs.

Bytes are searched with fixed patterns, because an XML tree costs more than the request it arrived with, and properties
are converted only of the blobs whose names can matter. A page on which the patterns do not find every element as plain
text goes to a real XML parser; a property test holds the two and the vendor's SDK equal.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from reconciliation.errors import ListingError
from reconciliation.evidence import Blob, BlobPage
from reconciliation.keys import MATTERING_SUFFIXES, can_matter
from reconciliation.times import from_rfc1123

_END = b"</EnumerationResults>"
_LAST_END = b"<NextMarker />" + _END
_MARKER = b"<NextMarker>"
# Every row has one, and no text can hold it; counted without its end, so that a damaged row is still counted.
_ROW = b"<Name"
_CONTAINER = re.compile(rb"<Container><Name>([^<]*)</Name>")
# The elements as the service writes them, in its order: without gaps to skip, matching costs next to nothing.
_BLOB = re.compile(
    rb"<Blob><Name>([^<]*)</Name><Properties>(?:<Creation-Time>[^<]*</Creation-Time>)?"
    rb"<Last-Modified>([^<]*)</Last-Modified><Etag>[^<]*</Etag>(?:<ResourceType>[^<]*</ResourceType>)?"
    rb"<Content-Length>([0-9]+)</Content-Length>"
)
_SUFFIX_LENGTH = 4
_MATTERING = frozenset(suffix.encode() for suffix in MATTERING_SUFFIXES)


class ContainerNames(NamedTuple):
    """A page of container names in the order of the listing; ``marker`` leads to the next page, None on the last."""

    marker: str | None
    names: list[str]


class Blobs(NamedTuple):
    """A page of a container's listing; ``marker`` leads to the next page, None on the last."""

    marker: str | None
    blobs: BlobPage


def parse_containers(page: bytes) -> ContainerNames:
    """Raises ``ListingError`` if the page is not a whole List Containers answer."""
    _check_whole(page)
    names = _CONTAINER.findall(page)
    if b"&" in page or len(names) != page.count(_ROW):
        root = _tree(page)
        return ContainerNames(_marker(root), [_name(element) for element in root.iterfind("Containers/Container")])
    return ContainerNames(_plain_marker(page), [name.decode() for name in names])


def parse_blobs(page: bytes) -> Blobs:
    """Raises ``ListingError`` if the page is not a whole List Blobs answer."""
    _check_whole(page)
    found = _BLOB.findall(page)
    if b"&" in page or len(found) != page.count(_ROW):
        root = _tree(page)
        return Blobs(_marker(root), _summed([_blob(element) for element in root.iterfind("Blobs/Blob")]))
    try:
        moments = [from_rfc1123(date.decode()) for date in {date for _, date, _ in found}]
        kept = [
            Blob(name.decode(), int(size), from_rfc1123(date.decode()))
            for name, date, size in found
            if name[-_SUFFIX_LENGTH:].lower() in _MATTERING
        ]
    except ValueError as error:
        raise ListingError(f"Storage answered a blob in a form that is not understood ({error}).") from error
    return Blobs(_plain_marker(page), BlobPage(len(found), moments, kept))


def _check_whole(page: bytes) -> None:
    if not page.endswith(_END) and not page.rstrip().endswith(_END):
        raise ListingError("Storage answered a listing that was cut short.")


def _plain_marker(page: bytes) -> str | None:
    if page.endswith(_LAST_END):  # looked at first: searching a page for what it does not hold reads all of it
        return None
    at = page.rfind(_MARKER)
    return page[at + len(_MARKER) : page.index(b"<", at + 1)].decode() or None if at >= 0 else None


def _tree(page: bytes) -> ET.Element:
    try:
        # The page comes from the storage service over its own connection; expat expands no external entity.
        return ET.fromstring(page)  # noqa: S314
    except ET.ParseError as error:
        raise ListingError(f"Storage answered a listing that is not XML ({error}).") from error


def _marker(root: ET.Element) -> str | None:
    return root.findtext("NextMarker") or None


def _name(element: ET.Element) -> str:
    name = element.find("Name")
    if name is None or not name.text:
        raise ListingError("Storage answered something without a name.")
    # Names that XML cannot carry come percent-encoded since version 2021-02-12 of the service.
    return unquote(name.text) if name.get("Encoded") == "true" else name.text


def _blob(element: ET.Element) -> Blob:
    try:
        size = int(element.findtext("Properties/Content-Length") or "")
        return Blob(_name(element), size, from_rfc1123(element.findtext("Properties/Last-Modified") or ""))
    except ValueError as error:
        raise ListingError(f"Storage answered a blob in a form that is not understood ({error}).") from error


def _summed(blobs: list[Blob]) -> BlobPage:
    moments = list({blob.last_modified for blob in blobs})
    return BlobPage(len(blobs), moments, [blob for blob in blobs if can_matter(blob.name)])
