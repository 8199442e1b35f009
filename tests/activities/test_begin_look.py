"""A look of a repair asks as the audit did that has found its subjects, about these alone."""

from dataclasses import replace
from typing import Any

import pytest

from activities.begin_look import begin_look_of
from profiles.stuck_uploads.options import FULL
from reconciliation.lifecycle import State
from reconciliation.parameters import AuditParameters
from reconciliation.run_record import RunRecord
from tests.activities.policy_world import AUDIT_ID, NAME, PROFILE, PolicyWorld, request


@pytest.fixture
def world() -> PolicyWorld:
    return PolicyWorld()


async def looked(world: PolicyWorld) -> AuditParameters:
    """What the first look of a repair asks."""
    step: Any = {**request(await world.proposing(at=world.now)), "look": 1}
    begun = await begin_look_of(step, world.services)
    record = await world.records.record_in(f"{NAME}/{begun['audit_id']}")
    assert record is not None
    return record.parameters


async def test_ages_are_those_that_the_audit_was_asked_for_and_statuses_are_any(world: PolicyWorld) -> None:
    """What was found at an age of five minutes is not too young for its repair."""
    asked = PROFILE.parameters(mode="fast", options={"age_minutes": 0, "recent_minutes": 2, "statuses": ("wait",)})
    await world.records.create_record(RunRecord(AUDIT_ID, State.QUEUED, asked, world.now, world.now))
    look = await looked(world)
    assert look.options == {"age_minutes": 0, "recent_minutes": 2, "statuses": ()}
    assert (look.mode, look.only, look.profile) == (FULL, ("video-1",), NAME)


async def test_of_an_audit_that_is_gone_they_are_those_of_the_profile(world: PolicyWorld) -> None:
    assert await looked(world) == replace(PROFILE.parameters(mode=FULL), only=("video-1",))
