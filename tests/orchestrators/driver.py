"""Drives the orchestrators' generators by hand, in one go: no SDK, no replay, only what they decide."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(eq=False)
class Call:
    """An activity as it was asked for."""

    name: str
    request: dict[str, Any]


@dataclass(eq=False)
class Timer:
    """A timer as it was asked for."""

    fire_at: datetime


class FakeContext:
    """What the orchestrators use of the SDK's context."""

    def __init__(self, audit_id: str = "a", **more: Any) -> None:
        self.current_utc_datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        self._input = {"profile": "p", "audit_id": audit_id, "pulls": 2, **more}

    def get_input(self) -> dict[str, Any]:
        return self._input

    def call_activity(self, name: str, request: dict[str, Any]) -> Call:
        return Call(name, request)

    def create_timer(self, fire_at: datetime) -> Timer:
        return Timer(fire_at)

    def task_all(self, tasks: list[Call]) -> list[Call]:
        return tasks


@dataclass
class Driver:
    """Plays the host: ``activity`` answers a call, or raises. Keeps every call and timer, each once, in order."""

    activity: Callable[[str, dict[str, Any]], Any]
    context: FakeContext = field(default_factory=FakeContext)
    calls: list[Call] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    _done: dict[int, Any] = field(default_factory=dict)

    def run(self, work: Generator[Any, Any, Any]) -> Any:
        """The generator's result; what it raises is raised."""
        send: Any = None
        try:
            while True:
                asked = work.throw(send) if isinstance(send, Exception) else work.send(send)
                send = self._outcome(asked)
        except StopIteration as end:
            return end.value

    @property
    def names(self) -> list[str]:
        """The activities in the order in which they were called."""
        return [call.name for call in self.calls]

    def _outcome(self, asked: Any) -> Any:
        if isinstance(asked, list):
            # As the library does it: None for nothing, and the first failure hides all other results.
            results = [self._outcome(task) for task in asked]
            return next((result for result in results if isinstance(result, Exception)), results or None)
        if isinstance(asked, Timer):
            self.timers.append(asked)
            self.context.current_utc_datetime = asked.fire_at
            return None
        assert isinstance(asked, Call)
        if id(asked) not in self._done:
            self.calls.append(asked)  # also keeps it alive, so that its id stays its own
            try:
                self._done[id(asked)] = self.activity(asked.name, asked.request)
            except Exception as error:  # noqa: BLE001 - whatever an activity raises is its result
                self._done[id(asked)] = error
        return self._done[id(asked)]
