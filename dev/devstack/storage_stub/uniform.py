"""An account whose containers differ in their names and dates alone."""

import hashlib
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from dev.devstack.storage_stub.catalogue import Names
from dev.devstack.storage_stub.dates import date_of
from dev.devstack.storage_stub.pages import (
    BlobEntry,
    blob_foot,
    blob_head,
    blob_row,
    container_head,
    container_row,
)

# What stands in a template for what differs; each as long as that.
NAME_MARK = "#" * 36
SESSION_MARK = "@" * 32
DATE_MARK = "~" * 29
_ENDS = ("_1280x720_4500k.mp4", ".ism", ".mpd", ".mpi")


class Template(NamedTuple):
    """A page with marks: what stands before the rows, the rows, and what stands behind them up to the next marker."""

    head: str
    rows: list[str]
    foot: str


def container_name(number: int) -> str:
    """The name of the n-th container of a uniform account; in SQL: ``md5(n::text)::uuid``."""
    return str(UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()))


def session_key_of(container: str) -> str:
    """The session that a uniform account's tracks name; in SQL: ``reverse(md5(n::text))``."""
    return container.replace("-", "")[::-1]


def blobs_template(blobs: int) -> Template:
    """Each container's listing: a track, its manifests, and segments, as many blobs in all."""
    names = [f"{SESSION_MARK}{end}" for end in _ENDS][:blobs]
    names += [f"segments-{number:06}.ts" for number in range(blobs - len(names))]
    rows = [blob_row(BlobEntry(name, 40960, DATE_MARK)) for name in sorted(names)]
    return Template(blob_head(NAME_MARK), rows, "</Blobs>")


def containers_template() -> Template:
    """The account's listing, with the row of one container."""
    return Template(container_head(), [container_row(NAME_MARK, DATE_MARK)], "</Containers>")


class UniformAccount:
    """Any number of containers with as many blobs each."""

    def __init__(self, containers: int, blobs: int) -> None:
        self._names = Names(container_name(number) for number in range(containers))
        template = blobs_template(blobs)
        self._blobs = blobs
        self._page = "".join([template.head, *template.rows, blob_foot("")])

    def containers(self, marker: str, most: int) -> bytes:
        """A page of List Containers."""
        return self._names.page(marker, most)

    def blobs(self, container: str, marker: str, most: int) -> bytes | None:  # noqa: ARG002 - one page holds them all
        """The page of List Blobs."""
        page = self._page.replace(NAME_MARK, container, 1).replace(SESSION_MARK, session_key_of(container))
        # A blob's row holds its date twice.
        dates = (date_of(int(container[:8], 16), index // 2) for index in range(2 * self._blobs))
        parts = page.split(DATE_MARK)
        return "".join(chain.from_iterable(zip(parts, [*dates, ""], strict=True))).encode()
