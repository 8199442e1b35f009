"""A thousand repairs of a hundred sessions: of ten, two are made over HTTP, three by workers that share a run store,
and five by workers that do not, so that the guard of the run store is not in the way of what is tried.
"""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from dev.chaos.repairs import hosts, statements
from dev.chaos.repairs.race import Results, draw_races, one_of_each
from dev.chaos.repairs.world import Database, lost_sessions, plant, reset
from dev.chaos.world import write_account
from dev.devstack.azurite import AzuriteServer, azurite
from dev.devstack.postgres import PostgresServer
from dev.devstack.stub import stubbed_storage

LANES = 3
MOST_IN_ONE_CHAPTER = 250


def run_repairs(server: PostgresServer, folder: Path, repairs: int, seed: int) -> Results:
    """Run them on a database of their own, and print what is wrong as it is found.

    Azurite stands still for minutes when it clears up, ten minutes after its start: each chapter has new ones.
    """
    results, sessions = Results(), lost_sessions()
    database = plant(server, "races", sessions)
    account = folder / "races.jsonl"
    write_account(account, [session.container for session in sessions])
    chapters = -(-repairs // MOST_IN_ONE_CHAPTER)
    with stubbed_storage(["--account", str(account)]) as source:
        for chapter in range(chapters):
            share = len(range(chapter, repairs, chapters))
            place = folder / f"chapter-{chapter}"
            _run_chapter(database, source.connection_string, place, _Share(share, f"{seed} {chapter}"), results)
    return results


class _Share(NamedTuple):
    """The repairs of one chapter."""

    repairs: int
    seed: str


def _run_chapter(database: Database, source: str, folder: Path, share: _Share, results: Results) -> None:
    sessions = lost_sessions()
    by_hosts, alone = sessions[::2], sessions[1::2]
    by_workers = share.repairs - share.repairs // 5
    in_one_store = by_workers - share.repairs // 2
    chance = random.Random(share.seed)  # noqa: S311 - reproducible
    races = draw_races(chance, alone, by_workers // statements.STORES, in_one_store // statements.STORES)
    for session in sessions:
        reset(database.owner_url, session)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1))
        place = hosts.Place(database, source, stack.enter_context(azurite()).connection_string, folder)
        workers = statements.Place(database, stack.enter_context(azurite()).connection_string)
        over_http = pool.submit(hosts.run_pairs, place, by_hosts, share.repairs // 5, share.seed, results)
        asyncio.run(statements.run_races(workers, races, results, LANES))
        over_http.result()


def one_of_each_without(server: PostgresServer, storage: AzuriteServer, guard: str) -> Results:
    """Races with the rivals that break a guard, with statements that do not ask for it; without the name of a guard,
    races with all rivals, and all guards.
    """
    results, sessions, name = Results(), lost_sessions(30), f"without_{guard or 'nothing'}"
    place = statements.Place(plant(server, name, sessions), storage.connection_string, guard)
    races = one_of_each(sessions, guard)
    asyncio.run(statements.run_races(place, races, results, 1 if guard else LANES, f"{name.replace('_', '-')}-"))
    return results
