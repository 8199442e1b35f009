"""The models of the API's responses, the single source of its OpenAPI document.

Requests are in ``requests``, the report is in ``reporting.documents``; ``openapi`` adds what profiles declare.
Responses are written without these models, and the tests validate them.
"""

from typing import Annotated, Literal

from pydantic import Field

from reconciliation.dead_letters import MOST_ERRORS_KEPT
from reconciliation.lifecycle import Phase, State
from reconciliation.rules import Severity
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
    default: str | list[str] | None


class Profile(Closed):
    """A system that can be audited."""

    name: ProfileName
    title: str
    description: str
    modes: Annotated[list[Mode], Field(min_length=1)]
    options: list[ProfileOption]
    default_grace_minutes: Count
    verdicts: list[VerdictTold]


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
