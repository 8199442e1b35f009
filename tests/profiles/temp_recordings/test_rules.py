"""The rules over all that a chunk can be, with the bot's own clean-up beside them."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dev.demo.temp_recordings.cases import LATER, WINDOW, Case, PlantedChunk, PlantedRecording
from profiles.temp_recordings.chunk_rules import RULES
from profiles.temp_recordings.facts import MOST_MISSING
from profiles.temp_recordings.kinds import RECORDING
from profiles.temp_recordings.queries import MEETINGS
from reconciliation.looks import Doubt, Subject
from tests.profiles.temp_recordings.world import audit_of, groups_of, judged, objects_of, opened, profile_for

STATUSES = ["queued", "IN_PROGRESS", "done", "failed", "DONE", "other"]
MS = st.sampled_from([None, 0, WINDOW // 2, WINDOW - 300, WINDOW - 200, WINDOW, WINDOW + 200, WINDOW + 300])
AGES = st.integers(0, 48 * 60).map(lambda minutes: timedelta(minutes=minutes))
CHUNKS = st.builds(
    PlantedChunk,
    number=st.integers(0, 3),
    status=st.sampled_from(STATUSES),
    pcm=MS,
    mp3=MS,
    age=AGES,
    cleaned=st.booleans(),
    says=st.sampled_from([None, WINDOW]),
)
SOME_CHUNKS = st.lists(CHUNKS, max_size=4, unique_by=lambda one: one.number).map(tuple)
RECORDINGS = st.lists(
    st.builds(PlantedRecording, ms=st.integers(0, 5).map(lambda n: n * WINDOW), file=MS, age=AGES), max_size=1
).map(tuple)
CASES = st.builds(
    Case,
    number=st.just(1),
    why=st.just(""),
    expected=st.just({}),
    status=st.sampled_from(["recording", "PAUSED", "processing", "transcribing", "completed"]),
    chunks=SOME_CHUNKS,
    recordings=RECORDINGS,
    age=AGES,
)
COLUMNS = st.sampled_from(["documented", LATER])


def is_deleted(chunk: PlantedChunk, clean_up: str, ttl: timedelta) -> bool:
    """What the bot's clean-up does within the next quarter of that age, written anew."""
    is_old = chunk.age + ttl / 4 >= ttl
    return is_old and (clean_up == "all" or chunk.status.lower() in {"done", "failed"})


@settings(max_examples=300)
@given(CASES, COLUMNS, st.sampled_from(["ended", "all"]), st.integers(1, 48), st.sampled_from([0, 300, 86_400]))
def test_what_the_clean_up_is_about_to_delete_is_told_or_is_in_a_recording(
    case: Case, columns: str, clean_up: str, ttl_hours: int, wait_seconds: int
) -> None:
    """Whatever else is wrong with a chunk whose files are there."""
    profile = profile_for(columns, clean_up)
    found = judged(case, profile, audit_of(profile, ttl_hours=ttl_hours, wait_seconds=wait_seconds), columns)
    ttl = timedelta(hours=1 if clean_up == "all" else ttl_hours)
    for one in case.chunks:
        verdict = found["chunk", case.chunk_id(one)]
        if verdict == "expiring_unpromoted":
            assert is_deleted(one, clean_up, ttl)
            assert one.pcm is not None or one.mp3 is not None
        elif is_deleted(one, clean_up, ttl) and (one.pcm is not None or one.mp3 is not None):
            assert verdict in {"chunk_superseded", "chunk_row_invalid"}
            if verdict == "chunk_superseded":
                assert found["recording", case.recording_id(0)] == "recording_ok"


