"""A storage account in memory that answers in the service's own XML, lies where a test says so, and is read by the real
lister.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import cast
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from adapters.credentials import Endpoint, SasSigner
from adapters.listing.account import Account
from adapters.listing.lister import RestLister
from adapters.patience import Patience
from adapters.response_headers import Response
from reconciliation.lookups import Blob

Mutation = Callable[[bytes], bytes]
"""What becomes of one answer on its way."""
_GONE = b"<?xml version='1.0'?><Error><Code>ContainerNotFound</Code><Message>Gone.</Message></Error>"
_REFUSED = b"<?xml version='1.0'?><Error><Code>AuthorizationFailure</Code><Message>No.</Message></Error>"


@dataclass(frozen=True)
class Container:
    """A container and its blobs, and whether it is there each time that it is asked for.

    ``listed``: at the first and at the second listing of the account. ``opened``: at each opening; the last one stays.
    ``refused``: nobody may open it.
    """

    name: str
    blobs: Sequence[Blob]
    listed: tuple[bool, bool] = (True, True)
    opened: tuple[bool, ...] = (True,)
    refused: bool = False


@dataclass
class ScriptedAccount:
    """Pages of one or a few elements. ``mutations`` are of the n-th answer, counted over all requests; the request
    ``swapped`` gets the answer of the one before it.
    """

    containers: Mapping[str, Container]
    page_size: int = 2
    mutations: Mapping[int, Mutation] = field(default_factory=dict)
    swapped: int | None = None
    ahead: timedelta = timedelta()
    now: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.answered = 0
        self.listings = 0
        self.openings: Counter[str] = Counter()
        self.before: tuple[int, bytes] | None = None

    def answer(self, path: str, query: str) -> tuple[int, bytes]:
        """The status and body of one request."""
        asked = parse_qs(query)
        marker = asked.get("marker", [""])[0]
        status, body = right = self._listing(marker) if path == "/" else self._blobs(path[1:], marker)
        if self.answered == self.swapped and self.before:
            status, body = self.before
        self.before = right
        mutation = self.mutations.get(self.answered)
        self.answered += 1
        return status, mutation(body) if mutation else body

    def _listing(self, marker: str) -> tuple[int, bytes]:
        which = min(self.listings, 1)
        names = sorted(one.name for one in self.containers.values() if one.listed[which])
        rows, following = self._page(names, marker)
        if following is None:
            self.listings += 1
        elements = "".join(
            f"<Container><Name>{name}</Name><Properties><Last-Modified>{_date(self.now)}</Last-Modified>"
            f'<Etag>"1"</Etag></Properties></Container>'
            for name in rows
        )
        return 200, _document("", "Containers", elements, following)

    def _blobs(self, name: str, marker: str) -> tuple[int, bytes]:
        container = self.containers.get(name)
        if not marker:
            self.openings[name] += 1
        turn = self.openings[name] - 1
        if container is None or not container.opened[min(turn, len(container.opened) - 1)]:
            return 404, _GONE
        if container.refused:
            return 403, _REFUSED
        blobs = {blob.name: blob for blob in container.blobs}
        rows, following = self._page(sorted(blobs), marker)
        elements = "".join(_blob(blobs[row]) for row in rows)
        return 200, _document(f' ContainerName="{name}"', "Blobs", elements, following)

    def _page(self, names: list[str], marker: str) -> tuple[list[str], str | None]:
        rest = [name for name in names if name > marker]
        page = rest[: self.page_size]
        return page, page[-1] if len(rest) > self.page_size else None


def _document(attributes: str, element: str, rows: str, following: str | None) -> bytes:
    marker = "<NextMarker />" if following is None else f"<NextMarker>{escape(following)}</NextMarker>"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://127.0.0.1/a/"{attributes}>'
        f"<{element}>{rows}</{element}>{marker}</EnumerationResults>"
    ).encode()


def _blob(blob: Blob) -> str:
    return (
        f"<Blob><Name>{escape(blob.name)}</Name><Properties><Last-Modified>{_date(blob.last_modified)}</Last-Modified>"
        f"<Etag>1</Etag><Content-Length>{blob.size}</Content-Length></Properties></Blob>"
    )


def _date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


class ScriptedLister(RestLister):
    """The real lister, to the last decision; only the network is not there."""

    def __init__(self, account: ScriptedAccount) -> None:
        endpoint = Endpoint("http://127.0.0.1:1/a", "a", SasSigner("sig=none"))
        super().__init__(endpoint, cast("Account", _Network(account)), patience=Patience(first_wait=0))
        self.account = account


class _Network:
    """Answers in the place of an ``Account``."""

    def __init__(self, account: ScriptedAccount) -> None:
        self.account = account

    async def get(self, path: str, query: str, headers: Mapping[str, str]) -> tuple[Response, None]:
        if "maxresults=1&" in query:  # what the clock is read from
            body = _document("", "Containers", "", None)
            date, at = _date(self.account.now + self.account.ahead), self.account.now.timestamp()
            return Response(200, {"Date": date}, body, at, at), None
        status, body = self.account.answer(path, query)
        return Response(status, {}, body, 0.0, 0.0), None
