"""The names of files, as the bot has made them in its two eras, and where they lie.

``temp/`` holds chunks, ``storage/`` what was joined of them, ``rescue/{meeting}/`` copies that nobody's clean-up knows.
"""

import re
from hashlib import sha256
from typing import NamedTuple

TEMP, STORAGE, RESCUE = "temp/", "storage/", "rescue/"
DEPTH = 3
"""How deep the files are looked for that lie in no folder of theirs."""
MEETING_ID = "[0-9a-f]{16}"
_USER = r"[0-9]{16,20}"
_LATER = re.compile(rf"({MEETING_ID})_user({_USER})_chunk([0-9]{{4,9}})\.(pcm|mp3)")
_DOCUMENTED = re.compile(rf"({MEETING_ID})_({_USER})_chunk_([0-9]{{4,9}})\.(pcm|mp3)")
_FINAL = re.compile(rf"({MEETING_ID})_user({_USER})_final\.mp3")
_DOCUMENTED_FINAL = re.compile(rf"recording_({MEETING_ID})(?:_({_USER}))?\.mp3")
_LEFTOVER = re.compile(r"temp/tmp[A-Za-z0-9_]{1,40}(?:\.[a-z0-9]{1,8})?")
_KNOWN = re.compile("temp|storage|rescue")
_OF_DIGEST = 16


class ChunkName(NamedTuple):
    """The name of a chunk's file; ``is_later``: of the later era, whose chunks all play equally long but for the last
    one.
    """

    meeting: str
    user: str
    number: int
    suffix: str
    is_later: bool


class FinalName(NamedTuple):
    """The name of a final file; ``user`` is "" if it is of the whole meeting."""

    meeting: str
    user: str


def chunk_in(name: str) -> ChunkName | None:
    """None for a name that no chunk has."""
    for form, is_later in ((_LATER, True), (_DOCUMENTED, False)):
        if match := form.fullmatch(name):
            return ChunkName(match[1], match[2], int(match[3]), match[4], is_later)
    return None


def final_in(name: str) -> FinalName | None:
    """None for a name that no final file has."""
    match = _FINAL.fullmatch(name) or _DOCUMENTED_FINAL.fullmatch(name)
    return None if match is None else FinalName(match[1], match[2] or "")


def base(path: str) -> str:
    """The name at the end of a path, whichever slashes it is written with."""
    return path.replace("\\", "/").rpartition("/")[2]


def lies_in(path: str) -> str:
    """The name of the folder at the end of a path, with a slash; "" for a bare name."""
    folder, slash, _ = path.replace("\\", "/").rpartition("/")
    return f"{base(folder)}{slash}"


def folder_of(key: str) -> str:
    """What comes before the name in a key, with its slash."""
    return key[: len(key) - len(base(key))]


def mp3_of(pcm: str) -> str:
    """The name of what a chunk is transcoded to; only the end of a name counts."""
    return f"{pcm.removesuffix('.pcm')}.mp3"


def rescued_as(meeting: str, key: str) -> str:
    """Where a copy of a file of a meeting lies."""
    return f"{RESCUE}{meeting}/{base(key)}"


def meeting_in(key: str) -> str:
    """The meeting that the name at the end of a key is of; "" if it names none."""
    named = chunk_in(base(key)) or final_in(base(key))
    return named.meeting if named else ""


def group_of(key: str) -> str:
    """Under which key a file or folder of the listing is judged: its meeting; "" for one that is of none.

    In rescue/ that is the meeting whose folder it lies in, whatever its name; what is of none is judged together.
    """
    if not key.startswith(RESCUE):
        return meeting_in(key)
    folder, slash, _ = key.removeprefix(RESCUE).partition("/")
    if slash and is_meeting_id(folder):
        return folder
    is_listed = key.count("/") < DEPTH
    return (meeting_in(key) if is_listed else "") or RESCUE


def is_meeting_id(text: str) -> bool:
    return re.fullmatch(MEETING_ID, text) is not None


def is_leftover(key: str) -> bool:
    """True for what is left of a write that broke off before its file got its name."""
    return _LEFTOVER.fullmatch(key) is not None


def is_marker(key: str) -> bool:
    """True for a key that only shows a folder in which files may lie."""
    return key.endswith("/") and key.count("/") < DEPTH


def prefixes_of(meeting: str) -> tuple[str, ...]:
    """What the keys of a meeting's files begin with wherever they are likely to lie."""
    folders = [f"{folder}{meeting}_" for folder in ("", TEMP, STORAGE)]
    return (*folders, f"{STORAGE}recording_{meeting}", f"{RESCUE}{meeting}/")


def prefix_of(key: str) -> str:
    """What the keys of all files begin with that lie beside this one and are of the same meeting and sort."""
    meeting = meeting_in(key)
    sort = f"recording_{meeting}" if base(key).startswith("recording_") else f"{meeting}_"
    return f"{folder_of(key)}{sort}"


def masked(key: str) -> str:
    """A key that may hold people's names, without whatever is not known; a digest of the whole tells two apart."""
    parts = [part if not part or _KNOWN.fullmatch(part) else "*" for part in key.split("/")]
    return f"{'/'.join(parts)}#{sha256(key.encode(errors='surrogatepass')).hexdigest()[:_OF_DIGEST]}"
