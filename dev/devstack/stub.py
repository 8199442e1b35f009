"""The stubbed storage account, and the stubbed bucket, each as a child that ends with this process."""

import base64
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.devstack.app import ROOT
from dev.devstack.supervise import supervised, wait_for, workspace

START_SECONDS = 120


@dataclass(frozen=True)
class StubbedStorage:
    """A running stub; any key opens it."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """The address of its blob service."""
        return f"http://127.0.0.1:{self.port}/stub"

    @property
    def connection_string(self) -> str:
        """A connection string with a key that the stub does not look at."""
        key = base64.b64encode(b"the stub checks no signature").decode()
        return f"DefaultEndpointsProtocol=http;AccountName=stub;AccountKey={key};BlobEndpoint={self.url};"


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
    with _running("storage_stub", [*what, "--latency-ms", str(latency_ms)]) as (pid, port):
        yield StubbedStorage(pid=pid, port=port)


@contextmanager
def stubbed_bucket(keys: Path, contents: Path | None = None) -> Iterator[StubbedBucket]:
    """Run the stub of S3 with the objects of a file (see ``read_objects``) until the block, or this process, ends.
    Without ``contents`` they have sizes alone (see ``read_sizes``).
    """
    with _running("bucket_stub", [str(keys), *([str(contents)] if contents else [])]) as (pid, port):
        yield StubbedBucket(pid=pid, port=port)


@contextmanager
def _running(module: str, arguments: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The pid and the port of a stub."""
    command = [sys.executable, "-m", f"dev.devstack.{module}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    what = f"The {module.replace('_', ' ')}"
    with workspace(None, "stub") as place, supervised(what, command, place, env=environment) as server:

        def ready() -> tuple[int, int] | None:
            line = re.search(r"process (\d+) listens on (\d+)\n", server.log.read_text(encoding="utf-8"))
            return (int(line[1]), int(line[2])) if line else None

        yield wait_for(server, ready, START_SECONDS)
