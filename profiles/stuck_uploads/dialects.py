"""The two shapes of the table ``videos``: how its columns are read, and what its statuses mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """How far a video is, whatever its system calls it."""

    UPLOADING = "uploading"  # the row may be older than its file
    WAITING = "waiting"  # the file was uploaded, and nothing says that it was processed
    READY = "ready"  # it was processed: people may edit what came of it
    FAILED = "failed"
    DELETED = "deleted"


UNFINISHED = frozenset({Stage.UPLOADING, Stage.WAITING, Stage.FAILED})
"""Stages in which a video may need a run."""


@dataclass(frozen=True)
class Dialect:
    """``columns`` are the SQL of the columns by the names of ``Video``, each an expression over ``v``.

    ``stages`` are the known statuses; any other one, and none at all, makes a row invalid. ``annotate`` and ``done``
    are the statuses of a video that waits for people, and of one whose layout was approved; "" if there is none.
    """

    name: str
    columns: Mapping[str, str]
    stages: Mapping[str, Stage]
    annotate: str
    done: str = ""

    @property
    def status_column(self) -> str:
        """The name of the column that the status is written to."""
        return self.columns["status"].removeprefix("v.").removesuffix("::text")

    @property
    def statuses(self) -> tuple[str, ...]:
        return tuple(self.stages)

    def of(self, *stages: Stage) -> list[str]:
        """The statuses of these stages."""
        return [status for status, stage in self.stages.items() if stage in stages]


STATUS = Dialect(
    "status",
    {
        "name": "v.name",
        "status": "v.status::text",
        "created_at": "v.created_at",
        "total_frames": "null",
        "boundaries_status": "null",
        "has_crops": "false",
    },
    {
        "uploading": Stage.UPLOADING,
        "pending": Stage.WAITING,
        "processing": Stage.WAITING,
        "active": Stage.READY,
        "archived": Stage.READY,
        "failed": Stage.FAILED,
        "soft_deleted": Stage.DELETED,
        "purged": Stage.DELETED,
    },
    annotate="active",
)
"""The documented columns: one status for all, and the row may be inserted before the upload."""

LAYOUT_STATUS = Dialect(
    "layout_status",
    {
        "name": "coalesce(v.display_path, v.video_path)",
        "status": "v.layout_status::text",
        "created_at": "v.uploaded_at",
        "total_frames": "v.total_frames",
        "boundaries_status": "v.boundaries_status::text",
        "has_crops": "v.current_cropped_frames_version is not null",
    },
    {
        "wait": Stage.WAITING,
        "annotate": Stage.READY,
        "review": Stage.READY,
        "done": Stage.READY,
        "error": Stage.FAILED,
    },
    annotate="annotate",
    done="done",
)
"""The system's later columns: a status for each step, of which that of the layout is the first. The row is inserted
after the upload, and says *wait* until its first run has ended.
"""

DIALECTS = {one.name: one for one in (STATUS, LAYOUT_STATUS)}
