"""What the steps of a repair have in common: its record, and its subjects as they are judged now."""

import json
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from activities.judging import to_judge
from activities.step import Job
from adapters.api_changes import ApiChanges
from adapters.appliers import Applier
from adapters.object_changes import ObjectChanges
from adapters.postgres_changes import Changes, Identity
from adapters.probers import Prober
from adapters.readers import Reading, reader
from adapters.services import Services
from reconciliation.closed_hours import ClosedHours
from reconciliation.effects import Scalar, Statement, Values
from reconciliation.errors import (
    AuditError,
    DatabaseUnavailableError,
    RepairRefusedError,
    RunStoreError,
    UnreadableError,
)
from reconciliation.evidence import Unread
from reconciliation.finding import Finding
from reconciliation.judging import judge_doubts
from reconciliation.profile import Profile, Technology, changed_by
from reconciliation.queries import SqlRows
from reconciliation.repair import ForNow, Repair, Repairable
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import LeftOut, Named, PlannedChange, RepairPlan
from reconciliation.repair_record import RepairRecord
from reconciliation.run_record import LOOKS

logger = logging.getLogger("capture_audit.repairing")


class RepairRequest(TypedDict):
    """The request of a step that finds all it needs in the repair's folder."""

    profile: str
    repair_id: str


class LookRequest(RepairRequest):
    """The request of a step that rests on a look, by its number."""

    look: int


class RepairJob(NamedTuple):
    """The repair that a step works for, and what it may use."""

    services: Services
    record: RepairRecord
    profile: Profile

    async def moved(self, *args: Any, **changes: Any) -> RepairRecord:
        """As ``Repairs.move``, of this repair."""
        return await self.services.store.repairs.move(self.record, *args, **changes)


async def repairing(request: RepairRequest, services: Services, *, ended_too: bool = False) -> RepairJob:
    """The repair of a request. Raises ``RunStoreError`` if there is none, if its profile is not enabled, or if it has
    ended, unless it is asked for then, too.
    """
    name, repair_id = request["profile"], request["repair_id"]
    record = await services.store.repairs.record(name, repair_id)
    if record is None:
        raise RunStoreError(f"There is no repair {repair_id} in {services.records.where}.")
    if record.state.has_ended and not ended_too:
        raise RunStoreError(f"Repair {repair_id} has ended ({record.state}); nothing more is done for it.")
    profile = services.settings.profiles.get(name)
    if profile is None:
        raise RunStoreError(f"Repair {repair_id} is of the profile {name}, which is not enabled.")
    return RepairJob(services, record, profile)


def look_id(repair_id: str, number: int) -> str:
    """The id of the audit that a look of a repair is: it has its folder within the repair's, and no other audit is
    compared with it or shown beside it.
    """
    return f"{LOOKS}{repair_id}/{number}"


@dataclass
class Now:
    """The subjects of a repair as a look has judged them. ``all_read``: everything there is was read, so that what was
    not found is not there.
    """

    profile: Profile
    all_read: bool
    taken_at: datetime
    verdicts: dict[Named, str] = field(default_factory=dict)
    findings: dict[Named, Finding[Any]] = field(default_factory=dict)

    def why_not(self, subject: Named) -> str | None:
        """Why there is no change for a subject, whatever its facts; None if there may be one."""
        verdict = self.verdicts.get(subject)
        if verdict is None:
            return "It is not among what is judged any more."
        finding = self.findings.get(subject)
        if finding is None or finding.judgement.rule.repair is None:
            return f"It is {verdict.replace('_', ' ')} now, which no repair mends."
        return None

    def repair(self, subject: Named) -> Repair[Any]:
        """The repair that mends it. Only where nothing stands against a change."""
        name = self.findings[subject].judgement.rule.repair
        assert name is not None
        return self.profile.repair(name)


