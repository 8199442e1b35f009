"""The models of the API's responses, the single source of its OpenAPI document.

Requests are in ``requests``, the report is in ``reporting.documents``; ``openapi`` adds what profiles declare.
Responses are written without these models, and the tests validate them.
"""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from reconciliation.dead_letters import MOST_ERRORS_KEPT
from reconciliation.effects import Ending
from reconciliation.lifecycle import Phase, State
from reconciliation.repair import MOST_CHANGES
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_record import DIGEST
from reconciliation.rules import Severity
from reconciliation.run_record import AUDIT_ID
from reporting.documents import (
    Audited,
    AuditId,
    Compared,
    Mode,
    Outcome,
    Parameters,
    ProfileName,
    Units,
    UnitsDone,
    UnreadShard,
    UnreadUnit,
    Verdict,
    VerdictTold,
)
from reporting.shapes import Closed, Count, Moment, Said

Asking = Literal[Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.UNKNOWN]
RepairId = TypeAliasType("RepairId", Annotated[str, Field(pattern=AUDIT_ID, examples=["20260131-100000-1a2b3c4d"])])
Address = Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]


class Links(Closed):
    """Where the audit, its report and its page are."""

    self: Address
    report: Address
    page: Address


class Shards(Closed):
    """How many shards there are, and what became of them; null is what is not known yet."""

    total: Count | None
    done: Count
    failed: Count


class UnitsSoFar(UnitsDone):
    """What became of units so far; ``listed`` is null before the plan is made."""

    listed: Count | None


class Progress(Closed):
    """How far the audit is; null is what is not known yet."""

    shards: Shards
    units: UnitsSoFar
    blobs: Count
    percent: Annotated[int, Field(ge=0, le=100)] | None
    eta_seconds: Annotated[int, Field(ge=1)] | None


class Summary(Audited):
    """What the report says in short."""

    headline: Said
    notes: list[Said]
    counts: dict[Verdict, Count]
    """How many subjects got each verdict."""
    asking: dict[Asking, dict[Verdict, Count]]
    """Those of them that ask something of a person, by severity."""
    findings: Count
    hidden: Count
    """How many are what the profile looks for above all."""
    since_last: Compared
    units: Units


class Audit(Closed):
    """An audit as it is at this moment."""

    id: AuditId
    profile: ProfileName
    state: State
    phase: Phase | None
    created_at: Moment
    updated_at: Moment
    parameters: Parameters
    progress: Progress
    outcome: Outcome | None
    summary: Summary | None
    error: Said | None
    """Why there is no report."""
    resumes: Count
    """How often it was started again after it had broken off."""
    dead_letters: Count
    """Shards that could not be read to their end."""
    links: Links


class Audits(Closed):
    """The audits, and what kept others from being shown."""

    audits: list[Audit]
    unreadable: list[Said]
    """Damaged blobs, or ones of a later release. Their audits are not shown."""


class Accepted(Closed):
    """An audit that is begun."""

    id: AuditId
    profile: ProfileName
    state: State
    links: Links


class Cancelled(Closed):
    """An audit that was ended."""

    id: AuditId
    state: Literal[State.CANCELLED]
    links: Links


class RepairLinks(Closed):
    """Where the repair and its audit are."""

    self: Address
    audit: Address


class AcceptedRepair(Closed):
    """A repair that is begun, or goes on."""

    id: RepairId
    profile: ProfileName
    state: RepairState
    links: RepairLinks


Digest = Annotated[str, Field(pattern=DIGEST)]
Scalars = dict[str, str | int | bool | None]


class SubjectOfRepair(Closed):
    """What a change is about."""

    kind: str
    id: str


class EffectShown(Closed):
    """One step of a change: a statement that is in the code, by its name, and the values that it is given."""

    statement: str
    values: Scalars


class ChangeShown(Closed):
    """One intended alteration."""

    number: Annotated[int, Field(ge=1, le=MOST_CHANGES)]
    subject: SubjectOfRepair
    verdict: Verdict
    repair: str
    says: Said
    """What is done, in words."""
    shown: dict[str, Any]
    """The facts to decide by; which they are depends on the repair."""
    seen: Scalars
    """What must still be so when it is made."""
    do: list[EffectShown]
    undo: EffectShown | None
    left_to_people: str
    waiting_since: Moment | None
    """When its subject came to be, where that is known."""
    copies_bytes: Annotated[int, Field(ge=0)]


