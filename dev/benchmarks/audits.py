"""Whole audits through the app: devhost, a real Postgres, Azurite for the run store, and a stubbed account to audit."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import httpx

from dev.benchmarks.clients import Row, Run, listing_by_rclone, row_of
from dev.benchmarks.measure import Memory, listener_on, say, watched_memory
from dev.benchmarks.world import expected_hidden, plant
from dev.devstack.app import running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres
from dev.devstack.stub import fast_storage

BLOBS = 4
DEADLINE_SECONDS = 1800
CORES = os.cpu_count() or 1
_SECONDS_BETWEEN_LOOKS = 0.1
STEPS = ("pull", "plan", "scan_shard", "screen", "look_again", "judge", "report")


@dataclass(frozen=True)
class Audit:
    """One audit's figures: seconds, megabytes, bytes and counts. ``size`` is how many containers or rows it has."""

    size: int
    mode: str
    wall: float
    steps: dict[str, float]
    memory: dict[str, float]
    activities: int
    history_bytes: int
    largest_payload_bytes: int

    @property
    def engine(self) -> float:
        """Seconds in which no step was at work."""
        return max(0.0, self.wall - sum(self.steps.values()))


class Measured(NamedTuple):
    """Audits of an account, and rclone's listing of the same one, if it was asked for and there is an rclone."""

    audits: list[Audit]
    rclone: Row | None


def measure(
    containers: int,
    modes: tuple[str, ...] = ("full",),
    runs: int = 1,
    *,
    beside_rclone: bool = False,
    workers: int = CORES,
) -> Measured:
    """Audit an account of that many containers, in each mode, and let rclone list it, ``runs`` times in turn; one
    ``Audit`` for each run. The app has a worker process for each core, as the peers use all of them, or as many
    ``workers``, which the audits' mode then names.

    Every run must find all that is hidden and account for every container, or ``RuntimeError`` is raised.
    """
    named = "" if workers == CORES else f", {workers} worker{'' if workers == 1 else 's'}"
    say(f"\nWhole audits of {containers:,} containers x {BLOBS} blobs{named}")
    audits: list[Audit] = []
    listings: list[Run] = []
    with postgres() as database, azurite() as reports, fast_storage(f"{containers}x{BLOBS}") as storage:
        url = plant(database, containers)
        settings = {
            "AzureWebJobsStorage": reports.connection_string,
            "SOURCE_STORAGE": storage.connection_string,
            "PRE_DATABASE": url,
            # Speed is measured, so no limit of our own may be what it is.
            "AUDIT_MAX_REQUESTS_PER_SECOND": "0",
            "FUNCTIONS_WORKER_PROCESS_COUNT": str(workers),
        }
        listing = listing_by_rclone(storage, containers * BLOBS) if beside_rclone else None
        for _ in range(runs):
            for mode in modes:
                # A fresh host for each audit, so that its peak of memory is that audit's own.
                with running_app(settings) as app:
                    pids = {
                        "host": app.pid,
                        "postgres": listener_on(database.port),
                        "run store": listener_on(reports.port),
                        "stub": storage.pid,
                    }
                    with watched_memory(pids) as memory:
                        audit = audited(app.url, containers, mode, memory, partial(_check, containers, mode))
                        audits.append(replace(audit, mode=f"{mode}{named}"))
            if listing:
                listings.append(listing())
                say(f"  rclone {listings[-1].cost.wall:>6.2f} s wall for listing the same alone")
    return Measured(audits, row_of("rclone", containers, listings) if listings else None)


