"""A host around the real SDK: it keeps the history of one orchestration and replays all of it at every wake-up.

It knows what the audit uses: activities, timers, and waiting for all of several. Ids are counted as a real host counts
them, so completions reach the right tasks only if the orchestrator asks for the same things on every replay.
"""

import json
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import azure.durable_functions as df

ACTIVITY, TIMER, WHEN_ALL = 0, 5, 12
MESSAGES = frozenset({0, 5, 6, 11})
Event = dict[str, Any]


@dataclass
class Said:
    """What the SDK gave back for one wake-up."""

    actions: list[dict[str, Any]]
    done: bool
    output: Any
    error: str | None
    custom_status: Any


@dataclass
class SdkHost:
    """One orchestration. ``answers`` has what the SDK said at each wake-up, ``payloads`` every text in the history."""

    orchestrator: Callable[..., Generator[Any, Any, Any]]
    audit_id: str = "20260302-093000-1a2b3c4d"
    given: dict[str, Any] = field(default_factory=dict)
    history: list[Event] = field(default_factory=list)
    answers: list[Said] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    payloads: list[str] = field(default_factory=list)
    open: dict[int, dict[str, Any]] = field(default_factory=dict)
    _now: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    _next_id: int = 0
    _position: int = 0

    @property
    def input(self) -> dict[str, Any]:
        """What the orchestration is given."""
        return {"profile": "p", "audit_id": self.audit_id, "pulls": 2, **self.given}

    def start(self) -> None:
        """The first wake-up."""
        raw = json.dumps(json.dumps(self.input))
        self.wake([self._event(0, Name="audit", Version="", Input=raw)])

    def complete(self, task: int, value: Any) -> Event:
        """The message that an activity has answered."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        self.payloads.append(text)
        return self._event(5, TaskScheduledId=task, Result=text)

    def fail(self, task: int, text: str) -> Event:
        """The message that an activity has raised, in the words of a real host."""
        reason = f"Activity function '{self.open[task]['functionName']}' failed:  RuntimeError: {text}"
        return self._event(6, TaskScheduledId=task, Reason=reason, Details=json.dumps({"Message": text}))

    def fire(self, task: int) -> Event:
        """The message that a timer has fired; the clock moves on to it."""
        fire_at = self.open[task]["fireAt"]
        self._now = max(self._now, datetime.fromisoformat(fire_at))
        return self._event(11, TimerId=task, FireAt=fire_at)

    def wake(self, messages: Iterable[Event]) -> Said:
        """One wake-up: the whole history and the new messages to the SDK, and what it asks for is scheduled."""
        self._now += timedelta(seconds=1)
        for event in self.history:
            event["IsPlayed"] = event["EventType"] in MESSAGES
        new = list(messages)
        self.history += [self._event(12), *new]
        answer = self._replay()
        for message in new:
            task: Any = message.get("TaskScheduledId", message.get("TimerId"))
            self.open.pop(task, None)
            self._advance(answer.actions)
        self.history.append(self._event(13))
        self.answers.append(answer)
        return answer

    def replayed(self, body: str) -> Said:
        """What the SDK makes of a body, by a fresh generator."""
        try:
            state = json.loads(df.Orchestrator.create(self.orchestrator)(body))
        except Exception as error:
            text, label, rest = str(error).partition("\n\n$OutOfProcData$:")
            if not label:
                raise
            state = json.loads(rest) | {"error": text}
        [actions] = state["actions"]
        return Said(actions, state["isDone"], state.get("output"), state.get("error"), state.get("customStatus"))

    def _replay(self) -> Said:
        body = json.dumps(
            {
                "history": self.history,
                "input": json.dumps(self.input),
                "instanceId": self.audit_id,
                "isReplaying": len(self.answers) > 0,
                "parentInstanceId": None,
                "upperSchemaVersion": 1,
                "upperSchemaVersionNew": 2,
                "longRunningTimerIntervalDuration": "3.00:00:00",
                "maximumShortTimerDuration": "6.00:00:00",
                "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
            }
        )
        self.bodies.append(body)
        return self.replayed(body)

    def _advance(self, actions: list[dict[str, Any]]) -> None:
        """Schedule what is asked for next, once everything before it is done."""
        while not self.open and self._position < len(actions):
            self._schedule(actions[self._position])
            self._position += 1

    def _schedule(self, action: dict[str, Any]) -> None:
        if action["actionType"] == WHEN_ALL:
            for child in action["compoundActions"]:
                self._schedule(child)
            return
        task = self._next_id
        self._next_id += 1
        self.open[task] = action
        if action["actionType"] == ACTIVITY:
            self.payloads.append(action["input"])
            self.history.append(self._event(4, EventId=task, Name=action["functionName"], Version="", Input=None))
        else:
            assert action["actionType"] == TIMER
            self.history.append(self._event(10, EventId=task, FireAt=action["fireAt"]))

    def _event(self, kind: int, **more: Any) -> Event:
        stamp = self._now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": stamp, **more}


def run(host: SdkHost, activity: Callable[[str, dict[str, Any]], Any], random: Random, most_at_once: int = 1) -> Said:
    """Run an orchestration to its end; what is open is done in any order, up to ``most_at_once`` for each wake-up."""
    host.start()
    while host.open:
        chosen = random.sample(sorted(host.open), random.randint(1, min(most_at_once, len(host.open))))
        host.wake([_message(host, task, activity) for task in chosen])
    return host.answers[-1]


def _message(host: SdkHost, task: int, activity: Callable[[str, dict[str, Any]], Any]) -> Event:
    action = host.open[task]
    if action["actionType"] == TIMER:
        return host.fire(task)
    try:
        return host.complete(task, activity(action["functionName"], json.loads(action["input"])))
    except Exception as error:  # noqa: BLE001 - whatever an activity raises is its result
        return host.fail(task, str(error))
