"""What the API's documents hold. What the code has as an enumeration or a limit is taken from there."""

from http import HTTPStatus

from profiles import PROFILES
from reconciliation.dead_letters import MOST_ERRORS_KEPT, SCHEMA_VERSION
from reconciliation.lifecycle import Phase, State
from reconciliation.outcome import Outcome
from reconciliation.parameters import Mode
from reconciliation.report.model import ASKING
from reconciliation.run_record import AUDIT_ID
from reconciliation.verdicts import Kind, Severity
from triggers.openapi.report import AUDITED, REPORT, VERDICTS
from triggers.openapi.shapes import (
    COUNT,
    FLAG,
    MOMENT,
    SAID,
    TEXT,
    Schema,
    closed,
    counts,
    listed,
    one_of,
    or_null,
    ref,
    words,
)
from triggers.requests import DiscardDeadLetters, StartAudit

_STATUSES = [status for profile in PROFILES.values() for status in profile.statuses]


def problem(status: HTTPStatus, meaning: str, **members: Schema) -> Schema:
    """A problem document (RFC 9457) of that status; ``members`` are added to the standard ones."""
    return closed(
        meaning,
        type={"const": "about:blank"},
        title={"const": status.phrase},
        status={"const": status.value},
        detail={**SAID, "description": "What, where, and what next."},
        **members,
    )


def _body(model: type[StartAudit | DiscardDeadLetters]) -> Schema:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # the enumerations among them are components already
    return schema


_COUNTED = closed(listed=or_null(COUNT), scanned=COUNT, skipped=COUNT, failed=COUNT)

_PROGRESS = closed(
    "How far the audit is; null is what is not known yet.",
    shards=closed(total=or_null(COUNT), done=COUNT, failed=COUNT),
    containers=_COUNTED,
    blobs=COUNT,
    percent=or_null({**COUNT, "maximum": 100}),
    eta_seconds=or_null({**COUNT, "minimum": 1}),
)

_PARAMETERS = closed(
    "What was asked, with the profile's defaults.",
    profile=ref("ProfileName"),
    mode=ref("Mode"),
    statuses=listed(one_of(_STATUSES), minItems=1),
    grace_minutes=COUNT,
    since=or_null(MOMENT),
    until=or_null(MOMENT),
    container_prefixes=listed(TEXT),
    only=listed({**TEXT, "format": "uuid"}),
    ingest_address_contains=or_null(SAID),
)

_SUMMARY = closed(
    "What the report says in short.",
    headline=SAID,
    notes=listed(SAID),
    **AUDITED,
    counts={**counts(VERDICTS), "description": "How many subjects got each verdict."},
    asking={
        "type": "object",
        "propertyNames": {"enum": [severity.value for severity in ASKING]},
        "additionalProperties": counts(VERDICTS),
        "description": "Those of them that ask something of a person, by severity.",
    },
    sessions=COUNT,
    findings=COUNT,
    hidden={**COUNT, "description": "Complete recordings in storage that nobody can see."},
    since_last=closed(
        previous=or_null(closed(id=ref("AuditId"), as_of=MOMENT)),
        new=or_null(COUNT),
        persisting=or_null(COUNT),
        resolved=or_null(COUNT),
    ),
    containers=closed(listed=COUNT, scanned=COUNT, skipped=COUNT, failed=COUNT),
)

_AUDIT = closed(
    "An audit as it is at this moment.",
    id=ref("AuditId"),
    profile=ref("ProfileName"),
    state=ref("State"),
    phase=or_null(ref("Phase")),
    created_at=MOMENT,
    updated_at=MOMENT,
    parameters=ref("Parameters"),
    progress=ref("Progress"),
    outcome=or_null(ref("Outcome")),
    summary=or_null(ref("Summary")),
    error=or_null({**SAID, "description": "Why there is no report."}),
    resumes={**COUNT, "description": "How often it was started again after it had broken off."},
    dead_letters={**COUNT, "description": "Shards that could not be read to their end."},
    links=ref("Links"),
)

