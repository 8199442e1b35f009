"""A change whose worker was lost, and that is called off while somebody finds out about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.settling import _by_its_trace
from profiles.stuck_uploads.dialects import LAYOUT_STATUS
from profiles.stuck_uploads.statements import start_run
from reconciliation.effects import Effect, Ended, Ending, Once

START, RUN = start_run(LAYOUT_STATUS), {"run_id": "a run", "key": "a key"}
PAST = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@dataclass
class Told:
    """An applier that says what it is told to, one after another."""

    happens: list[bool | None]
    leaves: list[Mapping[str, Any]] = field(default_factory=list)
    in_flight: timedelta = timedelta()

    async def clock(self) -> datetime:
        return PAST

    async def apply(self, *_: Any) -> Ended:
        raise AssertionError("nothing is applied again")

    async def happened(self, *_: Any) -> bool | None:
        return self.happens.pop(0)

    async def left(self, *_: Any) -> Mapping[str, Any]:
        return self.leaves.pop(0)


@pytest.mark.parametrize(
    ("told", "ending"),
    [
        (Told([True], [RUN]), Ending.ALREADY_DONE),
        (Told([False]), Ending.FAILED),
        (Told([None]), None),
        # Between the two questions somebody else's run has come, and ours was called off: neither done, nor as yet
        # known not to be.
        (Told([True], [{}]), None),
    ],
)
async def test_what_is_left_by_then_decides(told: Told, ending: Ending | None) -> None:
    ended = await _by_its_trace(told, START, Effect("start_run", {}), Once("a repair", 1, 1), PAST)
    assert (ended and ended.ending) == ending
    assert ended is None or ended.left == (RUN if ending is Ending.ALREADY_DONE else {})
