"""Prefect's server as the development stack runs it, and what its API really does where it matters to us.

What it does was read in its code for one version; here that version is asked.
"""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from dev.devstack import prefect as module
from dev.devstack.prefect import PrefectServer, prefect
from dev.devstack.prefect_planting import STATES, Planting, Times
from dev.devstack.supervise import DevStackError

RANDOM = 4
WORKER_PREFETCH = timedelta(seconds=10)
AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)


@pytest.fixture(scope="module")
def server(prefect_server: PrefectServer) -> Iterator[Planting]:
    with Planting(prefect_server) as planting:
        yield planting


@pytest.fixture
def flow() -> str:
    return f"flow-{uuid4().hex}"


@pytest.fixture
def deployment(server: Planting, flow: str) -> str:
    return server.deployment(flow, "of-tests", f"pool-of-{flow}", tags=["always"])


def create(server: Planting, deployment: str, **body: Any) -> httpx.Response:
    return server.call(f"deployments/{deployment}/create_flow_run", {"parameters": {}, **body})


def found(server: Planting, deployment: str, sort: str = "EXPECTED_START_TIME_ASC", **asked: Any) -> list[Any]:
    body = {"sort": sort, "flow_runs": {"deployment_id": {"any_": [deployment]}, **asked}}
    return list(server.made("flow_runs/filter", body))


def asked_for(server: Planting, run: str, state: str) -> tuple[str, str]:
    """What is answered to a state that the rules may refuse, and the state that the run has then."""
    answer = server.made(f"flow_runs/{run}/set_state", {"state": {"type": state}})
    assert answer["state"]["type"] == server.read(run)["state_type"]
    return answer["status"], answer["state"]["type"]


def in_a_while(seconds: float) -> dict[str, Any]:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}


def comes(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


# --- the server -------------------------------------------------------------------------------------------------------


def test_every_package_is_pinned_to_one_version_and_the_server_is_the_one_that_is_named(server: Planting) -> None:
    lines = module.REQUIREMENTS.read_text(encoding="ascii").splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+", line) for line in packages)
    assert len({line.partition("==")[0].lower() for line in packages}) == len(packages)
    assert server.call("admin/version").json() == module.version()


def test_the_first_start_makes_what_later_ones_copy_and_a_given_directory_keeps_the_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    template, kept = tmp_path / "cache" / "template.db", tmp_path / "kept"
    monkeypatch.setattr(module, "_template", lambda: template)
    with prefect(kept) as first, Planting(first) as planting:
        made = template.read_bytes()
        run = planting.run(planting.deployment("kept", "kept"), {"a": 1}, "COMPLETED")
    with closing(sqlite3.connect(template)) as copy:
        assert copy.execute("select count(*) from flow_run").fetchone() == (0,)
    with prefect(kept, auth="reader:pa55word") as second, Planting(second) as planting:
        assert planting.call(f"flow_runs/{run}").status_code == httpx.codes.UNAUTHORIZED
        planting.client.auth = ("reader", "pa55word")
        assert planting.read(run)["parameters"] == {"a": 1}
    assert template.read_bytes() == made
    assert [*template.parent.iterdir()] == [template]


def test_what_is_not_installed_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "INSTALLED", tmp_path)
    with pytest.raises(DevStackError, match=r"Prefect is not installed in .*make test"), prefect():
        pytest.fail("it started")


# --- what is planted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_a_run_is_planted_in_any_state_as_of_any_time(server: Planting, deployment: str, state: str) -> None:
    times = Times(AGO, AGO + timedelta(minutes=1), AGO + timedelta(minutes=2), AGO + timedelta(minutes=5))
    run = server.read(server.run(deployment, {"video": "x"}, state, times, tags=["mine"], key="k"))
    moments = [run["created"], run["expected_start_time"], run["start_time"], run["end_time"]]
    assert [datetime.fromisoformat(moment) for moment in moments] == [
        times.created,
        times.expected,
        times.started,
        times.ended,
    ]
    assert (run["state_type"], run["state"]["type"]) == (state, state)
    assert datetime.fromisoformat(run["state"]["timestamp"]) == times.ended
    assert (run["parameters"], set(run["tags"]), run["idempotency_key"]) == ({"video": "x"}, {"always", "mine"}, "k")


