"""Reading one page of List Containers or List Blobs.

Bytes are searched with fixed patterns, because an XML tree costs more than the request it arrived with. A page that
holds anything beyond plain text (an entity, an encoded name) goes to a real XML parser; a property test holds the two
and the vendor's SDK equal.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from reconciliation.errors import ListingError
from reconciliation.evidence import Blob
from reconciliation.times import from_rfc1123

_CONTAINER = re.compile(rb"<Container><Name>([^<]*)</Name>")
_BLOB = re.compile(
    rb"<Blob><Name>([^<]*)</Name>.*?<Last-Modified>([^<]*)</Last-Modified>.*?<Content-Length>(\d+)</Content-Length>",
    re.DOTALL,
)
_MARKER = re.compile(rb"<NextMarker>([^<]*)</NextMarker>")
_END = b"</EnumerationResults>"


@dataclass(frozen=True)
class ContainerPage:
    """Container names in the order of the listing; ``marker`` is None on the last page."""

    names: list[str]
    marker: str | None


@dataclass(frozen=True)
class BlobPage:
    """Blobs in the order of the listing; ``marker`` is None on the last page."""

    blobs: list[Blob]
    marker: str | None


def parse_containers(page: bytes) -> ContainerPage:
    """Raises ``ListingError`` if the page is not a whole List Containers answer."""
    if not _is_plain(page):
        root = _tree(page)
        return ContainerPage([_name(name) for name in root.iterfind("Containers/Container/Name")], _marker(root))
    names = [name.decode() for name in _CONTAINER.findall(page)]
    if len(names) != page.count(b"<Container>"):
        raise ListingError("Storage answered a container listing in a form that is not understood.")
    return ContainerPage(names, _plain_marker(page))


def parse_blobs(page: bytes) -> BlobPage:
    """Raises ``ListingError`` if the page is not a whole List Blobs answer."""
    if not _is_plain(page):
        root = _tree(page)
        return BlobPage([_blob(element) for element in root.iterfind("Blobs/Blob")], _marker(root))
    blobs = [
        Blob(name.decode(), int(size), from_rfc1123(modified.decode())) for name, modified, size in _BLOB.findall(page)
    ]
    if len(blobs) != page.count(b"<Blob>"):
        raise ListingError("Storage answered a blob listing in a form that is not understood.")
    return BlobPage(blobs, _plain_marker(page))


def _is_plain(page: bytes) -> bool:
    if not page.rstrip().endswith(_END):
        raise ListingError("Storage answered a listing that was cut short.")
    return b"&" not in page and b'Encoded="true"' not in page and b"<![CDATA[" not in page


def _plain_marker(page: bytes) -> str | None:
    match = _MARKER.search(page)
    return match[1].decode() or None if match else None


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
    return Blob(
        _name(name),
        int(properties.findtext("Content-Length") or 0),
        from_rfc1123(properties.findtext("Last-Modified") or ""),
    )
