"""What recovers stuck uploads without this audit, as it is documented and as it works, faults and all.

It is here to be compared with, never to be used: it says for which videos it would start a run, and starts none. It
looks at rows and at runs, never at the bucket. A run that it starts has no idempotency key, so that nothing but this
look keeps it from being a second one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import httpx
import psycopg

# Deleted videos keep the status that they had, and nothing here leaves them out.
WAITING = """
select id::text
  from videos
 where layout_status = 'wait'
   and uploaded_at <= %(before)s
 order by uploaded_at
 limit %(most)s
"""
MOST_ROWS = 1_000  # what one answer of its database's API holds; there is no second one
MOST_RUNS = 100
ACTIVE = frozenset({"PENDING", "RUNNING", "SCHEDULED"})  # a run that is paused or being cancelled is none
RECENT = timedelta(minutes=5)
AGE_MINUTES = 10

Run = Mapping[str, Any]
"""A run as Prefect's API tells it."""


class Way(StrEnum):
    """What it does about a video."""

    STARTS = "starts a run"
    SKIPS = "skips it"
    DOES_NOT_SEE = "does not see it"


@dataclass(frozen=True)
class Sweep:
    """What one go of it saw and would do: the runs that it was given, and what follows for each video that it saw."""

    shown: Sequence[Run]
    ways: Mapping[str, Way]

    def way(self, video_id: str) -> Way:
        """What it does about a video, which it need not have seen."""
        return self.ways.get(video_id, Way.DOES_NOT_SEE)


@dataclass(frozen=True)
class OldMethod:
    """It, over a database and the API of a Prefect server."""

    database: str
    prefect: str

    def sweep(self, now: datetime, age_minutes: int = AGE_MINUTES) -> Sweep:
        """One go. It asks for the runs once, not again for each video: nothing changes meanwhile."""
        shown = self.runs()
        return Sweep(shown, {video: decided(video, shown, now) for video in self.waiting(now, age_minutes)})

    def waiting(self, now: datetime, age_minutes: int = AGE_MINUTES) -> list[str]:
        """Step 1: the ids of videos that wait for longer than that, the oldest first."""
        values = {"before": now - timedelta(minutes=age_minutes), "most": MOST_ROWS}
        with psycopg.connect(self.database) as connection:
            return [str(row[0]) for row in connection.execute(WAITING, values)]

    def runs(self) -> list[dict[str, Any]]:
        """Step 2: some runs, whatever their flow: no filter and no order are asked for, and there is no second page."""
        answer = httpx.post(f"{self.prefect}/flow_runs/filter", json={"limit": MOST_RUNS}, timeout=30, trust_env=False)
        found: list[dict[str, Any]] = answer.raise_for_status().json()
        return found


def decided(video: str, shown: Sequence[Run], now: datetime) -> Way:
    """Step 3: whether it starts a run for a video, by those runs that it was shown. Any with the video's id counts,
    whatever it is for.
    """
    its = [run for run in shown if run["parameters"].get("video_id") == video]
    is_active = any(run["state_type"] in ACTIVE for run in its)
    is_recent = any(run["end_time"] is not None and now - _moment(run["end_time"]) < RECENT for run in its)
    return Way.SKIPS if is_active or is_recent else Way.STARTS


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
