"""The XML of List Containers and List Blobs as the real service writes it.

https://learn.microsoft.com/rest/api/storageservices/list-containers2 and /list-blobs
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

# The service begins with a byte order mark.
_HEAD = '\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://127.0.0.1/"'
_CONTAINER_PROPERTIES = (
    "<Etag>0x8D9F2A1B3C4D5E6</Etag><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
    "<DefaultEncryptionScope>$account-encryption-key</DefaultEncryptionScope>"
    "<DenyEncryptionScopeOverride>false</DenyEncryptionScopeOverride><HasImmutabilityPolicy>false"
    "</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold>"
)
_BLOB_PROPERTIES = (
    "<Content-Type>application/octet-stream</Content-Type><Content-Encoding /><Content-Language /><Content-CRC64 />"
    "<Content-MD5>Q2h1Y2sgSW50ZWdyaXR5IQ==</Content-MD5><Cache-Control /><Content-Disposition />"
    "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
    "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted>"
)
# What XML 1.0 cannot carry; the service sends such names percent-encoded and says so.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BlobEntry(NamedTuple):
    """A blob as a listing shows it; ``modified`` in the form of RFC 1123."""

    name: str
    size: int
    modified: str


def container_page(names: Iterable[str], modified: str, marker: str) -> bytes:
    """One page of List Containers."""
    return whole(container_head(), (container_row(name, modified) for name in names), container_foot(marker))


def blob_page(blobs: Iterable[BlobEntry], marker: str, container: str = "") -> bytes:
    """One page of List Blobs; it names its container if that is given."""
    return whole(blob_head(container), map(blob_row, blobs), blob_foot(marker))


def whole(head: str, rows: Iterable[str], foot: str) -> bytes:
    """A page from its parts."""
    return "".join([head, *rows, foot]).encode()


def container_head() -> str:
    """What stands before the containers."""
    return f"{_HEAD}><Containers>"


def container_row(name: str, modified: str) -> str:
    """One container."""
    return (
        f"<Container><Name>{escape(name)}</Name><Properties><Last-Modified>{modified}</Last-Modified>"
        f"{_CONTAINER_PROPERTIES}</Properties></Container>"
    )


def container_foot(marker: str) -> str:
    """What stands behind the containers."""
    return f"</Containers>{_end(marker)}"


def blob_head(container: str) -> str:
    """What stands before the blobs of a container."""
    return f"{_HEAD} ContainerName={quoteattr(container)}><Blobs>" if container else f"{_HEAD}><Blobs>"


def blob_row(blob: BlobEntry) -> str:
    """One blob."""
    return (
        f"<Blob>{_name(blob.name)}<Properties><Creation-Time>{blob.modified}</Creation-Time>"
        f"<Last-Modified>{blob.modified}</Last-Modified><Etag>0x8D9F2A1B3C4D5E6</Etag>"
        f"<Content-Length>{blob.size}</Content-Length>{_BLOB_PROPERTIES}</Properties><OrMetadata /></Blob>"
    )


def blob_foot(marker: str) -> str:
    """What stands behind the blobs."""
    return f"</Blobs>{_end(marker)}"


def _name(name: str) -> str:
    if _NOT_XML.search(name):
        return f'<Name Encoded="true">{quote(name, safe="")}</Name>'
    # A parser takes a bare carriage return for a line feed, so writers send it as a reference.
    return f"<Name>{escape(name, {chr(13): '&#xD;'})}</Name>"


def _end(marker: str) -> str:
    return (f"<NextMarker>{escape(marker)}</NextMarker>" if marker else "<NextMarker />") + "</EnumerationResults>"
