"""A piece of the second look: what is in doubt is looked up again."""

import logging
from datetime import timedelta
from typing import Any, Literal, TypedDict

import azure.durable_functions as df

from activities.doubts import doubt_from_json, evidence_to_json
from activities.looking import Looker, looker_of
from activities.step import AuditRequest, Refusal, answered, running
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.evidence import Read, Unread
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open, Profile
from reconciliation.screened import DoubtKept

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.look_again")


class LookAgainRequest(AuditRequest):
    """A piece of the second look."""

    shard: int


class LookAgainAnswer(TypedDict):
    """What was seen is in the run store."""

    ok: Literal[True]


async def look(request: LookAgainRequest, services: Services) -> LookAgainAnswer:
    """Look up the doubts of a shard; what is already there is kept. What cannot be is part of what is seen."""
    record = await running(request, services)
    attempt, shard, attempts = record.attempt_folder, request["shard"], services.store.attempts
    if await attempts.again(attempt, shard) is None:
        profile = services.profile_of(record)
        screening = await attempts.screened(attempt)
        if screening is None or profile.scan is None:
            raise RunStoreError(f"Audit {record.audit_id} was not screened. Resume the audit.")
        plan = await services.store.plans.known(record.folder)
        doubts = [doubt_from_json(one, profile) for one in await attempts.doubts(attempt, *screening.shards[shard])]
        looker = looker_of(services, profile.scan, timedelta(seconds=plan.storage_ahead_seconds))
        seen = await _seen(doubts, looker, profile, record.parameters)
        await attempts.write_again(attempt, shard, seen)
    return {"ok": True}


async def _seen(doubts: list[DoubtKept], looker: Looker, profile: Profile, asked: AuditParameters) -> list[Any]:
    """For each doubt in its order: its unit as it is now, if that was looked up, and the late answers."""
    seen: dict[int, list[Any]] = {}

    async def one(numbered: tuple[int, DoubtKept]) -> None:
        number, doubt = numbered
        evidence = None
        if doubt.again.unit:
            opened = looker.scan.open(doubt.group, asked)
            hint = opened.hint if isinstance(opened, Open) else None
            now = await looker.read_again(doubt.group.key, hint, doubt.group.evidence)
            evidence = evidence_to_json(now.evidence if isinstance(now, Read) else now, profile)
        late = [
            {"unread": list(answer)} if isinstance(answer, Unread) else {"answer": answer}
            for answer in await looker.late(doubt.again.late)
        ]
        seen[number] = [doubt.join, doubt.group.key, evidence, late]

    await looker.each(enumerate(doubts), one)
    return [seen[number] for number in range(len(doubts))]


@bp.activity_trigger(input_name="request")
async def look_again(request: LookAgainRequest) -> LookAgainAnswer | Refusal:
    """The activity."""
    return await answered(look, request)
