"""What is asked of storage about one unit, and the form of the answers."""

import re
from datetime import datetime
from typing import NamedTuple

_CONTAINER_NAME = re.compile("[a-z0-9$-]{3,63}")
Suffixes = tuple[str, ...]
"""The ends, in lower case, of the names of blobs of which more is wanted than that they are there."""
ALL: Suffixes = ("",)


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
