"""One shard of the second look: look up again what is in doubt."""

import logging
from functools import partial
from typing import Any, Literal, TypedDict

import azure.durable_functions as df

from activities.doubts import LookedUp, Same, doubt_from_json, looked_up_to_json
from activities.looking import Looker, looker_of
from activities.remembering import Remembering
from activities.step import AuditRequest, Refusal, run_body, running
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.evidence import Read
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open
from reconciliation.screened import DoubtKept

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.look_again")


class LookAgainRequest(AuditRequest):
    shard: int


class LookAgainResult(TypedDict):
    ok: Literal[True]


async def look(request: LookAgainRequest, services: Services) -> LookAgainResult:
    """Look up the doubts of a shard; an existing result is kept. A failed look-up is stored as ``Unread``."""
    record = await running(request, services)
    attempt, shard, attempts = record.attempt_folder, request["shard"], services.store.attempts
    # In a first attempt there is usually no result; if there is one after all, the write finds out, and it is kept.
    is_new = record.is_first_attempt and not attempts.has_just_written_again(attempt, shard)
    if is_new or await attempts.again(attempt, shard) is None:
        profile = services.profile_of(record)
        screening = await attempts.screened(attempt)
        if screening is None or profile.scan is None:
            raise RunStoreError(f"Audit {record.audit_id} was not screened. Resume the audit.")
        plan = await services.store.plans.existing(record.folder)
        read = partial(doubt_from_json, profile=profile, whole=False)
        doubts = await attempts.doubts(f"{record.folder}/{screening.folder}", *screening.shards[shard], read)
        units = frozenset(one.group.key for one in doubts)
        memory = Remembering(services.store.readings, record.folder, plan, units)
        looker = looker_of(services, profile.scan, plan, memory)
        found = await _looked_up(doubts, looker, record.parameters)
        await attempts.write_again(attempt, shard, [looked_up_to_json(one, profile) for one in found])
    return {"ok": True}


async def _looked_up(doubts: list[DoubtKept], looker: Looker, asked: AuditParameters) -> list[LookedUp]:
    """For each doubt, in order: the evidence of its unit now, if that is looked up, and its late results."""
    found: dict[int, LookedUp] = {}

    async def one(numbered: tuple[int, DoubtKept]) -> None:
        number, doubt = numbered
        evidence: Any = None
        if doubt.again.unit:
            opened = looker.scan.open(doubt.group, asked)
            hint = opened.hint if isinstance(opened, Open) else None
            now = await looker.read_again(doubt.group.key, hint, doubt.group.evidence)
            evidence = now.evidence if isinstance(now, Read) else now
            if evidence == doubt.group.evidence:
                evidence = Same.AS_BEFORE
        found[number] = LookedUp(doubt.join, doubt.group.key, evidence, await looker.late(doubt.again.late))

    await looker.each(enumerate(doubts), one)
    return [found[number] for number in range(len(doubts))]


@bp.activity_trigger(input_name="request")
async def look_again(request: LookAgainRequest) -> LookAgainResult | Refusal:
    return await run_body(look, request)
