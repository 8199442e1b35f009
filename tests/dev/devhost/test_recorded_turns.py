"""The real SDK and the engine's pure part, fed with the messages of the recordings, body by body."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.responses import Response
from dev.devhost.protocol.status import history_rows
from dev.devhost.protocol.times import parse_stamp
from dev.devhost.protocol.turns import Execution, History, Turn, body_text, open_turn, settle, wanted
from dev.devhost.worker.calling import Calls
from dev.devhost.worker.functions import Trigger, durable_names
from dev.devhost.worker.loading import App, read_app
from tests.dev.devhost.recorded import Call, alike, calls, load, names, same_rows, timeless

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK warns about its own codec, once


@dataclass
class Player:
    """Plays one instance of a recording through the pure engine."""

    worker: Calls
    activities: frozenset[str]
    execution: Execution
    past: History = ()
    turns: list[Turn] = field(default_factory=list)

    async def play(self, call: Call) -> Response:
        history: list[Event] = call.body["history"]
        start = max(i for i, e in enumerate(history) if e["EventType"] == Kind.OrchestratorStarted)
        messages = history[start + 1 :]
        assert wanted(self.past, messages) == messages
        opened = open_turn(messages, parse_stamp(history[start]["Timestamp"]))
        body = json.loads(body_text(self.execution, self.past, opened))
        assert alike(timeless(call.body), timeless(body)), (call.body["history"], body["history"])
        response = await self.worker.run_orchestrator(self.execution.name, json.dumps(call.body))
        turn = settle(self.execution, self.past, opened, response, activities=self.activities)
        self.turns.append(turn)
        self.past = (*self.past, *ev.played(turn.events))
        return response


def app_of(recording: dict[str, Any]) -> App:
    module: dict[str, Any] = {}
    exec(recording["orchestrator"], module)
    return read_app(type("Module", (), module))


async def play(name: str) -> Player:
    recording = load(name)
    app = app_of(recording)
    worker, activities = Calls(app), frozenset(durable_names(app, Trigger.ACTIVITY))
    player: Player | None = None
    for call in calls(recording):
        started = call.body["history"][1]
        execution = Execution(call.instance, started["Name"], started["Input"])
        player = player or Player(worker, activities, execution)
        response = await player.play(call)
        assert (response.error or response.fault or "").startswith(cut(call.error))
        if call.answer is not None:
            assert response.done == call.answer["isDone"]
            assert response.output == call.answer.get("output")
    assert player is not None
    return player


def cut(error: str | None) -> str:
    """A recorded error up to its label, or up to what the worker adds around an error without one."""
    text, label, _ = (error or "").partition("\n\n$OutOfProcData$:")
    return text if label else ""


@pytest.mark.parametrize("name", names())
async def test_bodies_answers_and_end_are_the_real_hosts(name: str) -> None:
    player = await play(name)
    status = load(name)["status"]
    if not isinstance(status, dict):
        return  # purged
    ending = player.turns[-1].ending
    assert ending is not None
    assert ending.status == status["runtimeStatus"]
    output = None if ending.result is None else json.loads(ending.result)
    assert alike(status["output"], output)
    assert same_rows(status["historyEvents"], history_rows(player.past, show_output=True))
