"""20,000 containers on a stubbed account: everything is found, and a host killed in the middle of it costs nothing."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from dev.benchmarks.world import expected_hidden, plant
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.stub import stubbed_storage
from tests.app.world import Api, eventually, running

CONTAINERS = 20_000


@pytest.fixture(scope="module")
def settings(postgres_server: PostgresServer, azurite_server: AzuriteServer) -> Iterator[dict[str, str]]:
    with stubbed_storage(["--uniform", f"{CONTAINERS}x4"]) as storage:
        yield {
            "SOURCE_STORAGE": storage.connection_string,
            "REPORT_STORAGE": azurite_server.connection_string,
            "AUDIT_REPORT_CONTAINER": f"large-{uuid4().hex[:12]}",
            "PRE_DATABASE": plant(postgres_server, CONTAINERS),
        }


def finished_shards(api: Api, audit_id: str) -> int:
    progress = api.view(audit_id)["progress"]
    done: int = progress["shards"]["done"]
    return done


@pytest.mark.deep
def test_a_host_killed_in_the_middle_of_a_large_scan_goes_on_where_it_was(
    settings: dict[str, str], tmp_path: Path
) -> None:
    with running(settings, tmp_path) as api:
        audit_id = api.start()
        eventually(lambda: finished_shards(api, audit_id) >= 8 or None, "eight shards are done")
        os.kill(api.app.pid, signal.SIGKILL)
        eventually(lambda: api.app.server.has_ended() or None, "the host ends", 10)
    with running(settings, tmp_path) as api:
        assert finished_shards(api, audit_id) >= 8
        view = api.ended(audit_id, 120)
    assert view["state"] == "completed"
    assert view["outcome"] == {"code": 1, "word": "findings"}
    assert view["progress"]["shards"] == {"total": 40, "done": 40, "failed": 0}
    counts = {"noun": "container", "listed": CONTAINERS, "scanned": CONTAINERS, "skipped": 0, "failed": 0}
    assert view["progress"]["units"] == view["summary"]["units"] == counts
    assert view["summary"]["counts"]["unregistered_recording"] == expected_hidden(CONTAINERS)
    assert view["summary"]["hidden"] == expected_hidden(CONTAINERS)
    assert view["summary"]["findings"] <= view["summary"]["sessions"]


def test_a_fast_audit_finds_the_same_by_opening_one_in_fifty(settings: dict[str, str]) -> None:
    with running(settings) as api:
        audit_id = api.start(mode="fast")
        view = api.ended(audit_id)
    hidden = expected_hidden(CONTAINERS)
    assert view["state"] == "completed"
    counts = {"noun": "container", "listed": CONTAINERS, "scanned": hidden, "skipped": CONTAINERS - hidden, "failed": 0}
    assert view["summary"]["units"] == counts
    assert view["summary"]["counts"]["unregistered_recording"] == hidden
