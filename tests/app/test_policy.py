"""What a scheduled audit finds is repaired without a person, as far as a setting says so: on real servers."""

import json
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from azure.storage.blob import BlobServiceClient

from adapters.unattended import AUTO_REPAIR, MOST, MOST_PER_HOUR
from dev.demo.stuck_uploads.cases import CASES, Case
from dev.devstack.prefect_planting import Planting
from tests.app.described import Description, checked
from tests.app.hosting import events, fire, settled
from tests.app.uploads import TIMER, Servers, Uploads, uploads
from tests.app.world import eventually

MISSED = CASES[0]
WAITING = [replace(MISSED, number=number) for number in (701, 702, 703)]
EDITED = replace(MISSED, number=704, why="its run was lost after people had edited it")
POLICY = {
    f"{AUTO_REPAIR}STUCK_UPLOADS": "start_run",
    f"{MOST}STUCK_UPLOADS": "2",
    f"{MOST_PER_HOUR}STUCK_UPLOADS": "3",
    "AUDIT_REPAIR_SECOND_LOOK_SECONDS": "1",
    "STUCK_UPLOADS_PAUSE_SECONDS": "0",
    "AUDIT_SETTLE_MINUTES": "0",
}
RESUME = json.dumps({"by": "Ann", "reason": "A worker is there."}).encode()
SLOT_SECONDS = 90
"""A slot is a minute: within it a timer starts nothing twice."""


def scheduled(world: Uploads) -> str:
    """Fire the timer until it starts an audit, while a worker that there is stays online; the audit's id, once all that
    follows it is done.
    """
    before = {view["id"] for view in world.api.get("/audits").json()["audits"]}

    def started() -> str | None:
        world.keep_online()
        fire(world.api, TIMER)
        new = {view["id"] for view in world.api.get("/audits").json()["audits"]} - before
        return next(iter(new), None)

    audit_id = eventually(started, "the next slot has its audit", SLOT_SECONDS)
    settled(world.api, audit_id)
    return audit_id


def edit(world: Uploads, case: Case) -> None:
    """People have edited a video."""
    with psycopg.connect(world.database) as connection:
        connection.execute(
            "insert into video_database_state (video_id, database_name, server_version) values (%s, 'layout', 1)",
            [case.video_id],
        )


def repairs(world: Uploads) -> list[dict[str, Any]]:
    """All repairs with their plans and ledgers, newest first."""
    found = world.api.get("/repairs").json()["repairs"]
    return [world.api.get(f"/repairs/{one['id']}").json() for one in found]


def started(world: Uploads) -> list[int]:
    """How many runs repairs have created, by case."""
    return [len(world.runs_of(case)) for case in WAITING]


def resume(world: Uploads) -> dict[str, Any]:
    view: dict[str, Any] = world.api.post("/policies/stuck-uploads/resume", RESUME).json()
    return view


def test_runs_are_started_as_far_as_one_audit_may_and_never_where_people_have_edited(servers: Servers) -> None:
    with uploads([*WAITING[:2], EDITED], servers, {**POLICY, f"{MOST}STUCK_UPLOADS": "1"}) as world:
        edit(world, EDITED)
        audit_id = scheduled(world)
        [repair] = repairs(world)
        assert (repair["state"], repair["audit_id"], repair["proposed_by"]) == ("applied", audit_id, "policy")
        assert (repair["decision"]["by"], repair["decision"]["approves"]) == ("policy", True)
        assert repair["plan"]["policy"]["value"] == "start_run"
        assert repair["plan"]["policy"]["setting"] == "AUDIT_AUTO_REPAIR__STUCK_UPLOADS"
        assert repair["policy"] == repair["plan"]["policy"]["text"] == repair["decision"]["reason"]
        assert repair["counts"]["done"] == len(repair["ledger"]) == 1, "as many as one audit may lead to"
        assert repair["verified"] == {"looked_at": 1, "as_expected": 1}
        assert sum(started(world)) == 1
        assert world.runs_of(EDITED) == []
        view = world.api.get("/policies").json()["policies"][0]
        assert (view["state"], view["most"], view["most_per_hour"]) == ("active", 1, 3)
        [ended] = events(world.api, "repair.change")
        assert (ended["ending"], ended["by_policy"]) == ("done", True)
        assert MISSED.age.total_seconds() <= ended["waited_seconds"] < MISSED.age.total_seconds() + 3600
        assert [one["repairable"] for one in events(world.api, "audit.completed")] == [3]


