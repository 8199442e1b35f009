"""What a stubbed account holds."""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol
from uuid import UUID

from dev.devstack.storage_stub.pages import BlobEntry, blob_page, container_page

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"


class Catalogue(Protocol):
    """An account's containers, ascending, and the listings of them as XML."""

    def containers(self, marker: str, most: int) -> bytes:
        """A page of List Containers, from the container named by ``marker`` on."""
        ...

    def blobs(self, container: str, marker: str, most: int) -> bytes | None:
        """A page of List Blobs, from the blob named by ``marker`` on; None if there is no such container."""
        ...


def container_name(number: int) -> str:
    """The name of the n-th container of a uniform account; in SQL: ``md5(n::text)::uuid``."""
    return str(UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()))


def session_key_of(container: str) -> str:
    """The session that a uniform account's tracks name; in SQL: ``reverse(md5(n::text))``."""
    return container.replace("-", "")[::-1]


class _Names:
    """Paging through ascending container names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._pages: dict[tuple[str, int], bytes] = {}

    def page(self, marker: str, most: int) -> bytes:
        if (marker, most) not in self._pages:
            at = bisect_left(self._names, marker)
            following = self._names[at + most] if at + most < len(self._names) else ""
            self._pages[marker, most] = container_page(self._names[at : at + most], MODIFIED, following)
        return self._pages[marker, most]


class UniformAccount:
    """Any number of containers with as many blobs each: a track, its manifests, and segments."""

    def __init__(self, containers: int, blobs: int) -> None:
        self._names = _Names(container_name(number) for number in range(containers))
        mark = "@" * 32
        names = [f"{mark}{suffix}" for suffix in ("_1280x720_4500k.mp4", ".ism", ".mpd", ".mpi")][:blobs]
        names += [f"segments-{number:06}.ts" for number in range(blobs - len(names))]
        self._mark = mark.encode()
        self._page = blob_page([BlobEntry(name, 40960, MODIFIED) for name in sorted(names)], "")

    def containers(self, marker: str, most: int) -> bytes:
        """A page of List Containers."""
        return self._names.page(marker, most)

    def blobs(self, container: str, marker: str, most: int) -> bytes | None:  # noqa: ARG002 - one page holds them all
        """The page of List Blobs."""
        return self._page.replace(self._mark, session_key_of(container).encode())


@dataclass(frozen=True)
class Account:
    """An account given container by container."""

    entries: dict[str, Sequence[BlobEntry]]

    @cached_property
    def _names(self) -> _Names:
        return _Names(self.entries)

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
        return blob_page(entries[at : at + most], following)


def read_account(path: Path) -> Account:
    """Read an account from JSON lines ``{"container": ..., "blobs": [[name, size, last_modified], ...]}``."""
    entries: dict[str, Sequence[BlobEntry]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            value = json.loads(line)
            entries[value["container"]] = sorted(BlobEntry(*blob) for blob in value["blobs"])
    return Account(entries)
