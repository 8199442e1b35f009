"""Whole audits of temporary recordings: devhost, real Postgres, Azurite as run store, and a stubbed bucket."""

import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from dev.benchmarks.audits import Audit, audited, must_be_complete
from dev.benchmarks.measure import listener_on, say, watched_memory
from dev.benchmarks.recordings_world import Recordings, world
from dev.devstack.app import running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres
from dev.devstack.stub import stubbed_bucket

PROFILE, BUCKET = "temp-recordings", "recordings"


def measure_recordings(chunks: int) -> Audit:
    """Audit a world of that many rows of chunks. The audit must give each verdict exactly as often as it was planted,
    or ``RuntimeError`` is raised.
    """
    planted = world(chunks)
    say(f"\nAn audit of {chunks:,} chunks: {len(planted.meetings):,} meetings, {planted.files:,} files")
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres() as database,
        azurite() as reports,
        stubbed_bucket(planted.write_objects(Path(folder, "keys"))) as bucket,
    ):
        settings = {
            "AzureWebJobsStorage": reports.connection_string,
            "AUDIT_PROFILES": PROFILE,
            "AUDIT_MAX_CONTAINERS": str(planted.files),
            "TEMP_RECORDINGS_DATABASE": planted.plant_rows(database),
            "TEMP_RECORDINGS_PAUSE_SECONDS": "0",
            **bucket.settings("TEMP_RECORDINGS_BUCKET", BUCKET),
        }
        with running_app(settings) as app:
            pids = {
                "host": app.pid,
                "postgres": listener_on(database.port),
                "run store": listener_on(reports.port),
                "stub": bucket.pid,
            }
            with watched_memory(pids) as memory:
                return audited(app.url, chunks, "full", memory, partial(_check, planted, app.url))


def _check(planted: Recordings, url: str, view: dict[str, Any]) -> None:
    must_be_complete(view)
    report = httpx.get(f"{url}/audits/{view['id']}/report", params={"format": "json"}, timeout=60).json()
    found = Counter[str]()
    for kind in ("chunk", "recording", "participant", "meeting", "file"):
        found.update({verdict: number for verdict, number in report["counts"][kind].items() if number})
    if dict(found) != planted.expected:
        raise RuntimeError(f"the audit found {dict(found)}, and not {planted.expected}")
