"""The planted cases without any server: a group of rows and files for each, judged by the profile in both looks."""

import gzip
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.demo.stuck_uploads.cases import TENANT, Case, PlantedRun
from dev.demo.stuck_uploads.rows import status_in
from dev.demo.stuck_uploads.runs import FORMER
from profiles.stuck_uploads.profile import COLUMNS, CROP_DEPLOYMENT, DEPLOYMENT, NAMESPACE, PAUSE, StuckUploads
from profiles.stuck_uploads.runs import Run
from profiles.stuck_uploads.scan import choose, lookups, reduce
from profiles.stuck_uploads.videos import DatabaseInUse, Video
from reconciliation.clock import Clock
from reconciliation.coverage import Coverage, Gap
from reconciliation.looks import Audit, Doubt, Group
from reconciliation.lookups import ObjectsUnder, SqliteRows, StoredObject
from reconciliation.options import Value
from reconciliation.profile import Open
from reconciliation.screened import FirstLook

AS_OF = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
NONE = timedelta()
OLDEST = AS_OF - timedelta(days=120)


def profile_for(columns: str = "layout_status") -> StuckUploads:
    given = {
        DEPLOYMENT: "process-video/production",
        CROP_DEPLOYMENT: "crop-frames/production",
        COLUMNS: columns,
        NAMESPACE: "prod",
        PAUSE: "0",
    }
    return StuckUploads(given)


def audit_of(profile: StuckUploads, mode: str = "full", *, lost: Sequence[str] = (), **options: Value) -> Audit:
    asked = profile.parameters(mode=mode)
    asked = replace(asked, options={**asked.options, **options})
    clock = Clock(AS_OF, asked.grace, NONE, AS_OF, timedelta(minutes=5))
    service = [["deployment", "process", "d-1", False, "pool"], ["deployment", "crop", "d-2", False, "pool"]]
    worker = ["worker", "pool", "w-1", "ONLINE"]
    tables = {"deployment": [*service, worker]}
    return Audit(asked, clock, Coverage(0), frozenset(lost), tables=tables, earliest={"videos": OLDEST})


def video(case: Case, columns: str = "layout_status", **changes: Any) -> Video:
    """The row of a case."""
    row: dict[str, Any] = dict(case.row or {})
    made = Video(
        id=case.video_id,
        name=f"{case.number:02}",
        status=status_in(columns, case.status),
        created_at=AS_OF - case.age,
        tenant_id=TENANT,
        storage_key=f"{TENANT}/client/videos/{case.video_id}/video.mp4",
        size_bytes=len(case.files.get("client/video.mp4", b"seven b")),
        deleted_at=AS_OF if row.pop("deleted", False) else None,
        total_frames=None,
        boundaries_status="wait" if columns == "layout_status" else None,
        has_crops=False,
        has_twin=False,
        row_token="1",
    )
    return replace(made, **row, **changes)


def run(case: Case, planted: PlantedRun, number: int = 0) -> Run:
    def at(ago: timedelta | None) -> datetime | None:
        return None if ago is None else AS_OF - ago

    since = at(planted.ended or planted.started or planted.due)
    return Run(
        id=f"{case.number:02}-{number}",
        of="process" if planted.of == FORMER else planted.of,
        video_id=case.video_id,
        state=planted.state,
        state_name=planted.state.title(),
        created=at(planted.due),
        due=at(planted.due),
        started=at(planted.started),
        ended=at(planted.ended),
        since=since,
        key="",
        begun=planted.started is not None,
    )


def objects(case: Case) -> list[StoredObject]:
    """All objects of a case, ascending."""
    made = [StoredObject(key, len(data), "2026-11-27T07:00:00Z", "1") for key, data in case.objects()]
    return sorted(made)


class Bucket:
    """Answers look-ups from the files of cases."""

    def __init__(self, *cases: Case) -> None:
        self.files = {key: data for case in cases for key, data in case.objects()}
        self.listed = [one for case in cases for one in objects(case)]

    def look(self, lookup: Any) -> Any:
        if isinstance(lookup, ObjectsUnder):
            return [one for one in self.listed if one.key.startswith(lookup.prefix)]
        assert isinstance(lookup, SqliteRows)
        if lookup.key not in self.files:
            return {"state": "missing", "why": "", "version": "", "rows": []}
        try:
            with closing(sqlite3.connect(":memory:")) as database:
                database.deserialize(gzip.decompress(self.files[lookup.key]))
                rows = [answer_of(database, statement) for statement in lookup.statements]
        except (OSError, EOFError, sqlite3.DatabaseError) as error:
            return {"state": "damaged", "why": str(error), "version": "1", "rows": []}
        return {"state": "read", "why": "", "version": "1", "rows": rows}


def answer_of(database: sqlite3.Connection, statement: str) -> list[list[Any]] | None:
    """None for a statement that the database cannot answer."""
    try:
        return [list(row) for row in database.execute(statement)]
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        return None


def group_of(case: Case, profile: StuckUploads, *, folders: bool = True) -> Group:
    """What the sources give of a case; not its units."""
    columns = profile.dialect.name
    rows = [] if case.row is None else [video(case, columns)]
    edits = [] if case.edits is None else [DatabaseInUse(case.video_id, "layout", case.edits, None, False, None, "1")]
    runs = [run(case, one, number) for number, one in enumerate(case.runs) if one.of in {"process", "crop", FORMER}]
    sides = dict.fromkeys("/".join(key.split("/")[:4]) + "/" for key, _ in case.objects()) if folders else ()
    return Group(case.video_id, (rows, edits, runs, list(sides)))


def opened(group: Group, profile: StuckUploads, audit: Audit, bucket: Bucket) -> Group:
    """The group with the evidence of its unit."""
    unit = choose(group, audit.asked, profile.dialect)
    if not isinstance(unit, Open):
        return group
    results = [bucket.look(lookup) for lookup in lookups(group.key, unit.hint)]
    return group._replace(evidence=reduce(group.key, results, AS_OF))


def judged(case: Case, profile: StuckUploads, audit: Audit, again: Group | None = None) -> dict[tuple[str, str], str]:
    """The verdicts on everything that belongs to a case, by kind and id, after both looks.

    ``again`` is what the second look reads; without it, the same as the first.
    """
    bucket = Bucket(case)
    first = opened(group_of(case, profile, folders=audit.asked.mode == "full"), profile, audit, bucket)
    kept = FirstLook(profile, audit).take("videos", first)
    if kept is None:
        in_order = profile.screen("videos", first, audit).in_order
        return {(kind.name, subject): judgement.verdict for kind, subject, judgement in in_order}
    late = [json.loads(json.dumps(bucket.look(lookup))) for lookup in kept.again.late]
    doubt = Doubt("videos", first, (again or first)._replace(late=late))
    found: dict[tuple[str, str], str] = {}
    for subject in profile.conclude([doubt], audit):
        assert not isinstance(subject, Gap)
        verdict = subject.kind.judged(subject.facts, audit.all_lost | subject.lost).verdict
        found[subject.kind.name, subject.id] = verdict
        assert subject.kind.members(subject.facts)
    return found
