"""The canonical report. CSV and HTML are rendered from it and contain nothing else."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciliation import VERSION
from reconciliation.audited import Audited
from reconciliation.clock import Clock
from reconciliation.coverage import Coverage
from reconciliation.dead_letters import DeadLetter
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Profile
from reconciliation.rules import SEVERITY_ORDER, Kind, Severity
from reconciliation.tally import Result, Tally
from reconciliation.times import to_text
from reporting.headline import headline

SCHEMA_VERSION = 3
COMPARABLE_VERSIONS = (2, SCHEMA_VERSION)
"""The schema versions with which a report can be compared: they agree on moment, mode and findings."""
ASKING = tuple(severity for severity in SEVERITY_ORDER if severity is not Severity.INFO)
"""The severities of findings that need a person."""
Head = dict[str, Any]
"""A report without its findings, as JSON."""


@dataclass(frozen=True)
class AuditHeader:
    """The audit of a report; ``runbook_url`` is the address of people's own instructions, ``look_up`` is that of
    ``NamesToLookUp``.
    """

    audit_id: str
    parameters: AuditParameters
    created_at: datetime
    clock: Clock
    audited: Audited
    resumes: int = 0
    runbook_url: str | None = None
    look_up: dict[str, Any] | None = None


def build_head(
    header: AuditHeader,
    profile: Profile,
    result: Result,
    dead_letters: Sequence[DeadLetter] = (),
    notes: Sequence[str] = (),
    *,
    generated_at: datetime,
) -> Head:
    """The report up to its findings.

    Raises ``AssertionError`` if a verdict was given that the profile does not have, or if each unit should have a
    verdict and one does not.
    """
    tally, coverage = result.tally, result.coverage
    counts = _counts(profile, tally, coverage)
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
            **header.audited.to_json(),
        },
        "outcome": result.outcome.to_json(),
        "headline": f"{header.audited.environment}: {headline(result, profile)}",
        "notes": list(notes),
        "since_last": result.since_last.to_json(),
        "coverage": coverage.to_json(profile.wording.unit)
        | {"dead_letters": [_letter(letter) for letter in dead_letters]},
        "counts": {
            **counts,
            "by_severity": {severity.value: tally.severities[severity] for severity in Severity},
            "findings": tally.findings,
            "hidden": tally.alarms,
        },
        "verdicts": [
            {
                "subject": kind.name,
                "verdict": rule.verdict,
                "severity": rule.severity.value,
                "meaning": rule.means,
                "count": counts[kind.name][rule.verdict],
                "counted": rule.counted,
                "by_severity": _graded(tally, kind, rule.verdict),
                "runbook": f"{header.runbook_url}#{rule.verdict}" if header.runbook_url else None,
            }
            for kind, rule in profile.verdicts()
        ],
        "look_up": header.look_up,
        "parameters": header.parameters.to_json(),
        "settle_minutes": int(header.clock.settle.total_seconds() // 60),
        "versions": {"capture_audit": VERSION},
    }


def _counts(profile: Profile, tally: Tally, coverage: Coverage) -> dict[str, dict[str, int]]:
    """How often each verdict was given, by kind. Raises ``AssertionError`` as ``build_head`` does."""
    counts = {
        kind.name: {rule.verdict: tally.verdicts[kind.name][rule.verdict] for rule in kind.verdicts()}
        for kind in profile.kinds
    }
    for kind in profile.kinds:
        if sum(counts[kind.name].values()) != tally.judged(kind):
            raise AssertionError(
                f"the verdicts {counts[kind.name]} do not add up to {tally.judged(kind)} of {kind.name}"
            )
    units = profile.kind(profile.scan.kind) if profile.scan else None
    if units and tally.judged(units) != coverage.scanned + len(coverage.failed):
        raise AssertionError(
            f"{tally.judged(units)} {profile.wording.unit}s have a verdict, but {coverage.scanned} were read and "
            f"{len(coverage.failed)} could not be read"
        )
    return counts


def _graded(tally: Tally, kind: Kind[Any], verdict: str) -> dict[str, int]:
    """How often a verdict was given with each severity, without zeros."""
    counts = {severity.value: tally.graded[kind.name, verdict, severity] for severity in Severity}
    return {severity: count for severity, count in counts.items() if count}


def _letter(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as a report shows it; its errors are among ``failed_units``."""
    shown = ("shard", "units", "failed", "attempts", "first_at", "last_at", "discarded")
    return {name: value for name, value in letter.to_json().items() if name in shown}


def summary_of(head: Head, profile: Profile) -> dict[str, Any]:
    """The summary of a report in an audit's status: its places, the headline and the counts.

    ``counts`` are of the verdicts whose findings are shown one by one, and of all verdicts on subjects of the first
    kind; a verdict of several kinds counts for all of them. The number of subjects of the first kind is under its noun
    in the plural. ``asking`` counts those that need a person, by severity and verdict.
    """
    counts, since, first = head["counts"], head["since_last"], profile.kinds[0]
    given: Counter[str] = Counter()
    asking: dict[str, Counter[str]] = {severity.value: Counter() for severity in ASKING}
    for row in head["verdicts"]:
        if row["subject"] == first.name or not row["counted"]:
            given[row["verdict"]] += row["count"]
        for severity in asking.keys() & row["by_severity"].keys():
            asking[severity][row["verdict"]] += row["by_severity"][severity]
    return {
        "headline": head["headline"],
        "notes": head["notes"],
        **{name: head["audit"][name] for name in ("environment", *(one.shown for one in profile.connections))},
        "counts": dict(given),
        "asking": {severity: dict(by_verdict) for severity, by_verdict in asking.items() if by_verdict},
        f"{first.noun}s": sum(counts[first.name].values()),
        "findings": counts["findings"],
        "hidden": counts["hidden"],
        "since_last": {name: since[name] for name in ("previous", "new", "persisting", "resolved")},
        "units": head["coverage"]["units"],
    }