async def judged_now(job: RepairJob, number: int, subjects: Sequence[Named]) -> Now:
    """Judge what a look has read. Raises ``RunStoreError`` if it was not taken."""
    services, audit_id = job.services, look_id(job.record.repair_id, number)
    record = await services.records.record_in(f"{job.record.profile}/{audit_id}")
    screening = None if record is None else await services.store.attempts.screened(record.attempt_folder)
    if record is None or screening is None:
        raise RunStoreError(f"Look {number} of repair {job.record.repair_id} was not taken to its end.")
    wanted = _Wanted(set(subjects))
    async with to_judge(Job(services, record, job.profile), screening, wanted.count) as ready:
        given = (job.profile, ready.audit, ready.doubts, ready.in_order, None)
        result = judge_doubts(*given, takes=wanted, complete=ready.complete)
    # Of a replica nobody knows what its primary holds by now.
    from_primary = not any(state.is_replica for state in ready.audit.databases.values())
    all_read = result.is_complete and ready.complete and from_primary
    return Now(job.profile, all_read, record.created_at, wanted.verdicts, wanted.findings)


@dataclass
class _Wanted:
    """Keeps what is judged of some subjects."""

    subjects: Set[Named]
    verdicts: dict[Named, str] = field(default_factory=dict)
    findings: dict[Named, Finding[Any]] = field(default_factory=dict)

    def add(self, finding: Finding[Any], _change: object) -> None:
        subject = Named(finding.kind.name, finding.id)
        if subject in self.subjects:
            self.findings[subject], self.verdicts[subject] = finding, finding.judgement.verdict

    def count(self, kind: str, verdict: str, ids: Iterable[str]) -> None:
        self.verdicts.update((subject, verdict) for one in ids if (subject := Named(kind, one)) in self.subjects)


class Reader:
    """Reads of subjects what their repairs need besides, and makes changes of them."""

    def __init__(self, job: RepairJob, now: Now) -> None:
        self._job, self._now = job, now
        self._prober = Prober(job.services)
        self._rows: dict[tuple[str, str], Any] = {}
        self._earlier: dict[tuple[str, str], Values] = {}

    async def read_rows(self, subjects: Sequence[Named]) -> None:
        """Read the rows of all of them, a query for each repair. Raises an ``AuditError``."""
        ids: dict[str, list[str]] = {}
        for subject in subjects:
            if self._now.why_not(subject) is None:
                ids.setdefault(self._now.repair(subject).name, []).append(subject.id)
        for name, of_repair in ids.items():
            repair = self._job.profile.repair(name)
            if repair.rows is not None:
                async for value in arrays(self._job, repair.rows(of_repair)):
                    self._rows[name, value[0]] = repair.row(value)
            if repair.in_two_steps:
                left = await _left_earlier(self._job, repair)
                self._earlier |= {(name, one): values for one, values in left.items()}

    async def change(self, number: int, subject: Named) -> PlannedChange | LeftOut:
        """The change that would be planned of a subject now, or why there is none. Its look-ups are made here."""
        verdict = self._now.verdicts.get(subject, "")
        if (why := self._now.why_not(subject)) is not None:
            return LeftOut(subject, verdict, why)
        finding, repair = self._now.findings[subject], self._now.repair(subject)
        if self._job.record.policy is not None and (why := _for_people(repair, verdict, finding.facts)) is not None:
            return LeftOut(subject, verdict, why)
        row = self._rows.get((repair.name, subject.id))
        results = [await self._look(lookup) for lookup in repair.lookups(finding.facts, row)]
        earlier = self._earlier.get((repair.name, subject.id), {})
        given = Repairable(subject.id, verdict, finding.facts, results, row, self._now.all_read, earlier)
        change = repair.change(given)
        if isinstance(change, str):
            unread = not self._now.all_read or any(isinstance(result, Unread) for result in results)
            return LeftOut(subject, verdict, str(change), for_now=unread or isinstance(change, ForNow))
        return PlannedChange(number, subject, verdict, repair.name, change)

    async def _look(self, lookup: Any) -> Any:
        try:
            return await self._prober.look(lookup)
        except AuditError as error:
            return Unread("", str(error), failed=True)


