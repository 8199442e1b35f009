"""Races of repairs that start runs: in small, as the campaign runs them; and that it sees what is left out."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dev.chaos.stuck_uploads.campaign import Servers, draw, one_of_each_without, run_some
from dev.chaos.stuck_uploads.engine import Engine
from dev.chaos.stuck_uploads.judging import Apart, Wrong
from dev.chaos.stuck_uploads.race import Moment, Taken
from dev.chaos.stuck_uploads.rivals import ROWS, RUNS, When
from dev.devstack.azurite import AzuriteServer
from dev.devstack.moto import MotoServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.prefect import PrefectServer

ROOT = Path(__file__).parents[4]


@pytest.fixture
def servers(
    postgres_server: PostgresServer,
    azurite_server: AzuriteServer,
    s3_server: MotoServer,
    prefect_server: PrefectServer,
) -> Iterator[Servers]:
    with closing(Engine(prefect_server)) as engine:
        yield Servers(postgres_server, azurite_server, s3_server, engine)


def test_a_campaign_of_five_hundred_draws_enough_of_everything() -> None:
    drawn = draw(random.Random(1), 500)
    assert draw(random.Random(1), 500) == drawn
    assert len({video.id for video in drawn.videos}) == len(drawn.videos)
    alone = [*drawn.alone, *drawn.restarts]
    assert sum(race.racers for race in drawn.shared) >= 250
    assert sum(race.racers for race in drawn.alone) >= 250
    assert all(race.run is not None for race in drawn.alone)
    assert {race.run for race in alone} == {None, *RUNS}
    assert {race.run_when for race in drawn.alone} == {*When}
    assert {race.row for race in drawn.shared} == {None, *ROWS}
    assert {race.moment for race in [*drawn.shared, *alone]} == {None, *Moment}
    assert {race.taken for race in alone} == {None, *Taken}
    assert sum(race.moment is Moment.KILLED_AFTER for race in drawn.shared) > 20
    assert {(race.before, race.commits, race.rival is None) for race in drawn.marks} >= {
        (False, True, True),
        (True, True, False),
        (False, True, False),
        (False, False, False),
    }


def test_in_small_every_sort_of_rival_is_met_and_nothing_is_wrong(servers: Servers) -> None:
    results = run_some(servers)
    assert not results.is_wrong
    assert results.started > 0
    assert (results.rival_runs, results.rows_moved) == (5, 2)
    assert (results.apart[Apart.UNSEEN], results.apart[Apart.TAKEN]) == (1, 1)
    assert {*results.faults} == {Moment.KILLED_AFTER.value, Moment.CUT_AFTER.value, f"taken_{Taken.AT_ONCE}"}


@pytest.mark.deep
@pytest.mark.timeout(480)
def test_with_nothing_left_out_every_rival_is_met_and_nothing_is_wrong(servers: Servers) -> None:
    results = one_of_each_without(servers, "")
    assert not results.is_wrong
    assert results.rival_runs > 10
    assert results.rows_moved == len(ROWS) + 2
    assert results.apart[Apart.UNSEEN] > 0
    assert results.apart[Apart.TAKEN] > 0
    assert {*results.faults} >= {moment.value for moment in Moment if moment is not Moment.SERVER_KILLED}


LEFT_OUT = {
    "look_after_creation": Wrong.DOUBLE,
    "key_and_look_after_creation": Wrong.DOUBLE,
    "leaves_what_is_taken": Wrong.CANCELLED,
    "same_row": Wrong.AGAINST,
    "not_edited": Wrong.AGAINST,
    "waits": Wrong.AGAINST,
    "same_source": Wrong.AGAINST,
}


@pytest.mark.deep
@pytest.mark.parametrize("left_out", LEFT_OUT)
def test_without_any_one_of_them_the_campaign_fails(servers: Servers, left_out: str) -> None:
    results = one_of_each_without(servers, left_out)
    assert LEFT_OUT[left_out] in {problem.kind for problem in results.problems}
    assert not results.stuck


@pytest.mark.deep
@pytest.mark.timeout(480)
def test_a_small_campaign_tells_what_it_did() -> None:
    command = [sys.executable, "-m", "dev.chaos", "--audits", "0", "--repairs", "0", "--starts", "20", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=470, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["start_run_repairs"] >= 20
    assert summary["runs_started"] > 3
    assert summary["guard_bypassed"] >= 10
    assert summary["run_faults"]["server_killed_after_the_insert"] >= 1
    assert {kind.value: summary[kind.value] for kind in Wrong} == {kind.value: 0 for kind in Wrong}
