"""The models of report.json, the single source of docs/schemas/ and of the API's schemas.

``declared`` adds what a profile declares (words, places, options and facts). A report is written without these models,
so that a million subjects are not validated one by one; the tests validate reports.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from typing_extensions import TypeAliasType

from reconciliation.outcome import Outcome as Ended
from reconciliation.rules import Severity
from reconciliation.run_record import AUDIT_ID
from reconciliation.since_last import MOST_RESOLVED_SHOWN, Change
from reporting.shapes import Closed, Count, Moment, Said

AuditId = TypeAliasType("AuditId", Annotated[str, Field(pattern=AUDIT_ID, examples=["20260131-093000-1a2b3c4d"])])
ProfileName = TypeAliasType("ProfileName", str)
Mode = TypeAliasType("Mode", str)
KindName = TypeAliasType("KindName", str)
Verdict = TypeAliasType("Verdict", str)
"""What profiles declare, named so that it can be narrowed to what the enabled ones do."""


class Outcome(Closed):
    """How an audit ended: the exit codes of auditctl and their words."""

    model_config = ConfigDict(json_schema_extra={"enum": [one.to_json() for one in Ended]})

    code: int
    word: str

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.model_dump() not in [one.to_json() for one in Ended]:
            raise ValueError("an outcome's code and its word")
        return self


class Subject(Closed):
    """What a verdict speaks about."""

    kind: KindName
    id: Said


class Previous(Closed):
    """An earlier audit."""

    id: AuditId
    as_of: Moment


class Compared(Closed):
    """What changed since the previous completed audit of the same question; null where nothing can be said."""

    previous: Previous | None
    """The audit that this one was, or might have been, compared with."""
    new: Count | None
    persisting: Count | None
    resolved: Count | None


class Resolved(Closed):
    """A finding of the previous audit that is no longer there."""

    subject: Subject
    verdict: str
    repair: AuditId | None
    """The id of the repair that has changed it since, if there is one."""


_NULL: dict[str, Any] = {"type": "null"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_NO_ENTRIES: dict[str, Any] = {"maxItems": 0}


class SinceLast(Compared):
    """What changed since the previous completed audit of the same question.

    Without a comparison there are no counts. Of an incomplete audit nothing is called resolved.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"new": _NULL}},
            "then": {
                "properties": {"persisting": _NULL, "resolved": _NULL, "resolved_findings": _NO_ENTRIES},
            },
            "else": {
                "properties": {"previous": {"type": "object"}, "persisting": _NUMBER},
                "oneOf": [
                    {"properties": {"why_not": _NULL, "resolved": _NUMBER}},
                    {
                        "properties": {
                            "why_not": {"type": "string"},
                            "resolved": _NULL,
                            "resolved_findings": _NO_ENTRIES,
                        }
                    },
                ],
            },
        }
    )

    why_not: Said | None
    """Why no comparison was made, or why nothing can be called resolved."""
    resolved_findings: Annotated[list[Resolved], Field(max_length=MOST_RESOLVED_SHOWN)]

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        compared = self.new is not None
        if (self.persisting is not None) is not compared or (compared and self.previous is None):
            raise ValueError("new and persisting are counted together, and beside what they are compared with")
        if (self.resolved is not None) is not (compared and self.why_not is None):
            raise ValueError("resolved is counted where there was a comparison, or it is said why not")
        if self.resolved is None and self.resolved_findings:
            raise ValueError("resolved findings are listed where they are counted")
        return self


class UnitsDone(Closed):
    """What became of units; ``noun`` is what one is called, such as container."""

    noun: Said
    """What one of them is called."""
    scanned: Count
    skipped: Count
    failed: Count


class Units(UnitsDone):
    """What became of all units that were listed: listed = scanned + skipped + failed."""

    listed: Count

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.listed != self.scanned + self.skipped + self.failed:
            raise ValueError("listed = scanned + skipped + failed")
        return self


class Gap(Closed):
    """Why something may have been overlooked although all that was listed is accounted for."""

    what: Said
    next_step: Said


class UnreadUnit(Closed):
    """A unit that could not be read, and why."""

    unit: str
    error: str


class Discarded(Closed):
    """The decision not to read it."""

    reason: Said
    by: Said
    at: Moment


class UnreadShard(Closed):
    """A shard that could not be read to its end."""

    shard: Count
    units: Count
    """How many there are in it."""
    failed: Annotated[int, Field(ge=1)]
    """How many of them were not read."""
    attempts: Count
    first_at: Moment
    last_at: Moment
    discarded: Discarded | None


