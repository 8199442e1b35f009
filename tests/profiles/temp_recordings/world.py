"""The planted cases without any server: a group of rows and files for each, judged by the profile in both looks."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, cast

from adapters.buckets.mpeg import FrameCounter
from dev.demo.temp_recordings.audio import Content
from dev.demo.temp_recordings.cases import LATER, Case
from dev.demo.temp_recordings.rows import ZONES, rows_of
from profiles.temp_recordings.files import File, choose, lookups, reduce
from profiles.temp_recordings.names import group_of
from profiles.temp_recordings.options import DEEP, FULL
from profiles.temp_recordings.profile import CLEAN_UP, DELETE_ROWS, PAUSE, PROMOTION, TIME_ZONE, TempRecordings
from profiles.temp_recordings.queries import CHUNKS, MEETINGS, RECORDINGS
from reconciliation.clock import Clock
from reconciliation.coverage import Coverage, Gap
from reconciliation.evidence import Unread
from reconciliation.looks import Audit, Doubt, Group
from reconciliation.lookups import AudioAnswer, AudioFound, StoredObject
from reconciliation.options import Value
from reconciliation.profile import Open
from reconciliation.screened import FirstLook

AS_OF = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
NONE = timedelta()
OLD = "2026-11-27T06:30:00Z"
Subjects = dict[tuple[str, str], str]


def profile_for(columns: str = LATER, clean_up: str = "ended", promotion: str = "per_user") -> TempRecordings:
    given = {CLEAN_UP: clean_up, DELETE_ROWS: "on", PROMOTION: promotion, PAUSE: "0"}
    return TempRecordings({TIME_ZONE: ZONES[columns], **given})


def audit_of(
    profile: TempRecordings,
    *,
    lost: Sequence[str] = (),
    now: datetime = AS_OF,
    only: tuple[str, ...] = (),
    mode: str = FULL,
    **options: Value,
) -> Audit:
    asked = profile.parameters(only=only, mode=mode)
    asked = replace(asked, options={**asked.options, **options})
    clock = Clock(now, asked.grace, timedelta(minutes=10), now, timedelta(minutes=5))
    return Audit(asked, clock, Coverage(0), frozenset(lost))


def objects_of(case: Case, columns: str, changed: str = OLD) -> list[StoredObject]:
    """All files of a case, ascending."""
    return sorted(StoredObject(key, size, changed, "1") for key, size in case.objects(columns))


def groups_of(
    case: Case,
    profile: TempRecordings,
    columns: str,
    objects: Sequence[StoredObject] | None = None,
    now: datetime = AS_OF,
) -> list[Group]:
    """What the sources give of a case, by key; not its units."""
    rows = {
        table: [json.loads(json.dumps(row, default=_iso)) for row in found]
        for table, found in rows_of(case, columns, now).items()
    }
    rows[MEETINGS] = [_as_json(row) for row in rows[MEETINGS]]
    files = objects_of(case, columns) if objects is None else objects
    keys: dict[str, list[str]] = {case.meeting_id: []}
    for one in files:
        keys.setdefault(group_of(one.key), []).append(one.key)
    readers = {name: profile.source(name).row for name in (MEETINGS, CHUNKS, RECORDINGS)}
    tables = [[readers[name](["1", row]) for row in rows[name]] for name in (MEETINGS, CHUNKS, RECORDINGS)]
    return [Group(key, (*(tables if key == case.meeting_id else ([], [], [])), found)) for key, found in keys.items()]


@cache
def read_of(content: Content, version: str) -> AudioAnswer:
    """What is read of a file that holds this."""
    counter, data = FrameCounter(), content.data()
    counter.feed(data)
    members = {"version": version, "bytes": len(data), "sha256": sha256(data).hexdigest()}
    return cast("AudioAnswer", {"state": "read", **members, **counter.counted()._asdict()})


def opened(
    group: Group, audit: Audit, objects: Iterable[StoredObject], contents: Mapping[str, Content] | None = None
) -> Group:
    """The group with the evidence of its unit; ``contents`` by key are what is read in a deep audit."""
    unit = choose(group, audit.asked)
    if not isinstance(unit, Open):
        return group
    found: list[Any] = list(objects)
    if audit.asked.mode == DEEP:
        assert contents is not None
        found = [
            AudioFound(one, read_of(contents[one.key], one.version) if one.key.endswith(".mp3") else None)
            for one in found
        ]
    results = [[one for one in found if _key(one).startswith(each.prefix)] for each in lookups(group.key, unit.hint)]
    return group._replace(evidence=reduce(group.key, results, audit.clock.latest))


def both_looks(profile: TempRecordings, audit: Audit, first: Group, again: Group | None = None) -> Subjects:
    """The verdicts on everything in a group, by kind and id; ``again`` is what the second look reads of it."""
    kept = FirstLook(profile, audit).take(MEETINGS, first)
    if kept is None:
        return {
            (kind.name, subject): judgement.verdict
            for kind, subject, judgement in profile.screen(MEETINGS, first, audit).in_order
        }
    found: Subjects = {}
    for subject in profile.conclude([Doubt(MEETINGS, first, again or first)], audit):
        if isinstance(subject, Gap):
            continue
        judgement = subject.kind.judged(subject.facts, audit.all_lost | subject.lost)
        assert (subject.kind.name, subject.id) not in found
        found[subject.kind.name, subject.id] = judgement.verdict
        assert judgement.rule.why(subject.facts) is not None
        assert subject.kind.members(subject.facts)
    return found


def judged(case: Case, profile: TempRecordings, audit: Audit, columns: str = LATER) -> Subjects:
    """The verdicts on everything that belongs to a case."""
    found: Subjects = {}
    objects = objects_of(case, columns)
    for group in groups_of(case, profile, columns, now=audit.clock.as_of):
        found |= both_looks(profile, audit, opened(group, audit, objects, dict(case.contents(columns))))
    return found


def in_order(profile: TempRecordings) -> set[tuple[str, str]]:
    """The verdicts on what is in order, by kind."""
    return {(kind.name, rule.verdict) for kind, rule in profile.verdicts() if rule.counted}


def out_of_order(found: Mapping[tuple[str, str], str], profile: TempRecordings) -> Subjects:
    return {of: verdict for of, verdict in found.items() if (of[0], verdict) not in in_order(profile)}


def unread(group: Group) -> Group:
    """The group, whose files could not be looked up."""
    return group._replace(evidence=Unread(group.key, "the bucket did not answer", failed=True))


def with_files(group: Group, *changed: File) -> Group:
    """The group with these files instead of those of the same keys."""
    files = {one.key: one for one in (*group.evidence, *changed)}
    return group._replace(evidence=tuple(sorted(files.values())))


def _key(one: StoredObject | AudioFound) -> str:
    return one.key if isinstance(one, StoredObject) else one.stored.key


def _iso(value: Any) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    """Columns of JSON come as what they hold."""
    return row | {name: json.loads(row[name]) for name in ("participants", "recording_files", "transcript_ids")}
