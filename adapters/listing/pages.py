"""Reading one page of List Containers or List Blobs.

Bytes are cut at fixed marks, because an XML tree costs more than the request it arrived with, and full properties are
read only of the blobs whose names can matter. A page that holds anything beyond plain text (an entity, an encoded name)
goes to a real XML parser; a property test holds the two and the vendor's SDK equal.
"""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from reconciliation.errors import ListingError
from reconciliation.evidence import Blob, BlobPage
from reconciliation.keys import MATTERING_SUFFIXES, can_matter
from reconciliation.times import from_rfc1123

_END = b"</EnumerationResults>"
_CONTAINER = b"<Container><Name>"
_BLOB = b"<Blob><Name>"
_MODIFIED = b"<Last-Modified>"
_LENGTH = b"<Content-Length>"
_MARKER = b"<NextMarker>"
_TO_DATE = len(_MODIFIED)
_TO_SIZE = len(_LENGTH)
_DATE_LENGTH = len("Fri, 20 Mar 2026 09:30:00 GMT")
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
    if _is_plain(page):
        parts = page.split(_CONTAINER)
        marker, names = _plain_marker(parts[-1]), [part[: part.index(b"<")] for part in parts[1:]]
    else:
        root = _tree(page)
        marker, names = _marker(root), [_name(e).encode() for e in root.iterfind("Containers/Container/Name")]
    try:
        text = [name.decode("ascii") for name in names]
    except UnicodeDecodeError:
        text = []
    if len(text) != page.count(b"<Container>"):
        raise ListingError("Storage answered a container listing in a form that is not understood.")
    return ContainerNames(marker, text)


def parse_blobs(page: bytes) -> Blobs:
    """Raises ``ListingError`` if the page is not a whole List Blobs answer."""
    if not _is_plain(page):
        root = _tree(page)
        return Blobs(_marker(root), _summed([_blob(element) for element in root.iterfind("Blobs/Blob")]))
    head, *parts = page.split(_BLOB)
    kept: list[Blob] = []
    dates: set[bytes] = set()
    try:
        for part in parts:
            at = part.index(_MODIFIED) + _TO_DATE
            date = part[at : at + _DATE_LENGTH]
            dates.add(date)
            end = part.index(b"<")
            if part[end - _SUFFIX_LENGTH : end].lower() in _MATTERING:
                at = part.index(_LENGTH) + _TO_SIZE
                size = int(part[at : part.index(b"<", at)])
                kept.append(Blob(part[:end].decode(), size, from_rfc1123(date.decode())))
        newest = max([from_rfc1123(date.decode()) for date in dates], default=None)
    except ValueError as error:
        raise ListingError(f"Storage answered a blob in a form that is not understood ({error}).") from error
    return Blobs(_plain_marker(parts[-1] if parts else head), BlobPage(len(parts), newest, kept))


def _is_plain(page: bytes) -> bool:
    if not page.endswith(_END) and not page.rstrip().endswith(_END):
        raise ListingError("Storage answered a listing that was cut short.")
    # A name is plain text, or holds an entity, or says that it is encoded.
    return b"&" not in page and b' Encoded="' not in page


def _plain_marker(tail: bytes) -> str | None:
    at = tail.rfind(_MARKER)
    return tail[at + len(_MARKER) : tail.index(b"<", at + 1)].decode() or None if at >= 0 else None


def _tree(page: bytes) -> ET.Element:
    try:
        # The page comes from the storage service over its own connection; expat expands no external entity.
        return ET.fromstring(page)  # noqa: S314
    except ET.ParseError as error:
        raise ListingError(f"Storage answered a listing that is not XML ({error}).") from error


def _marker(root: ET.Element) -> str | None:
    return root.findtext("NextMarker") or None


def _name(element: ET.Element) -> str:
    # Names that XML cannot carry come percent-encoded since version 2021-02-12 of the service.
    text = element.text or ""
    return unquote(text) if element.get("Encoded") == "true" else text


def _blob(element: ET.Element) -> Blob:
    name, properties = element.find("Name"), element.find("Properties")
    if name is None or properties is None:
        raise ListingError("Storage answered a blob without a name or properties.")
    try:
        size = int(properties.findtext("Content-Length") or "")
        return Blob(_name(name), size, from_rfc1123(properties.findtext("Last-Modified") or ""))
    except ValueError as error:
        raise ListingError(f"Storage answered a blob in a form that is not understood ({error}).") from error


def _summed(blobs: list[Blob]) -> BlobPage:
    newest: datetime | None = max((blob.last_modified for blob in blobs), default=None)
    return BlobPage(len(blobs), newest, [blob for blob in blobs if can_matter(blob.name)])
