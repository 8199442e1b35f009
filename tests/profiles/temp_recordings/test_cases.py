"""Every planted case gets the verdict that is expected of it, in the columns and names of both eras."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dev.demo.temp_recordings.cases import (
    CASES,
    COLUMNS,
    DOCUMENTED,
    KEPT_BY_HAND,
    LATER,
    Case,
    cases_for,
    hours,
    minutes,
)
from profiles.temp_recordings.kinds import CHUNK
from profiles.temp_recordings.names import masked
from profiles.temp_recordings.options import DEEP, EXPIRING, FULL, MODES
from profiles.temp_recordings.queries import CHUNKS, FILES, MEETINGS, RECORDINGS
from tests.profiles.temp_recordings.world import (
    audit_of,
    both_looks,
    groups_of,
    judged,
    objects_of,
    opened,
    out_of_order,
    profile_for,
    unread,
)

NAMED = {case.number: case for case in CASES}
ALL = [pytest.param(case, id=f"{case.number:02}") for case in CASES]


@pytest.mark.parametrize("mode", [FULL, DEEP])
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("case", ALL)
def test_a_planted_case_is_called_what_it_is(case: Case, columns: str, mode: str) -> None:
    profile = profile_for(columns)
    found = judged(case, profile, audit_of(profile, mode=mode), columns)
    if case not in cases_for(columns):
        modes = (FULL, DEEP) if case.deep else (FULL,)
        other = [judged(case, profile, audit_of(profile, mode=each), columns) for each in modes]
        assert [out_of_order(one, profile) for one in other] != [case.verdicts(each) for each in modes]
        return
    assert out_of_order(found, profile) == case.verdicts(mode)
    assert len(found) >= len(case.chunks) + len(case.recordings)


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("case", ALL)
@pytest.mark.parametrize("mode", MODES)
def test_asked_for_alone_a_meeting_is_judged_alike(case: Case, columns: str, mode: str) -> None:
    """Then the bucket is not listed; likely places are looked into. What nothing names is not found so."""
    profile = profile_for(columns)
    audit = audit_of(profile, only=() if mode == EXPIRING else (case.meeting_id,), mode=mode)
    [group, *_] = groups_of(case, profile, columns, objects=[])
    found = both_looks(profile, audit, opened(group, audit, objects_of(case, columns), dict(case.contents(columns))))
    everything = judged(case, profile, audit_of(profile, mode=DEEP if mode == DEEP else FULL), columns)
    assert found == {
        of: verdict
        for of, verdict in everything.items()
        if verdict not in {"tmp_leftover", "unparsed_file"} and of != ("file", masked(KEPT_BY_HAND))
    }


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("case", ALL)
def test_where_files_could_not_be_read_nothing_is_concluded_from_them(case: Case, columns: str) -> None:
    profile = profile_for(columns)
    audit = audit_of(profile)
    [group, *_] = groups_of(case, profile, columns)
    found = both_looks(profile, audit, unread(group))
    by_row = {
        "chunk_row_invalid",
        "chunk_in_time",
        "meeting_row_invalid",
        "meeting_live",
        "meeting_paused",
        "in_meeting",
    }
    assert set(found.values()) <= by_row | {"unverified"}


@pytest.mark.parametrize("lost", [CHUNKS, RECORDINGS, MEETINGS])
@pytest.mark.parametrize("case", ALL)
def test_where_rows_could_not_be_read_nothing_is_concluded_from_them(case: Case, lost: str) -> None:
    profile = profile_for()
    found = judged(case, profile, audit_of(profile, lost=[lost]))
    assert set(found.values()) <= {"unverified"}


@pytest.mark.parametrize("is_asked_for", [False, True])
def test_where_a_lost_chunk_was_looked_for_is_said(*, is_asked_for: bool) -> None:
    case, profile = NAMED[5], profile_for()
    audit = audit_of(profile, only=(case.meeting_id,) if is_asked_for else ())
    [group] = groups_of(case, profile, LATER)
    facts = next(
        of for kind, _, of in profile.facts(MEETINGS, opened(group, audit, ()), None, audit) if kind == "chunk"
    )
    rule = CHUNK.judged(facts).rule
    assert rule.verdict == "chunk_lost"
    assert ("at the top of the bucket" in rule.why(facts)) is is_asked_for


def test_what_was_not_listed_is_not_called_lost_everywhere() -> None:
    case, profile = NAMED[5], profile_for()
    found = judged(case, profile, audit_of(profile, lost=[FILES]))
    assert found["chunk", case.chunk_id(case.chunks[0])] == "unverified"


# --- what is about to be deleted --------------------------------------------------------------------------------------

STAYS = {"chunk_lost", "chunk_superseded", "chunk_in_time", "chunk_row_invalid", "file_misplaced"}
"""Verdicts on chunks that have nothing to delete, or of which that is not the first to say."""


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("case", ALL)
def test_where_the_clean_up_deletes_all_every_only_copy_is_expiring(case: Case, columns: str) -> None:
    usual, profile = profile_for(columns), profile_for(columns, "all")
    before = judged(case, usual, audit_of(usual), columns)
    for of, verdict in judged(case, profile, audit_of(profile), columns).items():
        if of[0] == "chunk":
            rescued = "rescued_unpromoted" if case.number in {42, 51} and columns == LATER else "expiring_unpromoted"
            assert verdict == (before[of] if before[of] in STAYS else rescued)


@pytest.mark.parametrize(
    ("number", "ttl_hours", "expected"),
    [
        (13, 24, "chunk_ok"),
        (13, 4, "expiring_unpromoted"),
        (13, 5, "chunk_ok"),
        (1, 27, "chunk_ok"),
        (1, 26, "expiring_unpromoted"),
        (30, 24, "transcoded_not_marked"),
        (31, 1, "chunk_superseded"),
    ],
)
def test_a_chunk_is_expiring_from_three_quarters_of_the_age_at_which_it_is_deleted(
    number: int, ttl_hours: int, expected: str
) -> None:
    case, profile = NAMED[number], profile_for()
    found = judged(case, profile, audit_of(profile, ttl_hours=ttl_hours))
    assert found["chunk", case.chunk_id(case.chunks[0])] == expected


def test_the_wait_that_is_asked_for_decides_what_is_in_time() -> None:
    case, profile = NAMED[3], profile_for()
    of = ("chunk", case.chunk_id(case.chunks[0]))
    assert judged(case, profile, audit_of(profile, wait_seconds=2 * 60 * 60))[of] == "chunk_in_time"
    assert judged(case, profile, audit_of(profile, wait_seconds=60 * 60))[of] == "transcode_stuck"


@pytest.mark.parametrize(
    ("columns", "clean_up", "expected"),
    [
        (LATER, "ended", "chunk_in_time"),
        (LATER, "all", "expiring_unpromoted"),
        (DOCUMENTED, "ended", "chunk_in_time"),
        (DOCUMENTED, "all", "chunk_in_time"),
    ],
)
def test_in_the_hour_in_which_summer_ends_a_chunk_may_be_young_and_is_saved_as_if_it_were_old(
    columns: str, clean_up: str, expected: str
) -> None:
    """It was made ten minutes ago, or seventy: its wall clock has shown that twice. One in UTC has not."""
    now = datetime(2026, 11, 1, 6, 35, tzinfo=UTC)
    chunk = replace(NAMED[3].chunks[0], mp3=None, age=minutes(10))
    case, profile = replace(NAMED[3], chunks=(chunk,)), profile_for(columns, clean_up)
    found = judged(case, profile, audit_of(profile, now=now), columns)
    assert found["chunk", case.chunk_id(chunk)] == expected


def test_a_pause_that_lasts_longer_than_any_meeting_is_a_crash() -> None:
    case, profile = NAMED[22], profile_for()
    longer = replace(case, age=hours(6), chunks=tuple(replace(one, age=hours(6)) for one in case.chunks))
    assert judged(longer, profile, audit_of(profile))["meeting", case.meeting_id] == "meeting_abandoned"


def test_the_flag_and_the_hash_of_a_chunk_are_only_told_where_there_are_columns_for_them() -> None:
    assert {case.number for case in CASES} - {case.number for case in cases_for(LATER)} == {6, 40, 46}
    assert {case.number for case in CASES} - {case.number for case in cases_for(DOCUMENTED)} == {42, 45, 51}
