"""Reading one page of List Containers or List Blobs.

Only the requested element counts. Anything else with status 200 (an error, a page of the other kind, a sign-in page, a
listing with a filter that was not requested) is a ``ListingError``, never an empty listing.

Pages are searched with fixed patterns, because building an XML tree costs more than the request itself, and properties
are converted only for the blobs that are kept. A page that is not, row for row, in the service's own form goes to a
real XML parser; property tests check that both give the same as the vendor's SDK.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from reconciliation.errors import ListingError
from reconciliation.lookups import ALL, Blob, BlobPage, Suffixes, can_be_a_container
from reconciliation.times import RFC1123_FORM, from_stamp, stamps_of

_END = "</EnumerationResults>"
# Every row has one, and no text can hold it.
_IN_EACH_ROW = "</Last-Modified>"
_SIZE, _DATE = re.compile("[0-9]+"), re.compile(RFC1123_FORM)


class ContainerNames(NamedTuple):
    """A page of container names in the order of the listing; ``marker`` leads to the next page, None on the last.

    An invalid name is escaped (backslashes, ASCII), so that it is not lost and is safe wherever it is written.
    """

    marker: str | None
    names: list[str]


class Blobs(NamedTuple):
    """A page of a container's listing; ``marker`` leads to the next page, None on the last."""

    marker: str | None
    blobs: BlobPage


class _Form(NamedTuple):
    """The form of one kind of pages: the requested element, its rows, and patterns for the service's own form."""

    holder: str
    row: str
    begin: re.Pattern[str]
    in_row: re.Pattern[str]
    between: tuple[str, ...]
    last: str
    end: re.Pattern[str]


# The texts of a row, from 1 on as ``_Form.in_row`` numbers its groups.
_Row = re.Match[str] | tuple[str, ...]


class _Page(NamedTuple):
    """What a page says: its rows, and the container and the prefix that it names."""

    marker: str | None
    rows: Sequence[_Row]
    container: str
    prefix: str


def _form(holder: str, row: str, in_row: str, last_in_row: tuple[str, ...] = ("",)) -> _Form:
    first, last = f"<{holder}><{row}><Name>", f"</{row}></{holder}>"
    begin = (
        r'<\?xml version="1\.0" encoding="(?:utf|UTF)-8"(?: standalone="yes")?\?>'
        r'<EnumerationResults(?: ServiceEndpoint="[^"<]*")?(?: ContainerName="([a-z0-9$-]*)")?>'
        r"(?:<Prefix ?/>|<Prefix>([^<]*)</Prefix>)?"
        r"(?:<Marker ?/>|<Marker>[^<]*</Marker>)?(?:<MaxResults>[0-9]*</MaxResults>)?(?:<Delimiter ?/>)?" + first
    )
    end = last + r"<NextMarker(?: ?/>|>([ -;=-~]*)</NextMarker>)" + _END + r"\s*"
    between = tuple([f"{part}</{row}><{row}><Name>" for part in last_in_row])
    return _Form(holder, row, re.compile(begin), re.compile(in_row), between, last, re.compile(end))


# The elements as the service writes them, in its order: without gaps to skip, matching costs next to nothing. One that
# may be left out is an alternative to nothing, which is matched faster than a repetition.
_CONTAINERS = _form("Containers", "Container", r"([a-z0-9$-]{3,63})</Name>")
_BLOBS = _form(
    "Blobs",
    "Blob",
    r"([^<]+)</Name><"
    r"(?:VersionId>[^<]*</VersionId><IsCurrentVersion>true</IsCurrentVersion><|)"  # where the account keeps versions
    r"Properties><(?:Creation-Time>[^<]*</Creation-Time><|)"
    rf"Last-Modified>({RFC1123_FORM})</Last-Modified><Etag>[^<]*</Etag><(?:ResourceType>file</ResourceType><|)"
    r"Content-Length>([0-9]+)</Content-Length>",
    ("<OrMetadata />", ""),  # nearly always each row ends so, and what is longer is found faster
)


def parse_containers(page: bytes) -> ContainerNames:
    """Raises ``ListingError`` if the page is not a whole List Containers response."""
    read = _plain(page, _CONTAINERS) or _parsed(page, _CONTAINERS, _container)
    _check_prefix(read.prefix, "")
    return ContainerNames(read.marker, [row[1] for row in read.rows])


def parse_blobs(page: bytes, container: str | None = None, keep: Suffixes = ALL, prefix: str = "") -> Blobs:
    """The blobs whose names end in one of ``keep``, in any case of letters, and the number of all.

    Raises ``ListingError`` if the page is not a whole List Blobs response, or names another container.

    The folders that an account with a hierarchical namespace lists among the blobs are left out.
    """
    read = _plain(page, _BLOBS) or _parsed(page, _BLOBS, _blob)
    _check_container(read.container, container)
    _check_prefix(read.prefix, prefix)
    if prefix and not all(row[1].startswith(prefix) for row in read.rows):
        raise ListingError("Storage answered with blobs of other names than were asked for.")
    try:
        changes = stamps_of([row[2] for row in read.rows])
        kept = [
            Blob(row[1], int(row[3]), from_stamp(changed))
            for row, changed in zip(read.rows, changes, strict=True)
            if row[1].lower().endswith(keep)
        ]
    except ValueError as error:
        raise ListingError(f"Storage answered a blob in a form that is not understood ({error}).") from error
    return Blobs(read.marker, BlobPage(len(changes), changes, kept))


