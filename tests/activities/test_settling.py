"""What becomes of a change whose worker was lost: its last request may be carried out after everybody has looked."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from activities import settling
from adapters.api_changes import ApiChanges
from adapters.appliers import UncertainError
from adapters.guarding import Guarding
from profiles.stuck_uploads.dialects import LAYOUT_STATUS
from profiles.stuck_uploads.starting import MOST_SECONDS, start
from profiles.stuck_uploads.statements import start_run
from profiles.stuck_uploads.video_rules import START_RUN
from reconciliation.effects import Effect, Ended, Ending
from reconciliation.errors import ApiRefusedError, ApiUnavailableError
from reconciliation.ledger import EffectEntries, Entry
from reconciliation.queries import HttpAnswer, HttpCall
from tests.profiles.stuck_uploads.prefect_in_memory import AT, Prefect
from tests.profiles.stuck_uploads.test_starting import OURS, values

DEADLINE = AT + timedelta(seconds=MOST_SECONDS)
TRY_SECONDS = 30.0


class Changes(ApiChanges):
    """By the clock of the API in memory, instead of a database's."""

    async def clock(self) -> datetime:
        server: Any = self.api
        moment: datetime = server.prefect.now
        return moment


@dataclass
class Api:
    """Prefect in memory; ``fails`` says whether a call at a moment gets no answer."""

    prefect: Prefect
    try_seconds: float = TRY_SECONDS
    fails: Callable[[datetime], bool] = lambda _moment: False

    async def call(self, call: HttpCall) -> HttpAnswer:
        if self.fails(self.prefect.now):
            raise ApiUnavailableError("It cannot be reached.")
        return self.prefect.answer(call)


@dataclass
class Repairs:
    """The ledger of one effect."""

    endings: list[Entry] = field(default_factory=list)

    async def entries(self, _record: Any, _name: str) -> EffectEntries:
        return EffectEntries(endings=tuple(self.endings))

    async def end(self, _record: Any, _name: str, entry: Entry) -> Entry:
        self.endings.append(entry)
        return entry


@dataclass
class World:
    """A worker has sent a request and died; it is carried out ``after`` so many seconds, None: never."""

    after: float | None
    prefect: Prefect = field(default_factory=lambda: Prefect().with_deployments())
    repairs: Repairs = field(default_factory=Repairs)
    request: HttpCall = field(init=False)

    def __post_init__(self) -> None:
        conversation = start(values(), OURS)
        call = next(conversation)
        while not call.changes:
            call = conversation.send(self.prefect.answer(call))
        conversation.close()
        self.request = call

    async def sleep(self, seconds: float) -> None:
        begun = self.prefect.now
        self.prefect.now += timedelta(seconds=seconds)
        carried_out = None if self.after is None else AT + timedelta(seconds=self.after)
        if carried_out is not None and begun < carried_out <= self.prefect.now:
            ended, self.prefect.now = self.prefect.now, carried_out
            self.prefect.answer(self.request)
            self.prefect.now = ended

    async def settled(self, monkeypatch: pytest.MonkeyPatch, api: Api, why: str = "") -> Ended:
        services: Any = SimpleNamespace(
            sleep=self.sleep, now=lambda: self.prefect.now, store=SimpleNamespace(repairs=self.repairs)
        )
        http: Any = api
        monkeypatch.setattr(settling, "changes_of", lambda *_: Changes(services, "DATABASE", http))
        statement = start_run(LAYOUT_STATUS)
        profile = SimpleNamespace(repair=lambda _name: SimpleNamespace(statement=lambda _name: statement))
        job: Any = SimpleNamespace(
            services=services, profile=profile, record=SimpleNamespace(policy=None, profile="stuck-uploads")
        )
        planned: Any = SimpleNamespace(repair=START_RUN, change=SimpleNamespace(waiting_since=None))
        return await settling.find_out(job, planned, Effect(START_RUN, values()), OURS, DEADLINE, why=why)


@pytest.mark.parametrize("after", [1, MOST_SECONDS, MOST_SECONDS + 1, MOST_SECONDS + 19, MOST_SECONDS + TRY_SECONDS])
async def test_a_request_that_is_carried_out_after_its_worker_died_is_found(
    monkeypatch: pytest.MonkeyPatch, after: float
) -> None:
    world = World(after)
    ended = await world.settled(monkeypatch, Api(world.prefect))
    [run] = world.prefect.runs.values()
    assert (ended.ending, ended.left.get("run_id")) == (Ending.ALREADY_DONE, run["id"])


async def test_a_run_that_is_found_early_gives_way_to_a_rival_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(MOST_SECONDS + 5)
    world.prefect.add("rival", "SCHEDULED", AT)
    ended = await world.settled(monkeypatch, Api(world.prefect))
    assert ended.ending is Ending.FAILED
    assert {name: run["state_type"] for name, run in world.prefect.runs.items()} == {
        "rival": "SCHEDULED",
        "run-1": "CANCELLED",
    }


async def test_that_nothing_was_changed_is_said_once_no_request_can_be_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(None)
    ended = await world.settled(monkeypatch, Api(world.prefect))
    assert (ended.ending, "Nothing was changed" in ended.why) == (Ending.FAILED, True)
    assert world.prefect.now > DEADLINE + timedelta(seconds=TRY_SECONDS)


async def test_without_an_answer_then_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then it had answered that there is no run."""
    world = World(None)
    ended = await world.settled(
        monkeypatch, Api(world.prefect, fails=lambda now: now > DEADLINE + timedelta(seconds=25))
    )
    assert ended.ending is Ending.UNKNOWN


@pytest.mark.parametrize(("after", "ending"), [(None, Ending.FAILED), (1, Ending.ALREADY_DONE)])
async def test_the_ending_says_why_it_had_to_be_found_out_about(
    monkeypatch: pytest.MonkeyPatch, after: float | None, ending: Ending
) -> None:
    world = World(after)
    ended = await world.settled(monkeypatch, Api(world.prefect), "Prefect answered 403.")
    assert ended.ending is ending
    assert ended.why.startswith("Prefect answered 403. ")
    assert "worker was lost" not in ended.why


@pytest.mark.parametrize(
    ("error", "told"), [(ApiRefusedError("It answered 403."), "It answered 403."), (None, "It took too long.")]
)
async def test_why_it_is_uncertain_is_told_by_whoever_has_tried(
    monkeypatch: pytest.MonkeyPatch, error: ApiRefusedError | None, told: str
) -> None:
    prefect = Prefect().with_deployments()

    class Refusing(Api):
        async def call(self, call: HttpCall) -> HttpAnswer:
            if not call.changes:
                return await super().call(call)
            if error is not None:
                raise error
            await asyncio.sleep(60)
            raise AssertionError

    async def holds(*_: Any) -> dict[str, bool]:
        return {guard.name: True for guard in start_run(LAYOUT_STATUS).guards}

    monkeypatch.setattr(Guarding, "hold", holds)
    services: Any = None
    http: Any = Refusing(prefect)
    deadline = AT + timedelta(seconds=0.2 if error is None else MOST_SECONDS)
    with pytest.raises(UncertainError) as uncertain:
        await Changes(services, "DATABASE", http).apply(
            start_run(LAYOUT_STATUS), Effect(START_RUN, values()), OURS, deadline
        )
    assert str(uncertain.value) == told
