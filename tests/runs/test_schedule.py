from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from profiles.pre_capture_sessions import PROFILE as PRE
from runs.context import Context
from runs.schedule import scheduled_id, start_scheduled
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import AS_OF
from tests.triggers.world import Runtime
from triggers.requests import read_audit_id

SLOT = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
PROFILE = "pre-capture-sessions"


def test_the_id_of_a_slot_is_an_audit_id_and_always_the_same() -> None:
    audit_id = scheduled_id(SLOT, PROFILE)
    assert read_audit_id(audit_id) == audit_id == scheduled_id(SLOT, PROFILE)
    assert audit_id.startswith("20260131-030000-")
    assert scheduled_id(SLOT, "another") != audit_id
    assert scheduled_id(SLOT + timedelta(minutes=1), PROFILE) != audit_id


@pytest.mark.parametrize(("chosen", "mode"), [(None, "full"), ("fast", "fast")])
async def test_the_scheduled_audit_asks_the_first_profile_for_its_defaults(chosen: str | None, mode: str) -> None:
    outside, runtime = Outside(MemoryStorage({}), MemoryDatabase()), Runtime()
    world = replace(outside.services, settings=replace(outside.services.settings, scheduled_mode=chosen))
    audit_id = await start_scheduled(Context(world, runtime), AS_OF, past_due=False)
    assert runtime.started == [audit_id] == [scheduled_id(AS_OF, PROFILE)]
    record = await outside.records.record(str(audit_id))
    assert record is not None
    assert record.parameters == PRE.parameters(mode=mode)
