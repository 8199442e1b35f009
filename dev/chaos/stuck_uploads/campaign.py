"""Five hundred repairs that start a run of a stuck video: half are made by workers that share a run store, and half by
workers that do not, beside people whose runs carry no key; so that the guard of the run store is not in the way.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

from dev.chaos.stuck_uploads.engine import Engine, engine
from dev.chaos.stuck_uploads.lane import Lane, Place, lane, run_races
from dev.chaos.stuck_uploads.race import (
    MARK_SHARE,
    MarkRace,
    Race,
    Results,
    draw_alone,
    draw_mark,
    draw_shared,
    one_of_each,
    some_of_each,
)
from dev.chaos.stuck_uploads.world import CONTENT, Video, plant
from dev.demo.stuck_uploads.bucket import plant_s3
from dev.devstack.azurite import AzuriteServer, azurite
from dev.devstack.moto import MotoServer, moto
from dev.devstack.postgres import PostgresServer
from dev.devstack.prefect import prefect

LANES = 2
"""Of each sort; and one more whose server is killed."""
RESTART_SHARE = 25
"""For so many repairs there is one more whose server is killed."""
MOST_IN_ONE_CHAPTER = 250
_VIDEOS = [*map(Video, range(1, 61))]


class Servers(NamedTuple):
    """What a campaign runs on."""

    postgres: PostgresServer
    azurite: AzuriteServer
    moto: MotoServer
    engine: Engine


class Drawn(NamedTuple):
    """The races of a chapter, by their sort."""

    shared: Sequence[Race]
    alone: Sequence[Race]
    restarts: Sequence[Race]
    marks: Sequence[MarkRace]

    @property
    def videos(self) -> list[Video]:
        return [race.video for races in self for race in races]


def draw(chance: random.Random, repairs: int, first: int = 1) -> Drawn:
    """Races of at least so many repairs that start a run, half of them with run stores of their own."""
    videos = map(Video, count(first))
    half = -(-repairs // 2)
    of_restarts = max(2, repairs // RESTART_SHARE)
    shared = _until(half, lambda: draw_shared(chance, next(videos)))
    restarts = _until(of_restarts, lambda: draw_alone(chance, next(videos), restarts=True))
    alone = _until(half, lambda: draw_alone(chance, next(videos)))
    marks = [draw_mark(chance, next(videos)) for _ in range(-(-repairs // (2 * MARK_SHARE)))]
    return Drawn(shared, alone, restarts, marks)


def _until(repairs: int, drawn: Callable[[], Race]) -> list[Race]:
    races: list[Race] = []
    while sum(race.racers for race in races) < repairs:
        races.append(drawn())
    return races


def run_starts(server: PostgresServer, folder: Path, repairs: int, seed: int) -> Results:
    """Run them on a database of their own, and print what is wrong as it is found.

    Azurite stands still for minutes when it clears up, ten minutes after its start: each chapter has new servers.
    """
    results, first = Results(), 1
    chapters = -(-repairs // MOST_IN_ONE_CHAPTER)
    for chapter in range(chapters):
        chance = random.Random(f"starts {seed} {chapter}")  # noqa: S311 - reproducible
        drawn = draw(chance, len(range(chapter, repairs, chapters)), first)
        first += len(drawn.videos)
        with (
            azurite() as storage,
            moto() as s3,
            prefect() as calm,
            closing(Engine(calm)) as one,
            engine(folder / f"prefect-{chapter}") as killed,
        ):
            place = _planted(Servers(server, storage, s3, one), f"starts{chapter}", drawn.videos)
            asyncio.run(_run(place, replace(place, engine=killed), drawn, results))
    return results


async def _run(place: Place, restarting: Place, drawn: Drawn, results: Results) -> None:
    # A status is set in either sort of run store.
    sorts: tuple[tuple[bool, list[Race | MarkRace]], ...] = (
        (True, [*drawn.shared, *drawn.marks[::2]]),
        (False, [*drawn.alone, *drawn.marks[1::2]]),
    )
    async with AsyncExitStack() as stack:

        async def opened(at: Place, name: str, *, shared: bool) -> Lane:
            return await stack.enter_async_context(lane(at, name, results, shared=shared))

        lanes: list[tuple[Lane, Sequence[Race | MarkRace]]] = [
            (await opened(place, f"{'one' if shared else 'own'}-{number}", shared=shared), races[number::LANES])
            for shared, races in sorts
            for number in range(LANES)
            if races[number::LANES]
        ]
        if drawn.restarts:
            lanes.append((await opened(restarting, "killed", shared=False), drawn.restarts))
        await run_races(lanes)


def run_some(servers: Servers) -> Results:
    """A few races of each sort."""
    return _run_alone(servers, "some", some_of_each(_VIDEOS))


def one_of_each_without(servers: Servers, left_out: str) -> Results:
    """Races that show that something is left out; without a name of it, all sorts of races, and nothing is left out."""
    return _run_alone(servers, f"without_{left_out or 'nothing'}", one_of_each(_VIDEOS, left_out), left_out)


def _run_alone(servers: Servers, name: str, races: Sequence[Race], left_out: str = "") -> Results:
    results = Results()
    place = replace(_planted(servers, name, [race.video for race in races]), without_guard=left_out)
    asyncio.run(_run(place, place, Drawn([], races, [], []), results))
    return results


def _planted(servers: Servers, name: str, videos: Sequence[Video]) -> Place:
    bucket = name.replace("_", "-")
    plant_s3(servers.moto, bucket, [(video.storage_key, CONTENT) for video in videos])
    database = plant(servers.postgres, name, videos)
    return Place(database, servers.azurite.connection_string, servers.moto, bucket, servers.engine, name)
