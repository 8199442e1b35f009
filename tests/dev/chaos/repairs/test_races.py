"""Races of repairs: in small, as the campaign runs them; and that each guard is missed where it is taken away."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from dev.chaos.repairs.campaign import one_of_each_without
from dev.chaos.repairs.gate import Moment
from dev.chaos.repairs.race import draw_races
from dev.chaos.repairs.rivals import HOLDS_ON, RIVALS
from dev.chaos.repairs.world import lost_sessions
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from profiles.pre_capture_sessions.statements import REGISTER_RECORDING

ROOT = Path(__file__).parents[4]
GUARDS = [guard.name for guard in REGISTER_RECORDING.guards]


def test_every_guard_has_a_rival_that_breaks_it() -> None:
    assert {rival.guard for rival in (*RIVALS, HOLDS_ON)} == set(GUARDS)


def test_a_campaign_of_a_thousand_draws_enough_of_everything() -> None:
    races = draw_races(random.Random(1), lost_sessions(), 250)
    assert draw_races(random.Random(1), lost_sessions(), 250) == races
    assert {race.rival for race in races} == {None, *RIVALS, HOLDS_ON}
    assert sum(race.rival is not None and race.commits for race in races) > 100
    assert sum(race.moment is Moment.KILLED_AFTER_COMMIT for race in races) > 20
    assert {race.moment for race in races} == {None, *Moment}
    assert all(race.moment is None for race in races if race.rival is not None)


def test_with_all_guards_every_rival_is_met_and_nothing_is_wrong(
    postgres_server: PostgresServer, azurite_server: AzuriteServer
) -> None:
    results = one_of_each_without(postgres_server, azurite_server, "")
    assert not results.is_wrong
    assert results.applied == 1  # where nobody stood against it, one of the two
    assert results.refused_in_statement == results.repairs - 1
    assert results.rival_writes == 2 * len(RIVALS) - sum(not rival.before for rival in RIVALS)


@pytest.mark.deep
@pytest.mark.parametrize("guard", GUARDS)
def test_without_any_one_guard_the_campaign_fails(
    postgres_server: PostgresServer, azurite_server: AzuriteServer, guard: str
) -> None:
    results = one_of_each_without(postgres_server, azurite_server, guard)
    assert results.problems
    assert not results.stuck


@pytest.mark.deep
@pytest.mark.timeout(480)
def test_a_small_campaign_tells_what_it_did() -> None:
    command = [sys.executable, "-m", "dev.chaos", "--audits", "0", "--repairs", "40", "--starts", "0", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=470, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["repairs"] == 40
    assert summary["applied"] > 5
    assert summary["refused_in_statement"] > 5
    assert summary["killed_between_commit_and_ledger"] >= 3  # the long outages alone
    assert summary["double_registrations"] + summary["lost_ledger_entries"] + summary["unapproved_changes"] == 0
