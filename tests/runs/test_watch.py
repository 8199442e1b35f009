from types import SimpleNamespace
from typing import cast

import pytest

from adapters.services import Services
from reconciliation.errors import StorageUnavailableError
from runs import repairs
from runs import watch as module
from runs.context import Context
from runs.watch import watch
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import AS_OF

PROFILE = "pre-capture-sessions"


@pytest.mark.parametrize("error", [StorageUnavailableError("Busy."), RuntimeError("AccountKey=c2VjcmV0")])
async def test_what_goes_wrong_with_one_profile_stops_no_other_and_is_told_in_the_end(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked_after = []

    async def look(_context: Context, profile: str) -> None:
        looked_after.append(profile)
        if profile == "broken":
            raise error

    settings = SimpleNamespace(profiles={"one": None, "broken": None, "other": None})

    async def nothing(_context: Context, _profile: str) -> None:
        """There is no repair."""

    monkeypatch.setattr(module, "_watch", look)
    monkeypatch.setattr(repairs, "watch", nothing)
    with pytest.raises(type(error)) as told:
        await watch(Context(cast("Services", SimpleNamespace(settings=settings)), None))
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
    await watch(Context(outside.services, None))
    assert outside.blobs.blobs == before
    assert f"The watchdog left something of {PROFILE} as it is: {PROFILE}/{audit_id}/run.json" in caplog.text
