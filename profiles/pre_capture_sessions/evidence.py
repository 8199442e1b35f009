"""What a scan read of one container, reduced to what a verdict can need.

Legacy blob names may hold personal data, so only names that begin with a session key are kept; of the other tracks only
a digest is kept, to match a row's file name.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from profiles.pre_capture_sessions.keys import (
    ContainerKind,
    container_kind,
    is_edit_output,
    is_manifest,
    is_media,
    name_digest,
    session_key_in,
)
from reconciliation.clock import Clock
from reconciliation.evidence import Unread
from reconciliation.lookups import BlobPage
from reconciliation.times import from_stamp, from_text, optional_from_text, optional_text, to_text


class MediaFile(NamedTuple):
    """A track whose name carries a session key."""

    name: str
    key: str
    size: int
    last_modified: datetime


class ContainerEvidence(NamedTuple):
    """One container as a scan read it, all pages of it.

    ``media`` is in listing order. ``unkeyed`` are the digests of the tracks that name no session; ``edit_output``: one
    of them is named after the container. ``empty_media`` counts all tracks of zero bytes; ``manifest_bytes`` is the
    size of the largest ``.ism`` (None: there is none). ``oldest`` and ``newest`` are the first and the last change of
    any blob, ignoring those in the future (None: there is no other); ``future`` is the latest of those.
    """

    container: str
    blobs: int
    media: tuple[MediaFile, ...]
    unkeyed: tuple[str, ...]
    edit_output: bool
    empty_media: int
    manifest_bytes: int | None
    oldest: datetime | None
    newest: datetime | None
    future: datetime | None

    @property
    def unit(self) -> str:
        return self.container

    @property
    def kind(self) -> ContainerKind:
        return container_kind(self.container)

    @property
    def tracks(self) -> int:
        """How many encoded tracks there are, with or without a session key."""
        return len(self.media) + len(self.unkeyed)

    @property
    def keys(self) -> frozenset[str]:
        """The session keys named by its tracks."""
        return frozenset(file.key for file in self.media)

    @property
    def digests(self) -> frozenset[str]:
        """The digests of the names of all its tracks."""
        return frozenset(self.unkeyed) | {name_digest(file.name) for file in self.media}

    @property
    def is_whole(self) -> bool:
        """True when it has everything that a recording needs: media, no empty track, and a manifest.

        A server manifest is PRE's own test for "this recording is available" (pre-api, MediaKind.java).
        """
        return (
            self.tracks > 0
            and self.empty_media == 0
            and bool(self.manifest_bytes)
            and self.kind is ContainerKind.RECORDING
        )

    def is_settled(self, clock: Clock) -> bool:
        return clock.has_settled(self.newest)

    def is_complete(self, clock: Clock) -> bool:
        """True when it could be registered as it is."""
        return self.is_whole and self.is_settled(clock)

    def is_old(self, clock: Clock) -> bool:
        """True if its oldest blob is older than the audit's moment minus the grace.

        False if it has no blobs; True if all its blobs have last changes in the future.
        """
        return self.was_there(clock, clock.grace)

    def was_there(self, clock: Clock, before: timedelta = timedelta()) -> bool:
        """True if its oldest blob is older than the audit's moment minus ``before``.

        As ``is_old`` if it has no blobs, or only blobs with last changes in the future.
        """
        return self.blobs > 0 if self.oldest is None else clock.came_before(self.oldest, before)

    def to_json(self) -> list[Any]:
        """A JSON array without the container's name, short because there is one for each container."""
        return [
            self.blobs,
            [[file.name, file.size, to_text(file.last_modified)] for file in self.media],
            self.unkeyed,
            self.edit_output,
            self.empty_media,
            self.manifest_bytes,
            optional_text(self.oldest),
            optional_text(self.newest),
            optional_text(self.future),
        ]

    @classmethod
    def from_json(cls, container: str, value: list[Any]) -> Self:
        """Raises ``TypeError`` or ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        blobs, media, unkeyed, edit_output, empty, manifest, *moments = value
        files = tuple([MediaFile(name, name[:32].lower(), size, from_text(at)) for name, size, at in media])
        oldest, newest, future = map(optional_from_text, moments)
        return cls(container, blobs, files, tuple(unkeyed), edit_output, empty, manifest, oldest, newest, future)

    def shown(self) -> dict[str, Any]:
        return {
            "container": self.container,
            "blobs": self.blobs,
            "media": [
                {"name": m.name, "key": m.key, "size": m.size, "last_modified": to_text(m.last_modified)}
                for m in self.media
            ],
            "unkeyed_media": len(self.unkeyed),
            "empty_media": self.empty_media,
            "manifest_bytes": self.manifest_bytes,
            "newest": optional_text(self.newest),
            "future": optional_text(self.future),
            "kind": self.kind.value,
        }


def read_evidence(container: str, pages: Iterable[BlobPage], latest: datetime) -> ContainerEvidence:
    """Reduce a container's complete listing, all pages of it in order, to evidence.

    A moment later than ``latest`` counts as future: its clock was wrong.
    """
    count = empty = 0
    media: list[MediaFile] = []
    unkeyed: list[str] = []
    edit_output = False
    manifest: int | None = None
    past: list[datetime] = []
    ahead: list[datetime] = []
    for page in pages:
        count += page.total
        if page.changes:
            last = from_stamp(max(page.changes))
            if last > latest:
                ahead.append(last)
                past += [moment for moment in map(from_stamp, page.changes) if moment <= latest]
            else:
                past += (from_stamp(min(page.changes)), last)
        for name, size, changed in page.kept:
            if is_manifest(name):
                manifest = max(manifest or 0, size)
            elif is_media(name):
                empty += size == 0
                key = session_key_in(name)
                if key is not None:
                    media.append(MediaFile(name, key, size, changed))
                else:
                    unkeyed.append(name_digest(name))
                    edit_output = edit_output or is_edit_output(name, container)
    return ContainerEvidence(
        container,
        count,
        tuple(media),
        tuple(unkeyed),
        edit_output,
        empty,
        manifest,
        oldest=min(past, default=None),
        newest=max(past, default=None),
        future=max(ahead, default=None),
    )


Record = ContainerEvidence | Unread
