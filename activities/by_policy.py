"""What a policy has done lately, by the ledgers of its repairs, and whether it may go on."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from activities.repairing import RepairJob, changes_of
from adapters.api_changes import ApiChanges
from adapters.services import Services
from reconciliation.effects import GuardedCalls, Values
from reconciliation.errors import UnreadableError
from reconciliation.ledger import Ledger
from reconciliation.policy import HOUR, LAST, OLDEST, PolicyState
from reconciliation.repair_plan import RepairPlan


class Made(NamedTuple):
    """A change that a policy has begun, unless it is known that nothing was changed: by which repair, when, what it
    left, and how many bytes it copies.
    """

    repair: str
    at: datetime
    left: Values
    copies_bytes: int


async def lately_made(services: Services, profile: str) -> list[Made]:
    """What the policy of a profile has made, newest first: all of the last hour, and as much as brakes ask about.

    Raises ``UnreadableError`` if one of the repairs cannot be read: what cannot be counted may be too much.
    """
    repairs, now, found = services.store.repairs, services.now(), list[Made]()
    # A policy approves nothing that is older than an hour, and nothing begins later than that after its approval.
    within_hour = now - HOUR - HOUR - timedelta(hours=services.settings.repair_start_hours)
    async for record in repairs.newest_first(profile):
        if isinstance(record, UnreadableError):
            raise record
        if record.created_at < (within_hour if sum(bool(one.left) for one in found) >= LAST else now - OLDEST):
            break
        stored = None if record.policy is None else await repairs.plan(record)
        if stored is not None:
            found += _made(stored.plan, await repairs.ledger(record))
    return found


def _made(plan: RepairPlan, ledger: Ledger) -> Iterator[Made]:
    for one in reversed(plan.changes):
        entries = [ledger.of(name) for name in one.effect_names]
        begun = [effect.intended.at for effect in entries if effect.intended is not None]
        ended = ledger.change(one)
        if begun and (ended is None or not ended.ending.changed_nothing):
            # The ledger is dated by the database's clock, which may be behind; nothing begins before its plan.
            at, left = max(min(begun), plan.proposed_at), {} if ended is None else ended.left
            yield Made(one.repair, at, left, one.change.copies_bytes)


async def brake(job: RepairJob, plan: RepairPlan, made: Sequence[Made], state: PolicyState) -> str | None:
    """Why the policy must not go on without a person; None if nothing stands against it. What was made before a person
    let it go on does not count.

    Raises an ``AuditError`` if that cannot be asked.
    """
    for name in dict.fromkeys(one.repair for one in plan.changes):
        declared = job.profile.repair(name)
        calls = next((statement for statement in declared.statements if isinstance(statement, GuardedCalls)), None)
        if declared.brake is None or calls is None:
            continue
        changes = changes_of(job, name, calls)
        assert isinstance(changes, ApiChanges)
        # Of a change whose ending nobody knows there is nothing to ask.
        left = [
            one.left
            for one in made
            if one.left and one.repair == name and (state.resumed_at is None or one.at > state.resumed_at)
        ]
        why = await changes.ask(declared.brake(left[:LAST]))
        if why is not None:
            return why
    return None
