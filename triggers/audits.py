"""The routes of audits: start, list, show, report, resume, cancel, and dead letters."""

import asyncio
import logging
import secrets
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.services import Services, services
from adapters.store.records import UnreadableAudit
from adapters.store.reports import REPORT_FILES
from reconciliation.dead_letters import Discard
from reconciliation.errors import UnreadableError
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord, new_audit_id
from reporting.document import CLOSING
from reporting.policy import CONTENT_SECURITY_POLICY
from runs import begin, cancel, dead_letters
from runs.context import Context
from runs.refusals import RefusedError
from runs.view import shown
from triggers.links import api_address, links
from triggers.problems import NotFoundError, json_response, responded
from triggers.requests import read_audit_id, read_choice, read_discard, read_limit, read_start

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.audits")

POLL_SECONDS = 2
_MIME = {"json": "application/json", "csv": "text/csv", "html": "text/html"}


async def start(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Start an audit: 202 with its id, or 409 with the id of the one that is active for the profile."""
    context = Context(services(), client)
    parameters = read_start(req.get_body(), context.services.settings.profiles)
    audit_id = new_audit_id(context.services.now(), secrets.token_hex(4))
    return _accepted(await begin.begin(context, parameters, audit_id), req)


async def resume(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Start an interrupted or failed audit again: 202; 409 with its state when there is nothing to resume."""
    context = Context(services(), client)
    return _accepted(await begin.resume(context, await _record_of(context.services, req)), req)


async def list_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """The shards that could not be read to their end, by shard."""
    app = services()
    record = await _record_of(app, req)
    letters = await app.store.letters.all(record.folder)
    return json_response({"id": record.audit_id, "dead_letters": [letter.to_json() for letter in letters]})


async def replay(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Scan the shards of all open dead letters again: 202; 409 when there are none, or the audit is not incomplete."""
    context = Context(services(), client)
    return _accepted(await dead_letters.replay_open(context, await _record_of(context.services, req)), req)


async def discard(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Discard the open dead letters: 200 with them; a new report is made."""
    decided = read_discard(req.get_body())
    context = Context(services(), client)
    record = await _record_of(context.services, req)
    decision = Discard(decided.reason, decided.by, context.services.now())
    letters = await dead_letters.discard_open(context, record, decision)
    return json_response({"id": record.audit_id, "dead_letters": [letter.to_json() for letter in letters]})


async def list_audits(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """At most ``limit`` audits, the newest first, with ``profile`` only of that one; and the unreadable blobs of audits
    that are therefore left out.
    """
    limit = read_limit(req.params.get("limit"))
    context = Context(services(), client)
    profile = read_choice("profile", req.params.get("profile"), tuple(context.services.settings.profiles), None)
    found: list[dict[str, Any]] = []
    unreadable: list[str] = []
    chosen: list[RunRecord] = []

    async def take_chosen() -> None:
        views = await asyncio.gather(*[_view_or_path(context, one, req) for one in chosen])
        found.extend(view for view in views if isinstance(view, dict))
        unreadable.extend(view for view in views if isinstance(view, str))
        chosen.clear()

    async for one in context.services.records.newest_first(profile, limit):
        if isinstance(one, UnreadableAudit):
            unreadable.append(one.error.path)
        elif profile in {None, one.parameters.profile}:
            chosen.append(one)
        if len(found) + len(chosen) == limit:
            await take_chosen()
        if len(found) == limit:
            break
    await take_chosen()
    return json_response({"audits": found, "unreadable": unreadable})


async def _view_or_path(context: Context, record: RunRecord, req: func.HttpRequest) -> dict[str, Any] | str:
    """The document of an audit, or the path of the blob that cannot be read."""
    try:
        return await _view(context, record, req)
    except UnreadableError as error:
        logger.warning("An audit is not shown: %s", error)
        return error.path


async def show(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """One audit: its state, its progress, and how it ended."""
    context = Context(services(), client)
    record = await _record_of(context.services, req)
    view = await _view(context, record, req)
    return json_response(view, headers={} if record.state.has_ended else {"Retry-After": str(POLL_SECONDS)})


async def report(req: func.HttpRequest) -> func.HttpResponse:
    """The report in one of its formats; 409 if there is none."""
    form = read_choice("format", req.params.get("format"), tuple(REPORT_FILES), "json") or "json"
    app = services()
    record = await _record_of(app, req)
    if record.state not in {State.COMPLETED, State.INCOMPLETE}:
        why = f"is {record.state}" if record.state.has_ended else "has not ended"
        raise RefusedError(f"Audit {record.audit_id} {why}, so it has no report.")
    data = await app.store.reports.report(record.folder, form)
    if data is None:
        raise NotFoundError(f"The {form} report of audit {record.audit_id} was deleted.")
    name = REPORT_FILES[form]
    if form == "json" and not data.endswith(CLOSING.encode()):
        raise UnreadableError(f"{record.folder}/{name}", app.records.where, "it was cut short")
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


async def cancel_one(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """End an audit that has not ended: 202; 409 with its state when there is nothing to cancel."""
    context = Context(services(), client)
    record = await cancel.cancel(context, await _record_of(context.services, req))
    document = {"id": record.audit_id, "state": record.state.value, "links": _links(record, req)}
    return json_response(document, HTTPStatus.ACCEPTED)


async def _record_of(app: Services, req: func.HttpRequest) -> RunRecord:
    audit_id = read_audit_id(req.route_params.get("audit_id"))
    record = await app.records.record(audit_id)
    if record is None:
        raise NotFoundError(f"There is no audit {audit_id}. GET /audits lists those there are.")
    return record


async def _view(context: Context, record: RunRecord, req: func.HttpRequest) -> dict[str, Any]:
    return {**await shown(context, record), "links": _links(record, req)}


def _accepted(record: RunRecord, req: func.HttpRequest) -> func.HttpResponse:
    where = _links(record, req)
    document = {
        "id": record.audit_id,
        "profile": record.parameters.profile,
        "state": record.state.value,
        "links": where,
    }
    return json_response(document, HTTPStatus.ACCEPTED, {"Location": where["self"], "Retry-After": str(POLL_SECONDS)})


def _links(record: RunRecord, req: func.HttpRequest) -> dict[str, str]:
    return links(record.audit_id, api_address(services().settings, str(req.url)))


@bp.route(route="audits", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def start_audit(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(start(req, client))


@bp.route(route="audits", methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_audits(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(list_audits(req, client))


@bp.route(route="audits/{audit_id}", methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_audit(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(show(req, client))


@bp.route(route="audits/{audit_id}/report", methods=["GET"])
async def get_report(req: func.HttpRequest) -> func.HttpResponse:
    return await responded(report(req))


@bp.route(route="audits/{audit_id}/cancel", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def cancel_audit(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(cancel_one(req, client))


@bp.route(route="audits/{audit_id}/resume", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def resume_audit(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(resume(req, client))


@bp.route(route="audits/{audit_id}/dead-letters", methods=["GET"])
async def get_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    return await responded(list_dead_letters(req))


@bp.route(route="audits/{audit_id}/dead-letters/replay", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def replay_dead_letters(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(replay(req, client))


@bp.route(route="audits/{audit_id}/dead-letters/discard", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def discard_dead_letters(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(discard(req, client))