def _check_container(stated: str, requested: str | None) -> None:
    # An emulator, or a gateway, may leave it out.
    if stated and requested and stated != requested:
        raise ListingError("Storage answered with the listing of another container.")


def _check_prefix(stated: str, requested: str) -> None:
    # An emulator, or a gateway, may leave it out of a response that is filtered as requested.
    if stated and stated != requested:
        raise ListingError("Storage answered with a filtered listing that nobody asked for.")


# --- as the service writes it -----------------------------------------------------------------------------------------


def _plain(page: bytes, form: _Form) -> _Page | None:
    """A page that consists of rows in the service's own form, at least one; None for any other.

    The page is cut where one row follows another, and each part has to begin as a row does. To detect a row that hides
    behind another one, an element that every row has is counted as well.
    """
    if b"&" in page or b"\r" in page:  # a reference to a character, or a character that XML takes for another
        return None
    try:
        text = str(memoryview(page)[len(BOM_UTF8) :], "utf-8") if page.startswith(BOM_UTF8) else page.decode()
    except UnicodeDecodeError:
        return None
    begin, end = form.begin.match(text), form.end.fullmatch(text, text.rfind(form.last))
    if begin is None or end is None:
        return None
    count = text.count(_IN_EACH_ROW)
    for between in form.between:
        parts = text.split(between)  # the first with what precedes the rows, the last with what follows them
        if len(parts) == count:
            parts[0] = parts[0][begin.end() :]
            rows = [*map(form.in_row.match, parts)]
            if None not in rows:
                return _Page(end[1] or None, cast("list[_Row]", rows), begin[1] or "", begin[2] or "")
    return None


# --- anything else that may still be a listing ------------------------------------------------------------------------


def _parsed(page: bytes, form: _Form, in_row: Callable[[ET.Element], _Row | None]) -> _Page:
    """A page whose rows are read by ``in_row``, which finds nothing in one that does not count.

    Raises ``ListingError`` if it is not exactly what was requested.
    """
    if not page.rstrip().endswith((_END.encode(), b"/>")):
        raise ListingError("Storage answered with a listing that was cut short, or with none.")
    if b"<!DOCTYPE" in page:  # no page of the service declares entities, which could grow without end
        raise ListingError("Storage answered with something that is no listing.")
    try:
        # The page comes from the storage service over its own connection; expat expands no external entity.
        root = ET.fromstring(page)  # noqa: S314
    except ET.ParseError as error:
        raise ListingError(f"Storage answered with a listing that is not XML ({error}).") from error
    if root.tag != "EnumerationResults":
        raise ListingError("Storage answered with something that is no listing.")
    holder = _only(root, form.holder)
    if any(len(element) for element in root if element is not holder):
        raise ListingError(f"Storage answered with more than the one list of {form.holder} that was asked for.")
    if root.findtext("Delimiter"):
        raise ListingError("Storage answered with a filtered listing that nobody asked for.")
    texts = [holder.text, *[row.tail for row in holder]]
    if any(row.tag != form.row for row in holder) or any(text and not text.isspace() for text in texts):
        raise ListingError(f"Storage answered with a list of {form.holder} that holds something else.")
    rows = [read for row in holder if (read := in_row(row))]
    return _Page(_text(root, "NextMarker") or None, rows, root.get("ContainerName", ""), root.findtext("Prefix") or "")


def _only(element: ET.Element, tag: str) -> ET.Element:
    found = element.findall(tag)
    if len(found) != 1:
        raise ListingError(f"Storage answered with a listing that has {len(found)} {tag} where one belongs.")
    return found[0]


def _text(element: ET.Element, tag: str) -> str:
    child = _only(element, tag)
    if len(child):
        raise ListingError(f"Storage answered with a listing that has elements inside {tag}.")
    return child.text or ""


def _name(row: ET.Element) -> str:
    text, encoded = _text(row, "Name"), _only(row, "Name").get("Encoded", "false")
    if not text or encoded not in {"true", "false"}:
        raise ListingError("Storage answered with something without a name, or with one in an unknown encoding.")
    try:
        # Names that XML cannot carry come percent-encoded since version 2021-02-12 of the service.
        return unquote(text, errors="strict") if encoded == "true" else text
    except UnicodeDecodeError as error:
        raise ListingError("Storage answered with an encoded name that is no text.") from error


def _container(row: ET.Element) -> _Row:
    name = _name(row)
    return "", name if can_be_a_container(name) else name.encode("unicode_escape").decode()


def _blob(row: ET.Element) -> _Row | None:
    """A blob; None for a folder."""
    kind = row.findtext("Properties/ResourceType", "file")
    if kind == "directory":
        return None
    if kind != "file":
        raise ListingError("Storage answered with something that is neither a blob nor a folder.")
    properties = _only(row, "Properties")
    date, size = _text(properties, "Last-Modified"), _text(properties, "Content-Length")
    if not _DATE.fullmatch(date) or not _SIZE.fullmatch(size):
        raise ListingError("Storage answered a blob in a form that is not understood (its date or its size is none).")
    return "", _name(row), date, size
