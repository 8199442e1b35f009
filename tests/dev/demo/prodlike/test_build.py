"""The world is the same every time, has production's proportions, and is what its verdicts say."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from dev.demo.prodlike import Dataset, Subject, build
from dev.demo.prodlike.vocabulary import COUNTED, NOT_PLANTED, VERDICTS
from tests.dev.demo.prodlike.spec import UUID_NAME, Spec, keys, media

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SETTLE = timedelta(minutes=20)
SMALL = 0.01
CLOSED = {"registered", "deleted_recording_retained", "not_a_recording"}  # to a fast audit


@pytest.fixture(scope="module")
def world() -> Dataset:
    """The world at full size."""
    return build(7, NOW)


@pytest.fixture(scope="module")
def tenth() -> Dataset:
    return build(7, NOW, 0.1)


@pytest.fixture(scope="module")
def small() -> Dataset:
    return build(7, NOW, SMALL)


@pytest.fixture(scope="module")
def planted() -> Dataset:
    """Nothing but the planted cases."""
    return build(7, NOW, 0)


def test_the_same_seed_gives_the_same_world_and_another_one_another(small: Dataset) -> None:
    assert build(7, NOW, SMALL) == small
    other = build(8, NOW, SMALL)
    assert not {subject for subject in other.full if subject.id.count("-") == 4} & set(small.full)


@pytest.mark.parametrize("later_by", [timedelta(days=40), timedelta(days=400, minutes=7)])
def test_a_later_moment_moves_the_world_and_changes_no_id_and_no_verdict(tenth: Dataset, later_by: timedelta) -> None:
    later = build(7, NOW + later_by, 0.1)
    assert later.full == tenth.full
    assert later.fast == tenth.fast
    assert later.severities == tenth.severities
    assert later.encode_lost == tenth.encode_lost
    assert later.containers.keys() == tenth.containers.keys()
    assert later.now - tenth.now == later_by


def test_the_planted_cases_are_the_same_at_any_scale(planted: Dataset, small: Dataset, world: Dataset) -> None:
    for bigger in (small, world):
        assert planted.full.items() <= bigger.full.items()
        assert planted.reasons == bigger.reasons
        assert planted.containers.items() <= bigger.containers.items()


@pytest.mark.parametrize(
    ("now", "scale"), [(NOW, -0.1), (NOW, 1.1), (NOW.replace(tzinfo=None), 1), (datetime(2025, 6, 1, tzinfo=UTC), 1)]
)
def test_what_cannot_be_built_is_refused(now: datetime, scale: float) -> None:
    with pytest.raises(ValueError, match=r"allowed|needed"):
        build(7, now, scale)


@pytest.mark.parametrize("settle", [SETTLE, timedelta()])
@pytest.mark.parametrize("scale", [0, 0.1, pytest.param(1, marks=pytest.mark.deep)])
def test_every_verdict_follows_from_what_is_planted(scale: float, settle: timedelta) -> None:
    dataset = build(7, NOW, scale, settle)
    spec = Spec(dataset, settle)
    told = {"full": spec.verdicts("full"), "fast": spec.verdicts("fast")}
    wrong = [
        f"{mode} {' '.join(subject)}: planted as {due.get(subject)}, is {told[mode].get(subject)}: "
        f"{dataset.reasons.get(subject)}"
        for mode, due in (("full", dataset.full), ("fast", dataset.fast))
        for subject in sorted({**due, **told[mode]})
        if due.get(subject) != told[mode].get(subject)
    ]
    assert not wrong, "\n".join(wrong)
    sessions = {str(session.id): session for session in dataset.rows.capture_sessions}
    for subject, severity in dataset.severities.items():
        if subject.kind == "capture_session":
            due_severity = spec.severity(sessions[subject.id], dataset.full[subject])
            assert severity == (due_severity or severity), dataset.reasons[subject]


def test_every_verdict_is_planted_several_times(planted: Dataset) -> None:
    counts = Counter((subject.kind, verdict) for subject, verdict in planted.full.items())
    rare = {
        (kind, verdict): counts[kind, verdict]
        for kind, verdicts in VERDICTS.items()
        for verdict in set(verdicts) - NOT_PLANTED
        if counts[kind, verdict] < 3
    }
    assert not rare
    assert not [key for key in counts if key[1] in NOT_PLANTED]
    assert Counter(planted.fast.values())["not_opened"] > 30
    assert len(planted.encode_lost) == 3


def test_every_listed_case_has_its_reason(planted: Dataset, world: Dataset) -> None:
    for dataset in (planted, world):
        without = [
            subject
            for subject, verdict in dataset.full.items()
            if verdict not in COUNTED[subject.kind] and subject not in dataset.reasons
        ]
        # The mass has some of today's sessions that are in flight, and their containers.
        assert {dataset.full[subject] for subject in without} <= {"in_flight", "still_changing"}
    assert "in_flight" not in {planted.full[s] for s in planted.full if s not in planted.reasons}


def test_the_full_size_has_the_proportions_of_production(world: Dataset) -> None:
    rows = world.rows
    assert (len(rows.capture_sessions), len(world.containers)) == (25_000, 20_000)
    assert len(rows.cases) == pytest.approx(9_500, rel=0.03)
    assert len(rows.bookings) == pytest.approx(22_000, rel=0.03)
    assert len(rows.recordings) == pytest.approx(19_500, rel=0.02)
    assert len(rows.audits) >= 100_000
    edits = [recording for recording in rows.recordings if recording.parent_recording_id]
    assert len(edits) / len(rows.recordings) == pytest.approx(0.13, abs=0.01)
    assert {edit.is_reencode for edit in edits} == {True, False}
    states = Counter(case.state for case in rows.cases)
    assert states["CLOSED"] / len(rows.cases) == pytest.approx(0.05, abs=0.01)
    assert states["PENDING_CLOSURE"] / len(rows.cases) == pytest.approx(0.01, abs=0.005)
    today = {"STANDBY", "INITIALISING", "RECORDING", "PROCESSING"}
    is_open = [
        session
        for session in rows.capture_sessions
        if session.status in today and session.started_at and NOW - session.started_at < timedelta(hours=12)
    ]
    assert 20 <= len(is_open) <= 90
    kinds = Counter(re.sub(r"[0-9a-f-]{36}", "uuid", name) for name in world.containers)
    assert kinds["uuid-input"] > 100
    assert kinds["mk-import-reports"] == kinds["$logs"] == 1


def test_every_era_of_names_is_there(world: Dataset) -> None:
    names = [blob.name for blobs in world.containers.values() for blob in media(blobs)]
    for pattern, least in (
        (r"[0-9a-f]{32}_1280x720_4500k\.mp4", 5_000),
        (r"index_1280x720_4500k\.mp4", 500),
        (r"video_2000000_1280x720_4500\.mp4", 500),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{8}_1280x720_4500k\.mp4", 1_000),
        (r"[0-9a-f]{32}_aac_128k\.mp4", 50),
        (r"\w+ v \w+ .*\.mp4", 1_000),
    ):
        assert sum(bool(re.fullmatch(pattern, name)) for name in names) >= least, pattern


def test_what_a_fast_audit_says_differs_only_where_it_does_not_look(world: Dataset) -> None:
    for subject, verdict in world.full.items():
        if subject.kind == "capture_session":
            assert world.fast[subject] == verdict
        elif subject.kind == "container":
            assert world.fast.get(subject, "") == ("" if verdict in CLOSED else verdict)
    assert world.fast.keys() <= world.full.keys()


def test_where_nothing_has_to_settle_only_what_is_still_written_is_judged_otherwise(planted: Dataset) -> None:
    at_once = build(7, NOW, 0, timedelta())
    changed = {subject for subject, verdict in planted.full.items() if at_once.full[subject] != verdict}
    assert {planted.full[subject] for subject in changed} == {"in_flight", "still_changing"}
    assert "still_changing" not in at_once.full.values()


def test_ids_are_unique_and_names_fit(world: Dataset) -> None:
    for table, members in world.rows.tables():
        assert len({row.id for row in members}) == len(members), table
    assert max(len(case.reference) for case in world.rows.cases) <= 25
    assert len({case.reference for case in world.rows.cases}) == len(world.rows.cases)
    for name in world.containers:
        assert name == "$logs" or re.fullmatch(r"[a-z0-9](?:-?[a-z0-9]){2,62}", name)


def test_every_container_and_every_row_has_a_verdict(world: Dataset) -> None:
    assert {s.id for s in world.full if s.kind == "container"} == set(world.containers)
    assert {s.id for s in world.full if s.kind == "recording"} == {str(row.id) for row in world.rows.recordings}


def test_people_stand_in_the_data_and_not_in_our_own_words(planted: Dataset) -> None:
    tracks = " ".join(blob.name for blobs in planted.containers.values() for blob in blobs)
    filenames = " ".join(recording.filename for recording in planted.rows.recordings)
    assert "Smith v Jones" in tracks
    assert "Smith v Jones" in filenames
    for word in planted.personal:
        assert word not in " ".join(planted.reasons.values())


def test_each_lost_encode_has_its_live_stream(planted: Dataset) -> None:
    bookings = {str(session.id): str(session.booking_id) for session in planted.rows.capture_sessions}
    for subject in planted.encode_lost:
        assert planted.full[subject] == "stuck_empty"
        assert planted.ingest[bookings[subject.id]]
    assert len(planted.ingest) > len(planted.encode_lost)


def test_a_session_named_by_a_track_is_named_by_a_key(planted: Dataset) -> None:
    session = next(subject for subject, why in planted.reasons.items() if why == "the id in upper case")
    key = session.id.replace("-", "")
    named = [name for name, blobs in planted.containers.items() if key in keys(blobs)]
    assert len(named) == 1
    assert UUID_NAME.fullmatch(named[0])
    assert planted.full[Subject("container", named[0])] == "attributed"
