"""Listing clients side by side on the same stubbed account."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from dev.benchmarks import tools
from dev.benchmarks.measure import PYTHON, Cost, middle, run, say
from dev.devstack.app import ROOT
from dev.devstack.stub import StubbedStorage, fast_storage, stubbed_storage

CONCURRENCY = 32
CONCURRENCY_AT_LATENCY = 128
AZ_CONTAINERS = 20


@dataclass(frozen=True)
class Setting:
    """What is listed, and how far away it is."""

    containers: int
    blobs: int
    tls: bool = False
    latency_ms: tuple[float, float] = (0, 0)

    @property
    def title(self) -> str:
        """In words."""
        least, most = self.latency_ms
        far = f", {least:g} to {most:g} ms latency" if most else ""
        return f"{self.containers:,} containers x {self.blobs:,} blobs{', TLS' if self.tls else ''}{far}"

    @property
    def concurrency(self) -> int:
        """How many requests are under way at once."""
        return CONCURRENCY_AT_LATENCY if self.latency_ms[1] else CONCURRENCY


@dataclass(frozen=True)
class Run:
    """What one run of a client took, and for our own Python how late a timer of its event loop came, in milliseconds:
    the 99th percentile.
    """

    cost: Cost
    lag_p99_ms: float | None = None


@dataclass(frozen=True)
class Row:
    """One client's line: containers listed, and the medians of its runs."""

    client: str
    containers: int
    runs: int
    cost: Cost
    lag_p99_ms: float | None = None

    @property
    def speed(self) -> float:
        """Containers per second."""
        return self.containers / self.cost.wall

    @property
    def cpu_us(self) -> float:
        """Microseconds of the client's CPU for each container."""
        return self.cost.cpu / self.containers * 1_000_000


@dataclass(frozen=True)
class Comparison:
    """All clients on one account."""

    title: str
    rows: dict[str, Row]
    blobs: int = 4
    tls: bool = False

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


def compare(setting: Setting, *, runs: int = 3, peers: Sequence[str] = ()) -> Comparison:
    """Run ours and rclone against one account, ``runs`` times in turn, so that a busy moment hits both alike; then the
    other ``peers``, which take minutes for as many, on a tenth of it.

    Every client must see every container and blob, or ``RuntimeError`` is raised.
    """
    say(f"\n{setting.title}")
    rows = _on(setting, ("ours", "rclone"), runs)
    if peers:
        few = Setting(setting.containers // 10, setting.blobs, setting.tls, setting.latency_ms)
        rows += _on(few, peers, runs)
    for row in rows:
        _say(row)
    return Comparison(setting.title, {row.client: row for row in rows}, setting.blobs, setting.tls)


def _on(setting: Setting, clients: Sequence[str], runs: int) -> list[Row]:
    uniform = f"{setting.containers}x{setting.blobs}"
    with fast_storage(uniform, tls=setting.tls, latency_ms=setting.latency_ms) as storage:
        ways: dict[str, Callable[[], Run]] = {}
        for client in clients:
            if way := _way(client, storage, setting):
                ways[client] = way
        return in_turn(ways, runs, setting.containers)


def _way(client: str, storage: StubbedStorage, setting: Setting) -> Callable[[], Run] | None:
    """How a client is run once; None if it cannot be had."""
    blobs = setting.containers * setting.blobs
    if client == "rclone":
        return listing_by_rclone(storage, blobs, setting.concurrency)
    if client == "obstore":
        python = tools.obstore()
        return partial(_obstore, python, storage, setting) if python else None
    return partial(by_python, client, storage, setting.concurrency, blobs)


def in_turn(ways: Mapping[str, Callable[[], Run]], runs: int, containers: int) -> list[Row]:
    """Run each client once, then each once more, and so on."""
    done: dict[str, list[Run]] = {client: [] for client in ways}
    for _ in range(runs):
        for client, once in ways.items():
            done[client].append(once())
    return [row_of(client, containers, its) for client, its in done.items()]


def row_of(client: str, containers: int, runs: Sequence[Run]) -> Row:
    """A client's line from its runs."""
    late = [run.lag_p99_ms for run in runs if run.lag_p99_ms is not None]
    return Row(client, containers, len(runs), middle([run.cost for run in runs]), median(late) if late else None)


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
        f"{row.cost.cpu:>8.2f} s CPU ({row.cpu_us:,.0f} us each) {row.cost.memory:>6.0f} MB"
        + (f", loop late by {row.lag_p99_ms:.1f} ms (p99)" if row.lag_p99_ms is not None else "")
    )


def by_python(client: str, storage: StubbedStorage, concurrency: int, blobs: int) -> Run:
    """List an account by a client of ``dev.benchmarks.client``."""
    trusting = {"SSL_CERT_FILE": str(storage.authority)} if storage.authority else {}
    command = [PYTHON, "-m", "dev.benchmarks.client", client, storage.url, str(concurrency)]
    whole, text = run(command, settings=trusting)
    result = json.loads(text)
    _must_be(client, result["blobs"], blobs)
    return Run(Cost(result["wall"], result["cpu"], whole.memory), result["lag_p99_ms"])


def listing_by_rclone(storage: StubbedStorage, blobs: int, concurrency: int = CONCURRENCY) -> Callable[[], Run] | None:
    """How rclone lists an account once; None if there is no rclone."""
    command = tools.rclone()
    return partial(_rclone, command, storage, concurrency, blobs) if command else None


def _rclone(command: str, storage: StubbedStorage, concurrency: int, blobs: int) -> Run:
    listing = tools.path_of("rclone.txt")
    # Without --disable ListR it lists containers one by one, which would be unfair to it.
    arguments = ["lsf", "-R", "--files-only", "--disable", "ListR", "--checkers", str(concurrency), "--config", ""]
    arguments += ["--ca-cert", str(storage.authority)] if storage.authority else []
    sas = f"{storage.root}/?sv=2020-10-02&sig=stub"
    cost, _ = run([command, *arguments, "--azureblob-sas-url", sas, ":azureblob:"], output=listing)
    with listing.open(encoding="utf-8") as lines:
        _must_be("rclone", sum(1 for _ in lines), blobs)
    listing.unlink()
    return Run(cost)


def _obstore(python: str, storage: StubbedStorage, setting: Setting) -> Run:
    numbers = [str(setting.containers), str(setting.concurrency)]
    command = [python, "-m", "dev.benchmarks.obstore_client", storage.url, *numbers]
    whole, text = run(command, settings={"PYTHONPATH": str(ROOT)})
    result = json.loads(text)
    _must_be("obstore", result["blobs"], setting.containers * setting.blobs)
    return Run(Cost(result["wall"], result["cpu"], whole.memory))


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
