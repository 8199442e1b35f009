"""How fast the stub itself is: what no client can exceed."""

import re
import subprocess

from dev.benchmarks import tools
from dev.benchmarks.measure import say
from dev.devstack.storage_stub.uniform import container_name
from dev.devstack.stub import fast_storage

SECONDS = 5


def ceiling(*, tls: bool) -> float | None:
    """Answers per second that wrk gets of listings of four blobs, with 128 connections; None without wrk."""
    command = tools.wrk()
    if command is None:
        return None
    with fast_storage("20000x4", tls=tls) as storage:
        url = f"{storage.url}/{container_name(0)}?restype=container&comp=list&maxresults=5000"
        arguments = ["-t1", "-c128", f"-d{SECONDS}", url]
        output = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout
    per_second = requests_per_second(output)
    say(f"  the stub itself{', TLS' if tls else ''}: {per_second:,.0f} answers/s by wrk")
    return per_second


def requests_per_second(output: str) -> float:
    """What wrk says. Raises ``RuntimeError`` if a request failed."""
    found = re.search(r"Requests/sec: +([0-9.]+)", output)
    if found is None or "Non-2xx" in output:
        raise RuntimeError(f"wrk failed: {output}")
    return float(found[1])
