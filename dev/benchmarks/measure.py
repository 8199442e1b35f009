"""Running commands and processes under a stopwatch."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of wall and CPU, and the peak of resident memory in megabytes."""

    wall: float
    cpu: float
    memory: float


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        median(cost.wall for cost in costs),
        median(cost.cpu for cost in costs),
        median(cost.memory for cost in costs),
    )


def run(
    command: Sequence[str], *, output: Path | None = None, settings: Mapping[str, str] | None = None
) -> tuple[Cost, str]:
    """Run a command to its end, and give what it cost, children included, with its output. ``settings`` are added to
    its environment. Its peak of memory is at least this process's own, which Linux counts in.

    Raises ``RuntimeError`` with the end of its error output if it fails.
    """
    begun = time.perf_counter()
    environment = {**os.environ, **(settings or {})}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        errors: list[str] = []
        assert process.stdout is not None
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))  # type: ignore[union-attr]
        reader.start()
        text = "" if output else process.stdout.read()
        if output:
            with output.open("w", encoding="utf-8") as file:
                for line in process.stdout:
                    file.write(line)
        reader.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {errors[0][-2000:]}")
    return Cost(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), text


@dataclass
class Memory:
    """The peak of memory of each process of ``pids`` and its children, in megabytes (PSS: what is shared counts once),
    of all samples so far.
    """

    pids: Mapping[str, int]
    peaks: dict[str, float] = field(default_factory=dict)

    def sample(self) -> None:
        """Look once."""
        for name, pid in self.pids.items():
            self.peaks[name] = max(self.peaks.get(name, 0.0), _tree_megabytes(pid))


@contextmanager
def watched_memory(pids: Mapping[str, int], every: float = 0.5) -> Iterator[Memory]:
    """Sample the memory of process trees while the block runs.

    More often would slow down what is measured: of Postgres alone there are a dozen processes to walk through.
    """
    memory, stop = Memory(pids), threading.Event()

    def sample() -> None:
        while not stop.wait(every):
            memory.sample()

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def _tree_megabytes(pid: int) -> float:
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            try:
                total += process.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
            except psutil.AccessDenied:
                total += process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0.0
    return total / MEGABYTE


def listener_on(port: int) -> int:
    """The pid of the process that listens on a port of this machine."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            return int(connection.pid or 0)
    raise LookupError(f"nobody listens on port {port}")


def say(text: str) -> None:
    """Print at once: a benchmark is watched."""
    print(text, flush=True)


PYTHON = sys.executable
