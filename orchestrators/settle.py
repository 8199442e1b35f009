"""Waiting for all tasks of a fan-out, including those that fail."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any


def settled(context: Any, tasks: Sequence[Any]) -> Generator[Any, Any, list[tuple[bool, Any]]]:
    """One ``(ok, value or error text)`` for each task, in the order of the tasks; waits for all of them.

    ``task_all`` gives up at the first failure and hides the others' results, so each task is then waited for in turn.
    It also gives None for no tasks. Both are behaviours of azure-functions-durable 1.x:
    https://github.com/Azure/azure-functions-durable-python/issues/428 and issues/315.
    """
    if not tasks:
        return []
    with suppress(Exception):  # the library raises bare Exception; each task's own result is read below
        yield context.task_all(list(tasks))
    results: list[tuple[bool, Any]] = []
    for task in tasks:
        try:
            results.append((True, (yield task)))
        except Exception as error:  # noqa: BLE001 - as above
            results.append((False, str(error)))
    return results
