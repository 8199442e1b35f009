"""The conversations with Prefect 3, by its REST API.

What shapes them: there is no filter on parameters, so all runs of a flow are read and joined by their ``video_id``,
those of other deployments left out; their ids are random, so that the order of ids tells nothing; and a count of the
same filter before and after, equal to the number of different runs, shows that the server gave all.
"""

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from profiles.stuck_uploads.answers import Json, PagesOfRuns, list_in, object_in, text_in, video_named_in
from profiles.stuck_uploads.registered import Registered
from reconciliation.errors import ListingError
from reconciliation.evidence import Unread
from reconciliation.queries import Conversation, HttpAnswer, HttpCall
from reconciliation.times import to_text

ACTIVE = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
BEFORE_THE_ROW = timedelta(hours=1)
"""A run of a video is never older than its row by more than this."""
_TRIES = 3
_MOST_PAGES = 10_000
_MORE = 200
_FOUND, _NOT_FOUND = 200, 404
_NEW = "Read them again later: they changed while they were read."


def deployment_and_workers(names: Mapping[str, str]) -> Conversation:
    """A row for the deployment of each name that is given, and one for each worker of their pools: ``["deployment",
    what its runs are for, id, paused, pool]`` and ``["worker", pool, name, status]``.
    """
    pools: list[str] = []
    for of, name in names.items():
        answer = yield from _deployment(name)
        if answer is None:
            return
        deployment = object_in(answer)
        pool = str(deployment.get("work_pool_name") or "")
        pools += [pool] if pool and pool not in pools else []
        yield [["deployment", of, text_in(deployment, "id"), bool(deployment.get("paused")), pool]]
    for pool in pools:
        yield from _workers(pool)


def call_for_workers(pool: str, offset: int) -> HttpCall:
    """A page of the workers of a pool; an empty one is the end."""
    return HttpCall(f"/work_pools/{quote(pool, safe='')}/workers/filter", {"offset": offset})


def call_for_deployment(name: str) -> HttpCall:
    """The deployment of the names of flow and deployment, ``flow/deployment``; 404 if there is none."""
    flow, _, deployment = name.partition("/")
    path = f"/deployments/name/{quote(flow, safe='')}/{quote(deployment, safe='')}"
    return HttpCall(path, expects=(_FOUND, _NOT_FOUND))


def _workers(pool: str) -> Conversation:
    offset = 0
    for _ in range(_MOST_PAGES):
        answer = yield call_for_workers(pool, offset)
        workers = list_in(answer)
        if not workers:
            return
        yield [["worker", pool, text_in(worker, "name"), str(worker.get("status"))] for worker in workers]
        offset += len(workers)
    raise ListingError(f"The work pool {pool} has no end of workers.")


def runs(names: Mapping[str, str], since: datetime | None) -> Conversation:
    """All runs of these deployments that are active, or were to begin after ``since`` (a row's moment); None: only the
    active ones. Each is a list of ``runs.MEMBERS``; one may come twice.

    What began after the conversation did is not missed where it is active, and is not looked for where it has ended.
    """
    ids: dict[str, str] = {}
    flows: dict[str, str] = {}
    now: datetime | None = None
    for of, name in names.items():
        answer = yield from _deployment(name)
        if answer is None:
            return
        its_id, flow = (text_in(object_in(answer), name) for name in ("id", "flow_id"))
        if its_id in ids:
            raise ListingError(f"{name} is the same deployment as the other one in the settings. Name two, or one.")
        ids[its_id] = of
        flows.setdefault(flow, of)  # of both deployments' flow: then what names no deployment may process a video
        now = now or answer.at
    if now is None:
        raise ListingError("The API does not tell its time (the header Date), so that no bound can be set.")
    after, registered = None if since is None else since - BEFORE_THE_ROW, Registered(ids, flows)
    for one in _sweeps(after, now):
        complete = yield from _swept(one, registered)
        if not complete:
            yield Unread("runs", _NEW, failed=True)
            return


def _sweeps(after: datetime | None, now: datetime) -> Iterator[Json]:
    """The filters that together hold all that is wanted."""
    of: Json = {"operator": "and_"}
    active = of | {"state": {"type": {"any_": list(ACTIVE)}}}
    if after is None:
        yield active
        return
    begin, end = to_text(after), to_text(now)
    yield of | {"expected_start_time": {"after_": begin, "before_": end}}
    # Also what has ended: a run that was to begin later may have been begun by hand.
    yield of | {"expected_start_time": {"after_": end}}
    yield active | {"expected_start_time": {"before_": begin}}


def _swept(runs_filter: Json, registered: Registered) -> Generator[Any, HttpAnswer, bool]:
    """Read all runs of a filter; False if they changed each time while they were read."""
    for _ in range(_TRIES):
        before = yield from _counted(runs_filter, registered)
        seen = (yield from _paged(runs_filter, registered, most=2 * before + _MORE)) if before else set[str]()
        after = yield from _counted(runs_filter, registered)
        if before == after == len(seen):
            return True
    return False


def _counted(runs_filter: Json, registered: Registered) -> Generator[Any, HttpAnswer, int]:
    answer = yield HttpCall("/flow_runs/count", {"flows": registered.flows, "flow_runs": runs_filter})
    if type(answer.body) is not int or answer.body < 0:
        raise ListingError("The API's count of runs is not a number.")
    return answer.body


def _paged(runs_filter: Json, registered: Registered, most: int) -> Generator[Any, HttpAnswer, set[str]]:
    """All pages, until there are more than ``most`` runs; the ids that were seen, those of others among them."""
    seen, pages = set[str](), PagesOfRuns(registered.flows, runs_filter)
    for _ in range(_MOST_PAGES):
        page = pages.take((yield pages.call))
        if not page or len(seen) > most:
            return seen
        fresh = [one for one in page if text_in(one, "id") not in seen]
        seen |= {text_in(one, "id") for one in fresh}
        rows = []
        for one in fresh:
            of = yield from registered.of(one)
            if of is not None:
                rows.append(_row(one, of))
        yield rows
    raise ListingError("The API has no end of runs.")


def _row(run: Json, of: str) -> list[Any]:
    state = run.get("state")
    return [
        text_in(run, "id"),
        of,
        video_named_in(run),
        run.get("state_type"),
        run.get("state_name"),
        run.get("created"),
        run.get("next_scheduled_start_time") or run.get("expected_start_time"),
        run.get("start_time"),
        run.get("end_time"),
        state.get("timestamp") if isinstance(state, dict) else None,
        run.get("idempotency_key"),
        bool(run.get("run_count")),
    ]


def _deployment(name: str) -> Generator[Any, HttpAnswer, HttpAnswer | None]:
    """The answer that describes a deployment; None if there is none of that name, which the conversation then says."""
    answer = yield call_for_deployment(name)
    if answer.status != _NOT_FOUND:
        return answer
    yield Unread(
        "runs",
        f"There is no deployment {name}, so nobody knows what runs. Check the name in the settings, or register it.",
        failed=True,
    )
    return None