_DEAD_LETTER = closed(
    "A shard that still had unread containers after all its passes.",
    schema_version={"const": SCHEMA_VERSION},
    complete={"const": True},
    shard=COUNT,
    start={**TEXT, "description": "The first name that belongs to it."},
    containers=COUNT,
    failed={**COUNT, "minimum": 1},
    errors=listed(closed(container=TEXT, error=TEXT), maxItems=MOST_ERRORS_KEPT),
    attempts=COUNT,
    first_at=MOMENT,
    last_at=MOMENT,
    discarded=or_null(closed("The decision not to read it.", reason=SAID, by=SAID, at=MOMENT)),
)

_PROFILE = closed(
    "A system that can be audited.",
    name=ref("ProfileName"),
    title=TEXT,
    description=TEXT,
    statuses=listed(one_of(_STATUSES)),
    default_statuses=listed(one_of(_STATUSES)),
    default_grace_minutes=COUNT,
    verdicts=listed(closed(subject=words(Kind), verdict=one_of(VERDICTS), severity=words(Severity), meaning=TEXT)),
)

_HEALTH = closed(
    "Whether the service can do what an audit needs.",
    status=one_of(("ok", "degraded")),
    version=SAID,
    commit=or_null({**SAID, "description": "What the app was packaged from, where the package tells."}),
    checks={"type": "object", "additionalProperties": closed(ok=FLAG, detail=SAID)},
)

_FIELD_PROBLEM = closed(
    "One thing wrong with the request.",
    field={**TEXT, "description": "The parameter, or the body's member; body itself if it is none."},
    value={**TEXT, "description": "What was seen, shortened."},
    allowed={**SAID, "description": "What would be right."},
)

SCHEMAS: dict[str, Schema] = {
    "AuditId": {**TEXT, "pattern": AUDIT_ID, "examples": ["20260131-093000-1a2b3c4d"]},
    "ProfileName": one_of(PROFILES),
    "State": words(State),
    "Phase": words(Phase),
    "Mode": words(Mode),
    "Outcome": {
        "type": "object",
        "enum": [outcome.to_json() for outcome in Outcome],
        "description": "How an audit ended: the exit codes of auditctl and their words.",
    },
    "Links": closed(
        "Where the audit, its report and its page are.",
        **{name: {**TEXT, "format": "uri-reference"} for name in ("self", "report", "page")},
    ),
    "Parameters": _PARAMETERS,
    "Progress": _PROGRESS,
    "Summary": _SUMMARY,
    "Audit": _AUDIT,
    "Audits": closed(
        audits=listed(ref("Audit")),
        unreadable=listed(
            {**SAID, "description": "A blob of the run store: damaged, or of a later release. Its audit is not shown."}
        ),
    ),
    "Accepted": closed(id=ref("AuditId"), profile=ref("ProfileName"), state=ref("State"), links=ref("Links")),
    "Cancelled": closed(id=ref("AuditId"), state={"const": State.CANCELLED.value}, links=ref("Links")),
    "DeadLetter": _DEAD_LETTER,
    "DeadLetters": closed(id=ref("AuditId"), dead_letters=listed(ref("DeadLetter"))),
    "Profiles": closed(profiles=listed(_PROFILE)),
    "Health": _HEALTH,
    "Live": closed("The process is up. Nothing is said of what it can do.", status={"const": "up"}),
    "Report": REPORT,
    "StartAudit": _body(StartAudit),
    "DiscardDeadLetters": _body(DiscardDeadLetters),
    "BadRequest": problem(
        HTTPStatus.BAD_REQUEST,
        "The request is wrong; everything that is wrong with it is told at once.",
        errors=listed(_FIELD_PROBLEM, minItems=1),
    ),
    "NotFound": problem(HTTPStatus.NOT_FOUND, "There is nothing of that name."),
    "Busy": problem(
        HTTPStatus.CONFLICT,
        "Another audit of the profile is active.",
        active_id={"anyOf": [ref("AuditId"), {"const": ""}], "description": "That one, where it is known."},
    ),
    "NothingToDo": problem(
        HTTPStatus.CONFLICT, "The audit is in a state in which this cannot be done.", state=ref("State")
    ),
    "NoReport": problem(HTTPStatus.CONFLICT, "The audit has no report, or none yet."),
    "Broken": problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "A blob of the run store cannot be read, and detail names it; or something went wrong that should not.",
    ),
    "Unavailable": problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The service does not reach what it needs, or is set up wrongly."
    ),
}
