"""Mode deep: what bytes tell, and what is said where they could not be read."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.demo.temp_recordings.audio import Mp3
from dev.demo.temp_recordings.cases import ANN, CASES, LATER, WINDOW, Case, PlantedChunk, PlantedRecording, cases_for
from profiles.temp_recordings.files import Audio, File, choose, lookups, pack, unpack
from profiles.temp_recordings.kinds import CHUNK, RECORDING
from profiles.temp_recordings.options import DEEP, FULL
from profiles.temp_recordings.queries import MEETINGS
from reconciliation.coverage import Gap
from reconciliation.looks import Doubt, Group
from reconciliation.lookups import AudioUnder, ObjectsUnder
from reconciliation.profile import Open
from tests.profiles.temp_recordings.world import (
    OLD,
    Subjects,
    audit_of,
    both_looks,
    groups_of,
    objects_of,
    opened,
    profile_for,
)

NAMED = {case.number: case for case in CASES}
PROFILE = profile_for()
AUDIT = audit_of(PROFILE, mode=DEEP)
AUDIOS = st.builds(
    Audio,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 2**32),
    st.booleans(),
    st.integers(0, 10**9),
)
FILES = st.builds(File, st.text(), st.integers(0), st.just(OLD), st.text(), st.none() | AUDIOS, st.text(max_size=9))


def group_of(case: Case) -> Group:
    [group, *_] = groups_of(case, PROFILE, LATER)
    return opened(group, AUDIT, objects_of(case, LATER), dict(case.contents(LATER)))


def unread_in(group: Group, key: str) -> Group:
    """The group, of whose files one could not be read."""
    files = [
        one._replace(audio=None, unread="storage did not answer") if one.key == key else one for one in group.evidence
    ]
    return group._replace(evidence=tuple(files))


@given(st.lists(FILES).map(tuple))
def test_what_was_read_survives_the_run_store(evidence: tuple[File, ...]) -> None:
    assert unpack("", json.loads(json.dumps(pack(evidence)))) == evidence


@pytest.mark.parametrize("mode", [FULL, DEEP])
def test_bytes_are_read_in_mode_deep_alone_and_of_mp3_alone(mode: str) -> None:
    [group, *_] = groups_of(NAMED[42], PROFILE, LATER)
    unit = choose(group, audit_of(PROFILE, mode=mode).asked)
    assert isinstance(unit, Open)
    asked = lookups(group.key, json.loads(json.dumps(unit.hint)))
    assert {type(one) for one in asked} == {AudioUnder if mode == DEEP else ObjectsUnder}
    assert {one.suffixes for one in asked if isinstance(one, AudioUnder)} <= {(".mp3",)}
    assert f"rescue/{group.key}/" in {one.prefix for one in asked}


def test_a_report_says_what_was_read_and_what_that_cannot_tell() -> None:
    [full], [deep] = PROFILE.notes(audit_of(PROFILE)), PROFILE.notes(AUDIT)
    assert "No file was opened (mode full)" in full
    assert "no SHA-256 was compared" in full
    assert "Every MP3 was read to its last byte (mode deep)" in deep
    assert "Nothing was decoded" in deep


# --- what could not be read -------------------------------------------------------------------------------------------


def read_files() -> Iterator[tuple[Case, str]]:
    for case in cases_for(LATER):
        if case.number != 20:  # its files are of no meeting
            yield from ((case, one.key) for one in group_of(case).evidence if one.audio is not None)


ONE_OF_EACH = {(case.number, key.rpartition("/")[0]): (case, key) for case, key in read_files()}


@pytest.mark.parametrize(
    ("case", "key"), [pytest.param(*one, id=f"{one[0].number:02} {one[1]}") for one in ONE_OF_EACH.values()]
)
def test_what_depends_on_a_file_that_could_not_be_read_is_unverified_and_nothing_else(case: Case, key: str) -> None:
    group = group_of(case)
    usual = both_looks(PROFILE, AUDIT, group)
    found = both_looks(PROFILE, AUDIT, unread_in(group, key))
    assert found.keys() == usual.keys()
    changed = {of: verdict for of, verdict in found.items() if verdict != usual[of]}
    sure = {"chunk_in_time", "chunk_row_invalid"}
    # A copy whose bytes are not known saves nothing.
    assert {(usual[of], verdict) for of, verdict in changed.items() if verdict != "unverified"} <= {
        ("rescued_unpromoted", "expiring_unpromoted")
    }
    about = [of for of in usual if is_about(case, of, key)]
    assert about
    assert {found[of] for of in about} <= {"unverified"} | sure


def is_about(case: Case, of: tuple[str, str], key: str) -> bool:
    """True if a subject is a file, or the row of a file."""
    chunks = {
        case.chunk_id(one): f"{one.folder}{case.name_of(one, LATER)}".replace(".pcm", ".mp3") for one in case.chunks
    }
    recordings = {case.recording_id(number): case.recording_key(number) for number in range(len(case.recordings))}
    return of == ("file", key) or key in {chunks.get(of[1]), recordings.get(of[1])}


def test_a_file_that_could_not_be_read_is_a_gap() -> None:
    group = group_of(NAMED[31])
    broken = unread_in(group, group.evidence[0].key)
    gaps = [one for one in PROFILE.conclude([Doubt(MEETINGS, broken, broken)], AUDIT) if isinstance(one, Gap)]
    assert ["the bytes of 1 file could not be read" in str(one) for one in gaps] == [True]
    assert [one for one in PROFILE.conclude([Doubt(MEETINGS, group, group)], AUDIT) if isinstance(one, Gap)] == []


def test_a_meeting_whose_chunks_may_be_in_order_or_not_is_not_called_so() -> None:
    case = replace(NAMED[44], status="completed")
    group = group_of(case)
    of = ("meeting", case.meeting_id)
    assert both_looks(PROFILE, AUDIT, group)[of] == "completed_too_early"
    assert both_looks(PROFILE, AUDIT, unread_in(group, group.evidence[0].key))[of] == "unverified"


def test_a_file_that_could_not_be_read_at_first_has_not_changed() -> None:
    group = group_of(NAMED[44])
    broken = unread_in(group, group.evidence[0].key)
    assert both_looks(PROFILE, AUDIT, broken, group) == both_looks(PROFILE, AUDIT, group, group)
    found = both_looks(PROFILE, AUDIT, group, broken)
    assert found["chunk", NAMED[44].chunk_id(NAMED[44].chunks[0])] == "unverified"


# --- what is said -----------------------------------------------------------------------------------------------------


def reason(case: Case, kind: str) -> str:
    group = group_of(case)
    subjects = PROFILE.facts(MEETINGS, group, None, AUDIT)
    facts = next(facts for name, _, facts in subjects if name == kind)
    of_kind = {"chunk": CHUNK, "recording": RECORDING}[kind]
    return of_kind.judged(facts).rule.why(facts)


def test_a_reason_says_in_what_header_and_bytes_disagree() -> None:
    assert "its header says 1,250 frames, and there are 1,247 and its last frame is cut" in reason(NAMED[44], "chunk")
    assert "its header says 3,750 frames" in reason(NAMED[48], "recording")
    assert "its SHA-256 is not that of its file" in reason(NAMED[47], "recording")
    copied = replace(NAMED[40], only="", chunks=NAMED[40].chunks)
    assert "its SHA-256 is not that of its file" in reason(copied, "recording")


def judged(case: Case) -> Subjects:
    group = group_of(case)
    return both_looks(PROFILE, AUDIT, group)


def test_an_mp3_at_another_bitrate_plays_as_long_as_its_frames() -> None:
    """By its size a recording at 64 kbit/s would play half as long as it does."""
    case = Case(1, "", {}, "completed", (), (PlantedRecording(WINDOW, WINDOW),))
    group = group_of(case)
    [file] = group.evidence
    half = file._replace(size=file.size // 2)
    found = both_looks(PROFILE, AUDIT, group._replace(evidence=(half,)))
    assert found["recording", case.recording_id(0)] == "recording_ok"
    by_size = both_looks(PROFILE, audit_of(PROFILE), group._replace(evidence=(half._replace(audio=None),)))
    assert by_size["recording", case.recording_id(0)] == "recording_file_differs"


@pytest.mark.parametrize(
    ("status", "pcm", "verdict"),
    [
        ("done", None, "chunk_corrupt"),
        ("done", WINDOW, "chunk_corrupt"),
        ("queued", WINDOW, "transcode_stuck"),
        ("failed", WINDOW, "failed_retryable"),
        ("queued", None, "chunk_corrupt"),
        ("failed", None, "chunk_corrupt"),
    ],
)
def test_a_damaged_mp3_is_a_matter_where_nothing_better_is_there(status: str, pcm: int | None, verdict: str) -> None:
    damaged = Mp3(1_250, "damaged", declares=1_250, lacks=700)
    chunk = PlantedChunk(0, status, pcm=pcm, holds=damaged, cleaned=pcm is None, user=ANN)
    case = Case(1, "", {}, "recording", (chunk,))
    assert judged(case)["chunk", case.chunk_id(chunk)] == verdict
