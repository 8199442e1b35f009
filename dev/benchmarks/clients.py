"""Listing clients side by side on the same stubbed account."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from dev.benchmarks import tools
from dev.benchmarks.measure import PYTHON, Cost, middle, run, say
from dev.devstack.stub import StubbedStorage, stubbed_storage

CONCURRENCY = 32
CONCURRENCY_AT_LATENCY = 128
AZ_CONTAINERS = 20


@dataclass(frozen=True)
class Row:
    """One client's line: containers listed, and the median cost of its runs."""

    client: str
    containers: int
    runs: int
    cost: Cost

    @property
    def speed(self) -> float:
        """Containers per second."""
        return self.containers / self.cost.wall


@dataclass(frozen=True)
class Comparison:
    """All clients on one account."""

    title: str
    rows: dict[str, Row]

    def ratio(self, of: str, to: str) -> float | None:
        """How many times as fast one client is as another; None if either was not measured."""
        if of not in self.rows or to not in self.rows:
            return None
        return self.rows[of].speed / self.rows[to].speed

    def cpu_ratio(self, of: str, to: str) -> float | None:
        """CPU seconds of one client for each of another."""
        if of not in self.rows or to not in self.rows:
            return None
        return self.rows[of].cost.cpu / self.rows[to].cost.cpu


def compare(
    containers: int,
    blobs: int,
    *,
    latency_ms: float = 0,
    runs: int = 3,
    sdk: tuple[str, ...] = ("sdk_names", "sdk_blobs"),
) -> Comparison:
    """Run every client against one account, ``runs`` times in turn, so that a busy moment hits all alike.

    The SDK's clients take minutes for as many, so they list an account of a tenth of the size.

    Every client must see every container and blob, or ``RuntimeError`` is raised.
    """
    title = f"{containers:,} containers x {blobs} blobs" + (f", {latency_ms:g} ms latency" if latency_ms else "")
    say(f"\n{title}")
    concurrency = CONCURRENCY_AT_LATENCY if latency_ms else CONCURRENCY
    with stubbed_storage(["--uniform", f"{containers}x{blobs}"], latency_ms=latency_ms) as storage:
        clients = {"ours": lambda: _python("ours", storage, concurrency, containers * blobs)}
        if rclone := tools.rclone():
            clients["rclone"] = lambda: _rclone(rclone, storage, concurrency, containers * blobs)
        rows = _in_turn(clients, runs, containers)
    few = containers // 10
    with stubbed_storage(["--uniform", f"{few}x{blobs}"], latency_ms=latency_ms) as tenth:
        rows += _in_turn({name: partial(_python, name, tenth, concurrency, few * blobs) for name in sdk}, runs, few)
    for row in rows:
        _say(row)
    return Comparison(title, {row.client: row for row in rows})


def _in_turn(clients: Mapping[str, Callable[[], Cost]], runs: int, containers: int) -> list[Row]:
    costs: dict[str, list[Cost]] = {name: [] for name in clients}
    for _ in range(runs):
        for name, once in clients.items():
            costs[name].append(once())
    return [Row(name, containers, len(cost), middle(cost)) for name, cost in costs.items()]


def baseline() -> Comparison | None:
    """The loop that people use today, on a few containers; None if the Azure CLI cannot be had."""
    say("\nThe documented loop")
    command = tools.azure_cli()
    if command is None:
        return None
    with stubbed_storage(["--uniform", f"{AZ_CONTAINERS}x4"]) as storage:
        row = Row("az", AZ_CONTAINERS, 1, _az(command, storage))
    _say(row)
    return Comparison(f"{AZ_CONTAINERS} containers x 4 blobs", {"az": row})


def _say(row: Row) -> None:
    say(
        f"  {row.client:<10}{row.speed:>10,.1f} containers/s {row.cost.wall:>8.2f} s wall "
        f"{row.cost.cpu:>8.2f} s CPU {row.cost.memory:>6.0f} MB"
    )


def _python(name: str, storage: StubbedStorage, concurrency: int, blobs: int) -> Cost:
    whole, text = run([PYTHON, "-m", "dev.benchmarks.client", name, storage.url, str(concurrency)])
    result = json.loads(text)
    _must_be(name, result["blobs"], blobs)
    return Cost(result["wall"], result["cpu"], whole.memory)


def _rclone(command: str, storage: StubbedStorage, concurrency: int, blobs: int) -> Cost:
    listing = tools.path_of("rclone.txt")
    # Without --disable ListR it lists containers one by one, which would be unfair to it.
    arguments = ["lsf", "-R", "--files-only", "--disable", "ListR", "--checkers", str(concurrency), "--config", ""]
    sas = f"http://127.0.0.1:{storage.port}/?sv=2020-10-02&sig=stub"
    cost, _ = run([command, *arguments, "--azureblob-sas-url", sas, ":azureblob:"], output=listing)
    with listing.open(encoding="utf-8") as lines:
        _must_be("rclone", sum(1 for _ in lines), blobs)
    listing.unlink()
    return cost


def _az(command: str, storage: StubbedStorage) -> Cost:
    """The documented loop: one process for each container."""
    names = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(AZ_CONTAINERS)]
    begun, costs = time.perf_counter(), []
    for name in names:
        arguments = ["storage", "blob", "list", "--container-name", name, "--query", "[].name", "--output", "tsv"]
        cost, _ = run([command, *arguments, "--connection-string", storage.connection_string])
        costs.append(cost)
    wall = time.perf_counter() - begun
    return Cost(wall, sum(cost.cpu for cost in costs), max(cost.memory for cost in costs))


def _must_be(client: str, counted: int, expected: int) -> None:
    if counted != expected:
        raise RuntimeError(f"{client} saw {counted} blobs of {expected}")
