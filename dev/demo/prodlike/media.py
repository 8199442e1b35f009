"""Blobs as the encoders of each era leave them in a container (DOMAIN.md 2.4)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

RENDITION = "_1280x720_4500k"
TRACK_BYTES = 412_000_000
_BASE_LENGTH = 32  # the encoder's {Basename} is cut to this

# Eras by the start of the hearing.
_MEDIAKIND = datetime(2024, 7, 18, tzinfo=UTC)
_ONE_TRACK = datetime(2024, 7, 31, tzinfo=UTC)
_INDEX = datetime(2024, 10, 2, tzinfo=UTC)
_SESSION_NAMES = datetime(2025, 3, 20, tzinfo=UTC)


class Blob(NamedTuple):
    """A blob; ``size`` in bytes."""

    name: str
    size: int
    last_modified: datetime


Blobs = tuple[Blob, ...]


def encoded(
    base: str,
    at: datetime,
    *,
    suffixes: Iterable[str] = (f"{RENDITION}.mp4",),
    track_bytes: int = TRACK_BYTES,
    manifest_bytes: int | None = 700,
) -> Blobs:
    """A container as the encoder leaves it: tracks named ``base`` + suffix, and manifests.

    ``manifest_bytes`` of None leaves the server manifest (``.ism``) out.
    """
    tracks = [Blob(f"{base}{suffix}", track_bytes, at) for suffix in suffixes]
    server = [] if manifest_bytes is None else [Blob(f"{base}.ism", manifest_bytes, at)]
    client = [Blob(f"{base}.mpd", 900, at), Blob(f"{base}{RENDITION}.mpi", 300, at)]
    return tuple(sorted([*tracks, *server, *client]))


def two_tracks(base: str, at: datetime) -> Blobs:
    """One recording in two files, as CopyAllBitrateNonInterleaved left it in July 2024."""
    return encoded(base, at, suffixes=(f"{RENDITION}.mp4", "_aac_128k.mp4"))


def take(key: str, at: datetime) -> Blobs:
    """An original take in the names of its time; ``key`` is its session's id without hyphens."""
    if at < _MEDIAKIND:
        return encoded("video", at, suffixes=("_2000000_1280x720_4500.mp4",))
    if at < _ONE_TRACK:
        return two_tracks(key, at)
    if _INDEX <= at < _SESSION_NAMES:
        return encoded("index", at)
    return encoded(key, at)


def edit(recording: UUID, at: datetime) -> Blobs:
    """The output of an edit or a re-encode, named after its own recording."""
    return encoded(str(recording)[:_BASE_LENGTH], at)


def legacy(name: str, at: datetime) -> Blobs:
    """An import, named after the file that it came from."""
    return encoded(name[:_BASE_LENGTH], at)


def live_archive(at: datetime) -> Blobs:
    """What the ingest account holds of a hearing: sections of the live stream."""
    return (*(Blob(f"0/section-{n}", 5_000_000, at) for n in range(3)), Blob("0/section", 2_000, at))


def first_track(blobs: Blobs) -> str:
    """The name that pre-api writes into ``recordings.filename``: the first ``.mp4`` of the listing."""
    return next(blob.name for blob in blobs if blob.name.lower().endswith(".mp4"))
