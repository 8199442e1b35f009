"""What the API's documents hold. What the code has as an enumeration or a limit is taken from there."""

from collections.abc import Callable
from http import HTTPStatus

from reconciliation.dead_letters import MOST_ERRORS_KEPT, SCHEMA_VERSION
from reconciliation.lifecycle import Phase, State
from reconciliation.options import Option
from reconciliation.outcome import Outcome
from reconciliation.rules import Severity
from reconciliation.run_record import AUDIT_ID
from reporting.model import ASKING
from triggers.openapi.report import Profiles, kinds_of, not_of_all, places_of, report_of, verdicts_of
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


def _text(option: Option) -> Schema:
    return one_of(option.choices) if option.choices else {**TEXT, "pattern": f"^{option.form}$"}


def _option(option: Option) -> Schema:
    if option.is_list:
        values = listed(_text(option), minItems=option.least, maxItems=option.most)
        return {**values, "description": option.means}
    return or_null({**_text(option), "minLength": option.least, "maxLength": option.most, "description": option.means})


def _asked(option: Option) -> Schema:
    """As a request may give it: a text alone stands for a list of one, null is as if nothing was given."""
    return {"anyOf": [_option(option), _text(option), {"type": "null"}]} if option.is_list else _option(option)


def _options(profiles: Profiles, shape: Callable[[Option], Schema] = _option) -> dict[str, Schema]:
    return {option.name: shape(option) for profile in profiles for option in profile.options}


def _start_audit(profiles: Profiles) -> Schema:
    schema, options = _body(StartAudit), _options(profiles, _asked)
    schema["properties"] |= {
        "profile": {**ref("ProfileName"), "description": "The first profile unless it is given."},
        "mode": {**ref("Mode"), "description": "The profile's first unless it is given."},
        "options": {"type": "object", "properties": options, "additionalProperties": False},
        "only": {**schema["properties"]["only"], "items": _keys(profiles)},
        **{name: {**option, "description": "As in options."} for name, option in options.items()},
    }
    return {**schema, "additionalProperties": False}


def _keys(profiles: Profiles) -> Schema:
    """A key of any of these profiles."""
    forms = [{**TEXT, "pattern": f"^{profile.only.form}$"} for profile in profiles if profile.only is not None]
    return forms[0] if len(forms) == 1 else {"anyOf": forms} if forms else TEXT


def _body(model: type[StartAudit | DiscardDeadLetters]) -> Schema:
    return model.model_json_schema(ref_template="#/components/schemas/{model}")


_COUNTED = closed(noun=SAID, listed=or_null(COUNT), scanned=COUNT, skipped=COUNT, failed=COUNT)

_PROGRESS = closed(
    "How far the audit is; null is what is not known yet.",
    shards=closed(total=or_null(COUNT), done=COUNT, failed=COUNT),
    units=_COUNTED,
    blobs=COUNT,
    percent=or_null({**COUNT, "maximum": 100}),
    eta_seconds=or_null({**COUNT, "minimum": 1}),
)


def _parameters(profiles: Profiles) -> Schema:
    options = _options(profiles)
    return closed(
        "What was asked, with the profile's defaults.",
        optional=options if len(profiles) > 1 else [],
        profile=ref("ProfileName"),
        mode=ref("Mode"),
        grace_minutes=COUNT,
        since=or_null(MOMENT),
        until=or_null(MOMENT),
        only=listed(TEXT),
        **options,
    )


