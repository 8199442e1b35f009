"""The repairs: one run for a video that needs one, and the status of one that is processed already.

Neither changes what people could have edited, and neither deletes anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from profiles.stuck_uploads import starting, statements
from profiles.stuck_uploads.braking import brake
from profiles.stuck_uploads.dialects import Dialect
from profiles.stuck_uploads.facts import MOST_ATTEMPTS, VideoFacts
from profiles.stuck_uploads.keys import LAYOUT, OCR, SERVER, SOURCE, folder_of
from profiles.stuck_uploads.kinds import VIDEO
from profiles.stuck_uploads.scan import BUCKET
from profiles.stuck_uploads.video_rules import MARK_PROCESSED, START_RUN
from reconciliation.effects import Effect, Scalar
from reconciliation.evidence import Unread
from reconciliation.lookups import Lookup, ObjectsUnder
from reconciliation.repair import Change, Repair, Repairable

REPAIR_PREFECT, REPAIR_DATABASE = "STUCK_UPLOADS_REPAIR_PREFECT", "STUCK_UPLOADS_REPAIR_DATABASE"
_EDITED = "People have edited it, or are about to: nothing may overwrite that."
_GONE_ON = "Something was made of it that follows its approval: a person must decide what its status is to be."
_UNREAD = "Its folder could not be read just now."
_LEFT_TO_PEOPLE = "See what becomes of its run. Once it runs it cannot be taken back."


def repairs(dialect: Dialect, namespace: str, deployment: str) -> tuple[Repair[VideoFacts], ...]:
    """The repairs for a system with these columns, in this namespace, whose runs are those of a deployment."""
    return (
        Repair[VideoFacts](
            name=START_RUN,
            means="Creates one run of the deployment that processes videos.",
            kind=VIDEO.name,
            setting=REPAIR_PREFECT,
            statements=(statements.start_run(dialect), statements.CANCEL_RUN),
            lookups=_folder,
            change=lambda repairable: _start(repairable, namespace),
            expects=frozenset({"processing", "run_not_picked_up", "recently_run", "still_changing", "healthy"}),
            two_persons=False,
            by_policy=True,
            has_rivals=True,
            asks_first=frozenset({"unknown_history"}),
            for_people=_as_it_was,
            brake=lambda started: brake(deployment, started),
        ),
        Repair[VideoFacts](
            name=MARK_PROCESSED,
            means="Sets the status of a video whose processing has left everything that it leaves.",
            kind=VIDEO.name,
            setting=REPAIR_DATABASE,
            statements=(statements.mark_processed(dialect), statements.mark_back(dialect)),
            lookups=_both_folders,
            change=_mark,
            expects=frozenset({"healthy"}),
        ),
    )


def _folder(facts: VideoFacts, _row: Any) -> tuple[Lookup, ...]:
    return (ObjectsUnder(BUCKET, facts.video.folder),)


def _both_folders(facts: VideoFacts, _row: Any) -> tuple[Lookup, ...]:
    server = folder_of(facts.video.tenant_id, facts.video.id, SERVER)
    return ObjectsUnder(BUCKET, facts.video.folder), ObjectsUnder(BUCKET, server)


def _in_the_way(facts: VideoFacts) -> str | None:
    """Why neither repair may touch it: what people have done would be overwritten."""
    if facts.is_edited:
        return _EDITED
    return _GONE_ON if facts.has_gone_on or facts.is_approved or facts.crops else None


def _as_it_was(facts: VideoFacts) -> str | None:
    """Why no policy starts one more run: also runs that complete leave some videos as they were, and others always
    break off at the same place.
    """
    number = len(facts.ended)
    if number < MOST_ATTEMPTS:
        return None
    return f"{number} of its runs have ended, and it is as it was: a person must look before there is another."


def _start(repairable: Repairable[VideoFacts], namespace: str) -> Change | str:
    facts, [objects] = repairable.facts, repairable.results
    video, service = facts.video, facts.service
    if (why := _in_the_way(facts)) is not None:
        return why
    if service is None:
        return "What the deployment and its workers are doing could not be read."
    if objects is None or isinstance(objects, Unread):
        return _UNREAD
    version = statements.version_of(objects, video.folder, SOURCE)
    if not version:
        return "Its file is not there any more."
    keys = [run.key for run in facts.runs]
    generation = starting.generation_after(keys, namespace, service.id, video.id)
    values: dict[str, Scalar] = {
        "namespace": namespace,
        "deployment_id": service.id,
        "video_id": video.id,
        "tenant_id": video.tenant_id,
        "storage_key": video.storage_key,
        "path": video.folder,
        "generation": generation,
        "recent_minutes": int(facts.recent_minutes.total_seconds() // 60),
        "row_token": video.row_token,
        "status": video.status,
        "source_version": version,
    }
    seen = {name: values[name] for name in ("row_token", "status", "source_version", "generation")}
    ahead = round(starting.AHEAD.total_seconds())
    return Change(
        says=f"Create one run for video {video.id}, scheduled {ahead} seconds ahead (attempt {generation + 1}).",
        seen=seen | {"runs": len(facts.ended)},
        do=(Effect(START_RUN, values),),
        undo=Effect(statements.CANCEL_RUN.name, {"video_id": video.id}),
        shown=_shown(facts, objects),
        left_to_people=_LEFT_TO_PEOPLE if service.online else f"{_LEFT_TO_PEOPLE} No worker is online now.",
        waiting_since=video.created_at,
    )


def _mark(repairable: Repairable[VideoFacts]) -> Change | str:
    facts, [client, server] = repairable.facts, repairable.results
    video = facts.video
    if (why := _in_the_way(facts)) is not None:
        return why
    if not facts.recognised:
        return "No text was recognised in it, so nothing tells how many frames it should have: a person must look."
    if any(one is None or isinstance(one, Unread) for one in (client, server)):
        return _UNREAD
    of_server = folder_of(video.tenant_id, video.id, SERVER)
    versions = {
        "layout_version": statements.version_of(client, video.folder, LAYOUT),
        "ocr_version": statements.version_of(server, of_server, OCR),
    }
    if not all(versions.values()):
        return "What its processing had left is not all there any more."
    values: dict[str, Scalar] = {
        "video_id": video.id,
        "row_token": video.row_token,
        "status": video.status,
        "processed": facts.dialect.annotate,
    }
    return Change(
        says=f"Set the status of video {video.id} {video.status} -> {facts.dialect.annotate}.",
        seen={"row_token": video.row_token, "status": video.status, **versions},
        do=(Effect(MARK_PROCESSED, values),),
        undo=Effect(statements.MARK_BACK, {name: values[name] for name in ("video_id", "status", "processed")}),
        shown=_shown(facts, client),
        left_to_people="Open it as its owner would.",
        waiting_since=video.created_at,
    )


def _shown(facts: VideoFacts, objects: Sequence[Any]) -> Mapping[str, Any]:
    """The facts to decide by."""
    return {
        "name": facts.video.name,
        "age_minutes": None if facts.age is None else int(facts.age.total_seconds() // 60),
        "objects": len(objects),
        "broken_runs": facts.broken,
        "workers_online": facts.service.online if facts.service else None,
    }
