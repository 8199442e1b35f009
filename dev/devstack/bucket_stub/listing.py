"""What a stubbed bucket holds, and its listings as XML.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

import hashlib
import mmap
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

MODIFIED = "2026-03-20T09:30:00.000Z"
_AFTER_SLASH = chr(ord("/") + 1)


class Content(NamedTuple):
    """The bytes that any number of objects have; ``data`` is empty, whatever its ``size``, if they cannot be read."""

    data: bytes
    etag: str
    size: int


class Asked(NamedTuple):
    """The parameters of a listing; ``after`` is the name after which the page begins."""

    prefix: str
    by_folder: bool
    most: int
    after: str


@dataclass(frozen=True)
class Objects:
    """All objects of a bucket: their keys, ascending, and which content each of them has."""

    keys: Sequence[str]
    names: Sequence[str]
    contents: Mapping[str, Content]

    def content(self, key: str) -> Content | None:
        """None if there is no such object."""
        at = bisect_left(self.keys, key)
        return self.contents[self.names[at]] if at < len(self.keys) and self.keys[at] == key else None

    def page(self, bucket: str, asked: Asked) -> bytes:
        """One page of a listing."""
        found = [*islice(self._entries(asked), asked.most + 1)]
        page, is_truncated = found[: asked.most], len(found) > asked.most
        token = f"<NextContinuationToken>{escape(page[-1][0])}</NextContinuationToken>" if is_truncated else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><Prefix>{escape(asked.prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
            f"<MaxKeys>{asked.most}</MaxKeys><IsTruncated>{str(is_truncated).lower()}</IsTruncated>{token}"
            f"{''.join(self._entry(name, at) for name, at in page)}</ListBucketResult>"
        ).encode()

    def _entries(self, asked: Asked) -> Iterator[tuple[str, int | None]]:
        """The names of a listing, ascending: objects with their number, folders without."""
        begin = asked.prefix
        if asked.after:
            begin = f"{asked.after[:-1]}{_AFTER_SLASH}" if asked.after.endswith("/") else f"{asked.after}\0"
        at = bisect_left(self.keys, begin)
        while at < len(self.keys) and self.keys[at].startswith(asked.prefix):
            slash = self.keys[at].find("/", len(asked.prefix)) if asked.by_folder else -1
            if slash < 0:
                yield self.keys[at], at
                at += 1
            else:
                folder = self.keys[at][: slash + 1]
                yield folder, None
                at = bisect_left(self.keys, f"{folder[:-1]}{_AFTER_SLASH}", at)

    def _entry(self, name: str, at: int | None) -> str:
        if at is None:
            return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
        content = self.contents[self.names[at]]
        return (
            f"<Contents><Key>{escape(name)}</Key><LastModified>{MODIFIED}</LastModified>"
            f"<ETag>&quot;{content.etag}&quot;</ETag><Size>{content.size}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
        )


def read_objects(keys: Path, contents: Path) -> Objects:
    """The objects of a file with a line for each: its key, a tab, and the name of a file in the folder ``contents``."""
    lines = sorted(keys.read_text(encoding="utf-8").splitlines())
    pairs = [line.partition("\t") for line in lines]
    data = {file.name: file.read_bytes() for file in contents.iterdir()}
    of_name = {name: _content(one) for name, one in data.items()}
    known = {name: name for name in of_name}  # one text for all that are alike
    return Objects([key for key, _, _ in pairs], [known[name] for _, _, name in pairs], of_name)


def _content(data: bytes) -> Content:
    return Content(data, hashlib.md5(data, usedforsecurity=False).hexdigest(), len(data))


class _Column(Sequence[str]):
    """One column of the lines of a file, read where it is asked for: of millions only their offsets are in memory."""

    def __init__(self, data: mmap.mmap, offsets: "array[int]", number: int) -> None:
        self._data, self._offsets, self._number = data, offsets, number

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, at: Any) -> Any:
        line = self._data[self._offsets[at] : self._offsets[at + 1] - 1]
        return line.decode().split("\t")[self._number]


class _Sizes(dict[str, Content]):
    """What objects have of which only the size is known, by its text."""

    def __missing__(self, size: str) -> Content:
        self[size] = Content(b"", hashlib.md5(size.encode(), usedforsecurity=False).hexdigest(), int(size))
        return self[size]


def read_sizes(keys: Path) -> Objects:
    """The objects of a file with a line for each, ascending: its key, a tab, and its size in bytes."""
    offsets = array("Q", [0])
    with keys.open("rb") as lines:
        for line in lines:
            offsets.append(offsets[-1] + len(line))
        data = mmap.mmap(lines.fileno(), 0, access=mmap.ACCESS_READ)
    return Objects(_Column(data, offsets, 0), _Column(data, offsets, 1), _Sizes())
