"""A thousand repairs of a hundred sessions: half of them by hosts, half of them for the statement alone."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from dev.chaos.repairs import hosts, statements
from dev.chaos.repairs.race import Results, draw_races, one_of_each
from dev.chaos.repairs.world import lost_sessions, plant
from dev.chaos.world import write_account
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.stub import stubbed_storage

LANES = 3


def run_repairs(server: PostgresServer, storage: AzuriteServer, folder: Path, repairs: int, seed: int) -> Results:
    """Run them on a database of their own, and print what is wrong as it is found."""
    results, sessions = Results(), lost_sessions()
    by_hosts, alone = sessions[::2], sessions[1::2]
    database, store = plant(server, "races", sessions), storage.connection_string
    account = folder / "races.jsonl"
    write_account(account, [session.container for session in sessions])
    chance = random.Random(f"{seed} repairs")  # noqa: S311 - reproducible
    races = draw_races(chance, alone, (repairs - repairs // 2) // statements.STORES)
    with ExitStack() as stack:
        source = stack.enter_context(stubbed_storage(["--account", str(account)])).connection_string
        pool = stack.enter_context(ThreadPoolExecutor(1))
        place = hosts.Place(database, source, store, folder)
        over_http = pool.submit(hosts.run_pairs, place, by_hosts, repairs // 2, seed, results)
        asyncio.run(statements.run_races(statements.Place(database, store), races, results, LANES))
        over_http.result()
    return results


def one_of_each_without(server: PostgresServer, storage: AzuriteServer, guard: str) -> Results:
    """Races with the rivals that break a guard, with statements that do not ask for it; without the name of a guard,
    races with all rivals, and all guards.
    """
    results, sessions, name = Results(), lost_sessions(30), f"without_{guard or 'nothing'}"
    place = statements.Place(plant(server, name, sessions), storage.connection_string, guard)
    races = one_of_each(sessions, guard)
    asyncio.run(statements.run_races(place, races, results, 1 if guard else LANES, f"{name.replace('_', '-')}-"))
    return results
