"""Changes to the response of a listing. Pure: bytes in, bytes out.

Some can be noticed: what is not XML, or not the requested element. Some are lies: the response has the right shape but
leaves something out, and nothing in it shows that.
"""

import re
from collections.abc import Callable, Collection, Sequence
from xml.sax.saxutils import escape, unescape

FUTURE = "Thu, 31 Dec 2099 23:00:00 GMT"
_ROOT = b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://127.0.0.1/"'
_NO_BLOBS_OF_ANOTHER = _ROOT + b' ContainerName="another"><Blobs></Blobs><NextMarker /></EnumerationResults>'
_NO_CONTAINERS = _ROOT + b"><Containers></Containers><NextMarker /></EnumerationResults>"
_ROWS = re.compile(rb"(?s)(?<=<Blobs>).*(?=</Blobs>)|(?<=<Containers>).*(?=</Containers>)")
_NAME = re.compile(rb"<Container><Name>([^<]*)</Name>")
_MARKER = re.compile(rb"<NextMarker>([^<]+)</NextMarker>")
_BLOB = re.compile(rb"(?s)(<Blob><Name[^>]*>)([^<]*)(</Name>.*?<Last-Modified>)[^<]*")


def names_in(body: bytes) -> list[str]:
    """The containers on a page of List Containers, in its order."""
    return [unescape(name.decode()) for name in _NAME.findall(body)]


def next_marker(body: bytes) -> str:
    """Where the next page begins; empty on the last."""
    found = _MARKER.search(body)
    return unescape(found[1].decode()) if found else ""


def has_rows(body: bytes) -> bool:
    """True for a page of either listing with something on it."""
    found = _ROWS.search(body)
    return found is not None and found[0] != b""


# --- what can be noticed ----------------------------------------------------------------------------------------------


def garbled(body: bytes, *, strip: bool) -> bytes:
    """A listing that is no longer XML in a relevant place: its beginning, or one name. Its end is unchanged."""
    if b"</Name>" not in body:
        return body[: len(body) // 2]
    if strip:
        middle = len(body) // 2
        return body[:middle].replace(b">", b"") + body[middle:]
    before, _, after = body.rpartition(b"</Name>")
    return before + b"<Name" + after


def repeated(body: bytes, marker: str) -> bytes:
    """A page whose next marker leads back to the page itself."""
    rest = body.partition(b"<NextMarker")[0]
    return rest + b"<NextMarker>" + escape(marker).encode() + b"</NextMarker></EnumerationResults>"


def _of_the_other_kind(body: bytes) -> bytes:
    requested, other = (b"Blobs>", b"Containers>") if b"<Blobs>" in body else (b"Containers>", b"Blobs>")
    return body.replace(requested, other)


def _always(content: bytes) -> Callable[[bytes], bytes]:
    return lambda _body: content


SHAPES: Sequence[Callable[[bytes], bytes]] = (
    lambda body: re.sub(rb"(?s)<(Blobs|Containers)>.*</\1>", b"", body),
    lambda body: body.replace(b"Blobs>", b"blobs>").replace(b"Containers>", b"CONTAINERS>"),
    _of_the_other_kind,
    lambda body: _NO_CONTAINERS if b"<Blobs>" in body else _NO_BLOBS_OF_ANOTHER,
    _always(_NO_BLOBS_OF_ANOTHER),
    _always(b"<EnumerationResults/>"),
    _always(_ROOT + b"></EnumerationResults>"),
    _always(b"<!DOCTYPE html><html><body>Please sign in to go on.</body></html>"),
    _always(b'{"value": [], "nextLink": null}'),
    _always(b""),
)
"""Responses of another shape than was requested; each can be recognised by itself."""


# --- what cannot ------------------------------------------------------------------------------------------------------


def ended(body: bytes) -> bytes:
    """A page that says that it is the last."""
    return _MARKER.sub(b"<NextMarker />", body)


def emptied(body: bytes) -> bytes:
    """A page with nothing on it, that leads on as before."""
    return _ROWS.sub(b"", body)


def without(body: bytes, container: str) -> bytes:
    """A page of List Containers with one of them left out."""
    row = b"<Container><Name>" + re.escape(escape(container).encode()) + b"</Name>.*?</Container>"
    return re.sub(b"(?s)" + row, b"", body)


def from_the_future(body: bytes, blobs: Collection[str]) -> bytes:
    """A page of List Blobs on which these were last changed in 2099."""

    def dated(row: re.Match[bytes]) -> bytes:
        return row[1] + row[2] + row[3] + FUTURE.encode() if unescape(row[2].decode()) in blobs else row[0]

    return _BLOB.sub(dated, body)
