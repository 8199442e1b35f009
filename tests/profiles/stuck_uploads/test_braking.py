"""What stops a policy that starts runs, driven by hand, and as a real server tells it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.api_changes import ApiChanges
from adapters.api_connection import ApiConnection
from adapters.http_api import HttpApi, open_api_session
from adapters.services import Services
from dev.devstack.prefect import PrefectServer
from dev.devstack.prefect_planting import STATES, Planting
from profiles.stuck_uploads.braking import brake
from reconciliation.errors import AuditError
from reconciliation.queries import HttpAnswer
from tests.profiles.stuck_uploads.prefect_in_memory import AT, DEPLOYMENTS, Prefect, ago
from tests.profiles.stuck_uploads.test_starting import run_to_its_end

DEPLOYMENT = DEPLOYMENTS["process"]
BROKEN = {"FAILED", "CRASHED"}
UNUSED = cast("Services", None)


def server(*states: str, **changes: Any) -> Prefect:
    """A server with a worker, and with a run in each of these states: run-0, run-1, and so on."""
    made = Prefect(limit=200, **changes).with_deployments()
    made.workers = {"pool": [{"name": "w-1", "status": "ONLINE"}]}
    for number, state in enumerate(states):
        made.add(f"run-{number}", state, ago(number))
    return made


def started(count: int) -> list[dict[str, str]]:
    return [{"run_id": f"run-{number}", "key": "key"} for number in range(count)]


def braked(of: Prefect, count: int = 0) -> str | None:
    why = run_to_its_end(brake(DEPLOYMENT, started(count)), of)
    assert not any(call.changes for call in of.calls)
    assert why is None or isinstance(why, str)
    return why


def test_a_policy_that_has_started_nothing_may_begin_where_a_worker_is_online() -> None:
    assert braked(server()) is None


@given(st.lists(st.sampled_from([*STATES, None]), max_size=10))
def test_half_of_the_last_ten_runs_failed_or_crashed(states: Sequence[str | None]) -> None:
    of = server(*(state or "FAILED" for state in states))
    for number, state in enumerate(states):
        if state is None:  # somebody has deleted it
            del of.runs[f"run-{number}"]
    broken = [f"run-{number}" for number, state in enumerate(states) if state in BROKEN]
    why = braked(of, len(states))
    assert (why is not None) is (len(broken) >= 5)
    if why is not None:
        assert why.startswith(f"runs_broke: {len(broken)} of the last {len(states)} runs")
        assert f"the newest is {broken[0]}" in why


@pytest.mark.parametrize(
    "workers", [[], [{"name": "w-1", "status": "OFFLINE"}] * 7, [{"name": "w-1"}], [{"status": "online"}]]
)
def test_nobody_would_take_a_run(workers: list[dict[str, str]]) -> None:
    of = server()
    of.workers, of.limit = {"pool": workers, "other": [{"name": "w-2", "status": "ONLINE"}]}, 3
    assert (braked(of) or "").startswith("no_worker_online: no worker of the pool pool is online.")


def test_the_only_worker_that_is_online_may_be_the_last() -> None:
    of = server()
    of.workers["pool"] = [*[{"name": "w", "status": "OFFLINE"}] * 8, {"name": "w-9", "status": "ONLINE"}]
    of.limit = 3
    assert braked(of) is None


@pytest.mark.parametrize("pool", [None, ""])
def test_a_deployment_without_a_pool_has_no_worker(pool: str | None) -> None:
    of = server()
    of.deployments[DEPLOYMENT]["work_pool_name"] = pool
    assert (braked(of) or "").startswith(f"no_worker_online: no worker of {DEPLOYMENT}, which has no pool,")


def test_a_deployment_that_is_gone_takes_no_run() -> None:
    of = server()
    of.deployments.clear()
    assert braked(of) == f"no_deployment: there is no deployment {DEPLOYMENT}."


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_an_answer_that_is_not_understood_is_not_taken_for_good_news(body: Any) -> None:
    conversation = brake(DEPLOYMENT, started(1))
    next(conversation)
    with pytest.raises(AuditError):
        conversation.send(HttpAnswer(200, body, AT))


# --- a real server ----------------------------------------------------------------------------------------------------


async def test_a_real_server_tells_of_workers_and_runs(prefect_server: PrefectServer) -> None:
    name = f"braking-{uuid4().hex}"
    connection = ApiConnection("STUCK_UPLOADS_REPAIR_PREFECT", prefect_server.url)
    with Planting(prefect_server) as plant:
        pool = plant.work_pool(name)
        deployment = plant.deployment(name, "production", pool)
        async with open_api_session() as session:
            api = HttpApi(connection, session)

            async def braked(*runs: str) -> str | None:
                changes = ApiChanges(UNUSED, "", api)
                return await changes.ask(brake(f"{name}/production", [{"run_id": run, "key": ""} for run in runs]))

            assert (await braked() or "").startswith("no_worker_online")
            plant.heartbeat(pool, "w-old", datetime.now(UTC) - timedelta(hours=1))
            assert (await braked() or "").startswith("no_worker_online")
            plant.heartbeat(pool, "w-new")
            assert await braked() is None
            ended = [plant.run(deployment, {}, state) for state in ["FAILED", "CRASHED", "COMPLETED"] * 3]
            assert (await braked(*ended) or "").startswith("runs_broke: 6 of the last 9 runs")
            assert await braked(*ended[:6]) is None
            assert (await braked(*ended[:7], str(uuid4())) or "").startswith("runs_broke: 5 of the last 8 runs")
