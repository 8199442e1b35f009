"""The queries to storage about one unit, and the form of their results."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypedDict

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

    @property
    def place(self) -> str:
        """Where it looks, for a log."""
        return self.container

    def things(self, result: Any) -> int:
        """How many blobs a result has; 0 for None."""
        return sum(page.total for page in result or ())


@dataclass(frozen=True)
class BlobCount:
    """How many blobs a container holds; the result is a number, 0 if there is no such container."""

    setting: str
    container: str

    @property
    def place(self) -> str:
        """Where it looks, for a log."""
        return self.container

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

    @property
    def place(self) -> str:
        """Where it looks, for a log."""
        return self.container

    def things(self, answer: Any) -> int:
        """How many blobs there are."""
        return len(answer.blobs) if answer else 0


@dataclass(frozen=True)
class ObjectsUnder:
    """All objects of a bucket whose keys begin with ``prefix``, ascending; the result is a list of ``StoredObject``."""

    setting: str
    prefix: str

    @property
    def place(self) -> str:
        """Where it looks, for a log."""
        return self.prefix

    def things(self, result: Any) -> int:
        """How many objects there are."""
        return len(result or ())


@dataclass(frozen=True)
class SqliteRows:
    """What statements find in a SQLite database that a bucket keeps as one gzipped object; the result is a JSON object
    with the members of ``SqliteAnswer``. The statements are constants of a profile.
    """

    setting: str
    key: str
    statements: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it looks, for a log."""
        return self.key

    def things(self, result: Any) -> int:
        """One, if the object is there."""
        return int(bool(result) and result["state"] != "missing")


@dataclass(frozen=True)
class AudioOf:
    """One object, read to its last byte: its SHA-256, and the MPEG frames in it; the result is a JSON object with the
    members of ``AudioAnswer``.
    """

    setting: str
    key: str

    @property
    def place(self) -> str:
        """Where it looks, for a log."""
        return self.key

    def things(self, result: Any) -> int:
        """One, if the object is there."""
        return int(bool(result) and result["state"] != "missing")


@dataclass(frozen=True)
class AudioUnder:
    """All objects whose keys begin with ``prefix``, ascending; those whose keys end, in lower case, in one of
    ``suffixes`` are read to their last byte. The result is a list of ``AudioFound``.
    """

    setting: str
    prefix: str
    suffixes: Suffixes

    @property
    def place(self) -> str:
        """Where it looks, for a log."""
        return self.prefix

    def things(self, result: Any) -> int:
        """How many objects there are."""
        return len(result or ())


Lookup = BlobsOf | BlobCount | Contents | ObjectsUnder | SqliteRows | AudioOf | AudioUnder
_LOOKUPS: dict[str, type[Lookup]] = {
    one.__name__: one for one in (BlobsOf, BlobCount, Contents, ObjectsUnder, SqliteRows, AudioOf, AudioUnder)
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
    """A page of a container's listing: how many blobs, the stamps of their last changes (see ``stamps_of``; hardly ever
    are more moments needed than the first and the last), and the blobs with one of the ``Suffixes``.
    """

    total: int
    changes: list[str]
    kept: list[Blob]


class VersionedBlob(NamedTuple):
    """One blob; ``etag`` changes with every write to it. ``size`` in bytes."""

    name: str
    size: int
    last_modified: datetime
    etag: str


class StoredObject(NamedTuple):
    """One object of a bucket; ``version`` changes with every write to it, ``changed`` is the moment of the last one in
    ISO 8601, UTC. ``size`` in bytes.
    """

    key: str
    size: int
    changed: str
    version: str


class SqliteAnswer(TypedDict):
    """``rows`` has a list of rows for each statement, in their order, or None for one that the database cannot answer.

    It is empty unless the object was read: it may be missing, or damaged (no gzip, cut short, or no database), which
    ``why`` explains. ``version`` is that of the object ("" if it is missing).
    """

    state: Literal["read", "missing", "damaged"]
    why: str
    version: str
    rows: list[list[list[Any]] | None]


class AudioAnswer(TypedDict):
    """What an object holds, by its bytes alone. ``frames`` of MPEG audio that are whole play for ``ms`` together; both
    are 0 for raw audio and whatever else is no MPEG audio. ``declared_frames`` is what a header within the first frame
    (Xing, Info or VBRI) says; None: there is none. ``is_cut``: its last frame is not whole. ``stray`` are bytes that
    belong to no frame and no tag. If it is missing all of it is empty.
    """

    state: Literal["read", "missing"]
    version: str
    bytes: int
    sha256: str
    frames: int
    ms: int
    declared_frames: int | None
    is_cut: bool
    stray: int


class AudioFound(NamedTuple):
    """An object of a listing, and what it holds in the version that was listed. ``audio`` is None if it was not to be
    read; or if it could not be, which ``unread`` explains.
    """

    stored: StoredObject
    audio: AudioAnswer | None = None
    unread: str = ""


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
