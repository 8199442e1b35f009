"""Every planted case gets the verdict that is expected of it, in both shapes of the table."""

import gzip
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dev.demo.stuck_uploads.cases import CASES, ONLY_LATER, TENANT, Case, PlantedRun, cases_for, hours, minutes
from dev.demo.stuck_uploads.files import LAYOUT
from dev.demo.stuck_uploads.rows import status_in
from profiles.stuck_uploads.dialects import DIALECTS, UNFINISHED
from profiles.stuck_uploads.kinds import OBJECT, RUN
from reconciliation.looks import Group
from tests.profiles.stuck_uploads.world import (
    AS_OF,
    OLDEST,
    Bucket,
    audit_of,
    group_of,
    judged,
    opened,
    profile_for,
    run,
)

NAMED = {case.number: case for case in CASES}


@pytest.mark.parametrize("columns", DIALECTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number:02} {case.expected}")
def test_a_planted_case_is_called_what_it_is(case: Case, columns: str) -> None:
    if columns == "status" and case.number in ONLY_LATER:
        assert case not in cases_for(columns)
        return
    profile = profile_for(columns)
    expected = dict(case.also)
    if case.expected is not None:
        expected["video", case.video_id] = case.expected
    assert judged(case, profile, audit_of(profile)) == expected


@pytest.mark.parametrize("columns", DIALECTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number:02} {case.expected}")
def test_a_fast_audit_says_the_same_of_what_is_not_finished(case: Case, columns: str) -> None:
    profile = profile_for(columns)
    stage = profile.dialect.stages.get(status_in(columns, case.status) or "")
    if case.row is None or stage not in UNFINISHED or case not in cases_for(columns):
        return
    assert judged(case, profile, audit_of(profile, "fast"))["video", case.video_id] == case.expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number:02} {case.expected}")
def test_without_all_runs_nothing_is_called_never_started_or_lost(case: Case) -> None:
    """What a run that was read shows is still said; nothing is concluded from a run that was not."""
    profile = profile_for()
    found = judged(replace(case, runs=()), profile, audit_of(profile, lost=["runs"]))
    by_its_row = {"record_invalid", "too_young", "source_missing", "source_size_mismatch", "still_uploading"}
    by_its_files = {"ready_without_layout", "ready_frames_incomplete", "healthy", "status_regressed", "still_changing"}
    allowed = {"unverified"} | by_its_row | by_its_files
    assert {verdict for (kind, _), verdict in found.items() if kind == "video"} <= allowed


def test_the_age_that_is_asked_for_decides_what_is_young() -> None:
    profile, case = profile_for(), NAMED[1]
    of = ("video", case.video_id)
    assert judged(case, profile, audit_of(profile, age_minutes=46))[of] == "too_young"
    assert judged(case, profile, audit_of(profile, age_minutes=45))[of] == "never_started"
    young = replace(case, age=timedelta())
    assert judged(young, profile, audit_of(profile, age_minutes=0))[of] == "never_started"


def test_how_recent_a_run_may_be_decides_what_is_left_alone() -> None:
    profile, case = profile_for(), NAMED[21]
    of = ("video", case.video_id)
    assert judged(case, profile, audit_of(profile, recent_minutes=3))[of] == "recently_run"
    assert judged(case, profile, audit_of(profile, recent_minutes=1))[of] == "completed_without_effect"


def test_a_run_that_was_called_off_was_no_run() -> None:
    profile = profile_for()
    called_off = PlantedRun("CANCELLED", minutes(2), ended=minutes(1))
    case = replace(NAMED[1], runs=(called_off,) * 3)
    assert judged(case, profile, audit_of(profile))["video", case.video_id] == "never_started"


def test_a_database_of_another_version_is_not_called_damaged() -> None:
    """Its tables are not those that are known here: nothing can be told of it, and nothing is done to it."""
    known = NAMED[4].files["client/layout.db.gz"]
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(gzip.decompress(known))
        database.execute("alter table boxes rename to frames")
        database.commit()
        renamed = gzip.compress(database.serialize())
    case, profile = replace(NAMED[4], files={**NAMED[4].files, "client/layout.db.gz": renamed}), profile_for()
    assert judged(case, profile, audit_of(profile))["video", case.video_id] == "unverified"


