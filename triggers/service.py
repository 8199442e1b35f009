"""Whether the service can do its work, and whether it is there at all."""

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.listing.lister import RestLister
from adapters.release import commit
from adapters.services import Services, services
from adapters.telemetry import tell_unexpected
from reconciliation import VERSION
from reconciliation.errors import AuditError
from reconciliation.profile import Profile, Technology
from reconciliation.queries import SqlRows
from triggers.problems import answer, responded

bp = df.Blueprint()

_PATIENCE_SECONDS = 10
_given_up: set[asyncio.Task[None]] = set()


async def health() -> func.HttpResponse:
    """200 when everything does what an audit will need of it, 503 with the reasons when something does not.

    The accounts are listed, the run store is written and read, and each query of a profile is asked for no row. All of
    it is done at once, and what does not end in ``_PATIENCE_SECONDS`` keeps nothing else from being told.
    """
    world = services()
    checks = {name: asyncio.create_task(check) for name, check in _checks(world).items()}
    _, late = await asyncio.wait(checks.values(), timeout=_PATIENCE_SECONDS)
    for task in late:  # it may take a while to let go, and nobody waits for that
        task.cancel()
        _given_up.add(task)
        task.add_done_callback(_let_go)
    results = {name: _result(name, task, given_up=task in late) for name, task in checks.items()}
    healthy = all(result["ok"] for result in results.values())
    status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
    word = "ok" if healthy else "degraded"
    return answer({"status": word, "version": VERSION, "commit": commit(), "checks": results}, status)


def _checks(world: Services) -> dict[str, Coroutine[Any, Any, None]]:
    checks = {"storage:REPORT_STORAGE": world.records.check()}
    checks |= {f"storage:{setting}": _one_page(lister) for setting, lister in world.listers.items()}
    declared = [one for profile in world.settings.profiles.values() for one in profile.connections]
    databases = {one.setting for one in declared if one.of is Technology.DATABASE}
    checks |= {
        f"database:{setting}": _queries(world, setting)
        for setting in world.settings.connections
        if setting in databases
    }
    return checks


async def _one_page(lister: RestLister) -> None:
    async for _page in lister.containers():
        break


async def _queries(world: Services, setting: str) -> None:
    """All that any profile asks of a database."""
    queries = [query for profile in world.settings.profiles.values() for query in _queries_of(world, profile, setting)]
    await world.database(setting).check(*queries)


def _queries_of(world: Services, profile: Profile, setting: str) -> list[SqlRows]:
    parameters = profile.parameters()
    moments = world.moments(parameters)
    return [
        query
        for source in profile.sources
        if source.setting == setting
        for query in (source.read(parameters, moments), source.again and source.again(parameters, moments, ()))
        if isinstance(query, SqlRows)
    ]


def _let_go(task: asyncio.Task[None]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # or it would be reported as one that nobody looked at


def _result(name: str, task: asyncio.Task[None], *, given_up: bool) -> dict[str, object]:
    if given_up:
        return {"ok": False, "detail": f"No answer within {_PATIENCE_SECONDS} seconds."}
    error = task.exception()
    if error is None:
        return {"ok": True, "detail": "reachable"}
    if isinstance(error, AuditError):
        return {"ok": False, "detail": str(error)}
    tell_unexpected(f"The check {name} ended in an unexpected error", error)
    kind = type(error).__name__
    return {"ok": False, "detail": f"An unexpected error ({kind}). The service's log has the details."}


async def live() -> func.HttpResponse:
    """200, and nothing but that the process is up: it may be asked without a key, so it looks at nothing."""
    return answer({"status": "up"})


@bp.route(route="health", methods=["GET"])
async def get_health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    """GET /health."""
    return await responded(health())


@bp.route(route="health/live", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_live(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    """GET /health/live, for platforms that cannot send a key."""
    return await responded(live())
