"""The routes of repairs: propose, list, show, export, approve, reject, stop, undo, and give pseudonyms.

Each is a function of its own, so that its key can be given to those who may do just that.
"""

import json
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.services import Services, services
from reconciliation.errors import BadRequestError, FieldProblem, UnreadableError
from reconciliation.options import shortened
from reconciliation.people import Person
from reconciliation.repair_plan import Named
from reconciliation.repair_record import Chosen, RepairRecord
from reconciliation.run_record import RunRecord
from runs import repairs
from runs.context import Context
from runs.refusals import RefusedError
from runs.repair_view import exported, shown
from triggers.links import api_address
from triggers.principal import may_apply, may_approve, person_of
from triggers.problems import NotFoundError, json_response, responded
from triggers.requests import (
    AskRepair,
    DecideRepair,
    ProposeRepair,
    PseudonymOfRepair,
    read_audit_id,
    read_choice,
    read_limit,
    read_repair,
)

bp = df.Blueprint()

POLL_SECONDS = 2


async def propose(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Have a plan made for findings of an audit: 202 with the repair's id."""
    context = Context(services(), client)
    given, person = _asked(context.services, req, ProposeRepair)
    audit_id = read_audit_id(req.route_params.get("audit_id"))
    audit = await context.services.records.record(audit_id)
    if audit is None:
        raise NotFoundError(f"There is no audit {audit_id}. GET /audits lists those there are.")
    chosen = await _chosen(context.services, audit, given)
    return _accepted(await repairs.propose(context, audit, chosen, person), req)


async def list_repairs(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """The newest repairs of a profile (``profile``, the first by default), at most ``limit``."""
    context = Context(services(), client)
    profiles = tuple(context.services.settings.profiles)
    profile = read_choice("profile", req.params.get("profile"), profiles, profiles[0]) or profiles[0]
    limit = read_limit(req.params.get("limit"))
    found: list[dict[str, Any]] = []
    unreadable: list[str] = []
    async for one in context.services.store.repairs.newest_first(profile):
        if isinstance(one, UnreadableError):
            unreadable.append(one.path)
        else:
            found.append(await shown(context, one, whole=False) | {"links": _links(one, req)})
        if len(found) == limit:
            break
    return json_response({"repairs": found, "unreadable": unreadable})


async def show(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """One repair: its plan and digest, the decision, the ledger, and what was found afterwards."""
    context = Context(services(), client)
    record = await _record_of(context.services, req)
    view = await shown(context, record, whole=True) | {"links": _links(record, req)}
    return json_response(view, headers={} if record.state.has_ended else {"Retry-After": str(POLL_SECONDS)})


async def approve(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Approve exactly the plan of a digest: 202; it is applied from now on."""
    context = Context(services(), client)
    given, person = _asked(context.services, req, DecideRepair)
    may_approve(person)
    may_apply(context.services.settings)
    record = await _record_of(context.services, req)
    return _accepted(await repairs.approve(context, record, given.digest, person, given.reason), req)


async def reject(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Reject exactly the plan of a digest: 200; it is never applied."""
    context = Context(services(), client)
    given, person = _asked(context.services, req, DecideRepair)
    record = await _record_of(context.services, req)
    rejected = await repairs.reject(context, record, given.digest, person, given.reason)
    return json_response(await shown(context, rejected, whole=False) | {"links": _links(rejected, req)})


async def stop(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Stop before the next change: 202."""
    context = Context(services(), client)
    _, person = _asked(context.services, req, AskRepair)
    return _accepted(await repairs.stop(context, await _record_of(context.services, req), person), req)


async def undo(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Have a plan made that takes back what a repair has done: 202 with the id of that repair."""
    context = Context(services(), client)
    _, person = _asked(context.services, req, AskRepair)
    return _accepted(await repairs.undo(context, await _record_of(context.services, req), person), req)


async def export(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """All that is kept of a repair, for an auditor."""
    context = Context(services(), client)
    return json_response(await exported(context, await _record_of(context.services, req)))


async def give_pseudonym(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Let somebody be called otherwise in a repair that has ended: 200 with how many seals that were."""
    context = Context(services(), client)
    given, person = _asked(context.services, req, PseudonymOfRepair)
    may_approve(person)
    may_apply(context.services.settings)
    record = await _record_of(context.services, req)
    people = await repairs.give_pseudonym(context, record, given.name, given.pseudonym, person)
    if not people:
        raise NotFoundError(f"Nobody in repair {record.repair_id} has that name.")
    return json_response({"id": record.repair_id, "people": people})


def _asked(app: Services, req: func.HttpRequest, kind: type[Any]) -> tuple[Any, Person]:
    """The body of a request, and who asks."""
    given = read_repair(kind, req.get_body(), names_itself=not app.settings.platform_authenticates)
    return given, person_of(app.settings, {name.lower(): value for name, value in req.headers.items()}, given.by)


async def _chosen(app: Services, audit: RunRecord, given: ProposeRepair) -> Chosen:
    """The findings of an audit that are meant and that a repair mends, in the order of its report.

    Raises ``BadRequestError`` for ids and verdicts that it has no finding of, and ``RefusedError`` if none of what is
    meant can be repaired.
    """
    profile = app.profile_of(audit)
    data = await app.store.reports.report(audit.folder, "json")
    if data is None:
        raise NotFoundError(f"The report of audit {audit.audit_id} was deleted. Audit again.")
    found = {
        Named(one["subject"]["kind"], one["subject"]["id"]): one["verdict"] for one in json.loads(data)["findings"]
    }
    _all_there(given, {one.id for one in found}, {rule.verdict for _, rule in profile.verdicts()})
    meant = [
        one
        for one, verdict in found.items()
        if (given.findings is None or one.id in given.findings)
        and (given.verdicts is None or verdict in given.verdicts)
    ]
    repairable = profile.mended_by([repair.name for repair in profile.repairs])
    mended = [one for one in meant if found[one] in repairable]
    if not mended:
        verdicts = ", ".join(sorted({found[one] for one in meant})) or "nothing"
        raise RefusedError(f"No repair mends what was chosen ({verdicts}).")
    return Chosen(tuple(mended), tuple(given.verdicts or ()), given.max)


def _all_there(given: ProposeRepair, ids: set[str], verdicts: set[str]) -> None:
    problems = [
        FieldProblem(f"{name}.{number}", shortened(text), allowed)
        for name, texts, there, allowed in (
            ("findings", given.findings, ids, "the id of a finding of this audit"),
            ("verdicts", given.verdicts, verdicts, "a verdict of the profile (see GET /profiles)"),
        )
        for number, text in enumerate(texts or ())
        if text not in there
    ]
    if problems:
        raise BadRequestError(problems)


async def _record_of(app: Services, req: func.HttpRequest) -> RepairRecord:
    repair_id = read_audit_id(req.route_params.get("repair_id"), "repair_id")
    for profile in app.settings.profiles:
        record = await app.store.repairs.record(profile, repair_id)
        if record is not None:
            return record
    raise NotFoundError(f"There is no repair {repair_id}. GET /repairs lists those there are.")


def _accepted(record: RepairRecord, req: func.HttpRequest) -> func.HttpResponse:
    where = _links(record, req)
    document = {"id": record.repair_id, "profile": record.profile, "state": record.state.value, "links": where}
    headers = {"Location": where["self"], "Retry-After": str(POLL_SECONDS)}
    return json_response(document, HTTPStatus.ACCEPTED, headers)


def _links(record: RepairRecord, req: func.HttpRequest) -> dict[str, str]:
    base = api_address(services().settings, str(req.url))
    return {"self": f"{base}/repairs/{record.repair_id}", "audit": f"{base}/audits/{record.audit_id}"}


@bp.route(route="audits/{audit_id}/repairs", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def propose_repair(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(propose(req, client))


@bp.route(route="repairs", methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_repairs(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(list_repairs(req, client))


@bp.route(route="repairs/{repair_id}", methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_repair(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(show(req, client))


@bp.route(route="repairs/{repair_id}/export", methods=["GET"])
@bp.durable_client_input(client_name="client")
async def export_repair(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(export(req, client))


@bp.route(route="repairs/{repair_id}/pseudonym", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def give_pseudonym_of_repair(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(give_pseudonym(req, client))


@bp.route(route="repairs/{repair_id}/approve", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def approve_repair(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(approve(req, client))


@bp.route(route="repairs/{repair_id}/reject", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def reject_repair(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(reject(req, client))


@bp.route(route="repairs/{repair_id}/stop", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def stop_repair(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(stop(req, client))


@bp.route(route="repairs/{repair_id}/undo", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def undo_repair(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    return await responded(undo(req, client))
