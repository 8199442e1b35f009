"""The fan-in: rows beside evidence, one verdict for every candidate, and the sums that prove nothing fell out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.coverage import Coverage
from reconciliation.evidence import ContainerEvidence, Unread
from reconciliation.facts import Clock, Facts
from reconciliation.keys import ContainerKind
from reconciliation.outcome import Outcome, outcome_of
from reconciliation.times import optional_text
from reconciliation.verdicts import SEVERITY_ORDER, Judgement, Rule, Severity, judge


@dataclass(frozen=True)
class Finding:
    """One candidate with its verdict and what the verdict rests on."""

    facts: Facts
    judgement: Judgement

    def to_json(self) -> dict[str, Any]:
        """The finding as it stands in a report."""
        session = self.facts.candidate.to_json()
        return {
            "subject": {"kind": "capture_session", "id": session.pop("session_id")},
            "verdict": self.judgement.verdict,
            "severity": self.judgement.severity.value,
            "reason": self.judgement.reason,
            "next_step": self.judgement.next_step,
            "hearing_at": optional_text(self.facts.candidate.hearing_at),
            "session": session,
            "evidence": [
                container.to_json()
                | {
                    "kind": container.kind.value,
                    "registered": container.container in self.facts.rows,
                    "complete": container in self.facts.complete,
                }
                for container in (*self.facts.unregistered, *self.facts.registered, *self.facts.elsewhere)
            ],
        }


@dataclass(frozen=True)
class Reconciliation:
    """The result of an audit before it is written down.

    ``findings`` holds every candidate, the most urgent first, then by hearing and id. ``unattributed`` are settled
    containers that can be a recording, have no row, and hold media that names no session at all.
    """

    coverage: Coverage
    findings: tuple[Finding, ...]
    unattributed: tuple[str, ...]

    def count_by(self, severity: Severity) -> int:
        """How many candidates got a verdict of this severity."""
        return sum(finding.judgement.severity is severity for finding in self.findings)

    def verdicts(self) -> Counter[str]:
        """How many candidates got each verdict."""
        return Counter(finding.judgement.verdict for finding in self.findings)

    @property
    def outcome(self) -> Outcome:
        """How the audit ends."""
        return outcome_of(
            coverage_complete=self.coverage.is_complete,
            findings=self.count_by(Severity.HIGH) + self.count_by(Severity.UNKNOWN) + len(self.unattributed),
        )


class Reconciler:
    """Takes in what the scan saw, one container at a time in any order, and then judges every candidate.

    Only containers that name a candidate are kept, so memory grows with the candidates and not with the account.
    Raises ``AssertionError`` if a candidate comes twice.
    """

    def __init__(
        self, candidates: Iterable[Candidate], registered: Iterable[RegisteredRecording], *, listed: int
    ) -> None:
        self._rows = {row.recording_id: row for row in registered}
        self._candidates: dict[str, Candidate] = {}
        for candidate in candidates:
            if candidate.key in self._candidates:
                raise AssertionError(f"session {candidate.session_id} was pulled twice")
            self._candidates[candidate.key] = candidate
        self._coverage = Coverage(listed=listed)
        self._evidence: defaultdict[str, list[ContainerEvidence]] = defaultdict(list)
        self._unattributed: list[ContainerEvidence] = []

    def add(self, record: ContainerEvidence | Unread) -> None:
        """Account for one container."""
        self._coverage.count(record)
        if isinstance(record, ContainerEvidence):
            for key in record.keys & self._candidates.keys():
                self._evidence[key].append(record)
            if _is_unattributed(record, self._rows):
                self._unattributed.append(record)

    def judged(self, rules: Sequence[Rule[Facts]], clock: Clock) -> Reconciliation:
        """One verdict for every candidate. Raises ``AssertionError`` if the coverage does not add up."""
        self._coverage.check()
        findings = []
        for key, candidate in self._candidates.items():
            evidence = sorted(self._evidence.get(key, ()), key=lambda container: container.container)
            facts = _join(candidate, evidence, self._rows, clock, coverage_complete=self._coverage.is_complete)
            findings.append(Finding(facts, judge(rules, facts)))
        settled = (c for c in self._unattributed if c.is_settled(as_of=clock.as_of, settle=clock.settle))
        unattributed = tuple(sorted(container.container for container in settled))
        return Reconciliation(self._coverage, tuple(sorted(findings, key=_order)), unattributed)


def _is_unattributed(record: ContainerEvidence, rows: dict[str, RegisteredRecording]) -> bool:
    return (
        record.kind is ContainerKind.RECORDING
        and record.container not in rows
        and record.unkeyed_media > 0
        and not record.media
    )


def _join(
    candidate: Candidate,
    evidence: list[ContainerEvidence],
    rows: dict[str, RegisteredRecording],
    clock: Clock,
    *,
    coverage_complete: bool,
) -> Facts:
    recordings = [container for container in evidence if container.kind is ContainerKind.RECORDING]
    return Facts(
        candidate=candidate,
        unregistered=tuple(container for container in recordings if container.container not in rows),
        registered=tuple(container for container in recordings if container.container in rows),
        elsewhere=tuple(container for container in evidence if container.kind is not ContainerKind.RECORDING),
        rows={c.container: rows[c.container] for c in recordings if c.container in rows},
        clock=clock,
        coverage_complete=coverage_complete,
    )


def _order(finding: Finding) -> tuple[int, datetime, str]:
    candidate = finding.facts.candidate
    return (
        SEVERITY_ORDER.index(finding.judgement.severity),
        candidate.hearing_at or datetime.min.replace(tzinfo=UTC),
        candidate.session_id,
    )
