"""The stubbed storage accounts, and the stubbed bucket, each as a child that ends with this process."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.devstack.app import ROOT
from dev.devstack.fast_stub.build import binary
from dev.devstack.fast_stub.certificate import AUTHORITY
from dev.devstack.storage_stub import ACCOUNT, KEY
from dev.devstack.supervise import supervised, wait_for, workspace

START_SECONDS = 120


@dataclass(frozen=True)
class StubbedStorage:
    """A running stub; any key opens it. ``authority`` is the file of the one whose certificate it shows over TLS."""

    port: int
    pid: int
    authority: Path | None = None

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self.authority else "http"

    @property
    def root(self) -> str:
        """Its address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address of its blob service."""
        return f"{self.root}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """A connection string with a key that the stub does not look at."""
        return f"DefaultEndpointsProtocol={self.scheme};AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.url};"


@dataclass(frozen=True)
class StubbedBucket:
    """A running stub of S3; any key opens it, and any name is that of its bucket."""

    port: int
    pid: int

    def settings(self, name: str, bucket: str) -> dict[str, str]:
        """The app settings ``name`` for its bucket, with a key that the stub does not look at."""
        return {
            name: f"s3://{bucket}?endpoint=http://127.0.0.1:{self.port}&region=us-east-1",
            f"{name}__accessKeyId": "stub",
            f"{name}__secretAccessKey": "not-looked-at",
        }


@contextmanager
def stubbed_storage(what: Sequence[str], *, latency_ms: float = 0) -> Iterator[StubbedStorage]:
    """Run the stub with ``--uniform NxM`` or ``--account FILE`` until the block, or this process, ends."""
    with _running("storage_stub", [*what, "--latency-ms", str(latency_ms)]) as (pid, port, _):
        yield StubbedStorage(pid=pid, port=port)


@dataclass(frozen=True)
class Limit:
    """What an account allows: requests per second, and the seconds of ``Retry-After`` in a refusal, if it has any."""

    per_second: int
    retry_after: int | None = None


@contextmanager
def fast_storage(
    uniform: str,
    *,
    tls: bool = False,
    latency_ms: tuple[float, float] = (0, 0),
    limit: Limit | None = None,
) -> Iterator[StubbedStorage]:
    """Run the fast stub of an account such as ``20000x4`` until the block, or this process, ends. Each answer takes
    between the two latencies.

    Raises ``DevStackError`` that names what is missing if it cannot be compiled.
    """
    binary()
    arguments = ["--uniform", uniform, "--latency-ms", "-".join(map(str, latency_ms)), "--folder", "."]
    if limit:
        arguments += ["--rate", str(limit.per_second)]
        arguments += ["--retry-after", str(limit.retry_after)] if limit.retry_after is not None else []
    with _running("fast_stub", [*arguments, *(["--tls"] if tls else [])]) as (pid, port, place):
        yield StubbedStorage(pid=pid, port=port, authority=place / AUTHORITY if tls else None)


@contextmanager
def stubbed_bucket(keys: Path, contents: Path | None = None) -> Iterator[StubbedBucket]:
    """Run the stub of S3 with the objects of a file (see ``read_objects``) until the block, or this process, ends.
    Without ``contents`` they have sizes alone (see ``read_sizes``).
    """
    with _running("bucket_stub", [str(keys), *([str(contents)] if contents else [])]) as (pid, port, _):
        yield StubbedBucket(pid=pid, port=port)


@contextmanager
def _running(module: str, arguments: Sequence[str]) -> Iterator[tuple[int, int, Path]]:
    """The pid, the port and the folder of a stub."""
    command = [sys.executable, "-m", f"dev.devstack.{module}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    what = f"The {module.replace('_', ' ')}"
    with workspace(None, "stub") as place, supervised(what, command, place, env=environment) as server:

        def ready() -> tuple[int, int, Path] | None:
            line = re.search(r"process (\d+) listens on (\d+)\n", server.log.read_text(encoding="utf-8"))
            return (int(line[1]), int(line[2]), place.path) if line else None

        yield wait_for(server, ready, START_SECONDS)