def test_a_state_may_have_a_name_and_an_age_of_its_own(server: Planting, deployment: str) -> None:
    due = Times(expected=AGO, since=AGO + timedelta(seconds=15))
    late = server.read(server.run(deployment, {}, times=due, name="Late"))
    assert (late["state_type"], late["state_name"], late["start_time"]) == ("SCHEDULED", "Late", None)
    assert datetime.fromisoformat(late["next_scheduled_start_time"]) == AGO
    assert datetime.fromisoformat(late["state"]["timestamp"]) == due.since


def test_copies_of_a_run_are_like_it_and_as_much_earlier_as_they_are_to_be(server: Planting, deployment: str) -> None:
    ended = AGO + timedelta(minutes=5)
    model = server.run(deployment, {"video_id": "model"}, "CRASHED", Times(AGO, AGO, AGO, ended))
    earlier = {f"video-{number}": timedelta(minutes=number) for number in range(1, 4)}
    assert server.copies(model, (({"video_id": video}, span) for video, span in earlier.items())) == len(earlier)
    *copies, original = found(server, deployment)
    assert original["id"] == model
    same = ("state_type", "state_name", "run_count", "tags", "flow_id", "deployment_id", "work_queue_name", "labels")
    for copied in copies:
        assert {name: copied[name] for name in same} == {name: original[name] for name in same}
        span = earlier[copied["parameters"]["video_id"]]
        for name in ("created", "expected_start_time", "start_time", "end_time"):
            assert datetime.fromisoformat(original[name]) - datetime.fromisoformat(copied[name]) == span
        moment = copied["state"]["timestamp"]
        assert datetime.fromisoformat(original["state"]["timestamp"]) - datetime.fromisoformat(moment) == span
        history = server.made(f"flow_run_states/?flow_run_id={copied['id']}", None)
        assert sorted(one["type"] for one in history) == ["CRASHED", "PENDING", "RUNNING", "SCHEDULED"]
        assert {one["state_details"]["flow_run_id"] for one in history} == {copied["id"]}
    ids = {one["state_id"] for one in [*copies, original]} | {one["id"] for one in [*copies, original]}
    assert len(ids) == 2 * (len(earlier) + 1)


def test_a_worker_was_last_heard_of_when_it_is_said_to(server: Planting, flow: str) -> None:
    pool = server.work_pool(flow)
    server.heartbeat(pool, "well")
    server.heartbeat(pool, "gone", AGO)
    workers = {worker["name"]: worker for worker in server.made(f"work_pools/{pool}/workers/filter", {})}
    assert {name: worker["status"] for name, worker in workers.items()} == {"well": "ONLINE", "gone": "OFFLINE"}
    assert datetime.fromisoformat(workers["gone"]["last_heartbeat_time"]) == AGO
    assert set(workers["well"]) == {
        "id",
        "created",
        "updated",
        "name",
        "work_pool_id",
        "last_heartbeat_time",
        "heartbeat_interval_seconds",
        "status",
    }


# --- reading runs -----------------------------------------------------------------------------------------------------


def test_ids_of_runs_are_random_so_their_order_is_none_of_time(server: Planting, deployment: str) -> None:
    made = [server.run(deployment, {}) for _ in range(12)]
    listed = [run["id"] for run in found(server, deployment, "ID_DESC")]
    assert {UUID(run).version for run in made} == {RANDOM}
    assert listed == sorted(made, reverse=True)
    assert listed not in (made, made[::-1])


