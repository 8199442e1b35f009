"""``python -m dev.benchmarks.deep``: read gigabytes of MP3 as a deep audit does, and see what that takes.

The bytes are made while they are read, in a process of its own for each size, and what was read is remembered in
Azurite. A shard of an audit is read by its own code, at the default concurrency; then once more by another that only
remembers. Results are written to deep.md.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, cast

from activities.looking import Looker
from activities.remembering import Remembering
from adapters.buckets.bucket import Download, Page
from adapters.connections import by_connection_string
from adapters.patience import Patience
from adapters.probers import Prober
from adapters.services import Services
from adapters.settings import Settings
from adapters.store.blobs import BlobStore
from adapters.store.run_store import RunStore
from dev.benchmarks.measure import PYTHON, Cost, run, say
from dev.demo.temp_recordings.audio import mp3
from dev.devstack.azurite import azurite
from profiles.temp_recordings.files import BUCKET
from profiles.temp_recordings.options import DEEP
from profiles.temp_recordings.profile import TempRecordings
from reconciliation.evidence import Read, Record
from reconciliation.lookups import StoredObject
from reconciliation.plan import Plan, PlannedShard
from reconciliation.shards import Shard

RESULTS = Path(__file__).with_name("deep.md")
GIGABYTES = (1, 10)
GIGABYTE, MEGABYTE = 10**9, 10**6
CHUNKS = 100
CHUNK = mp3(30_000, "chunk").data()
"""Every chunk, and what a recording repeats."""
PIECE = 240_000
USER = "100000000000000001"
NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
AUDIT = "temp-recordings/20261127-093000-00000000"


def meetings(gigabytes: int) -> list[str]:
    """As many as have so much in 100 chunks and a recording each."""
    return [f"c{number:015d}" for number in range(-(-gigabytes * GIGABYTE // (2 * CHUNKS * len(CHUNK))))]


@dataclass
class Made:
    """A bucket of meetings, none of whose bytes it keeps; ``sent`` counts them. See ``Bucket``."""

    sent: int = 0
    name: str = "made"
    patience: Patience = field(default_factory=Patience)

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:
        assert not by_folder
        assert token is None
        meeting = prefix.partition("/")[2].rstrip("_").removeprefix("recording_")
        keys = [f"temp/{meeting}_user{USER}_chunk{number:04d}.mp3" for number in range(CHUNKS)]
        found = [StoredObject(key, len(CHUNK), "2026-11-27T06:30:00Z", "1") for key in keys]
        found.append(
            StoredObject(f"storage/{meeting}_user{USER}_final.mp3", CHUNKS * len(CHUNK), "2026-11-27T06:30:00Z", "1")
        )
        found = [one for one in found if one.key.startswith(prefix)]
        assert len(found) <= size
        return Page(found, [], None)

    @asynccontextmanager
    async def download(self, key: str) -> AsyncIterator[Download | None]:
        times = CHUNKS if key.startswith("storage/") else 1
        yield Download(times * len(CHUNK), "1", self._pieces(times))

    async def _pieces(self, times: int) -> AsyncIterator[bytes]:
        for _ in range(times):
            for at in range(0, len(CHUNK), PIECE):
                piece = CHUNK[at : at + PIECE]
                self.sent += len(piece)
                yield piece

    async def clock_ahead(self) -> timedelta:
        return timedelta()

    async def close(self) -> None:
        pass


class Look(NamedTuple):
    """What one look at a whole shard read, and how long it took."""

    files: int
    megabytes: float
    seconds: float


async def looks(gigabytes: int, run_store: str) -> tuple[Look, Look]:
    """A first look, and a second one by a process that remembers."""
    blobs = BlobStore(by_connection_string("AzureWebJobsStorage", run_store), f"deep-{gigabytes}")
    try:
        return await _look(gigabytes, RunStore.of(blobs)), await _look(gigabytes, RunStore.of(blobs))
    finally:
        await blobs.close()


async def _look(gigabytes: int, store: RunStore) -> Look:
    units, bucket, records = meetings(gigabytes), Made(), list[Record]()
    plan = Plan(NOW, 10, 3, len(units), {}, (PlannedShard(Shard(0, "", len(units)), 0, 0),))
    given = SimpleNamespace(listers={}, settings=SimpleNamespace(connections={}), buckets={BUCKET: bucket}, room=None)
    looker = Looker(
        TempRecordings.scan,
        Prober(cast("Services", given)),
        Settings.scan_concurrency,
        Settings.max_passes,
        lambda: NOW,
        asyncio.sleep,
        Remembering(store.readings, AUDIT, plan),
    )
    begun = time.perf_counter()
    await looker.read_all([(one, {DEEP: [f"storage/{one}_", f"temp/{one}_"]}) for one in units], records)
    seconds = time.perf_counter() - begun
    read = [one for record in records if isinstance(record, Read) for one in record.evidence if one.audio is not None]
    if len(read) != len(units) * (CHUNKS + 1) or any(one.is_corrupt or one.mp3_ms * 16 != one.size for one in read):
        raise RuntimeError("not all files were read, or not as what they are")
    return Look(len(read), bucket.sent / MEGABYTE, seconds)


def measured(gigabytes: int) -> tuple[Cost, Look, Look]:
    """Both looks in a process of their own: its whole cost, and theirs."""
    with azurite() as store:
        command = [
            PYTHON,
            "-m",
            "dev.benchmarks.deep",
            "--read",
            str(gigabytes),
            "--run-store",
            store.connection_string,
        ]
        cost, text = run(command)
    first, second = json.loads(text)
    return cost, Look(*first), Look(*second)


_BY = (
    "One process reads a shard of meetings as a deep audit does, each with 100 chunks of 480 KB and a recording of 48 "
    "MB, at the default concurrency; it makes the bytes itself, so no network is measured. Every file is hashed, its "
    "frames are counted, and what was found is remembered in Azurite. Then another look does the same, and only "
    "remembers."
)
_COLUMNS = ("GB", "files", "seconds", "MB a second", "CPU seconds", "peak MB", "read again, MB", "seconds of that")


def _loaded(load: float) -> str:
    """How far the seconds can be trusted."""
    return f"Load of the machine over the last 15 minutes: {load:.1f} on {os.cpu_count()} cores."


def document(rows: dict[int, tuple[Cost, Look, Look]], load: float) -> str:
    """The text of deep.md."""
    lines = [
        "# Deep audits: bytes that are read",
        "",
        f"Written by `python -m dev.benchmarks.deep` on {datetime.now(UTC):%Y-%m-%d}. {_loaded(load)}",
        "",
        _BY,
        "",
        f"| {' | '.join(_COLUMNS)} |",
        f"|{'---:|' * len(_COLUMNS)}",
    ]
    for gigabytes, (cost, first, second) in rows.items():
        cells = [
            f"{gigabytes}",
            f"{first.files:,}",
            f"{first.seconds:.1f}",
            f"{first.megabytes / first.seconds:.0f}",
            f"{cost.cpu:.1f}",
            f"{cost.memory:.0f}",
            f"{second.megabytes:.0f}",
            f"{second.seconds:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Measure each size, and write what was measured after each."""
    parser = argparse.ArgumentParser(prog="deep", description="What it takes to read gigabytes of MP3.")
    parser.add_argument("--read", type=int, metavar="GB", help=argparse.SUPPRESS)
    parser.add_argument("--run-store", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.read:
        say(json.dumps(asyncio.run(looks(given.read, given.run_store))))
        return 0
    rows: dict[int, tuple[Cost, Look, Look]] = {}
    for gigabytes in GIGABYTES:
        rows[gigabytes] = measured(gigabytes)
        text = document(rows, os.getloadavg()[-1])
        RESULTS.write_text(text, encoding="utf-8")
        say(text.splitlines()[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