@settings(max_examples=300)
@given(CASES)
def test_nothing_is_superseded_but_by_a_recording_that_is_as_long_as_its_chunks(case: Case) -> None:
    profile = profile_for()
    found = judged(case, profile, audit_of(profile))
    if "chunk_superseded" in found.values():
        [recording] = case.recordings
        known = sum(one.pcm or one.mp3 or 0 for one in case.chunks)
        assert recording.file is not None
        assert recording.ms + 250 * max(len(case.chunks), recording.ms // WINDOW, 1) >= known
        assert found["recording", case.recording_id(0)] == "recording_ok"


@settings(max_examples=200)
@given(CASES, COLUMNS)
def test_a_meeting_that_is_healthy_has_healthy_chunks_and_everything_gets_one_verdict(case: Case, columns: str) -> None:
    profile = profile_for(columns)
    found = judged(case, profile, audit_of(profile), columns)
    assert {of for of in found if of[0] == "chunk"} == {("chunk", case.chunk_id(one)) for one in case.chunks}
    if case.status == "completed" and found["meeting", case.meeting_id] == "meeting_ok":
        bad = {rule.verdict for rule in RULES if not rule.counted} - {"cleaned_flag_wrong", "chunk_changing"}
        assert not bad & {verdict for of, verdict in found.items() if of[0] == "chunk"}


@given(CASES, st.sampled_from(["ended", "all"]), AGES)
def test_a_chunk_that_is_expiring_stays_so_as_it_gets_older(case: Case, clean_up: str, more: timedelta) -> None:
    profile = profile_for(clean_up=clean_up)
    older = replace(case, chunks=tuple(replace(one, age=one.age + more) for one in case.chunks), recordings=())
    before = judged(replace(case, recordings=()), profile, audit_of(profile))
    after = judged(older, profile, audit_of(profile))
    for of, verdict in before.items():
        if verdict == "expiring_unpromoted":
            assert after[of] == verdict


@settings(max_examples=50)
@given(st.integers(1, 600), st.integers(0, 600), COLUMNS)
def test_a_recording_that_lacks_one_of_very_many_chunks_is_never_in_order(number: int, left: int, columns: str) -> None:
    """Nor are its chunks called superseded: the one that it lacks may be any."""
    chunks = tuple(PlantedChunk(each) for each in range(number + 1))
    # The SHA-256 of what may play for hours would take a second each, and is not looked at here.
    lacking, complete = (PlantedRecording(of * WINDOW, of * WINDOW, other_sha=True) for of in (number, number + 1))
    case = Case(1, "", {}, "completed", chunks, (lacking,))
    whole = replace(case, recordings=(complete,))
    never = replace(whole, chunks=tuple(_never_done(one) if one.number == left else one for one in chunks))
    profile = profile_for(columns)
    found, is_whole, has_gap = (judged(one, profile, audit_of(profile), columns) for one in (case, whole, never))
    of = ("recording", case.recording_id(0))
    assert (found[of], is_whole[of]) == ("recording_short", "recording_ok")
    assert "chunk_superseded" not in found.values()
    if left <= number:
        assert has_gap[of] == "late_chunks"
        assert "chunk_superseded" not in has_gap.values()


def test_a_chunk_of_any_number_costs_no_more_than_another() -> None:
    case = Case(
        1, "", {}, "completed", (PlantedChunk(0), PlantedChunk(999_999_999)), (PlantedRecording(WINDOW, WINDOW),)
    )
    profile = profile_for()
    audit = audit_of(profile)
    (group,) = (opened(one, audit, objects_of(case, LATER)) for one in groups_of(case, profile, LATER))
    subjects = [one for one in profile.conclude([Doubt(MEETINGS, group, group)], audit) if isinstance(one, Subject)]
    (recording,) = (one for one in subjects if one.kind == RECORDING)
    assert recording.facts.missing == tuple(range(1, MOST_MISSING + 1))
    judgement = recording.kind.judged(recording.facts)
    assert judgement.verdict == "recording_short"
    assert "number 1, 2, 3, 4 and 5 and at least 995 more is missing" in judgement.rule.why(recording.facts)


def _never_done(chunk: PlantedChunk) -> PlantedChunk:
    return replace(chunk, status="queued", pcm=1_000, mp3=None, says=None, cleaned=False)
