"""``python -m dev.benchmarks.soak``: many audits in a row on one host. Memory, open files and sockets must not grow,
of the host and its worker together.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import httpx
import psutil

from dev.benchmarks.measure import MEGABYTE, say
from dev.benchmarks.world import expected_hidden, plant
from dev.devstack.app import running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres
from dev.devstack.stub import stubbed_storage

CONTAINERS = 500
SHARD_CONTAINERS = 50
# What a process may have more at the last report than at the middle one, and more descriptors than after the first.
MOST_GROWTH_MEGABYTES = 6.0
MOST_GROWTH_SHARE = 0.08
MOST_MORE_FILES = 5
# Idle connections are kept for 30 s; a little longer after the last audit none may be left.
IDLE_SECONDS = 90
AUDIT_SECONDS = 120


@dataclass(frozen=True)
class Sample:
    """The host and its worker after an audit: their own memory (USS) in megabytes, open files, and sockets."""

    audits: int
    megabytes: float
    files: int
    sockets: int


@dataclass(frozen=True)
class Soak:
    """What was measured, and what of it grew: empty when nothing did."""

    first: Sample
    middle: Sample
    last: Sample
    idle: Sample
    seconds: float
    grown: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """One line's worth."""
        return asdict(self)


def soak(audits: int, containers: int = CONTAINERS) -> Soak:
    """Audit a small account that often; every audit must be complete and find everything that is hidden."""
    with _app(containers) as (url, pid):
        host, begun = psutil.Process(pid), time.perf_counter()
        before = _sample(host, 0)
        samples: list[Sample] = []
        with httpx.Client(base_url=url, timeout=60) as client:
            for number in range(1, audits + 1):
                _audit(client, containers)
                samples.append(_sample(host, number))
                if number == 1 or number % max(1, audits // 10) == 0:
                    say(_line(samples[-1]))
        seconds = time.perf_counter() - begun
        idle = _idle(host, before, audits)
        say(f"{_line(idle)}, idle")
    first, middle, last = samples[0], samples[(audits - 1) // 2], samples[-1]
    return Soak(first, middle, last, idle, round(seconds, 1), tuple(_grown(before, first, middle, last, idle)))


def _grown(before: Sample, first: Sample, middle: Sample, last: Sample, idle: Sample) -> Iterator[str]:
    most = max(MOST_GROWTH_MEGABYTES, MOST_GROWTH_SHARE * middle.megabytes)
    if last.megabytes > middle.megabytes + most:
        yield f"memory: {middle.megabytes:.1f} MB at the middle report, {last.megabytes:.1f} MB at the last"
    if last.files > first.files + MOST_MORE_FILES:
        yield f"open files: {first.files} after the first audit, {last.files} after the last"
    if idle.sockets > before.sockets + MOST_MORE_FILES:
        yield f"sockets: {before.sockets} before the first audit, {idle.sockets} when idle after the last"


def _audit(client: httpx.Client, containers: int) -> None:
    started = client.post("/audits", json={})
    started.raise_for_status()
    deadline = time.monotonic() + AUDIT_SECONDS
    while (view := client.get(f"/audits/{started.json()['id']}").json())["state"] in {"queued", "running"}:
        if time.monotonic() > deadline:
            raise RuntimeError(f"an audit did not end in {AUDIT_SECONDS} s")
        time.sleep(0.05)
    if view["state"] != "completed" or view["summary"]["hidden"] != expected_hidden(containers):
        raise RuntimeError(f"an audit is {view['state']}: {view['error'] or view['summary']}")


def _idle(host: psutil.Process, before: Sample, audits: int) -> Sample:
    """The host once its idle connections are closed, or when they should long have been."""
    deadline = time.monotonic() + IDLE_SECONDS
    while (sample := _sample(host, audits)).sockets > before.sockets + MOST_MORE_FILES:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return sample


def _sample(host: psutil.Process, audits: int) -> Sample:
    processes = [host, *host.children()]
    return Sample(
        audits,
        round(sum(process.memory_full_info().uss for process in processes) / MEGABYTE, 1),
        sum(len(process.open_files()) for process in processes),
        sum(len(process.net_connections("all")) for process in processes),
    )


def _line(sample: Sample) -> str:
    return f"  {sample.audits:>4} audits: {sample.megabytes:>6.1f} MB, {sample.files} files, {sample.sockets} sockets"


@contextmanager
def _app(containers: int) -> Iterator[tuple[str, int]]:
    with (
        postgres() as database,
        azurite() as reports,
        stubbed_storage(["--uniform", f"{containers}x4"]) as storage,
        running_app(
            {
                "AzureWebJobsStorage": reports.connection_string,
                "SOURCE_STORAGE": storage.connection_string,
                "PRE_DATABASE": plant(database, containers),
                "AUDIT_SHARD_CONTAINERS": str(SHARD_CONTAINERS),
            }
        ) as app,
    ):
        yield app.url, app.pid


def main(arguments: list[str]) -> int:
    """Print samples as they come, then one line of JSON; 1 if something grew."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description="Many audits in a row on one host.")
    parser.add_argument("--audits", type=int, default=100)
    given = parser.parse_args(arguments)
    say(f"{given.audits} audits of {CONTAINERS} containers on one host")
    measured = soak(given.audits)
    for what in measured.grown:
        say(f"GREW: {what}")
    say(json.dumps(measured.to_json()))
    return 1 if measured.grown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