class LeftOutShown(Closed):
    """What was chosen and is not in the plan."""

    subject: SubjectOfRepair
    verdict: str
    why: Said


class PolicyNamed(Closed):
    """The policy that a plan rests on."""

    setting: str
    value: str
    text: Said


class PlanShown(Closed):
    """What is approved, as a whole: the digest covers all of it."""

    schema_version: Literal[1]
    complete: Literal[True]
    id: RepairId
    profile: ProfileName
    audit_id: AuditId
    undoes: RepairId | None
    policy: PolicyNamed | None
    """What it rests on, where no person proposed it."""
    audited: dict[str, Any]
    """Environment, storage accounts and databases."""
    identities: Scalars
    """What the databases say of themselves, by setting."""
    release: Said
    proposer: Digest
    """A seal: it stays when the name is replaced by a pseudonym."""
    proposed_at: Moment
    expires_at: Moment
    changes: list[ChangeShown]
    left_out: list[LeftOutShown]
    notes: list[Said]
    guards: dict[str, list[Said]]
    """What must be so when the change is made, by statement."""


class DecisionShown(Closed):
    """What a person decided about exactly this plan."""

    approves: bool
    by: str | None
    reason: Said
    at: Moment


class EndingShown(Closed):
    """How a change ended."""

    number: Annotated[int, Field(ge=1, le=MOST_CHANGES)]
    ending: Ending
    why: str
    left: Scalars
    """What it left in the audited system, such as the id of a run; empty if it changed nothing."""


class RepairInShort(Closed):
    """A repair as it is at this moment."""

    id: RepairId
    profile: ProfileName
    audit_id: AuditId
    undoes: RepairId | None
    """The repair that this one takes back."""
    policy: Said | None
    """What the policy says that it rests on; null where a person proposed it."""
    state: RepairState
    created_at: Moment
    updated_at: Moment
    ended_at: Moment | None
    until: Moment | None
    """When its plan expires; or when it goes on, where it waits for the end of closed hours."""
    error: Said | None
    digest: Digest | None
    proposed_by: str | None
    counts: dict[str, Count]
    """How its changes ended."""
    verified: dict[str, Count]
    """How many subjects were looked at after their changes, and how many were what they should be."""
    links: RepairLinks


class RepairWhole(RepairInShort):
    """A repair with its plan, the decision, and the ledger."""

    plan: PlanShown | None
    decision: DecisionShown | None
    ledger: list[EndingShown]


class ExportedEffect(Closed):
    """What the ledger holds of one effect."""

    intended: dict[str, Any] | None
    """Written before it."""
    endings: list[dict[str, Any]]
    """Written after it; more than one where two workers said different things."""


class ExportedRepair(Closed):
    """All that is kept of a repair, for an auditor."""

    schema_version: Literal[1]
    exported_at: Moment
    repair: dict[str, Any]
    """The record: its state, moments and counts."""
    digest: str | None
    """What was approved: the SHA-256 of the text of the plan."""
    plan: str | None
    """The very text of the plan, which is JSON."""
    decision: dict[str, Any] | None
    """Who decided (a seal), when, why, and about which digest."""
    notes: dict[str, dict[str, Any]]
    """Who asked it to stop, and who gave pseudonyms, by seals."""
    people: list[dict[str, Any]]
    """Who the seals are of; a pseudonym has no identity and no salt any more."""
    ledger: dict[str, ExportedEffect]
    """By effect: 0007-1 is the first of change 7."""
    verified: dict[str, list[dict[str, Any]]]
    """What the looks after the changes found, by the number of the look."""


class PseudonymGiven(Closed):
    """Somebody is called otherwise."""

    id: AuditId
    people: Count
    """How many seals that were."""


class Repairs(Closed):
    """The repairs, and what kept others from being shown."""

    repairs: list[RepairInShort]
    unreadable: list[Said]