def test_a_page_has_200_runs_and_a_larger_one_is_refused(server: Planting) -> None:
    assert server.call("flow_runs/filter", {"limit": 200}).status_code == 200
    refused = server.call("flow_runs/filter", {"limit": 201})
    assert (refused.status_code, refused.json()) == (
        422,
        {"detail": "Invalid limit: must be less than or equal to 200."},
    )


@pytest.mark.parametrize(
    "asked",
    [{"parameters": {"video": "x"}}, {"created": {"after_": "2026-01-01T00:00:00Z"}}],
    ids=lambda asked: next(iter(asked)),
)
def test_runs_cannot_be_asked_for_by_their_parameters_or_their_age(server: Planting, asked: Any) -> None:
    refused = server.call("flow_runs/filter", {"flow_runs": asked})
    assert (refused.status_code, refused.json()["exception_detail"][0]["type"]) == (422, "extra_forbidden")


def test_runs_are_asked_for_from_a_moment_on_and_one_of_that_moment_is_among_them(
    server: Planting, deployment: str
) -> None:
    made = [server.run(deployment, {}, times=Times(expected=AGO + timedelta(seconds=at))) for at in range(3)]
    for after, first in ((AGO, 0), (AGO + timedelta(seconds=1), 1), (AGO + timedelta(seconds=1, microseconds=1), 2)):
        listed = found(server, deployment, expected_start_time={"after_": after.isoformat()})
        assert [run["id"] for run in listed] == made[first:]


def test_when_a_run_was_to_start_stays_whatever_becomes_of_it(server: Planting, deployment: str) -> None:
    run = server.run(deployment, {})
    due = server.read(run)["expected_start_time"]
    for state in ("PENDING", "RUNNING", "COMPLETED"):
        assert asked_for(server, run, state) == ("ACCEPT", state)
        assert server.read(run)["expected_start_time"] == due
    again = server.run(deployment, {})
    due = server.read(again)["expected_start_time"]
    for state in ("PENDING", "RUNNING", "SCHEDULED", "PAUSED", "CANCELLING", "CRASHED", "FAILED", "CANCELLED"):
        server.set_state(again, state)
        assert server.read(again)["expected_start_time"] == due


@pytest.mark.parametrize("body", [{}, {"state": None}, {"state": {"type": "RUNNING"}}], ids=["none", "null", "running"])
def test_a_run_of_no_deployment_and_no_schedule_was_to_start_too(server: Planting, flow: str, body: Any) -> None:
    of_flow = server.made("flows/", {"name": flow})["id"]
    run = server.made("flow_runs/", {"flow_id": of_flow, **body})
    assert run["expected_start_time"] is not None
    assert server.read(run["id"])["expected_start_time"] == run["expected_start_time"]


def test_a_run_that_nobody_starts_in_time_is_late_and_still_scheduled(server: Planting, deployment: str) -> None:
    run = server.run(deployment, {}, times=Times(expected=AGO))
    assert comes(lambda: server.read(run)["state_name"] == "Late")
    assert server.read(run)["state_type"] == "SCHEDULED"


def test_a_deployment_is_had_by_its_name_with_all_that_matters(server: Planting, flow: str) -> None:
    made = server.deployment(flow, "of tests", f"pool-{flow}", paused=True)
    told = server.call(f"deployments/name/{flow}/of%20tests").json()
    members = ("id", "name", "paused", "work_pool_name", "status", "tags", "parameters", "enforce_parameter_schema")
    assert {name: told[name] for name in members} == {
        "id": made,
        "name": "of tests",
        "paused": True,
        "work_pool_name": f"pool-{flow}",
        "status": "NOT_READY",
        "tags": [],
        "parameters": {},
        "enforce_parameter_schema": False,
    }
    missing = server.call(f"deployments/name/{flow}/another")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Deployment not found"})


# --- creating a run ---------------------------------------------------------------------------------------------------


def test_a_run_is_created_by_the_id_of_a_deployment_and_not_by_its_name(server: Planting, flow: str) -> None:
    server.deployment(flow, "named")
    answer = server.call(f"deployments/name/{flow}/named/create_flow_run", {"parameters": {}})
    assert answer.status_code in (404, 405)


