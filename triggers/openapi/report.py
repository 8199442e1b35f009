"""The report as the API gives it. docs/report.schema.json says more: what belongs together, and every fact."""

from profiles import PROFILES
from reconciliation.report.model import SCHEMA_VERSION
from reconciliation.since_last import MOST_RESOLVED_LISTED, Change
from reconciliation.verdicts import Kind, Severity
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

VERDICTS = [rule.verdict for profile in PROFILES.values() for _, rule in profile.verdicts()]
AUDITED: dict[str, Schema] = {
    "environment": {**SAID, "description": "What was audited; the account's name where it has no other."},
    "storage_account": SAID,
    "ingest_account": or_null(SAID),
    "database": closed(host=or_null(SAID), name=or_null(SAID)),
}
_SUBJECT = closed("What a verdict speaks about.", kind=words(Kind), id=SAID)
_FACTS: Schema = {"type": "object", "minProperties": 1}

_COVERAGE = closed(
    "The proof of where it looked: listed = scanned + skipped + failed.",
    complete=FLAG,
    containers=closed(listed=COUNT, scanned=COUNT, skipped=COUNT, failed=COUNT),
    blobs=COUNT,
    skipped_by_reason={"type": "object", "additionalProperties": COUNT},
    gaps=listed(closed(what=SAID, next_step=SAID)),
    failed_containers=listed(closed(container=TEXT, error=TEXT)),
    dead_letters=listed(
        closed(
            shard=COUNT,
            containers=COUNT,
            failed=COUNT,
            attempts=COUNT,
            first_at=MOMENT,
            last_at=MOMENT,
            discarded=or_null(closed(reason=SAID, by=SAID, at=MOMENT)),
        )
    ),
)

_SINCE_LAST = closed(
    "What changed since the previous completed audit of the same question; null where nothing can be said.",
    previous=or_null(closed(id=ref("AuditId"), as_of=MOMENT)),
    why_not=or_null(SAID),
    new=or_null(COUNT),
    persisting=or_null(COUNT),
    resolved=or_null(COUNT),
    resolved_findings=listed(closed(subject=_SUBJECT, verdict=TEXT), maxItems=MOST_RESOLVED_LISTED),
)

_FINDING = closed(
    subject=_SUBJECT,
    verdict=one_of(VERDICTS),
    severity=words(Severity),
    change=or_null(words(Change)),
    reason=SAID,
    next_step=SAID,
    hearing_at=or_null(MOMENT),
    due=or_null(MOMENT),
    session=or_null(_FACTS),
    recording=or_null(_FACTS),
    evidence=listed(_FACTS),
)

REPORT: Schema = closed(
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
        **AUDITED,
    ),
    outcome=ref("Outcome"),
    headline=SAID,
    notes=listed(SAID),
    since_last=_SINCE_LAST,
    coverage=_COVERAGE,
    counts=closed(
        **{kind.value: counts(VERDICTS) for kind in Kind},
        by_severity=counts(severity.value for severity in Severity),
        findings=COUNT,
        hidden=COUNT,
    ),
    verdicts=listed(
        closed(
            subject=words(Kind),
            verdict=one_of(VERDICTS),
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
    findings=listed(_FINDING),
    counted=closed(
        "The sessions that ask for nothing, by verdict.",
        **{
            Kind.SESSION.value: {
                "type": "object",
                "propertyNames": {"enum": VERDICTS},
                "additionalProperties": listed({**TEXT, "format": "uuid"}),
            }
        },
    ),
)
