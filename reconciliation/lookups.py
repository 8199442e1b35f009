"""The queries to storage about one unit, and the form of their results."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

_CONTAINER_NAME = re.compile("[a-z0-9$-]{3,63}")
Suffixes = tuple[str, ...]
"""The ends, in lower case, of the names of the blobs that are given back one by one."""
ALL: Suffixes = ("",)


@dataclass(frozen=True)
class BlobsOf:
    """All blobs of a container whose names begin with ``prefix``; the result is a list of ``BlobPage``.

    ``setting`` names the account. Blobs whose names end in none of ``keep`` are only counted.
    """

    setting: str
    container: str
    prefix: str = ""
    keep: Suffixes = ALL

    def things(self, result: Any) -> int:
        """How many blobs a result has; 0 for None."""
        return sum(page.total for page in result or ())


@dataclass(frozen=True)
class BlobCount:
    """How many blobs a container holds; the result is a number, 0 if there is no such container."""

    setting: str
    container: str

    def things(self, result: Any) -> int:
        """How many blobs a result has; 0 for None."""
        return int(result or 0)


@dataclass(frozen=True)
class Contents:
    """All blobs of a container with their versions, and the texts of those whose names end in ``text_of`` (in lower
    case); the answer is a ``Contained``.
    """

    setting: str
    container: str
    text_of: str

    def things(self, answer: Any) -> int:
        """How many blobs there are."""
        return len(answer.blobs) if answer else 0


Lookup = BlobsOf | BlobCount | Contents
_LOOKUPS: dict[str, type[BlobsOf] | type[BlobCount] | type[Contents]] = {
    one.__name__: one for one in (BlobsOf, BlobCount, Contents)
}


def lookup_to_json(lookup: Lookup) -> list[Any]:
    """A JSON array; ``lookup_from_json`` gives back an equal value."""
    return [type(lookup).__name__, asdict(lookup)]


def lookup_from_json(value: list[Any]) -> Lookup:
    """Raises ``LookupError`` or ``TypeError`` if it is not what ``lookup_to_json`` makes."""
    name, members = value
    given: dict[str, Any] = {key: tuple(part) if isinstance(part, list) else part for key, part in members.items()}
    return _LOOKUPS[name](**given)


class Blob(NamedTuple):
    """One blob of a listing; ``size`` in bytes."""

    name: str
    size: int
    last_modified: datetime


class BlobPage(NamedTuple):
    """A page of a container's listing: how many blobs, the distinct moments of their last changes in ascending order,
    and the blobs with one of the ``Suffixes``.
    """

    total: int
    moments: list[datetime]
    kept: list[Blob]


class VersionedBlob(NamedTuple):
    """One blob; ``etag`` changes with every write to it. ``size`` in bytes."""

    name: str
    size: int
    last_modified: datetime
    etag: str


class Contained(NamedTuple):
    """What a container holds, in listing order; ``texts`` by the names of their blobs, None where one could not be
    read: it is archived, too long, or no text.
    """

    blobs: tuple[VersionedBlob, ...]
    texts: Mapping[str, str | None]


def can_be_a_container(name: str) -> bool:
    """True for a valid container name, which is also safe in a path, a URL or a line of text.

    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata; the
    service's own containers ($root, $web, $logs) start with a $.
    """
    return _CONTAINER_NAME.fullmatch(name) is not None