def test_a_run_that_is_begun_again_is_not_dead_by_its_first_start() -> None:
    profile = profile_for()
    again = PlantedRun("RUNNING", hours(3), started=hours(3))
    case = replace(NAMED[2], runs=(again,))
    assert judged(case, profile, audit_of(profile))["video", case.video_id] == "run_zombie"
    fresh = replace(run(case, again), since=AS_OF - minutes(2))
    assert not fresh.is_dead(audit_of(profile).clock)


# --- what the first look did not look up ------------------------------------------------------------------------------


def twice(first: Case, then: Case, mode: str, **changes: Any) -> str:
    """The verdict on a video that is ``first`` when it is looked at, and ``then`` when it is looked at again; its row
    has these ``changes`` by then.
    """
    profile = profile_for()
    audit = audit_of(profile, mode)
    before = opened(group_of(first, profile, folders=mode == "full"), profile, audit, Bucket(first))
    rows = ([replace(row, **changes) for row in group_of(then, profile).rows[0]], *before.rows[1:])
    again = opened(before, profile, audit, Bucket(then))._replace(rows=rows)
    return judged(first, profile, audit, again)["video", first.video_id]


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("number", [1, 4, 6, 17, 23])
def test_a_row_that_got_another_tenant_is_not_judged_by_the_folder_of_the_first(number: int, mode: str) -> None:
    case, tenant = NAMED[number], TENANT.replace("7e", "8e")
    moved = {"tenant_id": tenant, "storage_key": f"{tenant}/client/videos/{case.video_id}/video.mp4"}
    assert twice(case, case, mode) == case.expected
    assert twice(case, case, mode, **moved) == "unverified"


@pytest.mark.parametrize("mode", ["fast", "full"])
def test_a_layout_that_appeared_between_the_looks_was_not_read(mode: str) -> None:
    whole = NAMED[4]
    first = replace(whole, files={name: data for name, data in whole.files.items() if name != LAYOUT})
    assert twice(first, first, mode) == "partial_outputs"
    assert twice(first, whole, mode) == "unverified"
    assert twice(whole, whole, mode) == "finished_not_marked"


def test_a_row_that_appeared_between_the_looks_had_no_folder_that_was_looked_up() -> None:
    assert twice(replace(NAMED[1], row=None), NAMED[1], "full") == "unverified"
    young = replace(NAMED[1], age=minutes(2))
    assert twice(replace(NAMED[1], row=None), young, "full") == "too_young"


# --- what was not read of its runs ------------------------------------------------------------------------------------

WITHOUT_HISTORY = frozenset({2, 3, 6, 7, 8, 9, 11, 18, 19, 20, 22, 27, 28, 29, 30, 31, 32, 33})
"""Cases that are told by their rows, their files, or their active runs."""


@pytest.mark.parametrize("oldest", [None, AS_OF])
@pytest.mark.parametrize("case", [case for case in CASES if case.row is not None], ids=lambda case: f"{case.number:02}")
def test_where_ended_runs_were_not_looked_for_nothing_is_concluded_from_them(
    case: Case, oldest: datetime | None
) -> None:
    """All rows are older than the oldest of which runs were read, or there was none with a date."""
    profile = profile_for()
    audit = replace(audit_of(profile), earliest={} if oldest is None else {"videos": oldest})
    only_active = tuple(run for run in case.runs if run.ended is None)
    found = judged(replace(case, runs=only_active), profile, audit)["video", case.video_id]
    assert found == (case.expected if case.number in WITHOUT_HISTORY else "unverified")


@pytest.mark.parametrize(("apart", "expected"), [(timedelta(), "unknown_history"), (-minutes(1), "unverified")])
def test_a_row_that_came_back_older_than_the_oldest_that_was_read_has_no_history(
    apart: timedelta, expected: str
) -> None:
    case = NAMED[1]
    assert twice(case, case, "fast", created_at=OLDEST + apart) == expected


