from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

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


async def started(changes: dict[str, Any], own: str | None = None) -> tuple[str | None, list[str]]:
    """The audit that a timer has started, and all that were started."""
    outside, runtime = Outside(MemoryStorage({}), MemoryDatabase()), Runtime()
    world = replace(outside.services, settings=replace(outside.services.settings, **changes))
    return await start_scheduled(Context(world, runtime), AS_OF, past_due=False, own=own), runtime.started


async def test_a_schedule_of_its_own_has_a_mode_of_its_own() -> None:
    audit_id, all_of_them = await started({"own_schedules": {PROFILE: "fast"}, "scheduled_mode": "full"}, own=PROFILE)
    assert all_of_them == [audit_id] == [scheduled_id(AS_OF, PROFILE)]


async def test_a_paused_profile_starts_nothing_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "capture_audit.events")
    for own in (None, PROFILE):
        paused = {"own_schedules": {PROFILE: None}, "schedules_paused": (PROFILE,)}
        assert await started(paused, own) == (None, [])
    assert [record.getMessage() for record in caplog.records] == [
        '{"event": "schedule.paused", "profile": "pre-capture-sessions"}'
    ] * 2


async def test_a_timer_that_fires_twice_in_its_slot_starts_one_audit_and_tells_of_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "capture_audit.events")
    outside, runtime = Outside(MemoryStorage({}), MemoryDatabase()), Runtime()
    context = Context(outside.services, runtime)
    first = await start_scheduled(context, AS_OF, past_due=False)
    outside.now += timedelta(seconds=1)
    assert await start_scheduled(context, AS_OF, past_due=False) is None
    assert runtime.started == [first]
    assert "schedule.skipped" not in caplog.text
