"""The canonical report. CSV and HTML are renderings of this document and hold nothing that is not in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciliation import VERSION
from reconciliation.facts import Clock
from reconciliation.parameters import AuditParameters
from reconciliation.profiles.profile import Profile
from reconciliation.reconcile import Result
from reconciliation.report.headline import headline
from reconciliation.times import to_text

SCHEMA_VERSION = 1
Head = dict[str, Any]
"""A report without its findings, as JSON."""


@dataclass(frozen=True)
class AuditHeader:
    """Which audit a report speaks for."""

    audit_id: str
    parameters: AuditParameters
    created_at: datetime
    clock: Clock


def build_head(header: AuditHeader, profile: Profile, result: Result, *, generated_at: datetime) -> Head:
    """Everything of a report that stands before its findings: counts before rows, coverage before conclusions.

    Raises ``AssertionError`` if a verdict was given that the profile does not have.
    """
    verdicts = result.tally.verdicts
    by_verdict = {verdict: verdicts[verdict] for verdict in profile.verdicts()}
    if sum(by_verdict.values()) != result.tally.total:
        raise AssertionError(f"verdicts {by_verdict} do not add up to {result.tally.total} candidates")
    return {
        "schema_version": SCHEMA_VERSION,
        "complete": result.coverage.is_complete,
        "audit": {
            "id": header.audit_id,
            "profile": profile.name,
            "title": profile.title,
            "created_at": to_text(header.created_at),
            "as_of": to_text(header.clock.as_of),
            "generated_at": to_text(generated_at),
        },
        "outcome": result.outcome.to_json(),
        "headline": headline(result),
        "coverage": result.coverage.to_json(),
        "counts": {
            "candidates": result.tally.total,
            "by_verdict": by_verdict,
            "by_severity": {severity.value: count for severity, count in sorted(result.tally.severities.items())},
            "unattributed_containers": len(result.unattributed),
        },
        "verdicts": [
            {
                "verdict": rule.verdict,
                "severity": rule.severity.value,
                "meaning": rule.meaning,
                "count": verdicts[rule.verdict],
            }
            for rule in profile.rules_of(profile.verdicts())
        ],
        "unattributed_containers": list(result.unattributed),
        "parameters": header.parameters.to_json(),
        "settle_minutes": int(header.clock.settle.total_seconds() // 60),
        "versions": {"capture_audit": VERSION},
    }


def summary_of(head: Head) -> dict[str, Any]:
    """What an audit's status says of its report: the headline and the counts, not the rows."""
    return {
        "headline": head["headline"],
        "counts": head["counts"]["by_verdict"],
        "candidates": head["counts"]["candidates"],
        "unattributed_containers": head["counts"]["unattributed_containers"],
        "containers": head["coverage"]["containers"],
    }
