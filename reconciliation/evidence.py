"""What a scan saw of one container, reduced to what a verdict can need.

Legacy blob names may hold personal data, so only names that begin with a session key are kept; the rest are counted.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from reconciliation.keys import ContainerKind, container_kind, is_manifest, is_media, session_key_in
from reconciliation.times import from_text, optional_from_text, optional_text, to_text


class Blob(NamedTuple):
    """One blob of a listing; ``size`` in bytes."""

    name: str
    size: int
    last_modified: datetime


class BlobPage(NamedTuple):
    """A page of a container's listing: how many blobs, the latest change of any, and those whose names can matter."""

    total: int
    newest: datetime | None
    kept: list[Blob]


class MediaFile(NamedTuple):
    """A track whose name carries a session key."""

    name: str
    key: str
    size: int
    last_modified: datetime


class ContainerEvidence(NamedTuple):
    """One container as a scan read it, all pages of it.

    ``media`` is in listing order. ``unkeyed_media`` counts tracks that name no session, ``empty_media`` the tracks of
    either sort without a byte in them, ``manifest_bytes`` the largest ``.ism`` (None: there is none), ``newest`` the
    latest change of any blob (None: the container is empty).
    """

    container: str
    blobs: int
    media: tuple[MediaFile, ...]
    unkeyed_media: int
    empty_media: int
    manifest_bytes: int | None
    newest: datetime | None

    @property
    def kind(self) -> ContainerKind:
        """What the container's name says it can hold."""
        return container_kind(self.container)

    @property
    def keys(self) -> frozenset[str]:
        """The session keys named by its tracks."""
        return frozenset(file.key for file in self.media)

    def is_settled(self, *, as_of: datetime, settle: timedelta) -> bool:
        """True when nothing in it changed within ``settle`` before ``as_of``."""
        return self.newest is None or as_of - self.newest >= settle

    def is_complete(self, *, as_of: datetime, settle: timedelta) -> bool:
        """True when it can be registered as it is: media, no empty track, a manifest, and nothing still moving."""
        return (
            self.kind is ContainerKind.RECORDING
            and len(self.media) + self.unkeyed_media > 0
            and self.empty_media == 0
            and bool(self.manifest_bytes)
            and self.is_settled(as_of=as_of, settle=settle)
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "container": self.container,
            "blobs": self.blobs,
            "media": [
                {"name": m.name, "key": m.key, "size": m.size, "last_modified": to_text(m.last_modified)}
                for m in self.media
            ],
            "unkeyed_media": self.unkeyed_media,
            "empty_media": self.empty_media,
            "manifest_bytes": self.manifest_bytes,
            "newest": optional_text(self.newest),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Raises ``KeyError`` or ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        return cls(
            container=value["container"],
            blobs=value["blobs"],
            media=tuple(
                MediaFile(m["name"], m["key"], m["size"], from_text(m["last_modified"])) for m in value["media"]
            ),
            unkeyed_media=value["unkeyed_media"],
            empty_media=value["empty_media"],
            manifest_bytes=value["manifest_bytes"],
            newest=optional_from_text(value["newest"]),
        )


def read_evidence(container: str, pages: Iterable[BlobPage]) -> ContainerEvidence:
    """Reduce a container's complete listing, all pages of it in order, to evidence."""
    count = unkeyed = empty = 0
    media: list[MediaFile] = []
    manifest: int | None = None
    newest: datetime | None = None
    for page in pages:
        count += page.total
        if page.newest is not None and (newest is None or page.newest > newest):
            newest = page.newest
        for blob in page.kept:
            if is_manifest(blob.name):
                manifest = max(manifest or 0, blob.size)
            elif is_media(blob.name):
                empty += blob.size == 0
                key = session_key_in(blob.name)
                if key is None:
                    unkeyed += 1
                else:
                    media.append(MediaFile(blob.name, key, blob.size, blob.last_modified))
    return ContainerEvidence(container, count, tuple(media), unkeyed, empty, manifest, newest)


class Unread(NamedTuple):
    """A container that was not read: ``reason`` says why. ``failed`` ones are a gap, the others a counted skip."""

    container: str
    reason: str
    failed: bool

    def to_json(self) -> dict[str, Any]:
        """A JSON object, told apart from evidence by its ``unread`` key."""
        return {"container": self.container, "unread": self.reason, "failed": self.failed}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Raises ``KeyError`` if ``value`` is not what ``to_json`` makes."""
        return cls(value["container"], value["unread"], value["failed"])


def record_from_json(value: dict[str, Any]) -> ContainerEvidence | Unread:
    """Read one line of a shard's result."""
    return Unread.from_json(value) if "unread" in value else ContainerEvidence.from_json(value)
