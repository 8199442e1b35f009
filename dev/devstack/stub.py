"""The stubbed storage account as a child that ends with this process."""

import base64
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

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


@contextmanager
def stubbed_storage(what: Sequence[str], *, latency_ms: float = 0) -> Iterator[StubbedStorage]:
    """Run the stub with ``--uniform NxM`` or ``--account FILE`` until the block, or this process, ends."""
    command = [sys.executable, "-m", "dev.devstack.storage_stub", *what, "--latency-ms", str(latency_ms)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (
        workspace(None, "stub") as place,
        supervised("The storage stub", command, place, env=environment) as server,
    ):

        def ready() -> StubbedStorage | None:
            line = re.search(r"process (\d+) listens on (\d+)\n", server.log.read_text(encoding="utf-8"))
            return StubbedStorage(pid=int(line[1]), port=int(line[2])) if line else None

        yield wait_for(server, ready, START_SECONDS)
