"""What is judged, and what a finding shows of each."""

from typing import Annotated, Any, TypedDict

from profiles.stuck_uploads.facts import ObjectFacts, RunFacts, VideoFacts
from profiles.stuck_uploads.keys import UUID_TEXT
from profiles.stuck_uploads.objects import Stored
from profiles.stuck_uploads.other_rules import OBJECT_RULES, RUN_RULES, UNREAD_OBJECT, UNREAD_RUN
from profiles.stuck_uploads.runs import Run
from profiles.stuck_uploads.video_rules import RULES, UNVERIFIED
from reconciliation.rules import Kind
from reconciliation.shapes import Count, Form, Moment
from reconciliation.times import optional_text

UUID = f"^{UUID_TEXT}$"
_MOST_RUNS = 10


class RunShown(TypedDict):
    """A run of it."""

    id: str
    state: str
    since: Moment | None
    started: Moment | None
    ended: Moment | None


class VideoShown(TypedDict):
    """What is known of a video."""

    name: Annotated[str, "As its owner calls it."]
    status: str | None
    created_at: Moment | None
    age_minutes: Annotated[Count | None, "How old its row is; null if it has no usable date."]
    tenant_id: Annotated[str, Form(f"^({UUID_TEXT})?$")]
    size_bytes: Annotated[Count | None, "What its row says."]
    source_bytes: Annotated[Count | None, "What its file has; null if there is none."]
    outputs: Annotated[Count, "Objects of it besides its file."]
    is_edited: Annotated[bool, "True if people have edited it, or are about to: then no run may be started."]
    runs: Annotated[list[RunShown], "Its newest runs."]


class ObjectShown(TypedDict):
    """What is known of a folder or an object that no row owns."""

    video_id: Annotated[str | None, "The video that its path names."]
    objects: Annotated[Count | None, "How many objects are in it."]
    newest: Annotated[Moment | None, "The last change."]


class RunWithoutRowShown(TypedDict):
    """What is known of a run that belongs to no row."""

    state: str
    video_id: Annotated[str | None, "What its parameters say."]
    created_at: Moment | None


def _video(facts: VideoFacts) -> dict[str, Any]:
    video, source = facts.video, facts.folder.source if facts.folder else None
    newest = [run for run in facts.runs if run.is_active] + [*reversed(facts.ended)]
    return {
        "name": video.name,
        "status": video.status,
        "created_at": optional_text(video.created_at),
        "age_minutes": None if facts.age is None else int(facts.age.total_seconds() // 60),
        "tenant_id": video.tenant_id,
        "size_bytes": video.size_bytes,
        "source_bytes": None if source is None else source.size,
        "outputs": facts.outputs,
        "is_edited": facts.is_edited,
        "runs": [_run(run) for run in newest[:_MOST_RUNS]],
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "state": run.state,
        "since": optional_text(run.since),
        "started": optional_text(run.started),
        "ended": optional_text(run.ended),
    }


def _object(facts: ObjectFacts) -> dict[str, Any]:
    stored = facts.stored if isinstance(facts.stored, Stored) else None
    return {
        "video_id": facts.folder.video if facts.folder else None,
        "objects": stored.objects if stored else None,
        "newest": optional_text(stored.newest) if stored else None,
    }


def _run_without_row(facts: RunFacts) -> dict[str, Any]:
    run = facts.run
    return {"state": run.state, "video_id": run.video_id or None, "created_at": optional_text(run.created)}


VIDEO = Kind("video", "video", RULES, _video, keeps_ids=True, unverified=UNVERIFIED, shape=VideoShown, ids=UUID)
OBJECT = Kind("object", "folder", OBJECT_RULES, _object, unverified=UNREAD_OBJECT, shape=ObjectShown)
RUN = Kind("run", "run", RUN_RULES, _run_without_row, unverified=UNREAD_RUN, shape=RunWithoutRowShown)
KINDS = (VIDEO, OBJECT, RUN)
