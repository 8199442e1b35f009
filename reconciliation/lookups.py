"""What is asked of storage about one unit, and the form of the answers."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

_CONTAINER_NAME = re.compile("[a-z0-9$-]{3,63}")
Suffixes = tuple[str, ...]
"""The ends, in lower case, of the names of blobs of which more is wanted than that they are there."""
ALL: Suffixes = ("",)


@dataclass(frozen=True)
class BlobsOf:
    """All blobs of a container whose names begin with ``prefix``; the answer is a list of ``BlobPage``.

    ``setting`` names the account. The pages hold more than the number only of those whose names end in one of ``keep``.
    """

    setting: str
    container: str
    prefix: str = ""
    keep: Suffixes = ALL

    def things(self, answer: Any) -> int:
        """How many there are, as far as is known."""
        return sum(page.total for page in answer or ())


@dataclass(frozen=True)
class BlobCount:
    """How many blobs a container holds; the answer is a number, 0 if there is no such container."""

    setting: str
    container: str

    def things(self, answer: Any) -> int:
        """As many, as far as is known."""
        return int(answer or 0)


Lookup = BlobsOf | BlobCount
_LOOKUPS: dict[str, type[BlobsOf] | type[BlobCount]] = {one.__name__: one for one in (BlobsOf, BlobCount)}


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
    """A page of a container's listing: how many blobs, the distinct moments of their last changes in order, and those
    blobs of which more is wanted (see ``Suffixes``).
    """

    total: int
    moments: list[datetime]
    kept: list[Blob]


def can_be_a_container(name: str) -> bool:
    """True for a name that storage can have; it means nothing but itself in a path, an address or a line of text.

    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata; the
    service's own ($root, $web, $logs) have a $ in front.
    """
    return _CONTAINER_NAME.fullmatch(name) is not None
