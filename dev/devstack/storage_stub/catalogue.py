"""What a stubbed account holds."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol
from zlib import crc32

from dev.devstack.storage_stub.dates import date_of
from dev.devstack.storage_stub.pages import (
    BlobEntry,
    blob_page,
    container_foot,
    container_head,
    container_row,
    whole,
)


class Catalogue(Protocol):
    """An account's containers, ascending, and the listings of them as XML."""

    def containers(self, marker: str, most: int) -> bytes:
        """A page of List Containers, from the container named by ``marker`` on."""
        ...

    def blobs(self, container: str, marker: str, most: int) -> bytes | None:
        """A page of List Blobs, from the blob named by ``marker`` on; None if there is no such container."""
        ...


class Names:
    """Paging through ascending container names, each with a date of its own."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._pages: dict[tuple[str, int], bytes] = {}

    def page(self, marker: str, most: int) -> bytes:
        if (marker, most) not in self._pages:
            at = bisect_left(self._names, marker)
            following = self._names[at + most] if at + most < len(self._names) else ""
            rows = (container_row(name, date_of(crc32(name.encode()))) for name in self._names[at : at + most])
            self._pages[marker, most] = whole(container_head(), rows, container_foot(following))
        return self._pages[marker, most]


@dataclass(frozen=True)
class Account:
    """An account given container by container."""

    entries: dict[str, Sequence[BlobEntry]]

    @cached_property
    def _names(self) -> Names:
        return Names(self.entries)

    def containers(self, marker: str, most: int) -> bytes:
        """A page of List Containers."""
        return self._names.page(marker, most)

    def blobs(self, container: str, marker: str, most: int) -> bytes | None:
        """A page of List Blobs."""
        entries = self.entries.get(container)
        if entries is None:
            return None
        at = next((i for i, entry in enumerate(entries) if entry.name >= marker), len(entries)) if marker else 0
        following = entries[at + most].name if at + most < len(entries) else ""
        return blob_page(entries[at : at + most], following, container)


def read_account(path: Path) -> Account:
    """Read an account from JSON lines ``{"container": ..., "blobs": [[name, size, last_modified], ...]}``."""
    entries: dict[str, Sequence[BlobEntry]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            value = json.loads(line)
            entries[value["container"]] = sorted(BlobEntry(*blob) for blob in value["blobs"])
    return Account(entries)
