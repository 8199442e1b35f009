import asyncio
from typing import Any

import pytest

from activities import answers
from activities.answers import answered
from reconciliation.errors import StorageRefusedError, StorageUnavailableError


@pytest.fixture(autouse=True)
def no_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "services", lambda: None)


async def test_an_answer_is_passed_on() -> None:
    async def body(request: int, _services: Any) -> dict[str, int]:
        return {"twice": 2 * request}

    assert await answered(body, 21) == {"twice": 42}


@pytest.mark.parametrize(("failure", "retryable"), [(StorageRefusedError, False), (StorageUnavailableError, True)])
async def test_an_expected_failure_is_data(failure: type[Exception], retryable: bool) -> None:
    async def body(_request: int, _services: Any) -> None:
        raise failure("Cannot.")

    assert await answered(body, 1) == {"ok": False, "error": "Cannot.", "retryable": retryable}


async def test_a_step_that_takes_too_long_is_stopped_and_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "TIME_LIMIT_SECONDS", 0.01)
    stopped = asyncio.Event()

    async def body(_request: int, _services: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    refusal = await answered(body, 1)
    assert stopped.is_set()
    assert refusal is not None
    assert (refusal["ok"], refusal["retryable"]) == (False, True)
    assert refusal["error"].startswith("The step did not end in 0 seconds.")


async def test_another_time_out_and_the_unexpected_are_raised() -> None:
    async def late(_request: int, _services: Any) -> None:
        raise TimeoutError("of a library")

    with pytest.raises(TimeoutError, match="of a library"):
        await answered(late, 1)