def test_a_member_that_it_does_not_know_is_refused(server: Planting, deployment: str) -> None:
    refused = create(server, deployment, priority=1)
    assert (refused.status_code, refused.json()["exception_detail"][0]["loc"]) == (422, ["body", "priority"])
    assert found(server, deployment) == []


def test_a_new_run_is_201_and_one_with_the_same_key_is_200_even_when_it_has_ended(
    server: Planting, deployment: str
) -> None:
    body = {"idempotency_key": "once", "tags": ["mine"]}
    first, second = create(server, deployment, **body), create(server, deployment, **body, parameters={"other": 1})
    assert (first.status_code, second.status_code) == (201, 200)
    run = first.json()["id"]
    assert second.json()["id"] == run
    assert second.json()["parameters"] == {}
    server.set_state(run, "FAILED")
    third = create(server, deployment, **body)
    assert (third.status_code, third.json()["id"], third.json()["state_type"]) == (200, run, "FAILED")


def test_a_key_belongs_to_the_flow_so_another_deployment_gets_the_run_of_the_first(server: Planting, flow: str) -> None:
    production, staging = (server.deployment(flow, name) for name in ("production", "staging"))
    first = create(server, production, idempotency_key="shared", parameters={"of": "production"})
    second = create(server, staging, idempotency_key="shared", parameters={"of": "staging"})
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])
    assert (second.json()["deployment_id"], second.json()["parameters"]) == (production, {"of": "production"})
    assert found(server, staging) == []


def test_a_deleted_deployment_takes_what_is_scheduled_with_it_and_the_rest_keeps_an_id_that_names_nothing(
    server: Planting, flow: str
) -> None:
    deployment, other = server.deployment(flow, "production"), server.deployment(flow, "staging")
    runs = {server.run(deployment, {}, state): state for state in STATES if state != "SCHEDULED"}
    late, others = server.run(deployment, {}), server.run(other, {}, "RUNNING")
    server.delete_deployment(deployment)
    assert server.call(f"deployments/{deployment}").status_code == httpx.codes.NOT_FOUND
    again = server.deployment(flow, "production")
    assert again != deployment
    assert server.call(f"flow_runs/{late}").status_code == httpx.codes.NOT_FOUND
    of_flow = {"flows": {"id": {"any_": [server.read(others)["flow_id"]]}}}
    found = {run["id"]: run for run in server.made("flow_runs/filter", of_flow)}
    assert found.keys() == {*runs, others}
    assert server.made("flow_runs/count", of_flow) == len(found)
    assert {run: (found[run]["state_type"], found[run]["deployment_id"]) for run in runs} == {
        run: (state, deployment) for run, state in runs.items()
    }


def test_a_paused_deployment_takes_runs_as_if_it_were_not(server: Planting, flow: str) -> None:
    created = create(server, server.deployment(flow, "paused", paused=True))
    assert (created.status_code, created.json()["state_type"]) == (201, "SCHEDULED")


def test_pausing_takes_away_what_the_schedule_made_and_leaves_what_others_made(server: Planting, flow: str) -> None:
    deployment = server.deployment(flow, "hourly", cron="0 * * * *")
    ours = server.run(deployment, {})
    assert comes(lambda: len(found(server, deployment)) > 1)
    server.made(f"deployments/{deployment}/pause_deployment", {})
    assert [run["id"] for run in found(server, deployment)] == [ours]


def test_parameters_that_break_their_schema_are_refused(server: Planting, flow: str) -> None:
    schema = {"type": "object", "properties": {"video": {"type": "string"}}, "required": ["video"]}
    deployment = server.deployment(flow, "strict", schema=schema)
    refused = create(server, deployment)
    assert (refused.status_code, refused.json()["detail"].partition(":")[0]) == (409, "Error creating flow run")
    assert create(server, deployment, parameters={"video": "x"}).status_code == 201


