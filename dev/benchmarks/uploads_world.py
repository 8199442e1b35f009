"""What the audits of stuck uploads are measured on: rows by Postgres itself, copies of runs, and the keys of a bucket.

Of ten videos two are stuck: one was never started, the run of the other crashed, and of every tenth of those the files
are all there. The others are processed, half of them by a run that is still known.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from dev.demo.stuck_uploads.files import LAYOUT, OCR, SOURCE, layout, recognised
from dev.demo.stuck_uploads.rows import create_schema
from dev.demo.stuck_uploads.runs import CROP_DEPLOYMENT, DEPLOYMENT, POOL
from dev.devstack.postgres import PostgresServer
from dev.devstack.prefect import PrefectServer
from dev.devstack.prefect_planting import Planting, Times

COLUMNS = "layout_status"
TENANTS = 10
_VIDEO = b"a video"
_OLDEST, _NEWEST = timedelta(days=30), timedelta(days=1)
_RUN_TAKES = timedelta(minutes=5)
_FRAMES = "full_frames", "full_frames_thumbnails"
_PROCESSED = (LAYOUT, OCR, *(f"client/{folder}/frame_000000.jpg" for folder in _FRAMES))

_ROWS = """
insert into videos (id, tenant_id, video_path, display_path, storage_key, size_bytes, layout_status, uploaded_at)
  select id, tenant, 'video ' || n, 'video ' || n, tenant || '/client/videos/' || id || '/video.mp4', {size},
         case when n % 10 in (0, 5) then 'wait' when n % 10 = 1 then 'review' else 'annotate' end,
         timestamptz '{oldest}' + n * interval '{apart} seconds'
    from (select n, md5('video ' || n)::uuid as id, md5('tenant ' || n % {tenants})::uuid as tenant
            from generate_series(0, {videos} - 1) n) one;
insert into video_database_state (video_id, database_name, tenant_id, server_version)
  select id, 'layout', tenant_id, 3 from videos where layout_status = 'review';
analyze;
"""


@dataclass(frozen=True)
class Uploads:
    """A world of that many ``videos``, in tens of thousands or so; moments are those of ``now``."""

    videos: int
    now: datetime

    @property
    def stuck(self) -> int:
        return self.videos // 5

    @property
    def runs(self) -> int:
        return self.videos // 2

    @property
    def expected(self) -> dict[str, int]:
        """How many videos must be found with each verdict."""
        whole = -(-self.videos // 100)
        return {
            "never_started": self.videos // 10,
            "run_lost": self.videos // 10 - whole,
            "finished_not_marked": whole,
        }

    @property
    def _apart(self) -> timedelta:
        return (_OLDEST - _NEWEST) / self.videos

    def plant_rows(self, server: PostgresServer) -> str:
        """A database with the rows; its URL."""
        url = server.create_database(f"uploads_{self.videos}")
        create_schema(url, COLUMNS)
        numbers = {
            "videos": self.videos,
            "tenants": TENANTS,
            "size": len(_VIDEO),
            "oldest": (self.now - _OLDEST).isoformat(),
            "apart": self._apart.total_seconds(),
        }
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_ROWS.format(**numbers).encode())
        return url

    def plant_runs(self, server: PrefectServer) -> None:
        """The deployments, and the runs: each a copy of one that the API has made, and that has ended alike."""
        with Planting(server) as plant:
            process, _ = (self._deployment(plant, name) for name in (DEPLOYMENT, CROP_DEPLOYMENT))
            plant.heartbeat(POOL, "worker-0")
            ended = self.now + _RUN_TAKES
            times = Times(self.now, self.now, self.now, ended, ended)
            for state, has_crashed in (("COMPLETED", False), ("CRASHED", True)):
                model = plant.run(process, self._parameters(2), state, times)
                plant.copies(model, self._runs(crashed=has_crashed))
                plant.delete(f"flow_runs/{model}")

    def _deployment(self, plant: Planting, name: str) -> str:
        flow, _, deployment = name.partition("/")
        return plant.deployment(flow, deployment, POOL)

    def _runs(self, *, crashed: bool) -> Iterator[tuple[Mapping[str, Any], timedelta]]:
        """The parameters of each run, and how long ago it was made: a minute after its row."""
        for number in range(0, self.videos, 2):
            if (number % 10 == 0) is crashed:
                yield self._parameters(number), _OLDEST - number * self._apart - timedelta(minutes=1)

    def _parameters(self, number: int) -> dict[str, str]:
        video, tenant = _id("video", number), _id("tenant", number % TENANTS)
        return {"video_id": video, "tenant_id": tenant, "storage_key": f"{tenant}/client/videos/{video}/video.mp4"}

    def write_objects(self, folder: Path) -> tuple[Path, Path]:
        """The file of keys and the folder of contents that the stub of a bucket takes."""
        keys, contents = folder / "keys", folder / "contents"
        contents.mkdir()
        known = {SOURCE: _VIDEO, LAYOUT: layout(), OCR: recognised(1)}
        names = {name: Path(name).name if name in known else "frame" for name in (SOURCE, *_PROCESSED)}
        for name, content in names.items():
            (contents / content).write_bytes(known.get(name, b"jpg"))
        with keys.open("w", encoding="ascii") as lines:
            for number in range(self.videos):
                tenant, video = _id("tenant", number % TENANTS), _id("video", number)
                has_all = number % 5 != 0 or number % 100 == 0
                for name in (SOURCE, *(_PROCESSED if has_all else ())):
                    side, _, rest = name.partition("/")
                    lines.write(f"{tenant}/{side}/videos/{video}/{rest}\t{names[name]}\n")
        return keys, contents


def world(videos: int) -> Uploads:
    """A world as of this moment."""
    return Uploads(videos, datetime.now(UTC))


def _id(of: str, number: int) -> str:
    """As in SQL: ``md5('video ' || n)::uuid``."""
    return str(UUID(hashlib.md5(f"{of} {number}".encode(), usedforsecurity=False).hexdigest()))
