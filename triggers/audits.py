"""The routes of audits: start, list, look, read the report, cancel."""

import asyncio
import logging
import secrets
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.services import Services, services
from adapters.store.records import UnreadableAudit
from adapters.store.reports import REPORT_FILES
from adapters.telemetry import tell_end
from reconciliation.dead_letters import DeadLetter, Discard
from reconciliation.errors import UnreadableError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.report.document import CLOSING
from reconciliation.report.html import CONTENT_SECURITY_POLICY
from reconciliation.run_record import RunRecord
from triggers.problems import RefusedError, answer, responded
from triggers.requests import new_audit_id, read_audit_id, read_choice, read_discard, read_limit, read_start
from triggers.running import Running
from triggers.view import api_address, audit_view, links, view_of_record

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.audits")

POLL_SECONDS = 2
_MIME = {"json": "application/json", "csv": "text/csv", "html": "text/html"}


async def start(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Start an audit: 202 with its id, or 409 with the id of the one that is active for the profile."""
    world = services()
    parameters = read_start(req.get_body(), world.settings.profiles)
    audit_id = new_audit_id(world.now(), secrets.token_hex(4))
    return _accepted(await Running(world, client).begin(parameters, audit_id), req)


async def resume(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Start an audit again that broke off or failed: 202; 409 with its state when there is nothing to resume."""
    world = services()
    return _accepted(await Running(world, client).resume(await _known(world, req)), req)


async def dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """The shards that could not be read to their end, by shard."""
    world = services()
    record = await _known(world, req)
    letters = await world.store.letters.all(record.folder)
    return answer({"id": record.audit_id, "dead_letters": [letter.to_json() for letter in letters]})


async def replay(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Scan the shards of all open dead letters again: 202; 409 when there are none, or the audit is at work."""
    world = services()
    record = await _known(world, req)
    shards = [letter.shard for letter in await _open_letters(world, client, record)]
    return _accepted(await Running(world, client).replay(record, shards), req)


async def discard(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Decide that the open dead letters stay unread: 200 with them; the report is made anew and says so."""
    asked = read_discard(req.get_body())
    world = services()
    record = await _known(world, req)
    decision = Discard(asked.reason, asked.by, world.now())
    letters = [replace(letter, discarded=decision) for letter in await _open_letters(world, client, record)]
    await Running(world, client).replay(record, [], letters)
    return answer({"id": record.audit_id, "dead_letters": [letter.to_json() for letter in letters]})


async def _open_letters(world: Services, client: Any, record: RunRecord) -> list[DeadLetter]:
    state = await Running(world, client).state(record)
    if state is not State.INCOMPLETE:
        raise RefusedError(
            HTTPStatus.CONFLICT,
            f"Audit {record.audit_id} is {state}. Only the dead letters of an incomplete audit can be replayed or "
            "discarded.",
            state=state.value,
        )
    letters = await world.store.letters.all(record.folder)
    found = [letter for letter in letters if letter.discarded is None]
    if not found:
        raise RefusedError(
            HTTPStatus.CONFLICT,
            f"Audit {record.audit_id} has no open dead letters: there is nothing to do.",
            state=state.value,
        )
    return found


async def list_audits(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """The newest audits first, at most ``limit`` of them, of one profile if asked; and which blobs of those gone
    through kept others from being shown.
    """
    limit = read_limit(req.params.get("limit"))
    world = services()
    profile = read_choice("profile", req.params.get("profile"), tuple(world.settings.profiles), None)
    found: list[dict[str, Any]] = []
    unreadable: list[str] = []
    chosen: list[RunRecord] = []

    async def take_chosen() -> None:
        views = await asyncio.gather(*[_view_or_not(world, client, one, _base(req)) for one in chosen])
        found.extend(view for view in views if isinstance(view, dict))
        unreadable.extend(view for view in views if isinstance(view, str))
        chosen.clear()

    async for one in world.records.newest_first(profile, limit):
        if isinstance(one, UnreadableAudit):
            unreadable.append(one.error.path)
        elif profile in {None, one.parameters.profile}:
            chosen.append(one)
        if len(found) + len(chosen) == limit:
            await take_chosen()
        if len(found) == limit:
            break
    await take_chosen()
    return answer({"audits": found, "unreadable": unreadable})


async def _view_or_not(world: Services, client: Any, record: RunRecord, base: str) -> dict[str, Any] | str:
    """The document of an audit; the path of what cannot be read, if it cannot be shown."""
    try:
        return await _view(world, client, record, base)
    except UnreadableError as error:
        logger.warning("An audit is not shown: %s", error)
        return error.path


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
    data = await world.store.reports.report(record.folder, form)
    if data is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, f"The {form} report of audit {record.audit_id} was deleted.")
    name = REPORT_FILES[form]
    if form == "json" and not data.endswith(CLOSING.encode()):
        raise UnreadableError(f"{record.folder}/{name}", world.records.where, "it was cut short")
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
    while not record.state.has_ended:  # it may be begun again in this moment; then that beginning is cancelled
        cancelled = record.ended(
            State.CANCELLED,
            world.now(),
            outcome=Outcome.FAILED,
            reached=await world.store.reached(record.folder),
            error="Cancelled on request.",
        )
        record = await world.records.end(cancelled)
        if record.state is State.CANCELLED:
            if record == cancelled:
                tell_end(record)
            # The record is what counts; an orchestration that has just ended by itself cannot be terminated.
            if (await Running(world, client).orchestration(record.audit_id)).is_open:
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
    state = await Running(world, client).state(record)
    if record.state.has_ended or record.is_of_old_layout:
        return view_of_record(record, state, base)
    plan = await world.store.plans.plan(record.folder)
    artefacts = await world.store.overview.artefacts(record.folder)
    known = world.settings.profiles.get(record.parameters.profile)
    pulls = len(known.pulls()) if known else 1
    return audit_view(record, state, plan, artefacts, pulls=pulls, now=world.now(), base=base)


def _accepted(record: RunRecord, req: func.HttpRequest) -> func.HttpResponse:
    where = links(record.audit_id, _base(req))
    document = {
        "id": record.audit_id,
        "profile": record.parameters.profile,
        "state": record.state.value,
        "links": where,
    }
    return answer(document, HTTPStatus.ACCEPTED, {"Location": where["self"], "Retry-After": str(POLL_SECONDS)})


def _base(req: func.HttpRequest) -> str:
    return api_address(services().settings, str(req.url))


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


@bp.route(route="audits/{audit_id}/resume", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def resume_audit(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """POST /audits/{id}/resume."""
    return await responded(resume(req, client))


@bp.route(route="audits/{audit_id}/dead-letters", methods=["GET"])
async def get_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """GET /audits/{id}/dead-letters."""
    return await responded(dead_letters(req))


@bp.route(route="audits/{audit_id}/dead-letters/replay", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def replay_dead_letters(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """POST /audits/{id}/dead-letters/replay."""
    return await responded(replay(req, client))


@bp.route(route="audits/{audit_id}/dead-letters/discard", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def discard_dead_letters(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """POST /audits/{id}/dead-letters/discard."""
    return await responded(discard(req, client))
