"""Prefect as races use it: killed right after an insert, it comes back with what it had answered."""

from pathlib import Path

from dev.chaos.stuck_uploads.engine import engine
from dev.chaos.stuck_uploads.rivals import RUNS
from dev.chaos.stuck_uploads.world import Video


async def test_a_server_that_was_killed_comes_back_on_its_port_with_its_runs(tmp_path: Path) -> None:
    with engine(tmp_path) as one:
        deployment = one.deployment("a flow", "production")
        scheduled, capitals = (one.start(deployment, Video(1), rival) for rival in (RUNS[0], RUNS[-1]))
        one.take(scheduled)
        await one.kill()
        runs = {run.id: run for run in one.runs_of(deployment, {capitals: one.now()})}
        assert {*runs} == {scheduled, capitals}
        assert [state for state, _ in runs[scheduled].states] == ["SCHEDULED", "PENDING", "RUNNING"]
        assert (runs[capitals].taken, runs[capitals].is_called_off, runs[capitals].is_ours) == (None, False, False)
        one.clear(runs.values())
        assert all(run.over is not None for run in one.runs_of(deployment, {}))
