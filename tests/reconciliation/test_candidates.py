import json
from typing import Any

import pytest
from hypothesis import given

from reconciliation.candidates import Candidate, RegisteredRecording
from tests.reconciliation.strategies import candidates, registered
from tests.reconciliation.world import LONG_AGO, MINUTE, session


@given(candidates())
def test_a_candidate_survives_the_run_store(candidate: Candidate) -> None:
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate


@given(registered())
def test_a_registered_recording_survives_the_run_store(rows: list[RegisteredRecording]) -> None:
    for row in rows:
        assert RegisteredRecording(*json.loads(json.dumps(row))) == row


def test_a_cut_row_is_refused() -> None:
    cut = session().to_json()
    del cut["row_token"]
    with pytest.raises(TypeError, match="row_token"):
        Candidate.from_json(cut)


def test_a_row_with_more_than_is_known_is_refused() -> None:
    with pytest.raises(TypeError, match="surname"):
        Candidate.from_json(session().to_json() | {"surname": "Doe"})


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
