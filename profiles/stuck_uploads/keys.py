"""The keys of the bucket: ``{tenant}/client/videos/{video}/...``, and with ``server`` for what no browser sees."""

import re
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

UUID_TEXT = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ANY_UUID = r"[{]?[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}[}]?"
DEPTH = 4
"""How deep the folder of a video lies."""
CLIENT, SERVER = "client", "server"
SOURCE, LAYOUT, OCR = "video.mp4", "layout.db.gz", "raw-ocr.db.gz"

_FOLDER = re.compile(rf"({UUID_TEXT})/({CLIENT}|{SERVER})/videos/({UUID_TEXT})/", re.IGNORECASE)
_ABOVE = re.compile(rf"{UUID_TEXT}/(({CLIENT}|{SERVER})/(videos/)?)?", re.IGNORECASE)
_FRAME = re.compile(r"(full_frames|full_frames_thumbnails)/frame_([0-9]{6,9})\.jpg")
_KNOWN = re.compile(rf"{UUID_TEXT}|{CLIENT}|{SERVER}|videos", re.IGNORECASE)
_OF_DIGEST = 16


class Folder(NamedTuple):
    """The folder of a video, by the parts of its path; ``path`` is as the bucket has it."""

    path: str
    tenant: str
    side: str
    video: str


def folder_in(path: str) -> Folder | None:
    """None for a path that is not exactly the folder of a video. The ids come back in lower case."""
    match = _FOLDER.fullmatch(path)
    return None if match is None else Folder(path, match[1].lower(), match[2].lower(), match[3].lower())


def is_above_folders(path: str) -> bool:
    """True for a path that folders of videos lie under. As the key of an object it is a marker (see ``is_marker``)."""
    return _ABOVE.fullmatch(path) is not None


def folder_of(tenant: str, video: str, side: str = CLIENT) -> str:
    """Where the system keeps a video."""
    return f"{tenant}/{side}/videos/{video}/"


def video_id(text: object) -> str:
    """The id of a video as the database writes it, whatever its hyphens, braces and case; "" for what is none."""
    if not isinstance(text, str) or not re.fullmatch(ANY_UUID, text):
        return ""
    return str(UUID(text))


def frame_in(name: str) -> tuple[str, int] | None:
    """The folder and the index of a frame, by its key below the video's folder; None if it is none."""
    match = _FRAME.fullmatch(name)
    return None if match is None else (match[1], int(match[2]))


def masked(path: str) -> str:
    """A path that may hold people's names, without whatever is not a known part of a key; a digest of the whole, which
    tells two of them apart.
    """
    parts = [part if not part or _KNOWN.fullmatch(part) else "*" for part in path.split("/")]
    return f"{'/'.join(parts)}#{sha256(path.encode(errors='surrogatepass')).hexdigest()[:_OF_DIGEST]}"