def test_a_run_for_later_is_not_picked_up_by_a_worker_until_shortly_before(server: Planting, flow: str) -> None:
    deployment = server.deployment(flow, "later", f"pool-{flow}")
    created = create(server, deployment, state=in_a_while(90))
    assert (created.status_code, created.json()["state_name"]) == (201, "Scheduled")

    def picked_up(ahead: timedelta) -> list[Any]:
        body = {"scheduled_before": (datetime.now(UTC) + ahead).isoformat()}
        return list(server.made(f"work_pools/pool-{flow}/get_scheduled_flow_runs", body))

    assert picked_up(WORKER_PREFETCH) == picked_up(timedelta(seconds=60)) == []
    [offered] = picked_up(timedelta(seconds=95))
    assert offered["flow_run"]["id"] == created.json()["id"]


# --- changing its state -----------------------------------------------------------------------------------------------


def test_a_run_for_later_is_cancelled_by_a_rejection(server: Planting, deployment: str) -> None:
    run = create(server, deployment, state=in_a_while(90)).json()["id"]
    answer = server.call(f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}, "force": False})
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["state"]["type"], answer.json()["details"]) == (
        "REJECT",
        "CANCELLED",
        {"type": "reject_details", "reason": "Scheduled flow run has no infrastructure to terminate."},
    )
    again = server.call(f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}, "force": False})
    assert (again.status_code, again.json()["status"], again.json()["details"]["reason"]) == (
        200,
        "ABORT",
        "Run is already in terminal state CANCELLED.",
    )


@pytest.mark.parametrize(
    ("before", "asked", "status", "after"),
    [
        ("SCHEDULED", "PENDING", "ACCEPT", "PENDING"),
        ("SCHEDULED", "CANCELLED", "ACCEPT", "CANCELLED"),
        ("PENDING", "PENDING", "ABORT", "PENDING"),
        ("PENDING", "CANCELLING", "ACCEPT", "CANCELLING"),
        ("RUNNING", "CANCELLING", "ACCEPT", "CANCELLING"),
        ("RUNNING", "PENDING", "ABORT", "RUNNING"),
        ("CANCELLED", "PENDING", "ABORT", "CANCELLED"),
        ("COMPLETED", "CANCELLING", "ABORT", "COMPLETED"),
        ("COMPLETED", "RUNNING", "ACCEPT", "RUNNING"),
        ("RUNNING", "CRASHED", "ACCEPT", "CRASHED"),
    ],
)
def test_what_the_rules_make_of_a_state(  # noqa: PLR0917 - a row of the table each
    server: Planting, deployment: str, before: str, asked: str, status: str, after: str
) -> None:
    assert asked_for(server, server.run(deployment, {}, before), asked) == (status, after)


def test_a_run_that_starts_before_its_time_is_told_to_wait(server: Planting, deployment: str) -> None:
    run = create(server, deployment, state=in_a_while(90)).json()["id"]
    assert asked_for(server, run, "PENDING") == ("ACCEPT", "PENDING")
    answer = server.call(f"flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}})
    assert (answer.status_code, answer.json()["status"], answer.json()["state"]["type"]) == (200, "WAIT", "PENDING")
    assert 80 <= answer.json()["details"]["delay_seconds"] <= 90


def test_a_cancelled_run_that_never_started_has_a_start_all_the_same(server: Planting, deployment: str) -> None:
    run = server.run(deployment, {})
    assert asked_for(server, run, "CANCELLED") == ("ACCEPT", "CANCELLED")
    told = server.read(run)
    assert told["start_time"] == told["end_time"]
    assert told["run_count"] == 0


def test_the_state_of_a_run_that_there_is_not_cannot_be_set(server: Planting) -> None:
    answer = server.call(f"flow_runs/{uuid4()}/set_state", {"state": {"type": "CANCELLING"}})
    assert answer.status_code == 404