@pytest.mark.deep
def test_no_more_runs_are_started_within_an_hour_than_the_setting_says(servers: Servers) -> None:
    with uploads(WAITING, servers, {**POLICY, f"{MOST_PER_HOUR}STUCK_UPLOADS": "2"}) as world:
        scheduled(world)
        assert sum(started(world)) == 2
        scheduled(world)
        assert sum(started(world)) == 2
        assert [one["reason"] for one in events(world.api, "policy.skipped")] == ["enough_within_hour"]


def test_an_audit_that_a_person_starts_repairs_nothing(servers: Servers) -> None:
    with uploads(WAITING[:1], servers, POLICY) as world:
        settled(world.api, world.api.start())
        assert (repairs(world), started(world)[0]) == ([], 0)


def test_without_a_worker_it_pauses_itself_and_says_so(servers: Servers) -> None:
    with uploads(WAITING[:1], servers, POLICY, worker=False) as world:
        scheduled(world)
        [rejected] = repairs(world)
        assert (rejected["state"], rejected["decision"]["approves"]) == ("rejected", False)
        assert "no_worker_online" in rejected["decision"]["reason"]
        assert [one["reason"] for one in events(world.api, "policy.paused")] == ["no_worker_online"]
        [view] = world.api.get("/policies").json()["policies"]
        assert (view["state"], "no worker of the pool" in view["why"]) == ("paused", True)
        health = world.api.get("/health").json()["checks"]["policy:stuck-uploads"]
        assert (health["ok"], "It has paused itself" in health["detail"]) == (True, True)
        assert started(world)[0] == 0
        answers_are_as_described(world)


def answers_are_as_described(world: Uploads) -> None:
    """What is answered about a policy that has paused itself is as the API's document says, at each turn."""
    description = Description(world.api.get("/openapi.json").json())

    def ask(profile: str, body: bytes = RESUME) -> httpx.Response:
        return checked(description, world.api.post(f"/policies/{profile}/resume", body))

    assert checked(description, world.api.get("/policies")).json()["policies"][0]["state"] == "paused"
    assert [ask("stuck-uploads", b"{}").status_code, ask("nobody").status_code] == [400, 404]
    named = json.dumps({"by": "Policy", "reason": "It may not do that."}).encode()
    assert ask("stuck-uploads", named).json()["errors"][0]["field"] == "by"
    resumed = ask("stuck-uploads")
    assert (resumed.json()["state"], resumed.json()["resumed_by"]) == ("active", "Ann")
    assert ask("stuck-uploads").status_code == 409
    with BlobServiceClient.from_connection_string(world.storage) as service:
        service.get_blob_client(world.container, "stuck-uploads/policy.json").upload_blob(b"{", overwrite=True)
    assert checked(description, world.api.get("/policies")).status_code == 500
    assert ask("stuck-uploads").status_code == 500


@pytest.mark.deep
def test_once_it_has_paused_itself_only_a_person_lets_it_go_on(servers: Servers) -> None:
    with uploads(WAITING[:1], servers, POLICY, worker=False) as world, Planting(servers.prefect) as plant:
        scheduled(world)
        plant.heartbeat(world.pool, "worker-0")
        scheduled(world)
        assert len(repairs(world)) == 1, "a worker is there, and no person has let it go on"
        assert [one["reason"] for one in events(world.api, "policy.skipped")] == ["paused_itself"]
        assert resume(world)["state"] == "active"
        scheduled(world)
        assert [one["state"] for one in repairs(world)] == ["applied", "rejected"]
        assert started(world)[0] == 1
