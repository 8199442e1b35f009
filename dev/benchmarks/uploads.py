"""Whole audits of stuck uploads: devhost, real Postgres and Prefect, Azurite as run store, and a stubbed bucket."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from dev.benchmarks.audits import Audit, audited, must_be_complete
from dev.benchmarks.measure import listener_on, say, watched_memory
from dev.benchmarks.uploads_world import COLUMNS, Uploads, world
from dev.demo.stuck_uploads.runs import CROP_DEPLOYMENT, DEPLOYMENT
from dev.devstack.app import running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres
from dev.devstack.prefect import prefect
from dev.devstack.stub import stubbed_bucket

PROFILE, BUCKET = "stuck-uploads", "uploads"
MODES = ("fast", "full")


def measure_uploads(videos: int) -> Iterator[Audit]:
    """Audit a world of that many videos, once in each mode, each by a host of its own; each audit when it is done.

    Every audit must find all that is stuck and nothing else, or ``RuntimeError`` is raised.
    """
    planted = world(videos)
    say(f"\nAudits of {videos:,} videos: {planted.stuck:,} stuck, {planted.runs:,} runs")
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres() as database,
        azurite() as reports,
        prefect() as engine,
        stubbed_bucket(*planted.write_objects(Path(folder))) as bucket,
    ):
        planted.plant_runs(engine)
        settings = {
            "AzureWebJobsStorage": reports.connection_string,
            "AUDIT_PROFILES": PROFILE,
            "STUCK_UPLOADS_DATABASE": planted.plant_rows(database),
            "STUCK_UPLOADS_PREFECT": engine.url,
            "STUCK_UPLOADS_DEPLOYMENT": DEPLOYMENT,
            "STUCK_UPLOADS_CROP_DEPLOYMENT": CROP_DEPLOYMENT,
            "STUCK_UPLOADS_COLUMNS": COLUMNS,
            "STUCK_UPLOADS_PAUSE_SECONDS": "0",
            **bucket.settings("STUCK_UPLOADS_BUCKET", BUCKET),
        }
        for mode in MODES:
            # A fresh host for each audit, so that its peak of memory is that audit's own.
            with running_app(settings) as app:
                pids = {
                    "host": app.pid,
                    "postgres": listener_on(database.port),
                    "prefect": listener_on(engine.port),
                    "run store": listener_on(reports.port),
                    "stub": bucket.pid,
                }
                with watched_memory(pids) as memory:
                    audit = audited(app.url, videos, mode, memory, partial(_check, planted, mode))
            yield audit


def _check(planted: Uploads, mode: str, view: dict[str, Any]) -> None:
    must_be_complete(view)
    summary = view["summary"]
    judged = planted.videos if mode == "full" else planted.stuck
    expected = planted.expected | ({"healthy": planted.videos - planted.stuck} if mode == "full" else {})
    found = {verdict: number for verdict, number in summary["counts"].items() if number}
    if (summary["videos"], found) != (judged, expected):
        raise RuntimeError(f"the {mode} audit found {found} among {summary['videos']:,}, and not {expected}")
