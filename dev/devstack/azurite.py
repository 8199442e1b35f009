"""Azurite, Microsoft's emulator of Azure Storage: the blob service alone."""

import http.client
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.devstack.node import node
from dev.devstack.supervise import DevStackError, supervised, wait_for, workspace

HOST = "127.0.0.1"
START_SECONDS = 60
MAIN = Path(__file__).parent / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"

# The emulator's published account; every Azurite in the world has it, so it is no secret.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class AzuriteServer:
    """A running blob service."""

    port: int

    @property
    def connection_string(self) -> str:
        """The account's connection string, for the blob service alone."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint=http://{HOST}:{self.port}/{ACCOUNT};"
        )


@contextmanager
def azurite(directory: Path | None = None, port: int = 0) -> Iterator[AzuriteServer]:
    """Run an Azurite blob service until the block, or this process, ends.

    With a directory its blobs are kept there for the next start; without one they live in memory. Port 0 takes a free
    one. Raises DevStackError if Azurite is not installed or does not start.
    """
    if not MAIN.exists():
        raise DevStackError(f"Azurite is not installed in {MAIN.parents[4]}. Run 'make install'.")
    with workspace(directory, "azurite") as place:
        persistence = ["--inMemoryPersistence"] if place.temporary else ["--location", str(place.path / "data")]
        command = [str(node()), str(MAIN), "--blobHost", HOST, "--blobPort", str(port), *persistence]
        command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        # The user's own AZURITE_ACCOUNTS and AZURITE_DB must not reach this server.
        env = {name: value for name, value in os.environ.items() if not name.startswith("AZURITE_")}
        with supervised("Azurite", command, place, env=env) as server:
            yield AzuriteServer(wait_for(server, lambda: _answering_port(server.log), START_SECONDS))


def _answering_port(log: Path) -> int | None:
    """The port of Azurite, once it responds. Azurite chooses it itself, so no other process can take it first."""
    found = re.search(rf"listens on http://{re.escape(HOST)}:(\d+)", log.read_text(encoding="utf-8", errors="replace"))
    if found is None:
        return None
    port = int(found[1])
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", f"/{ACCOUNT}?comp=list")
        connection.getresponse().read()
    except OSError:
        return None
    finally:
        connection.close()
    return port
