"""Prefect in races: its real server, which can be killed, and what it holds of a video."""

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from dev.chaos.stuck_uploads.judging import Run
from dev.chaos.stuck_uploads.rivals import RunRival
from dev.chaos.stuck_uploads.world import Video
from dev.devstack.prefect import PrefectServer, prefect
from dev.devstack.prefect_planting import Planting

_TRIES = 5


class Engine:
    """A running server; ``kill`` starts it again on the same database and port."""

    def __init__(self, server: PrefectServer, folder: Path | None = None, running: ExitStack | None = None) -> None:
        self.port, self.url = server.port, server.url
        self._folder, self._running = folder, running
        self._plant = Planting(server)

    def close(self) -> None:
        """Close its connections, and end the server if it may be killed."""
        self._plant.client.close()
        if self._running is not None:
            self._running.close()

    async def kill(self) -> None:
        """``kill -9``, then start it again on what it left."""
        await asyncio.to_thread(self._kill)

    def _kill(self) -> None:
        assert self._running is not None
        self._running.close()
        self._running.enter_context(prefect(self._folder, self.port, stop_signal=signal.SIGKILL))

    def now(self) -> datetime:
        """The clock of this machine, which is that of the server as well."""
        return datetime.now(UTC)

    def deployment(self, flow: str, name: str) -> str:
        """The id of a new deployment."""
        return self._plant.deployment(flow, name)

    def start(self, deployment: str, video: Video, rival: RunRival) -> str:
        """Let somebody else start a run without a key; its id."""
        named = {"video_id": video.id.upper()} if rival.upper_case else {}
        return self._plant.run(deployment, video.parameters | named, rival.state)

    def take(self, run: str) -> None:
        """Let a worker take a run, and begin with it."""
        for state in ("PENDING", "RUNNING"):
            self._plant.set_state(run, state)

    def runs_of(self, deployment: str, visible: Mapping[str, datetime]) -> list[Run]:
        """All runs of a deployment; ``visible`` are those of somebody else, with the moment they were there."""
        wanted = {"flow_runs": {"deployment_id": {"any_": [deployment]}}}
        found = _read(lambda: self._plant.made("flow_runs/filter", wanted))
        return [_run(one, self._states(one["id"]), visible.get(one["id"])) for one in found]

    def _states(self, run: str) -> list[Any]:
        path = f"flow_run_states/?flow_run_id={run}"
        states = _read(lambda: self._plant.call(path).raise_for_status().json())
        return sorted(states, key=lambda state: str(state["timestamp"]))

    def clear(self, runs: Iterable[Run]) -> None:
        """End what is active, so that the server has nothing to do with it."""
        for run in runs:
            if run.over is None:
                self._plant.set_state(run.id, "CANCELLED")


def _read(read: Callable[[], Any]) -> Any:
    """What is read; tried again while the connection breaks."""
    for _ in range(_TRIES - 1):
        with suppress(httpx.TransportError):
            return read()
    return read()


def _run(told: Mapping[str, Any], states: Iterable[Mapping[str, Any]], visible: datetime | None) -> Run:
    return Run(
        told["id"],
        tuple(told["tags"]),
        datetime.fromisoformat(told["created"]),
        datetime.fromisoformat(told["expected_start_time"]),
        tuple((state["type"], datetime.fromisoformat(state["timestamp"])) for state in states),
        visible,
    )


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Run a server that can be killed until the block ends; it keeps its database in a folder."""
    running = ExitStack()
    with running:
        server = running.enter_context(prefect(folder, stop_signal=signal.SIGKILL))
        one = Engine(server, folder, running)
        try:
            yield one
        finally:
            one.close()
