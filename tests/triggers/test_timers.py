from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from adapters.services import Services
from profiles.pre_capture_sessions import PROFILE as PRE
from reconciliation.errors import StorageUnavailableError
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import AS_OF
from tests.triggers.world import Runtime
from triggers import timers
from triggers.requests import read_audit_id
from triggers.running import Running
from triggers.timers import scheduled_id, slot_of

SLOT = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
PROFILE = "pre-capture-sessions"


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
    audit_id = await timers.start_scheduled(timer(None), runtime, world)
    assert runtime.started == [audit_id] == [scheduled_id(AS_OF, PROFILE)]
    record = await outside.records.record(str(audit_id))
    assert record is not None
    assert record.parameters == PRE.asked(mode=mode)


# --- the watchdog -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [StorageUnavailableError("Busy."), RuntimeError("AccountKey=c2VjcmV0")])
async def test_what_goes_wrong_with_one_profile_stops_no_other_and_is_told_in_the_end(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked_after = []

    async def look(_running: Running, profile: str) -> None:
        looked_after.append(profile)
        if profile == "broken":
            raise error

    settings = SimpleNamespace(profiles={"one": None, "broken": None, "other": None})
    monkeypatch.setattr(timers, "_watch", look)
    with pytest.raises(type(error)) as told:
        await timers.watch(None, cast("Services", SimpleNamespace(settings=settings)))
    assert told.value is error
    assert looked_after == ["one", "broken", "other"]
    assert "could not look after broken" in caplog.text
    assert "c2VjcmV0" not in caplog.text


async def test_an_audit_that_cannot_be_read_is_left_alone_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outside = Outside(MemoryStorage({}), MemoryDatabase())
    audit_id = "20260301-000000-aaaaaaaa"
    await outside.records.claim(PROFILE, audit_id, AS_OF, None)
    outside.blobs.blobs[f"{PROFILE}/{audit_id}/run.json"] = b"{"
    before = dict(outside.blobs.blobs)
    await timers.watch(None, outside.services)
    assert outside.blobs.blobs == before
    assert f"The watchdog left the active audit of {PROFILE} as it is: {PROFILE}/{audit_id}/run.json" in caplog.text
