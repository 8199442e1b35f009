"""What is asked of storage about one unit, and the form of the answers."""

from datetime import datetime
from typing import NamedTuple


class Blob(NamedTuple):
    """One blob of a listing; ``size`` in bytes."""

    name: str
    size: int
    last_modified: datetime


class BlobPage(NamedTuple):
    """A page of a container's listing: how many blobs, the distinct moments of their last changes in order, and those
    blobs whose names can matter.
    """

    total: int
    moments: list[datetime]
    kept: list[Blob]