class Policy(Closed):
    """What is repaired without a person, and whether it is so now."""

    profile: ProfileName
    state: Literal["active", "paused", "off"]
    """Paused by itself, or off by a setting."""
    approves: Said
    """What it approves, in words."""
    setting: str
    """The app setting that switches it on."""
    value: str
    repairs: list[str]
    most: Annotated[int, Field(ge=1, le=MOST_CHANGES)]
    """As many changes as it approves by one audit."""
    most_per_hour: Annotated[int, Field(ge=1, le=MOST_CHANGES)]
    most_bytes: Annotated[int, Field(ge=1)] | None
    """How many bytes its changes copy within an hour; null if none of them copies anything."""
    paused_at: Moment | None
    why: Said | None
    """Why it has paused itself."""
    resumed_at: Moment | None
    """When a person last let it go on."""
    resumed_by: str | None
    reason: str | None


class Policies(Closed):
    """All policies that the settings switch on."""

    policies: list[Policy]


class DeadLetter(UnreadShard):
    """A shard of which something was still unread after all its passes."""

    schema_version: Literal[2]
    complete: Literal[True]
    start: str
    """The first name that belongs to it."""
    errors: Annotated[list[UnreadUnit], Field(max_length=MOST_ERRORS_KEPT)]
    """The first of them."""


class DeadLetters(Closed):
    """The dead letters of an audit, by shard."""

    id: AuditId
    dead_letters: list[DeadLetter]


class ProfileOption(Closed):
    """What a request may ask of a profile."""

    name: Said
    meaning: Said
    allowed: Said
    choices: list[str]
    default: str | int | list[str] | None


class VerdictDeclared(VerdictTold):
    """A verdict that a profile can give, and what can be done about it."""

    alarm: bool
    """True if it is what the profile looks for above all."""
    repair: str | None
    """The name of the repair that mends it; null if none does."""


class Profile(Closed):
    """A system that can be audited."""

    name: ProfileName
    title: str
    description: str
    modes: Annotated[list[Mode], Field(min_length=1)]
    options: list[ProfileOption]
    default_grace_minutes: Count
    verdicts: list[VerdictDeclared]


class Profiles(Closed):
    """What can be audited."""

    profiles: list[Profile]


class Check(Closed):
    """One thing that an audit needs, and whether it can be had."""

    ok: bool
    detail: Said


class Health(Closed):
    """Whether the service can do what an audit needs."""

    status: Literal["ok", "degraded"]
    version: Said
    commit: Said | None
    """What the app was packaged from, where the package tells."""
    checks: dict[str, Check]


class Live(Closed):
    """The process is up. Nothing is said of what it can do."""

    status: Literal["up"]


# --- refusals ---------------------------------------------------------------------------------------------------------


class Problem(Closed):
    """A problem document (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: Said
    """What, where, and what next."""


class FieldProblem(Closed):
    """One thing wrong with the request."""

    field: str
    """The parameter, or the body's member; body itself if it is none."""
    value: str
    """What was seen, shortened."""
    allowed: Said
    """What would be right."""


class Forbidden(Problem):
    """Not this person may do that."""

    title: Literal["Forbidden"]
    status: Literal[403]


class BadRequest(Problem):
    """The request is wrong; everything that is wrong with it is told at once."""

    title: Literal["Bad Request"]
    status: Literal[400]
    errors: Annotated[list[FieldProblem], Field(min_length=1)]


class NotFound(Problem):
    """There is nothing of that name."""

    title: Literal["Not Found"]
    status: Literal[404]


class Conflict(Problem):
    """Something that is not as the request takes it to be."""

    title: Literal["Conflict"]
    status: Literal[409]


class Busy(Conflict):
    """Another audit of the profile is active."""

    active_id: AuditId | Literal[""]
    """That one, where it is known."""


class NothingToDo(Conflict):
    """The audit is in a state in which this cannot be done."""

    state: State


class RepairBusy(Conflict):
    """Another repair of the profile is active."""

    active_id: RepairId


class RepairNotSo(Conflict):
    """The repair, or the audit, is in a state in which this cannot be done, or the digest is not that of the plan."""

    state: RepairState | State | Literal["rejected", "approved"]


class NothingToRepair(Conflict):
    """No repair mends what was chosen."""


class PolicyNotPaused(Conflict):
    """The policy has not paused itself."""


class NoReport(Conflict):
    """The audit has no report, or none yet."""


class Broken(Problem):
    """A blob of the run store cannot be read, and detail names it; or something went wrong that should not."""

    title: Literal["Internal Server Error"]
    status: Literal[500]


class Unavailable(Problem):
    """The service does not reach what it needs, or is set up wrongly."""

    title: Literal["Service Unavailable"]
    status: Literal[503]
