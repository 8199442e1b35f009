"""Notify people that the audit has ended. Optional; a failure does not affect the audit."""

from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.step import AuditRequest, Refusal, folder_of, run_body
from adapters.services import Services
from adapters.webhook import post
from reconciliation.errors import RunStoreError
from reconciliation.notice import notice_of

bp = df.Blueprint()


class NotifyResult(TypedDict):
    ok: Literal[True]


async def notify_people(request: AuditRequest, services: Services) -> NotifyResult:
    """Post the audit's end to the webhook. Raises ``NotificationError`` if it is not accepted."""
    audit_id = request["audit_id"]
    record = await services.records.record_in(folder_of(request))
    if record is None:
        raise RunStoreError(f"There is no audit {audit_id} in {services.records.where} to tell of.")
    if services.settings.webhook_url is not None:
        await post(services.settings.webhook_url, notice_of(record, services.signposts()))
    return {"ok": True}


@bp.activity_trigger(input_name="request")
async def notify(request: AuditRequest) -> NotifyResult | Refusal:
    return await run_body(notify_people, request)
