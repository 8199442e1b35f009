"""Which folders of the bucket are opened, and what is looked up of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from profiles.stuck_uploads.dialects import UNFINISHED, Dialect, Stage
from profiles.stuck_uploads.keys import DEPTH, folder_in
from profiles.stuck_uploads.objects import Evidence, Stored, is_marker, stored
from profiles.stuck_uploads.options import FULL
from profiles.stuck_uploads.videos import Video
from reconciliation.evidence import Unread
from reconciliation.looks import Group
from reconciliation.lookups import ObjectsUnder, StoredObject
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open, Skip

BUCKET = "STUCK_UPLOADS_BUCKET"
DELETED = "its video was deleted"
FINISHED = "its video is processed"
HARMLESS = frozenset({DELETED, FINISHED})


def video_of(group: Group) -> Video | None:
    return group.rows[0][0] if group.rows[0] else None


def choose(group: Group, asked: AuditParameters, dialect: Dialect) -> Open | Skip | None:
    """The folders of a video: the one that its row names, and all others with its id. A fast audit opens those of
    videos that are not finished, and of those that were asked for.
    """
    video, found = video_of(group), list(dict.fromkeys(group.rows[3]))
    if video is None:
        return Open(found) if found else None
    stage = dialect.stages.get(video.status or "")
    if video.deleted_at is not None or stage is Stage.DELETED:
        return Skip(DELETED)
    if asked.mode != FULL and not asked.only and stage is not None and stage not in UNFINISHED:
        return Skip(FINISHED)
    # Keys tell case apart: a folder under another spelling is another one.
    own = [video.folder] if video.tenant_id else []
    paths = list(dict.fromkeys([*own, *found]))
    return Open(paths) if paths else None


def lookups(_unit: str, paths: Any) -> tuple[ObjectsUnder, ...]:
    return tuple(ObjectsUnder(BUCKET, path) for path in paths)


def reduce(_unit: str, results: Sequence[Any], latest: datetime) -> Evidence:
    """The folders in which there is anything."""
    return tuple(one for one in (in_folder(objects, latest) for objects in results) if isinstance(one, Stored))


def in_folder(objects: Any, latest: datetime) -> Stored | Unread | None:
    """The result of one look-up, also of a late one; None for a folder with nothing in it."""
    if not objects or isinstance(objects, Unread):
        return objects or None
    found = [one for one in (StoredObject(*given) for given in objects) if not is_marker(one)]
    if not found:
        return None
    path = "/".join(found[0].key.split("/")[:DEPTH]) + "/"
    return stored(path, found, latest)


def key_of_path(path: Any) -> str:
    """The id of the video that a path names; "" if it names none."""
    folder = folder_in(path)
    return folder.video if folder else ""
