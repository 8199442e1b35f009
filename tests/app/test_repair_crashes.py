"""The host dies in the middle of a repair and starts again: nothing is applied twice, and the ledger stays true."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from dev.demo.cases import healthy_cases, special_cases
from dev.demo.planting import plant_containers
from dev.devstack.azurite import AzuriteServer
from tests.app.conftest import WithRows, containers_of
from tests.app.proxy import Matches, StorageProxy, storage_proxy, writes
from tests.app.world import Api, World, eventually, running

HIDDEN = ("swept", "stuck")


CASES = [case for case in special_cases() if case.name in HIDDEN] + healthy_cases(3)


@pytest.fixture(scope="module")
def storage(source_storage: AzuriteServer) -> str:
    """Two hidden recordings among healthy ones."""
    plant_containers(source_storage.connection_string, containers_of(CASES))
    return source_storage.connection_string


@pytest.fixture
def world(with_rows: WithRows, storage: str) -> World:
    """New rows for each test: a repair leaves traces in them."""
    return with_rows(storage, CASES, [])


@pytest.fixture
def report(azurite_server: AzuriteServer) -> Iterator[StorageProxy]:
    """A proxy before the run store."""
    with storage_proxy(azurite_server.port) as proxy:
        yield proxy


def rows(world: World, sql: str) -> list[dict[str, Any]]:
    with psycopg.connect(world.database, row_factory=dict_row) as connection:
        return connection.execute(sql.encode()).fetchall()


def view(api: Api, repair_id: str, *states: str) -> dict[str, Any]:
    """The repair once it is in one of these states."""

    def probe() -> dict[str, Any] | None:
        found: dict[str, Any] = api.get(f"/repairs/{repair_id}").json()
        return found if found["state"] in states else None

    return eventually(probe, f"repair {repair_id} is {states}", 120)


def approved(api: Api) -> str:
    """A repair of both, approved."""
    audit_id = api.audited()[0]["id"]
    answer = api._http.post(f"/audits/{audit_id}/repairs", json={"by": "Ann"})
    assert answer.status_code == 202, answer.text
    planned = view(api, answer.json()["id"], "proposed", "failed")
    assert len(planned["plan"]["changes"]) == len(HIDDEN), planned["error"]
    decision = {"digest": planned["digest"], "by": "Bob", "reason": "Played back."}
    answer = api._http.post(f"/repairs/{planned['id']}/approve", json=decision)
    assert answer.status_code == 202, answer.text
    found: str = planned["id"]
    return found


MOMENTS: dict[str, tuple[Matches, str]] = {
    "before the first change is begun": (writes("ledger/0001-1.intended.json"), "done"),
    "between the commit and the ledger": (writes("ledger/0001-1.ended.json"), "already_done"),
    "between the last commit and the ledger": (writes("ledger/0002-1.ended.json"), "already_done"),
    "before what was found afterwards is kept": (writes("verified/3.json"), "done"),
}


@pytest.mark.parametrize(
    ("moment", "ending"),
    [
        pytest.param(*one, id=name, marks=[] if one[1] == "already_done" and "last" not in name else pytest.mark.deep)
        for name, one in MOMENTS.items()
    ],
)
def test_a_host_that_dies_in_the_middle_applies_nothing_twice_and_loses_nothing(
    world: World, report: StorageProxy, tmp_path: Path, moment: Matches, ending: str
) -> None:
    settings = world.settings(
        REPORT_STORAGE=report.connection_string,
        PRE_REPAIR_DATABASE=world.database,
        AUDIT_REPAIR_CLOSED_HOURS="none",
        AUDIT_REPAIR_SECOND_LOOK_SECONDS="1",
        AUDIT_REPAIR_DEADLINE_SECONDS="5",
    )
    with running(settings, tmp_path) as api:
        held = report.hold(moment)
        repair_id = approved(api)
        assert held.reached.wait(60)
        os.kill(api.app.pid, signal.SIGKILL)
        eventually(lambda: api.app.server.has_ended() or None, "the host ends", 10)
        held.drop()
        report.reset()
    with running(settings, tmp_path) as api:
        ended = view(api, repair_id, "applied", "partly_applied", "failed", "stopped")
    assert ended["state"] == "applied", ended
    assert sorted(one["ending"] for one in ended["ledger"]) == sorted(["done"] * (len(HIDDEN) - 1) + [ending])
    audits = rows(world, "select * from audits where functional_area = 'capture-audit'")
    assert len(audits) == 3 * len(HIDDEN)
    planned = {change["seen"]["container"] for change in ended["plan"]["changes"]}
    recordings = rows(
        world, "select id::text, count(*) over (partition by capture_session_id) as of_one from recordings"
    )
    assert planned <= {row["id"] for row in recordings}
    assert {row["of_one"] for row in recordings if row["id"] in planned} == {1}
