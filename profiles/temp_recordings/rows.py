"""The rows of Postgres, in the columns of either era: what a column does not exist for is None."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self
from zoneinfo import ZoneInfo

from profiles.temp_recordings.names import ChunkName, base, chunk_in, final_in, mp3_of
from profiles.temp_recordings.wall_times import Spread, optional_spread

QUEUED, IN_PROGRESS, DONE, FAILED = "queued", "in_progress", "done", "failed"
WAITING = frozenset({QUEUED, IN_PROGRESS})
CHUNK_STATUSES = WAITING | {DONE, FAILED}
SCHEDULED, RECORDING, PAUSED, COMPLETED = "scheduled", "recording", "paused", "completed"
PROCESSING = frozenset({"processing", "transcribing", "cleaning"})
MEETING_STATUSES = PROCESSING | {SCHEDULED, RECORDING, PAUSED, COMPLETED}


class _Reader:
    """Reads columns one by one and keeps the names of those that cannot be read."""

    def __init__(self, row: Any) -> None:
        self._row: Mapping[str, Any] = row if isinstance(row, dict) else {}
        self.unreadable: list[str] = []

    def text(self, name: str) -> str:
        """Empty for what is not there."""
        value = self._row.get(name)
        return "" if value is None else str(value)

    def one(self, name: str, read: Callable[[Any], Any]) -> Any:
        try:
            return read(self._row.get(name))
        except (TypeError, ValueError):
            self.unreadable.append(name)
            return None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A row of ``temp_recordings``. ``status`` is in lower case; ``path`` is what its row says of its raw audio: a path
    or a bare name. ``token`` changes with every write to the row. ``unreadable`` are columns that cannot be read.
    ``spelled`` is its status as it is written. ``is_documented``: its table has the columns of the bot's guide.
    """

    id: str
    meeting_id: str
    user_id: str
    status: str
    created: Spread | None
    completed: Spread | None
    path: str
    mp3_path: str
    sha256: str
    duration_ms: int | None
    cleaned: bool | None
    token: str
    unreadable: tuple[str, ...] = ()
    spelled: str = ""
    is_documented: bool = False

    @property
    def pcm_name(self) -> str:
        return base(self.path)

    @property
    def mp3_name(self) -> str:
        return base(self.mp3_path) or mp3_of(self.pcm_name)

    @property
    def named(self) -> ChunkName | None:
        """What the name of its raw audio says; None if no chunk has such a name."""
        return chunk_in(self.pcm_name)

    @classmethod
    def from_json(cls, value: Any, zone: ZoneInfo) -> Self:
        """From a token and an object of columns, whatever is in it."""
        token, row = value
        read = _Reader(row)
        at = partial(optional_spread, zone=zone)
        return cls(
            id=read.text("id"),
            meeting_id=read.text("meeting_id"),
            user_id=read.text("user_id"),
            status=read.text("transcode_status").casefold(),
            created=read.one("created_at", at),
            completed=read.one("completed_at", at),
            path=read.text("pcm_path") or read.text("filename"),
            mp3_path=read.text("mp3_path"),
            sha256=read.text("sha256").lower(),
            duration_ms=read.one("duration_ms", _whole),
            cleaned=read.one("cleaned", _flag),
            token=str(token),
            unreadable=tuple(read.unreadable),
            spelled=read.text("transcode_status"),
            is_documented="pcm_path" in row if isinstance(row, dict) else False,
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """A row of ``recordings``. ``user_id`` is "" if it is of the whole meeting."""

    id: str
    meeting_id: str
    user_id: str
    filename: str
    sha256: str
    duration_ms: int | None
    created: Spread | None
    token: str
    unreadable: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return base(self.filename)

    @classmethod
    def from_json(cls, value: Any, zone: ZoneInfo) -> Self:
        """From a token and an object of columns, whatever is in it."""
        token, row = value
        read = _Reader(row)
        named = final_in(base(read.text("filename")))
        return cls(
            id=read.text("id"),
            meeting_id=read.text("meeting_id"),
            user_id=read.text("user_id") or (named.user if named else ""),
            filename=read.text("filename"),
            sha256=read.text("sha256").lower(),
            duration_ms=read.one("duration_in_ms", _whole),
            created=read.one("created_at", partial(optional_spread, zone=zone)),
            token=str(token),
            unreadable=tuple(read.unreadable),
        )


@dataclass(frozen=True, slots=True)
class Meeting:
    """A row of ``meetings``. ``recording_files`` are pairs of a user and the id of a recording."""

    id: str
    status: str
    started: Spread | None
    updated: Spread | None
    participants: tuple[str, ...] | None
    recording_files: frozenset[tuple[str, str]] | None
    token: str
    unreadable: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Any, zone: ZoneInfo) -> Self:
        """From a token and an object of columns, whatever is in it."""
        token, row = value
        read = _Reader(row)
        at = partial(optional_spread, zone=zone)
        return cls(
            id=read.text("id"),
            status=read.text("status").casefold(),
            started=read.one("started_at", at),
            updated=read.one("updated_at", at),
            participants=read.one("participants", _participants),
            recording_files=read.one("recording_files", _recording_files),
            token=str(token),
            unreadable=tuple(read.unreadable),
        )


def _whole(value: Any) -> int | None:
    if value is not None and (type(value) is not int or value < 0):
        raise TypeError(value)
    return value


def _flag(value: Any) -> bool | None:
    if value not in {None, 0, 1}:
        raise ValueError(value)
    return None if value is None else bool(value)


def _participants(value: Any) -> tuple[str, ...]:
    """``{"users": [...]}``, or the list alone; empty for what is not there."""
    users = value.get("users", []) if isinstance(value, dict) else value
    if users is None:
        return ()
    if not isinstance(users, list):
        raise TypeError(value)
    return tuple(dict.fromkeys(map(str, users)))


def _recording_files(value: Any) -> frozenset[tuple[str, str]]:
    """``{"users": [{user: recording}]}``, or the pairs alone; empty for what is not there."""
    if value is None:
        return frozenset()
    if not isinstance(value, dict):
        raise TypeError(value)
    of_users = value.get("users", value)
    objects = of_users if isinstance(of_users, list) else [of_users]
    if not all(isinstance(one, dict) for one in objects):
        raise TypeError(value)
    return frozenset((str(user), str(recording)) for one in objects for user, recording in one.items())
