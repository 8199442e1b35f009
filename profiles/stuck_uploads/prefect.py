"""The conversations with Prefect 3, by its REST API.

What shapes them: there is no filter on parameters, so all runs of a deployment are read and joined by their
``video_id``; runs ascend by ``expected_start_time``, which never changes once it is set (their ids are random, so their
order tells nothing); a page that begins at the last moment seen can neither miss nor skip what is there throughout; and
a count of the same filter before and after, equal to the number of different runs, shows that the server gave all.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from reconciliation.errors import ListingError
from reconciliation.evidence import Unread
from reconciliation.queries import Conversation, HttpAnswer, HttpCall
from reconciliation.times import to_text

ACTIVE = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
BEFORE_THE_ROW = timedelta(hours=1)
"""A run of a video is never older than its row by more than this."""
_TRIES = 3
_MOST_PAGES = 10_000
_FOUND, _NOT_FOUND = 200, 404
_NEW = "Read them again later: they changed while they were read."

Json = dict[str, Any]


def deployment_and_workers(names: Mapping[str, str]) -> Conversation:
    """A row for the deployment of each name that is given, and one for each worker of their pools: ``["deployment",
    what its runs are for, id, paused, pool]`` and ``["worker", pool, name, status]``.
    """
    pools: list[str] = []
    for of, name in names.items():
        deployment = yield from _deployment(name)
        if deployment is None:
            yield _missing(name)
            return
        pool = str(deployment.get("work_pool_name") or "")
        pools += [pool] if pool and pool not in pools else []
        yield [["deployment", of, _text(deployment, "id"), bool(deployment.get("paused")), pool]]
    for pool in pools:
        yield from _workers(pool)


def _workers(pool: str) -> Conversation:
    offset = 0
    for _ in range(_MOST_PAGES):
        answer = yield HttpCall(f"/work_pools/{quote(pool, safe='')}/workers/filter", {"offset": offset})
        workers = _list(answer)
        if not workers:
            return
        yield [["worker", pool, _text(worker, "name"), str(worker.get("status"))] for worker in workers]
        offset += len(workers)
    raise ListingError(f"The work pool {pool} has no end of workers.")


def runs(names: Mapping[str, str], since: datetime | None) -> Conversation:
    """All runs of these deployments that are active, or were to begin after ``since`` (a row's moment); None: only the
    active ones. Each is a list of ``runs.MEMBERS``; one may come twice.

    What began after the conversation did is not missed where it is active, and is not looked for where it has ended.
    """
    ids: dict[str, str] = {}
    now: datetime | None = None
    for of, name in names.items():
        answer = yield _get(name)
        if answer.status == _NOT_FOUND:
            yield _missing(name)
            return
        ids[_text(_object(answer), "id")] = of
        now = now or answer.at
    if now is None:
        raise ListingError("The API does not tell its time (the header Date), so that no bound can be set.")
    after = None if since is None else since - BEFORE_THE_ROW
    for one in _sweeps([*ids], after, now):
        complete = yield from _swept(one, ids)
        if not complete:
            yield Unread("runs", _NEW, failed=True)
            return


def _sweeps(deployments: Sequence[str], after: datetime | None, now: datetime) -> Iterator[Json]:
    """The filters that together hold all that is wanted."""
    of = {"operator": "and_", "deployment_id": {"any_": list(deployments)}}
    active = of | {"state": {"type": {"any_": list(ACTIVE)}}}
    if after is None:
        yield active
        return
    begin, end = to_text(after), to_text(now)
    yield of | {"expected_start_time": {"after_": begin, "before_": end}}
    yield active | {"expected_start_time": {"after_": end}}
    yield active | {"expected_start_time": {"before_": begin}}


def _swept(runs_filter: Json, ids: Mapping[str, str]) -> Generator[Any, HttpAnswer, bool]:
    """Read all runs of a filter; False if they changed each time while they were read."""
    for _ in range(_TRIES):
        before = yield from _counted(runs_filter)
        seen = (yield from _paged(runs_filter, ids)) if before else set[str]()
        after = yield from _counted(runs_filter)
        if before == after == len(seen):
            return True
    return False


def _counted(runs_filter: Json) -> Generator[Any, HttpAnswer, int]:
    answer = yield HttpCall("/flow_runs/count", {"flow_runs": runs_filter})
    if type(answer.body) is not int or answer.body < 0:
        raise ListingError("The API's count of runs is not a number.")
    return answer.body


def _paged(runs_filter: Json, ids: Mapping[str, str]) -> Generator[Any, HttpAnswer, set[str]]:
    """All pages; the ids that were seen."""
    seen: set[str] = set()
    cursor, offset = "", 0
    for _ in range(_MOST_PAGES):
        answer = yield HttpCall(
            "/flow_runs/filter",
            {
                "sort": "EXPECTED_START_TIME_ASC",
                "offset": offset,
                "flow_runs": _from(runs_filter, cursor) if cursor else runs_filter,
            },
        )
        page = _list(answer)
        if not page:
            return seen
        fresh = [one for one in page if _text(one, "id") not in seen]
        seen |= {_text(one, "id") for one in fresh}
        yield [_row(one, ids) for one in fresh]
        last = _text(page[-1], "expected_start_time")
        cursor, offset = (last, 0) if last != cursor else (cursor, offset + len(page))
    raise ListingError("The API has no end of runs.")


def _from(runs_filter: Json, cursor: str) -> Json:
    """The filter, from a moment on."""
    return runs_filter | {"expected_start_time": {**runs_filter.get("expected_start_time", {}), "after_": cursor}}


def _row(run: Json, ids: Mapping[str, str]) -> list[Any]:
    deployment, parameters, state = run.get("deployment_id"), run.get("parameters"), run.get("state")
    if not isinstance(deployment, str) or deployment not in ids:
        raise ListingError("The API gave a run of another deployment than those that were asked for.")
    return [
        _text(run, "id"),
        ids[deployment],
        parameters.get("video_id") if isinstance(parameters, dict) else None,
        run.get("state_type"),
        run.get("state_name"),
        run.get("created"),
        run.get("next_scheduled_start_time") or run.get("expected_start_time"),
        run.get("start_time"),
        run.get("end_time"),
        state.get("timestamp") if isinstance(state, dict) else None,
        run.get("idempotency_key"),
        run.get("auto_scheduled"),
    ]


def _deployment(name: str) -> Generator[Any, HttpAnswer, Json | None]:
    answer = yield _get(name)
    return None if answer.status == _NOT_FOUND else _object(answer)


def _get(name: str) -> HttpCall:
    flow, _, deployment = name.partition("/")
    path = f"/deployments/name/{quote(flow, safe='')}/{quote(deployment, safe='')}"
    return HttpCall(path, expects=(_FOUND, _NOT_FOUND))


def _missing(name: str) -> Unread:
    return Unread(
        "runs",
        f"There is no deployment {name}, so nobody knows what runs. Check the name in the settings, or register it.",
        failed=True,
    )


def _object(answer: HttpAnswer) -> Json:
    if not isinstance(answer.body, dict):
        raise ListingError("The API answered with something else than an object.")
    return answer.body


def _list(answer: HttpAnswer) -> list[Json]:
    if not isinstance(answer.body, list) or not all(isinstance(one, dict) for one in answer.body):
        raise ListingError("The API answered with something else than a list of objects.")
    return answer.body


def _text(one: Json, member: str) -> str:
    value = one.get(member)
    if not isinstance(value, str) or not value:
        raise ListingError(f"The API gave something whose {member} is no text.")
    return value
