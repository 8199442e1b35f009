"""Which recordings are expected of a meeting: planted cases of each strategy, and all that there can be."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.demo.temp_recordings.cases import (
    ANN,
    BEN,
    CASES,
    COLUMNS,
    LATER,
    WINDOW,
    Case,
    Expected,
    PlantedChunk,
    PlantedRecording,
    cases_for,
    hours,
)
from profiles.temp_recordings.kinds import MEETING, PARTICIPANT
from profiles.temp_recordings.queries import MEETINGS
from profiles.temp_recordings.scene import Promotion
from tests.profiles.temp_recordings.world import (
    Subjects,
    audit_of,
    groups_of,
    judged,
    objects_of,
    opened,
    out_of_order,
    profile_for,
)

WHOLE, PER_USER, HYBRID = Promotion.WHOLE_MEETING, Promotion.PER_USER, Promotion.HYBRID
_ANN, _BEN, _MEETING = ("participant", "{m}/{A}"), ("participant", "{m}/{B}"), ("meeting", "{m}")
BOTH = (PlantedChunk(0), PlantedChunk(0, user=BEN))
WHOLE_FILE = PlantedRecording(WINDOW, WINDOW, "")
OF_ANN, OF_BEN = PlantedRecording(WINDOW, WINDOW), PlantedRecording(WINDOW, WINDOW, BEN)
KEY_OF_WHOLE = "storage/recording_{m}.mp3"


def case(why: str, expected: Expected, *recordings: PlantedRecording, status: str = "completed") -> Case:
    return Case(70, why, expected, status, BOTH, recordings)


PLANTED = [
    (
        WHOLE,
        case(
            "nothing was made of two people's chunks: that is one finding, and not two",
            {_MEETING: "meeting_not_promoted"},
        ),
    ),
    (WHOLE, case("one recording holds what both have said", {}, WHOLE_FILE)),
    (WHOLE, case("an earlier era has made one of each: nothing is missing", {}, OF_ANN, OF_BEN)),
    (
        WHOLE,
        case(
            "an earlier era has made one of Ann only: what Ben has said is in none",
            {_MEETING: "meeting_not_promoted"},
            OF_ANN,
        ),
    ),
    (WHOLE, case("it was joined twice", {_MEETING: "duplicate_recordings"}, WHOLE_FILE, WHOLE_FILE)),
    (
        WHOLE,
        case(
            "the bot has crashed: what hangs says so, and that nothing was made",
            {_MEETING: "meeting_abandoned"},
            status="recording",
        ),
    ),
    (
        WHOLE,
        replace(
            case("its file is there, and its row was never written", {("file", KEY_OF_WHOLE): "final_not_recorded"}),
            files={KEY_OF_WHOLE: 480_000},
        ),
    ),
    (
        HYBRID,
        replace(
            case(
                "the file of the whole is there without a row, and nothing of each",
                {("file", KEY_OF_WHOLE): "final_not_recorded", _ANN: "not_promoted", _BEN: "not_promoted"},
            ),
            files={KEY_OF_WHOLE: 480_000},
        ),
    ),
    (PER_USER, case("nothing was made of two people's chunks", {_ANN: "not_promoted", _BEN: "not_promoted"})),
    (PER_USER, case("an earlier era has made one of the whole meeting: nothing is missing", {}, WHOLE_FILE)),
    (PER_USER, case("Ben's was never made", {_BEN: "not_promoted"}, OF_ANN)),
    (
        PER_USER,
        case("it was joined twice in an earlier era", {_MEETING: "duplicate_recordings"}, WHOLE_FILE, WHOLE_FILE),
    ),
    (HYBRID, case("all three are there", {}, OF_ANN, OF_BEN, WHOLE_FILE)),
    (HYBRID, case("that of the whole meeting was never made", {_MEETING: "meeting_not_promoted"}, OF_ANN, OF_BEN)),
    (HYBRID, case("Ben's was never made", {_BEN: "not_promoted"}, OF_ANN, WHOLE_FILE)),
    (
        HYBRID,
        case(
            "nothing was made at all",
            {_MEETING: "meeting_not_promoted", _ANN: "not_promoted", _BEN: "not_promoted"},
        ),
    ),
]


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize(
    ("promotion", "planted"), [pytest.param(*one, id=f"{one[0]}: {one[1].why}") for one in PLANTED]
)
def test_a_planted_case_is_called_what_it_is(promotion: Promotion, planted: Case, columns: str) -> None:
    profile = profile_for(columns, promotion=promotion)
    assert out_of_order(judged(planted, profile, audit_of(profile), columns), profile) == planted.verdicts()


@pytest.mark.parametrize(
    ("promotion", "recordings", "counted"),
    [
        (WHOLE, [WHOLE_FILE], "recording_ok"),
        (WHOLE, [OF_ANN], "recording_of_other_sort"),
        (PER_USER, [WHOLE_FILE], "recording_of_other_sort"),
        (PER_USER, [OF_ANN], "recording_ok"),
        (HYBRID, [WHOLE_FILE], "recording_ok"),
        (HYBRID, [OF_ANN], "recording_ok"),
    ],
)
def test_a_row_of_the_other_sort_is_counted_apart(
    promotion: Promotion, recordings: Sequence[PlantedRecording], counted: str
) -> None:
    planted, profile = case("", {}, *recordings), profile_for(promotion=promotion)
    assert judged(planted, profile, audit_of(profile))["recording", planted.recording_id(0)] == counted


@pytest.mark.parametrize(("promotion", "told"), [(WHOLE, True), (HYBRID, True), (PER_USER, False)])
def test_the_reason_tells_that_the_recording_of_the_whole_meeting_is_missing(promotion: str, *, told: bool) -> None:
    profile = profile_for(promotion=promotion)
    planted = case("", {}, status="recording")
    audit = audit_of(profile)
    [group] = groups_of(planted, profile, LATER)
    subjects = profile.facts(MEETINGS, opened(group, audit, objects_of(planted, LATER)), None, audit)
    [facts] = [one for kind, _, one in subjects if kind == MEETING.name]
    assert ("none of the whole meeting, which is expected" in MEETING.judged(facts).rule.why(facts)) is told


@pytest.mark.parametrize("planted", [pytest.param(one, id=f"{one.number:02}") for one in CASES])
def test_the_other_kinds_of_the_demo_are_judged_alike_by_every_strategy(planted: Case) -> None:
    """Its recordings are of single participants, so that only what is missing of the whole meeting differs."""
    if planted not in cases_for(LATER):
        return
    found = [
        judged(planted, profile, audit_of(profile))
        for profile in (profile_for(promotion=promotion) for promotion in Promotion)
    ]
    chunks, files = (
        [{of: verdict for of, verdict in one.items() if of[0] == kind} for one in found] for kind in ("chunk", "file")
    )
    assert chunks[0] == chunks[1] == chunks[2]
    assert files[0] == files[1] == files[2]


# --- all that there can be --------------------------------------------------------------------------------------------

USERS = (ANN, BEN)
SOME = st.sets(st.sampled_from(USERS)).map(sorted)


def missing(found: Subjects) -> set[tuple[str, str]]:
    return {of for of, verdict in found.items() if verdict in {"not_promoted", "meeting_not_promoted"}}


@settings(max_examples=300)
@given(
    promotion=st.sampled_from(Promotion),
    columns=st.sampled_from(COLUMNS),
    with_chunks=SOME,
    with_own=SOME,
    wholes=st.integers(0, 2),
    is_good=st.booleans(),
)
def test_what_is_expected_and_was_never_made_is_told_once_and_nothing_else(
    *, promotion: Promotion, columns: str, with_chunks: list[str], with_own: list[str], wholes: int, is_good: bool
) -> None:
    """Beside a naive list of what each strategy expects; and only what a recording in order holds is superseded."""
    length = WINDOW if is_good else WINDOW // 3
    recordings = [PlantedRecording(length, length, user) for user in [*with_own, *[""] * wholes]]
    planted = Case(
        70, "", {}, "completed", tuple(PlantedChunk(0, user=user) for user in with_chunks), tuple(recordings),
        participants=USERS, age=hours(3),
    )  # fmt: skip
    profile = profile_for(columns, promotion=promotion)
    found = judged(planted, profile, audit_of(profile), columns)
    meeting = ("meeting", planted.meeting_id)
    of_users = {user: ("participant", f"{planted.meeting_id}/{user}") for user in USERS}
    expected = set()
    if promotion is PER_USER and not wholes:
        expected = {of_users[user] for user in with_chunks if user not in with_own}
    if promotion is HYBRID:
        expected = {of_users[user] for user in with_chunks if user not in with_own}
        if not wholes and (with_chunks or with_own):
            expected.add(meeting)
    if promotion is WHOLE and not wholes and not set(with_chunks) <= set(with_own):
        expected = {meeting}
    assert missing(found) == expected
    assert (found[meeting] == "duplicate_recordings") is (wholes > 1)
    for one in planted.chunks:
        held = is_good and (one.user in with_own or wholes > 0)
        assert (found["chunk", planted.chunk_id(one)] == "chunk_superseded") is held
    for user in USERS:
        assert (found[of_users[user]] == "participant_missing") <= (user not in with_own and not wholes)
    assert {of for of in found if of[0] == PARTICIPANT.name} == set(of_users.values())
