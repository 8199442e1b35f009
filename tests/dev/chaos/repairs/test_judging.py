"""The judge of races is judged: what is wrong is found, and what is right is left alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from dev.chaos.repairs.judging import Held, Told, Wrong, judge
from reconciliation.effects import Ended, Ending

AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
SESSION, RECORDING = uuid4(), str(uuid4())
DONE = Told("20260131-093000-1a2b3c4d", True, SESSION, RECORDING, AT + timedelta(seconds=60), Ended(Ending.DONE))
REFUSED = replace(
    DONE,
    repair="20260131-093000-00000000",
    ended=Ended(Ending.REFUSED, "Not so any more: its case is open."),
)


def recording(recording_id: str = RECORDING, **members: Any) -> dict[str, Any]:
    return {"id": UUID(recording_id), "capture_session_id": SESSION, "deleted_at": None} | members


def audits(of: Told = DONE, at: datetime = AT) -> list[dict[str, Any]]:
    return [{"id": UUID(one), "created_at": at} for one in sorted(of.row_ids)]


RIGHT = Held([recording()], audits())
NOTHING = Held([], [])


def test_what_is_right_is_left_alone() -> None:
    assert judge([DONE, REFUSED], RIGHT, ()) == []
    assert judge([REFUSED], NOTHING, ("its case is open",)) == []
    assert judge([replace(DONE, approved=False, ended=None)], NOTHING, ()) == []
    # A person's own two recordings are not ours.
    assert judge([REFUSED], Held([recording(str(uuid4())), recording(str(uuid4()))], []), ()) == []


@pytest.mark.parametrize(
    ("told", "held", "broken", "wrong"),
    [
        pytest.param([DONE], Held([recording(), recording(str(uuid4()))], audits()), (), Wrong.DOUBLE, id="two live"),
        pytest.param([DONE], Held([recording()], audits()[:2]), (), Wrong.LOST, id="two rows of three"),
        pytest.param([DONE], Held([recording()], []), (), Wrong.LOST, id="done, and no rows"),
        pytest.param([DONE], Held([], audits()), (), Wrong.LOST, id="done, and no recording"),
        pytest.param([replace(DONE, ended=None)], RIGHT, (), Wrong.LOST, id="rows, and no ending"),
        pytest.param([replace(DONE, ended=Ended(Ending.FAILED))], RIGHT, (), Wrong.LOST, id="rows, and called failed"),
        pytest.param(
            [replace(DONE, ended=Ended(Ending.UNKNOWN))], RIGHT, (), Wrong.LOST, id="rows, and called unknown"
        ),
        pytest.param([replace(DONE, approved=False)], RIGHT, (), Wrong.UNAPPROVED, id="without an approval"),
        pytest.param([REFUSED], RIGHT, (), Wrong.UNAPPROVED, id="rows of no repair"),
        pytest.param([DONE], RIGHT, ("its case is open",), Wrong.AGAINST, id="against a rival"),
        pytest.param([DONE], Held([recording()], audits(at=AT + timedelta(minutes=2))), (), Wrong.LATE, id="too late"),
        pytest.param([REFUSED], NOTHING, ("the session is not deleted",), Wrong.UNTRUE, id="for another reason"),
    ],
)
def test_what_is_wrong_is_found(told: Sequence[Told], held: Held, broken: Sequence[str], wrong: Wrong) -> None:
    assert wrong in {problem.kind for problem in judge(told, held, broken)}
