"""What stops a policy that starts runs: runs of it that break, and nobody who would take another one."""

from collections.abc import Generator, Sequence
from typing import TypeVar

from profiles.stuck_uploads.answers import list_in, object_in, text_in
from profiles.stuck_uploads.prefect import call_for_deployment, call_for_workers
from reconciliation.effects import Values
from reconciliation.queries import HttpAnswer, HttpCall

BROKEN = frozenset({"FAILED", "CRASHED"})
MOST_BROKEN = 5
"""Half of the last ten runs that a policy has started."""
ONLINE = "ONLINE"
_NOT_FOUND = 404
_MOST_PAGES = 1000

ResultT = TypeVar("ResultT")
Talk = Generator[HttpCall, HttpAnswer, ResultT]


def brake(deployment: str, started: Sequence[Values]) -> Talk[str | None]:
    """Why no further run is to be started without a person; None if nothing stands against it. ``started`` is what the
    last ten runs have left. One that was deleted since is not counted as broken.
    """
    answer = yield call_for_deployment(deployment)
    if answer.status == _NOT_FOUND:
        return f"no_deployment: there is no deployment {deployment}."
    pool = str(object_in(answer).get("work_pool_name") or "")
    if not (yield from _has_worker(pool)):
        of = f"the pool {pool}" if pool else f"{deployment}, which has no pool,"
        return f"no_worker_online: no worker of {of} is online. Start one, then let it go on."
    ids = [str(one["run_id"]) for one in started if one.get("run_id")]
    broken = (yield from _broken(ids)) if ids else []
    if len(broken) < MOST_BROKEN:
        return None
    return (
        f"runs_broke: {len(broken)} of the last {len(ids)} runs that it has started failed or crashed, the newest is "
        f"{broken[0]}. Read the logs of these runs; mend the flow, then let it go on."
    )


def _has_worker(pool: str) -> Talk[bool]:
    offset = 0
    for _ in range(_MOST_PAGES if pool else 0):
        workers = list_in((yield call_for_workers(pool, offset)))
        if any(worker.get("status") == ONLINE for worker in workers):
            return True
        if not workers:
            return False
        offset += len(workers)
    return False


def _broken(ids: Sequence[str]) -> Talk[list[str]]:
    """Those of these runs that broke off, in their order."""
    answer = yield HttpCall("/flow_runs/filter", {"flow_runs": {"id": {"any_": list(ids)}}, "limit": len(ids)})
    states = {text_in(run, "id"): run.get("state_type") for run in list_in(answer)}
    return [one for one in ids if states.get(one) in BROKEN]
