"""20,000 containers on a stubbed account: everything is found, and a host killed in the middle of it costs nothing."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dev.benchmarks.world import expected_hidden, plant
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.stub import Limit, StubbedStorage, stubbed_storage
from tests.app.world import Api, eventually, running
from tests.dev.devstack.fast_account import counts, fast_account

CONTAINERS = 20_000
SHARDS = 20


@pytest.fixture(scope="module")
def run_store(postgres_server: PostgresServer, azurite_server: AzuriteServer) -> dict[str, str]:
    """The settings but for the audited account."""
    return {"REPORT_STORAGE": azurite_server.connection_string, "PRE_DATABASE": plant(postgres_server, CONTAINERS)}


@pytest.fixture
def throttled() -> Iterator[StubbedStorage]:
    """An account that allows so little that its scan takes a while."""
    with fast_account(f"{CONTAINERS}x4", tls=True, latency_ms=(2, 10), limit=Limit(4000, retry_after=1)) as storage:
        yield storage


def settings_of(storage: StubbedStorage, run_store: dict[str, str]) -> dict[str, str]:
    """The settings for an account; the run store is empty."""
    trusted = {"SSL_CERT_FILE": str(storage.authority)} if storage.authority else {}
    folder = {"AUDIT_REPORT_CONTAINER": f"large-{uuid4().hex[:12]}"}
    shards = {"AUDIT_SHARD_CONTAINERS": str(CONTAINERS // SHARDS)}
    return {"SOURCE_STORAGE": storage.connection_string, **folder, **shards, **run_store, **trusted}


def finished_shards(api: Api, audit_id: str) -> int:
    progress = api.view(audit_id)["progress"]
    done: int = progress["shards"]["done"]
    return done


def answered(storage: StubbedStorage) -> int:
    """How many requests the account has not refused so far."""
    told = counts(storage)
    return int(told["requests"] - told["refused"])


def report_of(api: Api, audit_id: str) -> dict[str, Any]:
    """The report but for its id and its moments."""
    report = api.report(audit_id)
    for name in ("id", "created_at", "as_of", "generated_at"):
        del report["audit"][name]
    return report


def check(view: dict[str, Any]) -> None:
    assert view["state"] == "completed"
    assert view["outcome"] == {"code": 1, "word": "findings"}
    assert view["progress"]["shards"] == {"total": SHARDS, "done": SHARDS, "failed": 0}
    all_of_them = {"noun": "container", "listed": CONTAINERS, "scanned": CONTAINERS, "skipped": 0, "failed": 0}
    assert view["progress"]["units"] == view["summary"]["units"] == all_of_them
    assert view["summary"]["counts"]["unregistered_recording"] == expected_hidden(CONTAINERS)
    assert view["summary"]["hidden"] == expected_hidden(CONTAINERS)
    assert view["summary"]["findings"] <= view["summary"]["sessions"]


@pytest.mark.deep
def test_a_host_killed_in_the_middle_of_a_large_scan_goes_on_where_it_was(
    throttled: StubbedStorage, run_store: dict[str, str], tmp_path: Path
) -> None:
    with running(settings_of(throttled, run_store)) as api:
        undisturbed = api.ended(api.start(), 120)
        check(undisturbed)
        expected = report_of(api, undisturbed["id"])
    beside_the_scan = answered(throttled) - CONTAINERS
    assert beside_the_scan > expected_hidden(CONTAINERS), "what is in doubt is listed a second time"

    settings = settings_of(throttled, run_store)
    with running(settings, tmp_path) as api:
        audit_id = api.start()
        eventually(lambda: finished_shards(api, audit_id) >= SHARDS // 5 or None, "some shards are done")
        os.kill(api.app.pid, signal.SIGKILL)
        eventually(lambda: api.app.server.has_ended() or None, "the host ends", 10)
    before = answered(throttled)
    with running(settings, tmp_path) as api:
        done = finished_shards(api, audit_id)
        assert SHARDS // 5 <= done < SHARDS
        view = api.ended(audit_id, 120)
        check(view)
        assert report_of(api, audit_id) == expected
    in_open_shards = (SHARDS - done) * CONTAINERS // SHARDS
    assert answered(throttled) - before <= in_open_shards + beside_the_scan


def test_a_fast_audit_finds_the_same_by_opening_one_in_fifty(run_store: dict[str, str]) -> None:
    with stubbed_storage(["--uniform", f"{CONTAINERS}x4"]) as storage, running(settings_of(storage, run_store)) as api:
        audit_id = api.start(mode="fast")
        view = api.ended(audit_id)
    hidden = expected_hidden(CONTAINERS)
    assert view["state"] == "completed"
    skipped = CONTAINERS - hidden
    units = {"noun": "container", "listed": CONTAINERS, "scanned": hidden, "skipped": skipped, "failed": 0}
    assert view["summary"]["units"] == units
    assert view["summary"]["counts"]["unregistered_recording"] == hidden