class Coverage(Closed):
    """The proof of where it looked."""

    complete: bool
    units: Units
    blobs: Count
    skipped_by_reason: dict[str, Count]
    gaps: list[Gap]
    failed_units: list[UnreadUnit]
    """All units that could not be read, by name."""
    dead_letters: list[UnreadShard]


class Audited(Closed):
    """What an audit was of: the environment, and a member for each connection of its profile."""

    environment: Said
    """What it is called: AUDIT_ENVIRONMENT, or the storage account's name without it."""


class AuditMade(Audited):
    """Which audit the report speaks for, and what it was of."""

    id: AuditId
    profile: ProfileName
    title: Said
    created_at: Moment
    as_of: Moment
    """The moment for which the report speaks."""
    generated_at: Moment
    resumes: Count
    """How often it was started again after it broke off."""


class Counts(Closed):
    """How many subjects got each verdict, by kind; and how many findings are listed."""

    by_severity: Annotated[dict[Severity, Count], Field(min_length=len(Severity))]
    """The findings that are listed, by severity: all of them, also where there is none."""
    findings: Count
    """How many findings are listed."""
    hidden: Count
    """How many of them are what the profile looks for above all."""


class VerdictTold(Closed):
    """A verdict that a profile can give, with its usual severity."""

    subject: KindName
    verdict: Verdict
    severity: Severity
    meaning: Said


class VerdictGiven(VerdictTold):
    """A verdict that a profile can give, with its usual severity, and how often it was given."""

    count: Count
    counted: bool
    """Only counted, never listed one by one."""
    by_severity: dict[Severity, Count]
    """How many of its findings have which severity: the facts may move it from the usual one. Empty for what is only
    counted.
    """
    runbook: Said | None
    """Where people wrote down what to do about it: AUDIT_RUNBOOK_URL#verdict."""


class LookUp(Closed):
    """Asks for the names of what the findings that need a person are about: the most urgent ones."""

    sql: Said
    """A statement for whoever may read the database."""
    cases: Count
    """Of how many it asks."""
    of: Count
    """How many there are."""


class Parameters(Closed):
    """What was asked, with the profile's defaults; its options stand beside the rest."""

    profile: ProfileName
    mode: Mode
    grace_minutes: Count
    since: Moment | None
    until: Moment | None
    only: list[str]


class Versions(Closed):
    """What made the report."""

    capture_audit: Said


class Finding(Closed):
    """What is said of one subject, and what its profile shows of it."""

    subject: Subject
    verdict: Verdict
    severity: Severity
    change: Change | None
    """Since the last audit; null when it was not compared, or the last one could not have seen it."""
    reason: Said
    next_step: Said
    due: Moment | None
    """By when the next step must be taken, where a moment is known after which it may be too late. Within a severity
    findings whose moment is still to come are first, the soonest first.
    """


class Counted(Closed):
    """The subjects that ask for nothing, by kind and verdict, where their profile keeps the ids."""


def _with_code(**said: Any) -> dict[str, Any]:
    return {"properties": {"outcome": {"properties": {"code": said}}}}


class Report(Closed):
    """What an audit found, and the proof of where it looked. findings.csv and report.html are made of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"complete": {"const": False}}},
            "then": _with_code(const=Ended.INCOMPLETE.value),
            "else": _with_code(enum=[Ended.CLEAN.value, Ended.FINDINGS.value]),
        }
    )

    schema_version: Literal[3]
    complete: bool
    """True when every unit that could matter was read: only then may anything be called absent."""
    audit: AuditMade
    outcome: Outcome
    """0 clean: everything was read and nothing is missing. 1 findings: everything was read, and something needs a
    person. 3 incomplete: nothing may be concluded from absence.
    """
    headline: Said
    """The answer in one sentence, behind the name of what was audited."""
    notes: list[Said]
    """What must be known of the clocks and servers that this report rests on; a sentence each."""
    since_last: SinceLast
    coverage: Coverage
    counts: Counts
    verdicts: list[VerdictGiven]
    """Every verdict there is, in the order in which the rules are tried."""
    look_up: LookUp | None
    parameters: Parameters
    settle_minutes: Count
    versions: Versions
    findings: list[Finding]
    """Most urgent first."""
    counted: Counted

    @model_validator(mode="after")
    def _says_how_it_ended(self) -> Self:
        incomplete = self.outcome.code == Ended.INCOMPLETE
        if incomplete is self.complete or self.outcome.code == Ended.FAILED:
            raise ValueError("a report that is not complete ends incomplete, and no other does")
        return self
