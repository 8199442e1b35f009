"""The canonical report. CSV and HTML are renderings of this document and hold nothing that is not in it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciliation import VERSION
from reconciliation.facts import Clock
from reconciliation.parameters import AuditParameters
from reconciliation.profiles.profile import Profile
from reconciliation.reconcile import Reconciliation
from reconciliation.report.headline import headline
from reconciliation.times import to_text

SCHEMA_VERSION = 1
Report = dict[str, Any]


@dataclass(frozen=True)
class AuditHeader:
    """Which audit a report speaks for."""

    audit_id: str
    parameters: AuditParameters
    created_at: datetime
    clock: Clock


def build_report(header: AuditHeader, profile: Profile, result: Reconciliation, *, generated_at: datetime) -> Report:
    """The whole report as one JSON object: counts before rows, ``complete`` before anything is concluded.

    Raises ``AssertionError`` if the counts do not add up.
    """
    verdicts = result.verdicts()
    counts: dict[str, Any] = {
        "candidates": len(result.findings),
        "by_verdict": {verdict: verdicts[verdict] for verdict in profile.verdicts()},
        "by_severity": dict(Counter(finding.judgement.severity.value for finding in result.findings)),
        "unattributed_containers": len(result.unattributed),
    }
    if sum(counts["by_verdict"].values()) != counts["candidates"]:
        raise AssertionError(f"verdicts {counts['by_verdict']} do not add up to {counts['candidates']} candidates")
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
        "counts": counts,
        "verdicts": [
            {
                "verdict": rule.verdict,
                "severity": rule.severity.value,
                "meaning": rule.meaning,
                "count": verdicts[rule.verdict],
            }
            for rule in profile.rules_of(profile.verdicts())
        ],
        "findings": [finding.to_json() for finding in result.findings],
        "unattributed_containers": list(result.unattributed),
        "parameters": header.parameters.to_json(),
        "settle_minutes": int(header.clock.settle.total_seconds() // 60),
        "versions": {"capture_audit": VERSION},
    }


def summary_of(report: Report) -> dict[str, Any]:
    """What an audit's status says of its report: the headline and the counts, not the rows."""
    return {
        "headline": report["headline"],
        "counts": report["counts"]["by_verdict"],
        "candidates": report["counts"]["candidates"],
        "unattributed_containers": report["counts"]["unattributed_containers"],
        "containers": report["coverage"]["containers"],
    }
