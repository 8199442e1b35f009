"""Whether the service can do its work: database and storage reachable or not, and why."""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus

import azure.durable_functions as df
import azure.functions as func

from adapters.services import Services, services
from reconciliation.errors import AuditError
from reconciliation.profiles import PROFILES
from triggers.problems import answer, responded

bp = df.Blueprint()

_PATIENCE_SECONDS = 10


async def health() -> func.HttpResponse:
    """200 when everything answers, 503 with the reasons when something does not."""
    world = services()
    checks: dict[str, Awaitable[None]] = {
        "storage:SOURCE_STORAGE": _source(world),
        "storage:REPORT_STORAGE": world.records.check(),
    }
    for profile in PROFILES.values():
        checks[f"database:{profile.database}"] = world.database(profile).check()
    results = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    named = dict(zip(checks, results, strict=True))
    healthy = all(result["ok"] for result in results)
    status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return answer({"status": "ok" if healthy else "degraded", "checks": named}, status)


async def _source(world: Services) -> None:
    async for _page in world.lister.containers():
        break


async def _outcome(check: Awaitable[None]) -> dict[str, object]:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await check
    except AuditError as error:
        return {"ok": False, "detail": str(error)}
    except TimeoutError:
        return {"ok": False, "detail": f"No answer within {_PATIENCE_SECONDS} seconds."}
    return {"ok": True, "detail": "reachable"}


@bp.route(route="health", methods=["GET"])
async def get_health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    """GET /health."""
    return await responded(health())
