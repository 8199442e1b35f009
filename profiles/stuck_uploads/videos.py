"""The rows of Postgres: videos, and what their databases are in the middle of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from profiles.stuck_uploads.keys import SOURCE, folder_of, video_id
from reconciliation.times import optional_from_text

COLUMNS = (
    "id",
    "name",
    "status",
    "created_at",
    "tenant_id",
    "storage_key",
    "size_bytes",
    "deleted_at",
    "total_frames",
    "boundaries_status",
    "has_crops",
    "has_twin",
    "row_token",
)
"""The members of a row of ``videos``, in order."""
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Video:
    """A row of ``videos``; its ids in lower case, "" for a tenant that it does not have.

    ``has_twin``: another row of the same tenant, name and size was made within an hour (only read in full audits).
    ``row_token`` changes with every write to the row. ``unreadable`` are the columns whose values cannot be read.
    """

    id: str
    name: str
    status: str | None
    created_at: datetime | None
    tenant_id: str
    storage_key: str
    size_bytes: int | None
    deleted_at: datetime | None
    total_frames: int | None
    boundaries_status: str | None
    has_crops: bool
    has_twin: bool
    row_token: str
    unreadable: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where its file is, and what comes of it for the browser."""
        return folder_of(self.tenant_id, self.id)

    @property
    def has_usual_key(self) -> bool:
        """True if the key in its row is the one that its run will use."""
        return self.storage_key == f"{self.folder}{SOURCE}"

    @classmethod
    def from_json(cls, values: list[Any]) -> Self:
        """From the values of ``COLUMNS``, whatever they are. Raises ``ValueError`` if they are not as many."""
        row = dict(zip(COLUMNS, values, strict=True))
        read = _Reader(row)
        return cls(
            id=str(row["id"]).lower(),
            name=str(row["name"] or "")[:_LONGEST_NAME],
            status=None if row["status"] is None else str(row["status"]),
            created_at=read.one("created_at", optional_from_text),
            tenant_id=video_id(row["tenant_id"]),
            storage_key=str(row["storage_key"] or ""),
            size_bytes=read.one("size_bytes", _whole),
            deleted_at=read.one("deleted_at", optional_from_text),
            total_frames=read.one("total_frames", _whole),
            boundaries_status=None if row["boundaries_status"] is None else str(row["boundaries_status"]),
            has_crops=bool(row["has_crops"]),
            has_twin=bool(row["has_twin"]),
            row_token=str(row["row_token"]),
            unreadable=tuple(read.unreadable),
        )


class _Reader:
    """Reads columns one by one and keeps the names of those that cannot be read."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row
        self.unreadable: list[str] = []

    def one(self, name: str, read: Callable[[Any], Any]) -> Any:
        try:
            return read(self._row[name])
        except (TypeError, ValueError):
            self.unreadable.append(name)
            return None


def _whole(value: Any) -> int | None:
    if value is not None and type(value) is not int:
        raise TypeError(value)
    return value


class DatabaseInUse(NamedTuple):
    """A row of ``video_database_state``: one of the two databases that people edit of a video.

    ``server_version`` counts the edits that were taken in; with any, another run would overwrite them. ``lock`` is who
    holds it: *client*, *server* or None. ``token`` changes with every write to the row.
    """

    video_id: str
    database: str
    server_version: int
    lock: str | None
    has_holder: bool
    locked_at: datetime | None
    token: str

    @classmethod
    def from_json(cls, values: list[Any]) -> Self:
        """What cannot be read counts as an edit and as a lock of a client: then nothing is overwritten."""
        of, database, version, lock, has_holder, locked_at, token = values
        try:
            at = optional_from_text(locked_at)
            is_usable = type(version) is int and lock in {None, CLIENT, SERVER}
        except (TypeError, ValueError):
            at, is_usable = None, False
        if not is_usable:
            return cls(video_id(of), str(database), 1, CLIENT, True, at, str(token))
        return cls(video_id(of), str(database), version, lock, bool(has_holder), at, str(token))

    @property
    def is_edited(self) -> bool:
        """True if people have edited it, or are about to."""
        return self.server_version > 0 or self.lock == CLIENT or self.has_holder


CLIENT, SERVER = "client", "server"
