"""The report as the API gives it. docs/report.schema.json says more: what belongs together, and every fact."""

from collections.abc import Sequence

from reconciliation.profile import Profile, Technology
from reconciliation.rules import Severity
from reconciliation.since_last import MOST_RESOLVED_LISTED, Change
from reporting.model import SCHEMA_VERSION
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

Profiles = Sequence[Profile]


def verdicts_of(profiles: Profiles) -> list[str]:
    """All that can be given, each once."""
    return list(dict.fromkeys(rule.verdict for profile in profiles for _, rule in profile.verdicts()))


def kinds_of(profiles: Profiles) -> list[str]:
    """The names of all kinds of subjects, each once."""
    return list(dict.fromkeys(kind.name for profile in profiles for kind in profile.kinds))


def places_of(profiles: Profiles) -> dict[str, Schema]:
    """What tells what an audit was of, by the connections of these profiles."""
    places: dict[str, Schema] = {}
    for one in (connection for profile in profiles for connection in profile.connections):
        shape = closed(host=or_null(SAID), name=or_null(SAID)) if one.of is Technology.DATABASE else SAID
        shape = shape if one.needed else or_null(shape)
        known = places.get(one.shown, shape)
        places[one.shown] = shape if known == shape else {"anyOf": [known, shape]}
    return {
        "environment": {**SAID, "description": "What was audited; the account's name where it has no other."},
        **places,
    }


def not_of_all(profiles: Profiles) -> list[str]:
    """The places that not every one of these profiles has."""
    of_each = [{one.shown for one in profile.connections} for profile in profiles]
    return [name for name in places_of(profiles) if name != "environment" and any(name not in of for of in of_each)]


_COVERAGE = closed(
    "The proof of where it looked: listed = scanned + skipped + failed.",
    complete=FLAG,
    units=closed(noun=SAID, listed=COUNT, scanned=COUNT, skipped=COUNT, failed=COUNT),
    blobs=COUNT,
    skipped_by_reason={"type": "object", "additionalProperties": COUNT},
    gaps=listed(closed(what=SAID, next_step=SAID)),
    failed_units=listed(closed(unit=TEXT, error=TEXT)),
    dead_letters=listed(
        closed(
            shard=COUNT,
            units=COUNT,
            failed=COUNT,
            attempts=COUNT,
            first_at=MOMENT,
            last_at=MOMENT,
            discarded=or_null(closed(reason=SAID, by=SAID, at=MOMENT)),
        )
    ),
)


def _since_last(subject: Schema) -> Schema:
    return closed(
        "What changed since the previous completed audit of the same question; null where nothing can be said.",
        previous=or_null(closed(id=ref("AuditId"), as_of=MOMENT)),
        why_not=or_null(SAID),
        new=or_null(COUNT),
        persisting=or_null(COUNT),
        resolved=or_null(COUNT),
        resolved_findings=listed(closed(subject=subject, verdict=TEXT), maxItems=MOST_RESOLVED_LISTED),
    )


def _finding(subject: Schema, verdict: Schema) -> Schema:
    said = closed(
        "What is said of one subject, and what its profile shows of it.",
        subject=subject,
        verdict=verdict,
        severity=words(Severity),
        change=or_null(words(Change)),
        reason=SAID,
        next_step=SAID,
        due=or_null(MOMENT),
    )
    return {**said, "additionalProperties": True}


def report_of(profiles: Profiles) -> Schema:
    """The report of any of these profiles."""
    verdict, kind = one_of(verdicts_of(profiles)), one_of(kinds_of(profiles))
    subject = closed("What a verdict speaks about.", kind=kind, id=SAID)
    some = kinds_of(profiles) if len(profiles) > 1 else []
    return closed(
        "What an audit found. docs/report.schema.json in the repository describes every fact of a finding.",
        schema_version={"const": SCHEMA_VERSION},
        complete=FLAG,
        audit=closed(
            id=ref("AuditId"),
            profile=ref("ProfileName"),
            title=SAID,
            created_at=MOMENT,
            as_of=MOMENT,
            generated_at=MOMENT,
            resumes=COUNT,
            optional=not_of_all(profiles),
            **places_of(profiles),
        ),
        outcome=ref("Outcome"),
        headline=SAID,
        notes=listed(SAID),
        since_last=_since_last(subject),
        coverage=_COVERAGE,
        counts=closed(
            optional=some,
            **{name: counts(verdicts_of(profiles)) for name in kinds_of(profiles)},
            by_severity=counts(severity.value for severity in Severity),
            findings=COUNT,
            hidden=COUNT,
        ),
        verdicts=listed(
            closed(
                subject=kind,
                verdict=verdict,
                severity=words(Severity),
                meaning=SAID,
                count=COUNT,
                counted=FLAG,
                by_severity=counts(Severity),
                runbook=or_null(SAID),
            )
        ),
        look_up=or_null(closed(sql=SAID, cases=COUNT, of=COUNT)),
        parameters=ref("Parameters"),
        settle_minutes=COUNT,
        versions=closed(capture_audit=SAID),
        findings=listed(_finding(subject, verdict)),
        counted={
            "type": "object",
            "propertyNames": {"enum": kinds_of(profiles)},
            "additionalProperties": {
                "type": "object",
                "propertyNames": {"enum": verdicts_of(profiles)},
                "additionalProperties": listed(TEXT),
            },
            "description": "The subjects that ask for nothing, by kind and verdict, where their profile keeps the ids.",
        },
    )