def audited(url: str, size: int, mode: str, memory: Memory, check: Callable[[dict[str, Any]], None]) -> Audit:
    """Audit once over HTTP; ``check`` is given the audit's document, and raises if anything in it is wrong.

    It takes from the request until the end in its history. It is looked at seldom: who asks takes the cores as well.
    """
    # A host that judges, on a busy machine, may be minutes late with its answer.
    with httpx.Client(base_url=url, timeout=DEADLINE_SECONDS) as client:
        begun, deadline = datetime.now(UTC), time.monotonic() + DEADLINE_SECONDS
        started = client.post("/audits", json={"mode": mode})
        started.raise_for_status()
        audit_id = started.json()["id"]
        host = url.removesuffix("/api")
        query = {"showHistory": "true", "showHistoryOutput": "true", "showInput": "true"}
        while True:
            # The engine's own status costs little to ask for; the audit's would list the run store each time.
            status = client.get(f"{host}/runtime/webhooks/durabletask/instances/{audit_id}").json()
            if status["runtimeStatus"] not in {"Pending", "Running"}:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"the audit of {size:,} did not end in {DEADLINE_SECONDS} s")
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        memory.sample()  # a short one is over before it was looked at
        view = client.get(f"/audits/{audit_id}").json()
        history = client.get(f"{host}/runtime/webhooks/durabletask/instances/{audit_id}", params=query).json()
    check(view)
    steps, payloads = _steps(history)
    [ended] = [one["Timestamp"] for one in history["historyEvents"] if one["EventType"] == "ExecutionCompleted"]
    audit = Audit(
        size=size,
        mode=mode,
        wall=(_moment(ended) - begun).total_seconds(),
        steps=steps,
        memory=dict(memory.peaks),
        activities=sum(event["EventType"] == "TaskCompleted" for event in history["historyEvents"]),
        history_bytes=len(json.dumps(history["historyEvents"])),
        largest_payload_bytes=max(payloads),
    )
    in_steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in audit.steps.items())
    say(
        f"  {mode:<5}{audit.wall:>8.2f} s wall: {in_steps}, engine {audit.engine:.2f}; host "
        f"{audit.memory.get('host', 0):.0f} MB, {audit.activities} activities"
    )
    return audit


def must_be_complete(view: dict[str, Any]) -> None:
    """Raises ``RuntimeError`` if an audit is anything else."""
    if view["state"] != "completed":
        raise RuntimeError(f"the audit is {view['state']}: {view['error'] or view['summary']}")


def _check(containers: int, mode: str, view: dict[str, Any]) -> None:
    must_be_complete(view)
    counts, hidden = view["summary"]["units"], view["summary"]["hidden"]
    if hidden != expected_hidden(containers):
        raise RuntimeError(f"the {mode} audit found {hidden} hidden recordings of {expected_hidden(containers)}")
    if counts["listed"] != containers or counts["scanned"] + counts["skipped"] != containers:
        raise RuntimeError(f"the {mode} audit accounts for {counts} of {containers} containers")


def _steps(history: dict[str, Any]) -> tuple[dict[str, float], list[int]]:
    """How long each step took, from its first activity's start to its last one's end; and every payload's size."""
    starts: dict[str, datetime] = {}
    ends: dict[str, datetime] = {}
    payloads = [0]
    for event in history["historyEvents"]:
        payloads += [len(json.dumps(event[key])) for key in ("Input", "Result") if event.get(key) is not None]
        if event["EventType"] == "TaskCompleted":
            name, start, end = event["FunctionName"], event["ScheduledTime"], event["Timestamp"]
            begin, finish = _moment(start), _moment(end)
            starts[name] = min(begin, starts.get(name, begin))
            ends[name] = max(finish, ends.get(name, finish))
    return {step: (ends[step] - starts[step]).total_seconds() for step in STEPS if step in starts}, payloads


def _moment(text: str) -> datetime:
    """A .NET moment; Python keeps six of its seven fraction digits."""
    head, dot, tail = text.replace("Z", "+00:00").partition(".")
    if not dot:
        return datetime.fromisoformat(head)
    digits, plus, zone = tail.partition("+")
    return datetime.fromisoformat(f"{head}.{digits[:6].ljust(6, '0')}{plus}{zone}")
