import json
from typing import Any

import pytest
from hypothesis import given

from profiles.pre_capture_sessions.candidates import COLUMNS, Candidate, RegisteredRecording
from profiles.pre_capture_sessions.trail import Trail
from tests.profiles.pre_capture_sessions.strategies import candidates, registered
from tests.profiles.pre_capture_sessions.world import LONG_AGO, MINUTE, STOPPED, SWEPT, row, session


@given(candidates())
def test_a_candidate_survives_the_run_store(candidate: Candidate) -> None:
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate


@given(registered())
def test_a_registered_recording_survives_the_run_store(rows: list[RegisteredRecording]) -> None:
    assert [RegisteredRecording.from_json(json.loads(json.dumps(one))) for one in rows] == rows


@pytest.mark.parametrize(("marks", "deleted"), [(["deleted"], True), (["child", "deleted"], True), (["child"], False)])
def test_a_row_is_deleted_by_its_mark(marks: list[str], deleted: bool) -> None:
    assert row("recording", "session", *marks).deleted is deleted


@given(candidates())
def test_what_is_shown_of_a_session_is_what_a_person_needs_and_not_what_the_rules_compute_with(
    candidate: Candidate,
) -> None:
    shown = candidate.shown()
    assert set(COLUMNS) - set(shown) == {
        "session_id",
        "in_question",
        "withdrawn_recordings",
        "case_closed_at",
        "processing_at",
        "left_at",
        "stopped_at",
    }
    assert shown["trail"] == candidate.trail.value
    assert json.loads(json.dumps(shown)) == shown


@pytest.mark.parametrize(("rows", "trail"), [({}, Trail.NEVER), (SWEPT, Trail.SWEPT), (STOPPED, Trail.STOPPED)])
def test_the_trail_of_a_session(rows: dict[str, Any], trail: Trail) -> None:
    assert session(**rows).trail is trail


def test_a_cut_row_is_refused() -> None:
    with pytest.raises(ValueError, match="a session has 22 values instead of 23"):
        Candidate.from_json(session().to_json()[:-1])


def test_a_row_with_more_than_is_known_is_refused() -> None:
    with pytest.raises(ValueError, match="a session has 24 values instead of 23"):
        Candidate.from_json([*session().to_json(), "Doe"])


STARTED, FINISHED, SCHEDULED = LONG_AGO, LONG_AGO + MINUTE, LONG_AGO - MINUTE
NEVER: dict[str, Any] = {"started_at": None, "finished_at": None, "scheduled_for": None}


@pytest.mark.parametrize(
    ("clocks", "hearing", "last"),
    [
        pytest.param(
            {"started_at": STARTED, "finished_at": FINISHED, "scheduled_for": SCHEDULED},
            STARTED,
            FINISHED,
            id="the sweep rewrites finished_at, so the start tells when the hearing was",
        ),
        pytest.param({"started_at": STARTED}, STARTED, STARTED, id="never finished"),
        pytest.param({"finished_at": FINISHED}, FINISHED, FINISHED, id="never started, but swept"),
        pytest.param({"scheduled_for": SCHEDULED}, SCHEDULED, None, id="only booked: a plan is no activity"),
        pytest.param({}, None, None, id="nothing is known"),
    ],
)
def test_the_clocks_of_a_session(clocks: dict[str, Any], hearing: object, last: object) -> None:
    candidate = session(**(NEVER | clocks))
    assert candidate.hearing_at == hearing
    assert candidate.last_clock == last
