"""What changes between the two looks is nobody's finding; what is still there in the second one is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dev.demo.temp_recordings.cases import (
    ANN,
    CASES,
    LATER,
    WINDOW,
    Case,
    PlantedChunk,
    PlantedRecording,
    cases_for,
    minutes,
)
from profiles.temp_recordings.durations import MP3_BYTES_PER_MS
from profiles.temp_recordings.facts import ChunkFacts
from profiles.temp_recordings.files import File
from profiles.temp_recordings.kinds import CHUNK
from profiles.temp_recordings.queries import MEETINGS
from reconciliation.looks import Doubt, Group, Subject
from reconciliation.rules import SEVERITY_ORDER
from tests.profiles.temp_recordings.world import (
    AS_OF,
    OLD,
    Subjects,
    audit_of,
    both_looks,
    groups_of,
    objects_of,
    opened,
    profile_for,
    unread,
    with_files,
)

NAMED = {case.number: case for case in CASES}
PROFILE = profile_for()
AUDIT = audit_of(PROFILE)


def group_of(case: Case, token: str = "1") -> Group:
    [group, *_] = groups_of(case, PROFILE, LATER)
    rows = tuple([replace(row, token=token) for row in rows] for rows in group.rows[:3])
    return opened(group._replace(rows=(*rows, group.rows[3])), AUDIT, objects_of(case, LATER))


def looked(first: Group, again: Group) -> Subjects:
    return both_looks(PROFILE, AUDIT, first, again)


def of_chunk(case: Case, number: int = 0) -> tuple[str, str]:
    return "chunk", case.chunk_id(case.chunks[number])


def mp3_of(case: Case, ms: int, version: str = "2", changed: str = OLD) -> File:
    key = f"temp/{case.name_of(case.chunks[0], LATER)}".replace(".pcm", ".mp3")
    return File(key, ms * MP3_BYTES_PER_MS, changed, version)


@pytest.mark.parametrize("number", [2, 3, 23])
@pytest.mark.parametrize("ms", [WINDOW - 1, WINDOW // 2 + 1_000])
def test_an_mp3_that_grows_between_the_looks_is_not_judged(number: int, ms: int) -> None:
    first = group_of(NAMED[number])
    found = looked(first, with_files(first, mp3_of(NAMED[number], ms)))
    assert found[of_chunk(NAMED[number])] == "chunk_changing"


def test_an_mp3_that_was_written_a_moment_ago_is_not_judged() -> None:
    case = NAMED[2]
    group = group_of(case)
    just_now = (AS_OF - minutes(1)).isoformat()
    fresh = with_files(group, mp3_of(case, WINDOW, "1", just_now))
    assert looked(fresh, fresh)[of_chunk(case)] == "chunk_changing"


def test_a_row_that_the_worker_has_just_written_is_not_judged() -> None:
    case = NAMED[2]
    done = replace(case, chunks=(replace(case.chunks[0], status="done"),))
    assert looked(group_of(case), group_of(done, "2"))[of_chunk(case)] == "chunk_changing"


def test_raw_audio_that_was_removed_after_it_was_listed_is_no_loss() -> None:
    """The second listing is older than the second reading of the row."""
    case = replace(NAMED[3], chunks=(replace(NAMED[3].chunks[0], mp3=None),))
    done = replace(case, chunks=(replace(case.chunks[0], status="done", cleaned=True),))
    found = looked(group_of(case), group_of(done, "2"))
    assert found[of_chunk(case)] == "chunk_changing"


def test_chunks_whose_promotion_was_seen_half_are_not_judged() -> None:
    """Its recording has just appeared, and the file of that after the listing."""
    case = NAMED[1]
    promoted = replace(case, recordings=(PlantedRecording(3 * WINDOW, None, age=timedelta()),))
    found = looked(group_of(case), group_of(promoted))
    assert {found[of_chunk(case, number)] for number in range(3)} == {"chunk_changing"}
    assert found["participant", f"{case.meeting_id}/{ANN}"] == "in_meeting"


def test_chunks_that_vanished_when_they_were_promoted_get_no_verdict() -> None:
    case = NAMED[1]
    after = replace(
        case, status="completed", chunks=(), recordings=(PlantedRecording(WINDOW, WINDOW, age=timedelta()),)
    )
    found = looked(group_of(case), group_of(after, "2"))
    assert [of for of in found if of[0] == "chunk"] == []
    assert set(found.values()) <= {"meeting_changing", "participant_changing", "recording_changing"}


def test_what_is_as_it_was_is_judged() -> None:
    for case in cases_for(LATER):
        if case.number != 20:  # most of it is of no meeting
            assert looked(group_of(case), group_of(case)).items() >= case.verdicts().items()


# --- the order of the most urgent -------------------------------------------------------------------------------------


def finding(case: Case, clean_up: str = "ended", **options: Any) -> tuple[Any, ChunkFacts]:
    profile = profile_for(clean_up=clean_up)
    audit = audit_of(profile, **options)
    group = group_of(case)
    subjects = profile.conclude([Doubt(MEETINGS, group, group)], audit)
    facts = next(one.facts for one in subjects if getattr(one, "id", "") == of_chunk(case)[1])  # type: ignore[union-attr]
    return CHUNK.judged(facts).rule, facts


def test_only_what_is_about_to_be_deleted_has_a_date_so_it_comes_first() -> None:
    """Reports list the most urgent severity first, and in it what is dated."""
    case = NAMED[1]
    rule, facts = finding(case)
    assert (rule.verdict, rule.severity, rule.alarm) == ("expiring_unpromoted", SEVERITY_ORDER[0], True)
    assert rule.due(facts) == AS_OF + timedelta(hours=4)
    assert "from 2026-11-27T13:30:00Z on" in rule.why(facts)
    dated = {one.verdict for kind, one in PROFILE.verdicts() if kind is CHUNK and one.due(facts) is not None}
    assert dated == {"expiring_unpromoted", "chunk_row_invalid", "unverified"}
    young = finding(NAMED[13])[1]
    assert [one.verdict for kind, one in PROFILE.verdicts() if kind is CHUNK and one.due(young) is not None] == []


def test_a_row_that_cannot_be_worked_with_and_files_that_could_not_be_read_hide_no_deletion() -> None:
    group = group_of(replace(NAMED[1], chunks=NAMED[1].chunks[:1]))
    [chunk] = group.rows[1]
    other = replace(chunk, user_id="900000000000000009")
    for given in (group._replace(rows=(group.rows[0], [other], *group.rows[2:])), unread(group)):
        subjects = PROFILE.conclude([Doubt(MEETINGS, given, given)], AUDIT)
        [facts] = [one.facts for one in subjects if isinstance(one, Subject) and one.kind is CHUNK]
        rule = CHUNK.judged(facts).rule
        assert rule.verdict in {"chunk_row_invalid", "unverified"}
        assert rule.due(facts) == AS_OF + timedelta(hours=4)


def test_what_should_be_deleted_already_is_due_with_the_next_clean_up() -> None:
    rule, facts = finding(NAMED[29])
    assert rule.due(facts) == AS_OF + timedelta(hours=1)
    assert "the next clean-up deletes it" in rule.why(facts)


def test_where_all_is_deleted_each_hour_a_chunk_that_waits_is_due_within_the_hour() -> None:
    chunk = PlantedChunk(0, "queued", pcm=WINDOW, mp3=None, age=minutes(50), cleaned=False, says=None)
    case = replace(NAMED[3], chunks=(chunk,))
    rule, facts = finding(case, "all")
    assert (rule.verdict, rule.due(facts)) == ("expiring_unpromoted", AS_OF + minutes(10))
    assert "deletes it by 2026-11-27T09:40:00Z" in rule.why(facts)
    younger = replace(case, chunks=(replace(chunk, age=minutes(44)),))
    assert finding(younger, "all")[0].verdict == "transcode_stuck"