def _summary(profiles: Profiles) -> Schema:
    verdicts, nouns = verdicts_of(profiles), [f"{profile.kinds[0].noun}s" for profile in profiles]
    return closed(
        "What the report says in short.",
        optional=[*(nouns if len(profiles) > 1 else []), *not_of_all(profiles)],
        headline=SAID,
        notes=listed(SAID),
        **places_of(profiles),
        counts={**counts(verdicts), "description": "How many subjects got each verdict."},
        asking={
            "type": "object",
            "propertyNames": {"enum": [severity.value for severity in ASKING]},
            "additionalProperties": counts(verdicts),
            "description": "Those of them that ask something of a person, by severity.",
        },
        **{noun: {**COUNT, "description": "How many subjects there are of the first kind."} for noun in nouns},
        findings=COUNT,
        hidden={**COUNT, "description": "How many are what the profile looks for above all."},
        since_last=closed(
            previous=or_null(closed(id=ref("AuditId"), as_of=MOMENT)),
            new=or_null(COUNT),
            persisting=or_null(COUNT),
            resolved=or_null(COUNT),
        ),
        units=closed(noun=SAID, listed=COUNT, scanned=COUNT, skipped=COUNT, failed=COUNT),
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
    "A shard of which something was still unread after all its passes.",
    schema_version={"const": SCHEMA_VERSION},
    complete={"const": True},
    shard=COUNT,
    start={**TEXT, "description": "The first name that belongs to it."},
    units=COUNT,
    failed={**COUNT, "minimum": 1},
    errors=listed(closed(unit=TEXT, error=TEXT), maxItems=MOST_ERRORS_KEPT),
    attempts=COUNT,
    first_at=MOMENT,
    last_at=MOMENT,
    discarded=or_null(closed("The decision not to read it.", reason=SAID, by=SAID, at=MOMENT)),
)


def _profile(profiles: Profiles) -> Schema:
    return closed(
        "A system that can be audited.",
        name=ref("ProfileName"),
        title=TEXT,
        description=TEXT,
        modes=listed(ref("Mode"), minItems=1),
        options=listed(
            closed(
                "What a request may ask of it.",
                name=SAID,
                meaning=SAID,
                allowed=SAID,
                choices=listed(TEXT),
                default={"anyOf": [TEXT, listed(TEXT), {"type": "null"}]},
            )
        ),
        default_grace_minutes=COUNT,
        verdicts=listed(
            closed(
                subject=one_of(kinds_of(profiles)),
                verdict=one_of(verdicts_of(profiles)),
                severity=words(Severity),
                meaning=TEXT,
            )
        ),
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


_PROBLEMS = {
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


def schemas(profiles: Profiles) -> dict[str, Schema]:
    """All components of the document, for an app that audits these profiles."""
    return {
        "AuditId": {**TEXT, "pattern": AUDIT_ID, "examples": ["20260131-093000-1a2b3c4d"]},
        "ProfileName": one_of(profile.name for profile in profiles),
        "State": words(State),
        "Phase": words(Phase),
        "Mode": one_of(mode for profile in profiles for mode in profile.modes),
        "Outcome": {
            "type": "object",
            "enum": [outcome.to_json() for outcome in Outcome],
            "description": "How an audit ended: the exit codes of auditctl and their words.",
        },
        "Links": closed(
            "Where the audit, its report and its page are.",
            **{name: {**TEXT, "format": "uri-reference"} for name in ("self", "report", "page")},
        ),
        "Parameters": _parameters(profiles),
        "Progress": _PROGRESS,
        "Summary": _summary(profiles),
        "Audit": _AUDIT,
        "Audits": closed(
            audits=listed(ref("Audit")),
            unreadable=listed(
                {
                    **SAID,
                    "description": "A damaged blob, or one of a later release. Its audit is not shown.",
                }
            ),
        ),
        "Accepted": closed(id=ref("AuditId"), profile=ref("ProfileName"), state=ref("State"), links=ref("Links")),
        "Cancelled": closed(id=ref("AuditId"), state={"const": State.CANCELLED.value}, links=ref("Links")),
        "DeadLetter": _DEAD_LETTER,
        "DeadLetters": closed(id=ref("AuditId"), dead_letters=listed(ref("DeadLetter"))),
        "Profiles": closed(profiles=listed(_profile(profiles))),
        "Health": _HEALTH,
        "Live": closed("The process is up. Nothing is said of what it can do.", status={"const": "up"}),
        "Report": report_of(profiles),
        "StartAudit": _start_audit(profiles),
        "DiscardDeadLetters": _body(DiscardDeadLetters),
        **_PROBLEMS,
    }
