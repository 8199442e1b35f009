from typing import Any

import pytest

from orchestrators.settle import settled
from tests.orchestrators.driver import Call, Driver


def answer(name: str, request: dict[str, Any]) -> Any:
    if request["fails"]:
        raise RuntimeError(f"{name} broke")
    return {"by": name}


def calls(*fails: bool) -> list[Call]:
    return [Call(f"task {number}", {"fails": failing}) for number, failing in enumerate(fails)]


@pytest.mark.parametrize(
    "fails",
    [(False,), (True,), (False, False), (True, False, True), (False, True, False), (True, True)],
)
def test_every_task_ends_as_its_value_or_its_error_in_the_order_of_the_tasks(fails: tuple[bool, ...]) -> None:
    driver = Driver(answer)
    tasks = calls(*fails)
    results = driver.run(settled(driver.context, tasks))
    assert results == [
        (False, f"task {number} broke") if failing else (True, {"by": f"task {number}"})
        for number, failing in enumerate(fails)
    ]
    assert driver.calls == tasks


def test_nothing_to_wait_for_is_no_wait() -> None:
    driver = Driver(answer)
    assert list(settled(driver.context, [])) == []
    assert driver.run(settled(driver.context, [])) == []


def test_all_tasks_are_asked_for_before_any_is_waited_for() -> None:
    driver = Driver(answer)
    tasks = calls(False, False)
    first = next(settled(driver.context, tasks))
    assert first == tasks