async def _left_earlier(job: RepairJob, repair: Repair[Any]) -> dict[str, Values]:
    """What earlier repairs of that name have left, by subject, the newest of each; one that cannot be read: nothing."""
    repairs, found = job.services.store.repairs, dict[str, Values]()
    async for record in repairs.newest_first(job.profile.name):
        if isinstance(record, UnreadableError) or record.repair_id == job.record.repair_id or record.undoes is not None:
            continue
        if not record.counts.get("done") or record.state is RepairState.UNDONE:
            continue
        try:
            stored, ledger = await repairs.plan(record), await repairs.ledger(record)
        except UnreadableError as error:
            logger.warning("What a repair has left is not known: %s", error)
            continue
        for one in stored.plan.changes if stored else ():
            ended = ledger.change(one)
            if one.repair == repair.name and ended is not None and ended.ending.is_applied:
                found.setdefault(one.subject.id, ended.left)
    return found


def _for_people(repair: Repair[Any], verdict: str, facts: Any) -> str | None:
    """Why no policy approves a change of a subject; None if one may."""
    if verdict in repair.asks_first:
        return f"It is {verdict.replace('_', ' ')}: a person must be asked first."
    return repair.for_people(facts)


async def arrays(job: RepairJob, query: SqlRows) -> AsyncIterator[list[Any]]:
    """The rows of a query on the profile's own database, each a JSON array. Raises an ``AuditError``."""
    async with reader(job.services, database_setting(job.profile)) as opened:
        reading = Reading(opened.lines(query))
        async for lines in reading.lines():
            for line in lines:
                yield json.loads(line)


def database_setting(profile: Profile) -> str:
    """The setting of the database that the profile's rows come from."""
    return next(one.setting for one in profile.connections if one.of is Technology.DATABASE)


def closed_hours_of(job: RepairJob, repairs: Iterable[Repair[Any]]) -> tuple[ClosedHours, ...]:
    """The hours in which none of these repairs changes anything, each once."""
    hours_of = job.services.settings.closed_hours
    return tuple(dict.fromkeys(hours for repair in repairs for hours in hours_of(repair)))


def changes_of(job: RepairJob, repair: str, statement: Statement) -> Applier:
    """What makes the changes of a statement of a repair. Raises ``RepairRefusedError`` if its setting is not given."""
    services, setting = job.services, job.profile.repair(repair).setting_of(statement)
    if setting not in services.settings.connections:
        raise RepairRefusedError(f"{setting} is not set: a plan can be made and approved, and nothing is applied.")
    match changed_by(statement):
        case Technology.API:
            return ApiChanges(services, database_setting(job.profile), services.apis[setting])
        case Technology.BUCKET:
            return ObjectChanges(services, database_setting(job.profile), setting, services.buckets[setting])
        case _:
            return Changes(services.database(setting))


async def identity_of(services: Services, setting: str) -> Identity:
    """What a database says of itself. Raises an ``AuditError``."""
    return await Changes(services.database(setting)).identity()


async def other_database(job: RepairJob, plan: RepairPlan) -> str | None:
    """Why this app is not connected to the database of a plan, for reading and for changing alike; None if it is.

    Raises an ``AuditError`` if one of them cannot be asked.
    """
    setting = database_setting(job.profile)
    read = await identity_of(job.services, setting)
    if identities({setting: read}) != dict(plan.identities):
        return f"The plan is of another database than that of {setting}. Propose it here."
    for where, changes in _by_setting(job, plan).items():
        if not isinstance(changes, Changes):  # what others change is guarded by the database that was asked above
            continue
        written = await changes.identity()
        if not written.is_same(read):
            return f"{where} is not the database of {setting}. Give both the same primary."
        if written.is_replica:
            raise DatabaseUnavailableError(
                f"{where} is a replica just now: nothing can be changed there. Try again later."
            )
    return None


def _by_setting(job: RepairJob, plan: RepairPlan) -> dict[str, Applier]:
    """What makes the changes of a plan. Raises ``RepairRefusedError`` if a setting is not given."""
    found = dict[str, Applier]()
    for repair, name in dict.fromkeys(
        (one.repair, effect.statement) for one in plan.changes for effect in one.change.do
    ):
        declared = job.profile.repair(repair)
        statement = declared.statement(name)
        found[declared.setting_of(statement)] = changes_of(job, repair, statement)
    return found


def identities(found: Mapping[str, Identity]) -> dict[str, Scalar]:
    """What a plan keeps of them."""
    return {setting: f"{one.system}/{one.name}" for setting, one in found.items()}
