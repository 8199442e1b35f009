import asyncio
from typing import Any

import pytest
from activities.step import answered

from activities import step
from reconciliation.errors import StorageRefusedError, StorageUnavailableError

REQUEST = {"audit_id": "a"}
SECRET = "AccountKey=c2VjcmV0"


@pytest.fixture(autouse=True)
def no_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "services", lambda: None)


async def test_an_answer_is_passed_on() -> None:
    async def body(request: dict[str, str], _services: Any) -> dict[str, str]:
        return {"twice": 2 * request["audit_id"]}

    assert await answered(body, REQUEST) == {"twice": "aa"}


@pytest.mark.parametrize(("failure", "retryable"), [(StorageRefusedError, False), (StorageUnavailableError, True)])
async def test_an_expected_failure_is_data(failure: type[Exception], retryable: bool) -> None:
    async def body(_request: Any, _services: Any) -> None:
        raise failure("Cannot.")

    assert await answered(body, REQUEST) == {"ok": False, "error": "Cannot.", "retryable": retryable}


async def test_a_step_that_takes_too_long_is_stopped_and_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "TIME_LIMIT_SECONDS", 0.01)
    stopped = asyncio.Event()

    async def body(_request: Any, _services: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    refusal = await answered(body, REQUEST)
    assert stopped.is_set()
    assert refusal is not None
    assert (refusal["ok"], refusal["retryable"]) == (False, True)
    assert refusal["error"].startswith("The step did not end in 0 seconds.")


class SecretiveError(Exception):
    """An error of a library that tells too much."""


@pytest.mark.parametrize(
    "error",
    [TimeoutError(SECRET), KeyError(SECRET), SecretiveError(SECRET), ExceptionGroup(SECRET, [ValueError(SECRET)])],
    ids=lambda error: type(error).__name__,
)
async def test_the_unexpected_is_told_in_our_words_and_logged_without_secrets(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(_request: Any, _services: Any) -> None:
        raise error

    refusal = await answered(body, {"audit_id": "20260131-093000-1a2b3c4d"})
    assert refusal is not None
    assert (refusal["ok"], refusal["retryable"]) == (False, True)
    for words in (type(error).__name__, "20260131-093000-1a2b3c4d", "log", "Resume"):
        assert words in refusal["error"]
    assert "20260131-093000-1a2b3c4d" in caplog.text
    assert "Traceback" in caplog.text
    assert "c2VjcmV0" not in caplog.text + refusal["error"]
