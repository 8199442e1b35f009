"""What the audit misses and makes up in a world of production's size, in which every verdict is known beforehand."""

import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from dev.benchmarks.measure import say
from dev.demo.planting import create_schema
from dev.demo.prodlike import build
from dev.demo.prodlike.comparison import compare
from dev.demo.prodlike.dataset import Mode
from dev.demo.prodlike.planting import plant_rows, write_account
from dev.devstack.app import running_app
from dev.devstack.azurite import azurite
from dev.devstack.postgres import postgres
from dev.devstack.stub import stubbed_storage

SEED = 1
MODES: tuple[Mode, ...] = ("full", "fast")
DEADLINE_SECONDS = 300
STILL_AT_WORK = frozenset({"queued", "running"})


def accuracy() -> dict[str, float | int | None]:
    """Audit the world in both modes; the sums of what was missed and made up, under the names of the figures.

    Every difference is printed. Raises ``RuntimeError`` if an audit does not complete.
    """
    dataset = build(SEED, datetime.now(UTC))
    say(f"\nAccuracy, with {len(dataset.full):,} verdicts known beforehand")
    misses = false_alarms = 0
    with TemporaryDirectory() as folder, postgres() as database, azurite() as reports:
        account = Path(folder) / "account.jsonl"
        write_account(account, dataset.containers)
        url = database.create_database("prodlike")
        create_schema(url)
        plant_rows(url, dataset.rows)
        with stubbed_storage(["--account", str(account)]) as storage:
            settings = {
                "AzureWebJobsStorage": reports.connection_string,
                "SOURCE_STORAGE": storage.connection_string,
                "PRE_DATABASE": url,
            }
            with running_app(settings) as app:
                for mode in MODES:
                    comparison = compare(dataset, _report(app.url, mode), mode)
                    missed, made_up = len(comparison.missed), len(comparison.made_up)
                    say(f"  {mode:<5}{missed:>6} missed {made_up:>6} made up")
                    if not comparison.is_exact:
                        say(str(comparison))
                    misses, false_alarms = misses + missed, false_alarms + made_up
    return {"prodlike_misses": misses, "prodlike_false_alarms": false_alarms}


def _report(url: str, mode: Mode) -> dict[str, Any]:
    """The report of a new audit."""
    with httpx.Client(base_url=url, timeout=60) as client:
        started = client.post("/audits", json={"mode": mode})
        started.raise_for_status()
        address = f"/audits/{started.json()['id']}"
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (view := client.get(address).json())["state"] in STILL_AT_WORK:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the {mode} audit did not end in {DEADLINE_SECONDS} s")
            time.sleep(0.1)
        if view["state"] != "completed":
            raise RuntimeError(f"the {mode} audit is {view['state']}: {view['error'] or view['summary']}")
        report: dict[str, Any] = client.get(f"{address}/report").json()
        return report


if __name__ == "__main__":
    say(str(accuracy()))
