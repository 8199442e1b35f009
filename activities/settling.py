"""Finding out what became of a change whose worker was lost, or whose connection broke while it was committed."""

import logging
from datetime import datetime

from activities.repairing import RepairJob, changes_of, other_database
from adapters.appliers import Applier
from adapters.telemetry import event
from reconciliation.effects import Effect, Ended, Ending, GuardedSql, Once, Statement, code_of
from reconciliation.ledger import Entry, Ledger
from reconciliation.repair_plan import PlannedChange, RepairPlan

logger = logging.getLogger("capture_audit.settling")

_TRIES = 6
_PAUSE_SECONDS = 2.0


async def settled_ledger(job: RepairJob, plan: RepairPlan) -> Ledger:
    """The ledger, once it says of every effect that was begun how it ended.

    Raises an ``AuditError`` as long as the database cannot be asked: nothing is concluded from that.
    """
    repairs = job.services.store.repairs
    ledger = await repairs.ledger(job.record)
    begun = [
        (one, effect, once)
        for one in plan.changes
        for effect, once in zip(one.change.do, one.once(job.record.repair_id), strict=True)
        if ledger.of(once.name).intended is not None and not ledger.of(once.name).endings
    ]
    if not begun:
        return ledger
    other = await other_database(job, plan)
    for one, effect, once in begun:
        intended = ledger.of(once.name).intended
        assert intended is not None
        if other is None:
            await find_out(job, one, effect, once, intended.deadline)
        else:
            await end(
                job, one, once, Ended(Ending.UNKNOWN, f"It is to be looked for in the database of the plan. {other}")
            )
    return await repairs.ledger(job.record)


async def find_out(
    job: RepairJob, one: PlannedChange, effect: Effect, once: Once, deadline: datetime, *, why: str = ""
) -> Ended:
    """What became of an effect, by its own trace: nobody decides before its deadline has passed, and nobody says that
    it was not applied before the last request must have been carried out. It is looked for in between, too: what is
    found early can still be called off if it must be. ``why`` says in a sentence why it has to be found out, "": its
    worker was lost.

    Raises an ``AuditError`` as long as the database cannot be asked.
    """
    statement = job.profile.repair(one.repair).statement(effect.statement)
    changes = changes_of(job, one.repair, statement)
    for attempt in range(_TRIES):
        clock = await changes.clock()
        due = deadline + changes.in_flight if attempt == _TRIES - 1 else deadline
        await job.services.sleep(max((due - clock).total_seconds() + 0.1, attempt * _PAUSE_SECONDS))
        entries = await job.services.store.repairs.entries(job.record, once.name)
        if entries.ending is not None:  # whoever began it has said so meanwhile
            return entries.ending
        ended = await _by_its_trace(changes, statement, effect, once, deadline, why=why)
        if ended is not None:
            return await end(job, one, once, ended)
    return await end(job, one, once, Ended(Ending.UNKNOWN, "Whether it was applied could not be found out: look."))


async def _by_its_trace(
    changes: Applier, statement: Statement, effect: Effect, once: Once, deadline: datetime, *, why: str = ""
) -> Ended | None:
    happened = await changes.happened(statement, effect, once, deadline)
    if happened is None:
        return None
    if not happened:
        return Ended(Ending.FAILED, f"{why or 'Its worker was lost.'} Nothing was changed.")
    left = await changes.left(statement, effect, once, deadline)
    if not isinstance(statement, GuardedSql) and not left:
        return None  # it was looked for once more, and taken back meanwhile
    done = f"{why} It was done all the same." if why else "Its worker was lost after the change."
    return Ended(Ending.ALREADY_DONE, done, left)


async def end(job: RepairJob, one: PlannedChange, once: Once, ended: Ended) -> Ended:
    """Write how an effect of a change ended; returns the ending that counts."""
    entry = await job.services.store.repairs.end(job.record, once.name, Entry(job.services.now(), ended))
    if entry.ended != ended:
        logger.warning("Change %s of repair %s ended as %s and %s", once.name, once.repair, entry.ended, ended)
    event(
        "repair.change",
        repair_id=once.repair,
        profile=job.record.profile,
        change=once.change,
        ending=entry.ended.ending.value,
        reason=code_of(entry.ended.why),
        by_policy=job.record.policy is not None,
        waited_seconds=_waited(one, entry),
    )
    return entry.ended


def _waited(one: PlannedChange, entry: Entry) -> int | None:
    """How long the subject of a change that was applied had waited for it, in seconds; None if that is not known."""
    since = one.change.waiting_since
    return None if since is None or not entry.ended.ending.is_applied else int((entry.at - since).total_seconds())
