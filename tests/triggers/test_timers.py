from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from triggers.timers import slot_of

SLOT = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)


def timer(following: str | None) -> func.TimerRequest:
    """What a timer function is told."""
    return TimerRequest(past_due=False, schedule_status=None if following is None else {"Next": following})


@pytest.mark.parametrize(
    ("now", "following"),
    [
        pytest.param(SLOT, "2026-01-31T03:00:00Z", id="on time"),
        pytest.param(SLOT - timedelta(milliseconds=300), "2026-01-31T03:00:00Z", id="a little early"),
        pytest.param(SLOT + timedelta(hours=7), "2026-01-31T03:00:00+00:00", id="late: the host was down"),
        pytest.param(SLOT + timedelta(seconds=20), "2026-01-31T04:00:00+01:00", id="in another zone"),
        pytest.param(SLOT + timedelta(seconds=20), "2026-02-01T03:00:00Z", id="fired by hand: the next is far away"),
        pytest.param(SLOT + timedelta(seconds=20), "0001-01-01T00:00:00", id="never, as .NET says it"),
        pytest.param(SLOT + timedelta(seconds=20), "0001-01-01T00:00:00+01:00", id="never, east of Greenwich"),
        pytest.param(SLOT + timedelta(seconds=20), None, id="the host keeps no status"),
        pytest.param(SLOT + timedelta(seconds=20), "soon", id="what cannot be read"),
    ],
)
def test_a_slot_is_the_moment_that_was_meant(now: datetime, following: str | None) -> None:
    assert slot_of(timer(following), now) == SLOT
