"""Health checks: readiness and liveness."""

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.buckets.listing import check
from adapters.listing.lister import RestLister
from adapters.release import commit
from adapters.services import Services, services
from adapters.telemetry import tell_unexpected
from reconciliation import VERSION
from reconciliation.errors import AuditError, RunStoreError
from reconciliation.policy import Policy
from reconciliation.profile import Profile, Technology
from reconciliation.queries import HttpRows, SqlRows
from reconciliation.times import to_text
from runs.repairs import overdue
from triggers.problems import json_response, responded

bp = df.Blueprint()

_PATIENCE_SECONDS = 10
_NOBODY = "00000000-0000-0000-0000-000000000000"
_given_up: set[asyncio.Task[str | None]] = set()


async def health() -> func.HttpResponse:
    """200 when everything that an audit needs works, 503 with the reasons when something does not.

    Accounts and buckets are listed, the run store is written and read, each query of a profile is run for no rows, and
    an API is asked what a profile asks it first. The checks run in parallel; one that does not end in
    ``_PATIENCE_SECONDS`` fails, without delaying the others.
    """
    app = services()
    checks = {name: asyncio.create_task(check) for name, check in _checks(app).items()}
    _, late = await asyncio.wait(checks.values(), timeout=_PATIENCE_SECONDS)
    for task in late:  # cancelling may take a while, which is not waited for
        task.cancel()
        _given_up.add(task)
        task.add_done_callback(_let_go)
    results = {name: _result(name, task, given_up=task in late) for name, task in checks.items()}
    healthy = all(result["ok"] for result in results.values())
    status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
    word = "ok" if healthy else "degraded"
    return json_response({"status": word, "version": VERSION, "commit": commit(), "checks": results}, status)


def _checks(app: Services) -> dict[str, Coroutine[Any, Any, str | None]]:
    checks: dict[str, Coroutine[Any, Any, str | None]] = {
        f"schedule:{name}": _paused(name) for name in app.settings.schedules_paused
    }
    checks |= {f"policy:{name}": _approves(app, policy) for name, policy in app.settings.policies.items()}
    checks |= {"storage:REPORT_STORAGE": app.records.check()}
    checks |= {
        f"repairs:{name}": _ends(app, name) for name, profile in app.settings.profiles.items() if profile.repairs
    }
    checks |= {f"storage:{setting}": _one_page(lister) for setting, lister in app.listers.items()}
    checks |= {f"bucket:{setting}": check(bucket) for setting, bucket in app.buckets.items()}
    declared = [one for profile in app.settings.profiles.values() for one in profile.connections]
    databases = {one.setting for one in declared if one.of is Technology.DATABASE}
    checks |= {
        f"database:{setting}": _queries(app, setting) for setting in app.settings.connections if setting in databases
    }
    return checks | {f"api:{setting}": api.check(*_talks(app, setting)) for setting, api in app.apis.items()}


def _talks(app: Services, setting: str) -> list[HttpRows]:
    """The conversations that any profile begins with an API."""
    asked = [
        source.read(parameters := profile.parameters(), app.moments(parameters))
        for profile in app.settings.profiles.values()
        for source in profile.sources
        if source.setting == setting
    ]
    return [query for query in asked if isinstance(query, HttpRows)]


async def _paused(profile: str) -> str:
    return f"Paused by AUDIT_SCHEDULES_PAUSED: no audit of {profile} starts by itself."


async def _approves(app: Services, policy: Policy) -> str:
    """A policy that does nothing is said, and is no fault of the service: audits go on."""
    if app.settings.policy_of(policy.profile) is None:
        only = policy.profile in app.settings.policies_paused
        by = "AUDIT_AUTO_REPAIRS_PAUSED" if only else "AUDIT_SCHEDULES_PAUSED"
        return f"Paused by {by}: nothing of {policy.profile} is repaired without a person."
    state = await app.store.policies.state(policy.profile)
    if state.paused_at is None:
        return f"{policy.setting} approves {policy.text}"
    how = f"let it go on with auditctl repair resume {policy.profile}."
    return f"It has paused itself at {to_text(state.paused_at)}: {state.why} Mend that, then {how}"


async def _ends(app: Services, profile: str) -> None:
    late = await overdue(app, profile)
    if late is not None:
        raise RunStoreError(
            f"Repair {late.repair_id} was approved at {to_text(late.since)} and has not ended. See it, and its ledger: "
            f"auditctl repair show {late.repair_id}. 'Repair' in the operations guide tells what to do."
        )


async def _one_page(lister: RestLister) -> None:
    async for _page in lister.containers():
        break


async def _queries(app: Services, setting: str) -> None:
    """Check a database with all queries of all profiles."""
    queries = [query for profile in app.settings.profiles.values() for query in _queries_of(app, profile, setting)]
    await app.database(setting).check(*queries)


def _queries_of(app: Services, profile: Profile, setting: str) -> list[SqlRows]:
    parameters = profile.parameters()
    moments = app.moments(parameters)
    of_repairs = [
        read((_NOBODY,)) for repair in profile.repairs for read in (repair.rows, repair.use) if read is not None
    ]
    own = next((one.setting for one in profile.connections if one.of is Technology.DATABASE), None)
    return [
        *(of_repairs if setting == own else ()),
        *(
            query
            for source in profile.sources
            if source.setting == setting
            for query in (source.read(parameters, moments), source.again and source.again(parameters, moments, ()))
            if isinstance(query, SqlRows)
        ),
    ]


def _let_go(task: asyncio.Task[str | None]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # or asyncio would log it as never retrieved


def _result(name: str, task: asyncio.Task[str | None], *, given_up: bool) -> dict[str, object]:
    if given_up:
        return {"ok": False, "detail": f"No answer within {_PATIENCE_SECONDS} seconds."}
    error = task.exception()
    if error is None:
        return {"ok": True, "detail": task.result() or "reachable"}
    if isinstance(error, AuditError):
        return {"ok": False, "detail": str(error)}
    tell_unexpected(f"The check {name} ended in an unexpected error", error)
    kind = type(error).__name__
    return {"ok": False, "detail": f"An unexpected error ({kind}). The service's log has the details."}


async def live() -> func.HttpResponse:
    """200 while the process is up. It needs no key, so it checks nothing."""
    return json_response({"status": "up"})


@bp.route(route="health", methods=["GET"])
async def get_health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    return await responded(health())


@bp.route(route="health/live", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_live(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    """GET /health/live, for platforms that cannot send a key."""
    return await responded(live())
