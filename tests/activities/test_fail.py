import pytest

from activities.fail import FailRequest, fail_audit
from profiles.pre_capture_sessions import PROFILE
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord
from tests.activities.audits import request
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import AS_OF, AUDIT_ID, PARAMETERS

SECRET = "AccountKey=c2VjcmV0"
SAID = f'Activity function \'pull\' failed:  OperationalError: {SECRET} \\n {{"$type":"System.Exception"}}'


async def test_an_audit_fails_in_our_words_and_what_the_runtime_said_is_logged_without_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outside = Outside(MemoryStorage({}), MemoryDatabase())
    await outside.records.create_record(RunRecord(AUDIT_ID, State.QUEUED, PARAMETERS, AS_OF, AS_OF))
    error = f"The step pull did not come to its end. {SECRET}"
    answer = await fail_audit({**request(), "step": "pull", "error": error, "runtime": SAID}, outside.services)
    assert (answer["state"], answer["outcome"]) == ("failed", "failed")
    record = await outside.records.record(AUDIT_ID)
    assert record is not None
    assert record.error == "The step pull did not come to its end. AccountKey=***"
    assert f"Audit {AUDIT_ID} failed in step pull: {record.error} The runtime says: Activity function" in caplog.text
    assert "OperationalError" in caplog.text
    assert "c2VjcmV0" not in caplog.text
    stored = b"".join(outside.blobs.blobs.values())
    assert b"System.Exception" not in stored


async def test_an_orchestration_may_say_nothing_of_the_runtime(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outside = Outside(MemoryStorage({}), MemoryDatabase())
    await outside.records.create_record(RunRecord(AUDIT_ID, State.QUEUED, PARAMETERS, AS_OF, AS_OF))
    await fail_audit(FailRequest(profile=PROFILE.name, audit_id=AUDIT_ID, step="pull", error="No."), outside.services)
    assert "The runtime says: nothing" in caplog.text
