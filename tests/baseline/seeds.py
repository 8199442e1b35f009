"""Audits of the chaos world that are a pure function of a seed: rows damaged at random, storage on a bad but steady
day, and a question. Nothing is drawn while an audit runs, so that it finds the same every time.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dev.chaos.campaign import MINUTES_AHEAD
from dev.chaos.storage import Conditions
from dev.demo.cases import DAY, Case, PlantedContainer, PlantedRecording, demo_id
from tests.app.world import RECORDING

SEEDS = range(1, 21)
HOUR = timedelta(hours=1)
# No clock of a session that is this old comes near a grace or a bound below while the audits run, or for an hour after.
AGES = (timedelta(minutes=4), 3 * HOUR, 2 * DAY, 3 * DAY, 30 * DAY, 200 * DAY)
GRACES = (0, 60, 24 * 60, 7 * 24 * 60)
BOUNDS = (100 * DAY, 20 * DAY, 60 * HOUR, 12 * HOUR, HOUR)
STATUSES = (
    "PROCESSING",
    "NO_RECORDING",
    "FAILURE",
    "RECORDING",
    "RECORDING_AVAILABLE",
    "STANDBY",
    "INITIALISING",
    None,
)
ASKED_STATUSES = ("PROCESSING", "NO_RECORDING", "FAILURE", "NULL")
CASE_STATES = ("OPEN", "PENDING_CLOSURE", "CLOSED")
INGEST = ("mediakind.com", "in-1", "in-a", "elsewhere.example.org")
MOST_DAMAGED = 0.4
# How often an audit is asked with each parameter.
ASKED = {
    "grace_minutes": 0.4,
    "statuses": 0.2,
    "since": 0.2,
    "until": 0.2,
    "only": 0.15,
    "container_prefixes": 0.15,
    "ingest_address_contains": 0.15,
}


@dataclass(frozen=True)
class Drawn:
    """What a seed makes of the world, and the body of the request for the audit."""

    cases: tuple[Case, ...]
    conditions: Conditions
    body: dict[str, Any]


def draw(seed: int, cases: Sequence[Case], containers: Sequence[PlantedContainer], now: datetime) -> Drawn:
    """The audit of a seed, of rows that are planted at ``now``, which is all that moves with the day."""
    chance = random.Random(seed)
    return Drawn(
        tuple(_damaged(chance, cases)),
        _conditions(chance, {container.name: sorted(container.blobs) for container in containers}),
        _body(chance, cases, now),
    )


def _damaged(chance: random.Random, cases: Sequence[Case]) -> Iterator[Case]:
    """The cases, a share of them each with one or two things in its rows changed."""
    share = chance.uniform(0, MOST_DAMAGED)
    rows = {recording.recording_id for case in cases for recording in case.recordings}
    named = {UUID(one.name) for case in cases for one in case.containers if RECORDING.fullmatch(one.name)}
    unregistered = sorted(named - rows)
    chance.shuffle(unregistered)
    for case in cases:
        damaged = case
        if chance.random() < share:
            for _ in range(chance.randint(1, 2)):
                damaged = _otherwise(chance, damaged, unregistered)
        yield damaged


def _otherwise(chance: random.Random, case: Case, unregistered: list[UUID]) -> Case:
    """The case with something else in its rows."""
    changes: list[Callable[[], Case]] = [
        lambda: replace(case, status=chance.choice(STATUSES)),
        lambda: replace(case, case_state=chance.choice(CASE_STATES)),
        lambda: replace(case, age=chance.choice(AGES)),
        lambda: replace(case, deleted=not case.deleted),
        lambda: replace(case, swept=True),
        lambda: replace(case, origin="VODAFONE"),
        lambda: replace(case, recordings=()),
        lambda: replace(case, recordings=tuple(replace(one, deleted=True) for one in case.recordings)),
        lambda: replace(case, recordings=tuple(replace(one, minutes=None) for one in case.recordings)),
        lambda: replace(case, recordings=(PlantedRecording(demo_id(f"{case.name}: lost in the damage")),)),
        # A container that holds somebody else's media, its own by chance, or nothing, gets a row; no other may name it.
        lambda: replace(case, recordings=tuple(PlantedRecording(one) for one in _taken(unregistered))),
    ]
    return chance.choice(changes)()


def _taken(unregistered: list[UUID]) -> list[UUID]:
    return [unregistered.pop()] if unregistered else []


def _conditions(chance: random.Random, blobs: dict[str, list[str]]) -> Conditions:
    """Storage as it is throughout the audit, without a fault or a lie."""
    closed = chance.sample(sorted(blobs), chance.randint(1, 5)) if chance.random() < 0.5 else []
    of_the_future = chance.sample(sorted(blobs), len(blobs) // 4) if chance.random() < 0.4 else []
    return Conditions(
        frozenset(blobs),
        frozenset(closed),
        {
            name: frozenset(chance.sample(blobs[name], chance.randint(1, len(blobs[name]))))
            for name in of_the_future
            if blobs[name]
        },
        timedelta(minutes=chance.choice(MINUTES_AHEAD) if chance.random() < 0.4 else 0),
        truthful=True,
    )


def _body(chance: random.Random, cases: Sequence[Case], now: datetime) -> dict[str, Any]:
    """A question; few of the parameters that narrow it are asked for at once."""
    body: dict[str, Any] = {"mode": chance.choice(("full", "full", "fast"))}
    since, until = sorted(chance.sample(BOUNDS, 2), reverse=True)
    drawn: dict[str, Any] = {
        "grace_minutes": chance.choice(GRACES),
        "statuses": chance.sample(ASKED_STATUSES, chance.randint(1, 3)),
        "since": (now - since).isoformat(),
        "until": (now - until).isoformat(),
        "only": [str(case.session_id) for case in chance.sample(cases, chance.randint(3, 30))],
        "container_prefixes": chance.sample("0123456789abcdef", chance.randint(6, 14)),
        "ingest_address_contains": chance.choice(INGEST),
    }
    return body | {name: value for name, value in drawn.items() if chance.random() < ASKED[name]}
