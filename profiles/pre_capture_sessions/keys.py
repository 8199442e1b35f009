"""Which container can be a recording, and which capture session a blob names.

In PRE's final account a container's name *is* the recording's id, and the session's id appears only in the base name of
the encoder's output, without hyphens: ``<32 hex>_1280x720_4500k.mp4``. Everything else (``index_...``, ``video_...``,
legacy file names) cannot be attributed by name.
"""

import re
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

ANY_UUID = r"(urn:uuid:)?\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?"  # as people write one
UUID_TEXT = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # as the database writes one
_CANONICAL_UUID = re.compile(UUID_TEXT)
_INPUT_CONTAINER = re.compile(f"{UUID_TEXT}-input")
# The encoder cuts its input's base name to 32 characters, so a 33rd hex digit means another kind of name. PRE writes
# lower case; a copy made by hand may not, and the join with known session ids rules accidents out.
_SESSION_KEY = re.compile(r"([0-9a-f]{32})(?![0-9a-f]).*\.mp4", re.IGNORECASE | re.DOTALL)


class ContainerKind(StrEnum):
    """What a container's name says it can hold."""

    RECORDING = "recording"  # a canonical UUID, nothing appended: may be a recording
    INPUT = "input"  # <uuid>-input, the source of an edit: never a recording, even if its media names a session
    OTHER = "other"


def container_kind(name: str) -> ContainerKind:
    """Judge a container by its name alone; only ``RECORDING`` can ever be a recording's id."""
    if _CANONICAL_UUID.fullmatch(name):
        return ContainerKind.RECORDING
    if _INPUT_CONTAINER.fullmatch(name):
        return ContainerKind.INPUT
    return ContainerKind.OTHER


def is_canonical_id(value: object) -> bool:
    """True for a UUID as the database writes it: a text of 32 lower-case hex digits with hyphens."""
    return isinstance(value, str) and _CANONICAL_UUID.fullmatch(value) is not None


def session_key(session_id: str) -> str:
    """The form in which a session's id appears in blob names: 32 lower-case hex digits.

    Raises ``ValueError`` if ``session_id`` is not a UUID.
    """
    if _CANONICAL_UUID.fullmatch(session_id):
        return session_id.replace("-", "")
    return UUID(session_id).hex


def session_id_of(key: str) -> str:
    """The inverse of ``session_key`` for a key as blob names carry it."""
    return f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"


def session_key_in(blob_name: str) -> str | None:
    """The session key that a blob's name begins with, or None; only ``.mp4`` names can carry one."""
    match = _SESSION_KEY.fullmatch(blob_name)
    return match[1].lower() if match else None


def is_media(blob_name: str) -> bool:
    return blob_name[-4:].lower() == ".mp4"


def is_manifest(blob_name: str) -> bool:
    """True for a server manifest: PRE's own test for "this recording can be played"."""
    return blob_name[-4:].lower() == ".ism"


MATTERING_SUFFIXES = (".mp4", ".ism")
"""The ends, in lower case, of the names of blobs that verdicts depend on."""


def is_edit_output(blob_name: str, container: str) -> bool:
    """True for a track named after its container: what an edit or a re-encode leaves.

    ffmpeg writes ``<recording id>.mp4``, and the encoder keeps the first 32 characters of its input's base name.
    """
    return blob_name.startswith(container[:32])


def name_digest(blob_name: str) -> str:
    """Replaces a name that may hold personal data; in SQL: ``left(encode(sha256(name), 'hex'), 16)``."""
    return sha256(blob_name.encode()).hexdigest()[:16]


def usual_track_name(key: str) -> str:
    """The name that the encoder gives the track of a session's original take."""
    return f"{key}_1280x720_4500k.mp4"
