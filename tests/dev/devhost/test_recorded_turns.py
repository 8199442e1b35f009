"""The real SDK and the engine's pure part, fed with the messages of the recordings, body by body."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from dev.devhost.engine.port import OrchestratorResult
from dev.devhost.engine.rewinding import rewound
from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.status import history_rows
from dev.devhost.protocol.times import parse_stamp
from dev.devhost.protocol.turns import Execution, Opened, Past, Turn, body_text, open_turn, settle, wanted
from dev.devhost.worker.calling import Calls
from dev.devhost.worker.loading import read_app
from tests.dev.devhost.recorded import Call, alike, calls, load, names, same_rows, timeless

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # the SDK warns about its own codec, once per process
    pytest.mark.filterwarnings("ignore:Potential duplicate Task completion"),  # events that nobody awaits yet
]
HAZARDS = {"any_old_and_new": "hazard 1", "task_all_retry_drift": "hazard 2"}
"""Scenarios that devhost stops on purpose, where a real host hangs or goes on wrongly."""


@dataclass
class Player:
    """Plays one instance of a recording through the pure engine."""

    worker: Calls
    execution: Execution
    past: Past = field(default_factory=Past)
    turns: list[Turn] = field(default_factory=list)

    async def play(self, call: Call) -> OrchestratorResult:
        history: list[Event] = call.body["history"]
        start = max(i for i, e in enumerate(history) if e["EventType"] == Kind.OrchestratorStarted)
        messages = [e for e in history[start + 1 :] if e["EventType"] != Kind.OrchestratorCompleted]
        assert wanted(self.past, messages) == messages
        opened = open_turn(self.execution, self.past, messages, parse_stamp(history[start]["Timestamp"]))
        body = json.loads(body_text(self.execution, self.past, opened))
        assert alike(timeless(call.body), timeless(body)), (call.body["history"], body["history"])
        result = await self.worker.run_orchestrator(self.execution.name, json.dumps(call.body))
        self._settle(opened, result)
        return result

    def _settle(self, opened: Opened, result: OrchestratorResult) -> None:
        known = self.worker.known
        turn = settle(self.execution, self.past, opened, result.answer, known=known, sdk_tasks=result.sdk_tasks)
        self.turns.append(turn)
        events = (*self.past.events, *ev.played(list(turn.events)))
        self.past = Past(events, (*self.past.marks, turn.mark))


def worker(recording: dict[str, Any]) -> Calls:
    module: dict[str, Any] = {}
    exec(recording["orchestrator"], module)
    return Calls(read_app(type("Module", (), module)), ".")


def begin(player: Player | None, worker_: Calls, call: Call) -> Player:
    """A player for a new execution; a new generation begins with what the old one asked for."""
    started = call.body["history"][1]
    continued = player is not None and bool(player.turns) and player.turns[-1].next_input is not None
    if continued:
        assert player is not None
        assert player.turns[-1].next_input == started["Input"]
    execution = Execution(
        instance_id=call.instance,
        execution_id=started["OrchestrationInstance"]["ExecutionId"],
        name=started["Name"],
        raw_input=started["Input"],
        parent_id=call.body["parentInstanceId"],
        continued=continued,
    )
    return Player(worker_, execution)


async def play(name: str) -> dict[str, Player]:
    recording = load(name)
    worker_ = worker(recording)
    players: dict[str, Player] = {}
    try:
        for call in calls(recording):
            if call.first:
                players[call.instance] = begin(players.get(call.instance), worker_, call)
            player = players[call.instance]
            if call.body["history"][-1]["EventType"] == Kind.GenericEvent:
                player.past = rewound(player.past)
            if name == "custom_status_too_big":  # the recording has this answer shortened
                await player.play(call)
                continue
            result = await player.play(call)
            assert (result.answer.error or result.answer.fault or "").startswith(cut(call.error))
            if call.answer is not None:
                assert result.answer.done == call.answer["isDone"]
                assert result.answer.output == call.answer.get("output")
                assert result.answer.custom_status == call.answer.get("customStatus")
    finally:
        worker_.close()
    return players


def cut(error: str | None) -> str:
    """A recorded error up to its label, or up to what the worker adds around an error without one."""
    text, label, _ = (error or "").partition("\n\n$OutOfProcData$:")
    return text if label else ""


@pytest.mark.parametrize("name", [n for n in names() if n not in HAZARDS])
async def test_bodies_answers_and_end_are_the_real_hosts(name: str) -> None:
    players = await play(name)
    status = load(name)["status"]
    if not isinstance(status, dict):
        return  # purged
    root = players[status["instanceId"]]
    ending = root.turns[-1].ending
    assert ending is not None
    assert ending.status == status["runtimeStatus"]
    output = None if ending.result is None else json.loads(ending.result)
    assert alike(status["output"], output)
    assert alike(status["customStatus"], json.loads(root.turns[-1].custom_status or "null"))
    assert same_rows(status["historyEvents"], history_rows(root.past.events, show_output=True))


@pytest.mark.parametrize(("name", "text"), HAZARDS.items())
async def test_hazards_are_stopped(name: str, text: str) -> None:
    recording = load(name)
    worker_ = worker(recording)
    player: Player | None = None
    for call in calls(recording):
        player = player or begin(None, worker_, call)
        await player.play(call)
        ending = player.turns[-1].ending
        if ending is not None:
            break
    worker_.close()
    assert player is not None
    assert ending is not None
    assert ending.status == "Failed"
    assert text in (ending.text or "")
    assert player.turns[-1].complaints
