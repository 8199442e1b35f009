"""The last step, only where it is wanted: tell people that the audit has ended. What becomes of it harms no audit."""

from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import AuditRequest
from adapters.services import Services
from adapters.webhook import post
from reconciliation.errors import RunStoreError
from reconciliation.notice import notice_of

bp = df.Blueprint()


class NotifyAnswer(TypedDict):
    """People were told."""

    ok: Literal[True]


async def notify_people(request: AuditRequest, services: Services) -> NotifyAnswer:
    """Post the audit's end to the webhook. Raises ``NotificationError`` if it is not taken."""
    audit_id = request["audit_id"]
    record = await services.records.record(audit_id)
    if record is None:
        raise RunStoreError(f"There is no audit {audit_id} in {services.records.where} to tell of.")
    if services.settings.webhook_url is not None:
        await post(services.settings.webhook_url, notice_of(record, services.signposts()))
    return {"ok": True}


@bp.activity_trigger(input_name="request")
async def notify(request: AuditRequest) -> NotifyAnswer | Refusal:
    """The activity."""
    return await answered(notify_people, request)
