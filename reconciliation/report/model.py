"""The canonical report. CSV and HTML are renderings of this document and hold nothing that is not in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciliation import VERSION
from reconciliation.dead_letters import DeadLetter
from reconciliation.facts import Clock
from reconciliation.parameters import AuditParameters
from reconciliation.profiles.profile import Profile
from reconciliation.report.headline import headline
from reconciliation.tally import Result
from reconciliation.times import to_text
from reconciliation.verdicts import Kind, Severity

SCHEMA_VERSION = 2
Head = dict[str, Any]
"""A report without its findings, as JSON."""


@dataclass(frozen=True)
class AuditHeader:
    """Which audit a report speaks for."""

    audit_id: str
    parameters: AuditParameters
    created_at: datetime
    clock: Clock
    resumes: int = 0


def build_head(
    header: AuditHeader,
    profile: Profile,
    result: Result,
    dead_letters: Sequence[DeadLetter] = (),
    notes: Sequence[str] = (),
    *,
    generated_at: datetime,
) -> Head:
    """Everything of a report that stands before its findings: counts before rows, coverage before conclusions.

    Raises ``AssertionError`` if a verdict was given that the profile does not have, or if not every container that was
    to be opened has one.
    """
    tally, coverage = result.tally, result.coverage
    counts = {
        kind.value: {rule.verdict: tally.verdicts[kind][rule.verdict] for rule in rules}
        for kind, rules in profile.rules().items()
    }
    for kind in Kind:
        if sum(counts[kind.value].values()) != tally.judged(kind):
            raise AssertionError(f"the verdicts {counts[kind.value]} do not add up to {tally.judged(kind)} of {kind}")
    if tally.judged(Kind.CONTAINER) != coverage.scanned + len(coverage.failed):
        raise AssertionError(
            f"{tally.judged(Kind.CONTAINER)} containers have a verdict, but {coverage.scanned} were read and "
            f"{len(coverage.failed)} could not be read"
        )
    return {
        "schema_version": SCHEMA_VERSION,
        "complete": result.is_complete,
        "audit": {
            "id": header.audit_id,
            "profile": profile.name,
            "title": profile.title,
            "created_at": to_text(header.created_at),
            "as_of": to_text(header.clock.as_of),
            "generated_at": to_text(generated_at),
            "resumes": header.resumes,
        },
        "outcome": result.outcome.to_json(),
        "headline": headline(result),
        "notes": list(notes),
        "since_last": result.since_last.to_json(),
        "coverage": coverage.to_json() | {"dead_letters": [_letter(letter) for letter in dead_letters]},
        "counts": {
            **counts,
            "by_severity": {severity.value: tally.severities[severity] for severity in Severity},
            "findings": tally.listed,
            "hidden": tally.hidden,
        },
        "verdicts": [
            {
                "subject": kind.value,
                "verdict": rule.verdict,
                "severity": rule.severity.value,
                "meaning": rule.meaning,
                "count": counts[kind.value][rule.verdict],
                "counted": rule.counted,
            }
            for kind, rule in profile.verdicts()
        ],
        "parameters": header.parameters.to_json(),
        "settle_minutes": int(header.clock.settle.total_seconds() // 60),
        "versions": {"capture_audit": VERSION},
    }


def _letter(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as a report shows it; its errors stand with the containers that could not be read."""
    shown = ("shard", "containers", "failed", "attempts", "first_at", "last_at", "discarded")
    return {name: value for name, value in letter.to_json().items() if name in shown}


def summary_of(head: Head) -> dict[str, Any]:
    """What an audit's status says of its report: the headline and the counts, not the rows.

    ``counts`` are of the verdicts that are listed one by one, and of all verdicts on sessions; a verdict that several
    kinds of subjects can get counts for all of them.
    """
    counts, since = head["counts"], head["since_last"]
    given: dict[str, int] = {}
    for row in head["verdicts"]:
        if row["subject"] == Kind.SESSION.value or not row["counted"]:
            given[row["verdict"]] = given.get(row["verdict"], 0) + row["count"]
    return {
        "headline": head["headline"],
        "notes": head["notes"],
        "counts": given,
        "sessions": sum(counts[Kind.SESSION.value].values()),
        "findings": counts["findings"],
        "hidden": counts["hidden"],
        "since_last": {name: since[name] for name in ("previous", "new", "persisting", "resolved")},
        "containers": head["coverage"]["containers"],
    }
