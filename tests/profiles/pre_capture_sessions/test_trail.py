from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.trail import STOPS_ARE_WRITTEN_SINCE, Trail, trail_of
from tests.profiles.pre_capture_sessions.strategies import moments

DAY = STOPS_ARE_WRITTEN_SINCE
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("processing", "left", "stop", "trail"),
    [
        pytest.param(None, None, None, Trail.NEVER, id="no rows: never used, or older than the trail"),
        pytest.param(None, None, DAY, Trail.STOPPED, id="a stop, and nobody saw it being processed"),
        pytest.param(DAY, DAY + MOMENT, DAY + MOMENT, Trail.STOPPED, id="processed, then stopped"),
        pytest.param(DAY, None, DAY, Trail.STOPPED, id="stopped in the same moment"),
        pytest.param(DAY, DAY + MOMENT, DAY - MOMENT, Trail.SWEPT, id="the stop is of an earlier take"),
        pytest.param(DAY, DAY + MOMENT, None, Trail.SWEPT, id="processed and relabelled without a stop"),
        pytest.param(DAY, None, None, Trail.SWEPT, id="processed, and nothing behind it"),
        pytest.param(DAY - MOMENT, None, None, Trail.UNKNOWN, id="a moment before stops were written"),
        pytest.param(DAY - MOMENT, DAY, None, Trail.SWEPT, id="processed before that day, left on it"),
        pytest.param(DAY - 2 * MOMENT, DAY - MOMENT, None, Trail.UNKNOWN, id="left before that day"),
        pytest.param(DAY - MOMENT, DAY - MOMENT, DAY, Trail.STOPPED, id="old, but stopped all the same"),
    ],
)
def test_how_a_session_left_processing(
    processing: datetime | None, left: datetime | None, stop: datetime | None, trail: Trail
) -> None:
    assert trail_of(processing, left, stop) is trail


@given(st.none() | moments(), st.none() | moments(), st.none() | moments())
def test_any_trail_is_read(processing: datetime | None, left: datetime | None, stop: datetime | None) -> None:
    trail = trail_of(processing, left, stop)
    assert (trail is Trail.NEVER) is (processing is None and stop is None)
    if stop is None:
        assert trail is not Trail.STOPPED
    if trail is Trail.SWEPT:
        assert (left or processing or datetime.min.replace(tzinfo=UTC)) >= DAY