def with_clock_ahead(case: Case, ahead: timedelta) -> str:
    """The verdict on a case where Prefect's clock, by which its runs are dated, is so far ahead."""

    def dated(moment: timedelta | None) -> timedelta | None:
        return None if moment is None else moment - ahead

    profile = profile_for()
    audit = audit_of(profile)
    runs = tuple(
        replace(one, due=one.due - ahead, started=dated(one.started), ended=dated(one.ended)) for one in case.runs
    )
    audit = replace(audit, clock=replace(audit.clock, api_ahead=ahead))
    return judged(replace(case, runs=runs), profile, audit)["video", case.video_id]


@pytest.mark.parametrize("number", [2, 3, 18, 19, 21])
@pytest.mark.parametrize("ahead", [hours(-2), minutes(-20), hours(2)])
def test_runs_are_dated_by_prefects_clock_and_judged_by_ours(number: int, ahead: timedelta) -> None:
    assert with_clock_ahead(NAMED[number], ahead) == NAMED[number].expected


def test_by_a_clock_that_is_far_behind_runs_that_have_ended_were_not_looked_for() -> None:
    """They are looked for from an hour before the oldest row on."""
    assert with_clock_ahead(NAMED[23], minutes(-59)) == "run_lost"
    assert with_clock_ahead(NAMED[23], minutes(-61)) == "unverified"


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("only", [(), (NAMED[1].video_id,)])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, ["run_without_video"]), ({"state": "FAILED"}, []), ({"of": "crop"}, [])],
)
def test_an_active_run_that_names_no_video_is_told_whatever_is_asked_for(
    mode: str, only: tuple[str, ...], changes: dict[str, Any], expected: list[str]
) -> None:
    profile, one = profile_for(), replace(run(NAMED[2], NAMED[2].runs[0]), video_id="", **changes)
    audit = audit_of(profile, mode)
    audit = replace(audit, asked=replace(audit.asked, only=only))
    facts = profile.facts("videos", Group(f"run/{one.id}", ([], [], [one], [])), None, audit)
    assert [RUN.judged(of_run).verdict for kind, _, of_run in facts if kind == RUN.name] == expected


# --- markers of folders -----------------------------------------------------------------------------------------------

MARKERS = {f"{side}/{name}": b"" for side in ("client", "server") for name in ("", "full_frames/", "thumbnails/")}


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize(
    "case", [NAMED[number] for number in (1, 4, 5, 6, 16, 17, 22, 23, 24, 28)], ids=lambda case: f"{case.number:02}"
)
def test_a_marker_of_a_folder_is_no_output(case: Case, mode: str) -> None:
    """It is empty, and its key ends in a slash; whoever browses a bucket makes one by looking at a folder."""
    profile = profile_for()
    audit = audit_of(profile, mode)
    with_markers = replace(case, files={**case.files, **MARKERS})
    found = judged(with_markers, profile, audit)
    assert found.pop(("object", f"{TENANT}/server/videos/{case.video_id}/"), "emptied") == "emptied"
    assert found == judged(case, profile, audit)


def test_what_is_not_empty_is_no_marker_and_neither_is_what_has_another_key() -> None:
    profile = profile_for()
    for name, data in (("client/full_frames/", b"x"), ("client/notes", b"")):
        case = replace(NAMED[23], files={**NAMED[23].files, name: data})
        assert judged(case, profile, audit_of(profile))["video", case.video_id] == "partial_outputs"


@pytest.mark.parametrize("path", [f"{TENANT}/", f"{TENANT}/client/", f"{TENANT}/server/videos/"])
def test_the_marker_of_a_folder_above_is_not_called_unparsed(path: str) -> None:
    profile = profile_for()
    audit = audit_of(profile)
    assert list(profile.facts("videos", Group("", ([], [], [], [path])), None, audit)) == []
    [(_, _, facts)] = profile.facts("videos", Group("", ([], [], [], [f"{path}other"])), None, audit)
    assert OBJECT.judged(facts).verdict == "unparsed_object"
