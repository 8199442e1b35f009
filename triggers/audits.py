"""The routes of audits: start, list, look, read the report, cancel."""

import secrets
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.audit_records import ActiveAudit
from adapters.run_store import REPORT_FILES
from adapters.services import Services, services
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.profiles import PROFILES
from reconciliation.report.html import CONTENT_SECURITY_POLICY
from reconciliation.run_record import RunRecord
from triggers.problems import RefusedError, answer, responded
from triggers.requests import new_audit_id, read_audit_id, read_choice, read_limit, read_start
from triggers.view import START_GRACE, Orchestration, audit_view, links, state_seen

bp = df.Blueprint()

POLL_SECONDS = 2
_MIME = {"json": "application/json", "csv": "text/csv", "html": "text/html"}


async def start(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Start an audit: 202 with its id, or 409 with the id of the one that is active for the profile."""
    parameters = read_start(req.get_body())
    world = services()
    now = world.now()
    await world.records.ready()
    audit_id = new_audit_id(now, secrets.token_hex(4))
    active = await world.records.active(parameters.profile)
    if active is not None and await _is_alive(world, client, active):
        raise _busy(parameters.profile, active.audit_id)
    if not await world.records.claim(parameters.profile, audit_id, now, active):
        winner = await world.records.active(parameters.profile)
        raise _busy(parameters.profile, winner.audit_id if winner else "")
    record = RunRecord(audit_id, State.QUEUED, parameters, created_at=now, updated_at=now)
    await world.records.create_record(record)
    await client.start_new("audit", instance_id=audit_id, client_input={"audit_id": audit_id})
    where = links(audit_id, _base(req))
    document = {"id": audit_id, "profile": parameters.profile, "state": State.QUEUED.value, "links": where}
    headers = {"Location": where["self"], "Retry-After": str(POLL_SECONDS)}
    return answer(document, HTTPStatus.ACCEPTED, headers)


async def list_audits(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """The newest audits first, at most ``limit`` of them, of one profile if asked."""
    limit = read_limit(req.params.get("limit"))
    profile = read_choice("profile", req.params.get("profile"), tuple(PROFILES), None)
    world = services()
    found: list[dict[str, Any]] = []
    for audit_id in await world.records.audit_ids():
        if len(found) == limit:
            break
        record = await world.records.record(audit_id)
        if record is not None and profile in {None, record.parameters.profile}:
            found.append(await _view(world, client, record, _base(req)))
    return answer({"audits": found})


async def show(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """One audit: its state, its progress, and how it ended."""
    world = services()
    record = await _known(world, req)
    view = await _view(world, client, record, _base(req))
    return answer(view, headers={} if record.state.has_ended else {"Retry-After": str(POLL_SECONDS)})


async def report(req: func.HttpRequest) -> func.HttpResponse:
    """The report in one of its forms; 409 as long as there is none."""
    form = read_choice("format", req.params.get("format"), tuple(REPORT_FILES), "json") or "json"
    world = services()
    record = await _known(world, req)
    if record.state not in {State.COMPLETED, State.INCOMPLETE}:
        why = f"is {record.state}" if record.state.has_ended else "has not ended"
        raise RefusedError(HTTPStatus.CONFLICT, f"Audit {record.audit_id} {why}, so it has no report.")
    data = await world.store.report(record.audit_id, form)
    if data is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, f"The {form} report of audit {record.audit_id} was deleted.")
    name = REPORT_FILES[form]
    return func.HttpResponse(
        data,
        mimetype=_MIME[form],
        charset="utf-8",
        headers={
            "Content-Disposition": f'{"inline" if form == "html" else "attachment"}; filename="{name}"',
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


async def cancel(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """End an audit that has not ended: 202; 409 with its state when there is nothing to cancel."""
    world = services()
    record = await _known(world, req)
    if not record.state.has_ended:
        record = await world.records.end(
            record.ended(State.CANCELLED, world.now(), outcome=Outcome.FAILED, error="Cancelled on request.")
        )
        if record.state is State.CANCELLED:
            # The record is what counts; an orchestration that has just ended by itself cannot be terminated.
            if (await _orchestration(client, record.audit_id)) in {Orchestration.WAITING, Orchestration.WORKING}:
                await client.terminate(record.audit_id, "cancelled on request")
            document = {"id": record.audit_id, "state": record.state.value, "links": links(record.audit_id, _base(req))}
            return answer(document, HTTPStatus.ACCEPTED)
    raise RefusedError(
        HTTPStatus.CONFLICT,
        f"Audit {record.audit_id} is {record.state}: there is nothing to cancel.",
        state=record.state.value,
    )


async def _known(world: Services, req: func.HttpRequest) -> RunRecord:
    audit_id = read_audit_id(req.route_params.get("audit_id"))
    record = await world.records.record(audit_id)
    if record is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, f"There is no audit {audit_id}. GET /audits lists those there are.")
    return record


async def _view(world: Services, client: Any, record: RunRecord, base: str) -> dict[str, Any]:
    now = world.now()
    state = record.state
    if not state.has_ended:
        state = state_seen(record, await _orchestration(client, record.audit_id), now)
    plan = await world.store.plan(record.audit_id)
    artefacts = await world.store.artefacts(record.audit_id)
    return audit_view(record, state, plan, artefacts, now=now, base=base)


async def _orchestration(client: Any, audit_id: str) -> Orchestration:
    status = await client.get_status(audit_id)
    runtime = status.runtime_status if status else None
    if runtime is None:
        return Orchestration.UNKNOWN
    if runtime is df.OrchestrationRuntimeStatus.Pending:
        return Orchestration.WAITING
    working = {df.OrchestrationRuntimeStatus.Running, df.OrchestrationRuntimeStatus.ContinuedAsNew}
    return Orchestration.WORKING if runtime in working else Orchestration.ENDED


async def _is_alive(world: Services, client: Any, active: ActiveAudit) -> bool:
    """True while the audit that holds a profile's guard has not ended and somebody works on it."""
    record = await world.records.record(active.audit_id)
    if record is None:
        # Between the guard and the record there is a moment; a start that died in it must not lock the profile.
        return world.now() - active.since < START_GRACE
    if record.state.has_ended:
        return False
    state = state_seen(record, await _orchestration(client, active.audit_id), world.now())
    if state is not State.INTERRUPTED:
        return True
    error = "Its orchestration ended without a report, and a new audit was started in its place."
    await world.records.end(record.ended(State.FAILED, world.now(), outcome=Outcome.FAILED, error=error))
    return False


def _busy(profile: str, audit_id: str) -> RefusedError:
    return RefusedError(
        HTTPStatus.CONFLICT,
        f"Audit {audit_id} of profile {profile} is active. Wait for it, or cancel it.",
        active_id=audit_id,
    )


def _base(req: func.HttpRequest) -> str:
    """The address of the API as the caller sees it."""
    return str(req.url).partition("/audits")[0]


@bp.route(route="audits", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def start_audit(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """POST /audits."""
    return await responded(start(req, client))


@bp.route(route="audits", methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_audits(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """GET /audits."""
    return await responded(list_audits(req, client))


@bp.route(route="audits/{audit_id}", methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_audit(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """GET /audits/{id}."""
    return await responded(show(req, client))


@bp.route(route="audits/{audit_id}/report", methods=["GET"])
async def get_report(req: func.HttpRequest) -> func.HttpResponse:
    """GET /audits/{id}/report."""
    return await responded(report(req))


@bp.route(route="audits/{audit_id}/cancel", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def cancel_audit(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """POST /audits/{id}/cancel."""
    return await responded(cancel(req, client))
