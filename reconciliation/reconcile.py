"""The fan-in: rows beside evidence, one verdict for every candidate, and the sums that prove nothing fell out.

Both sides are streamed. What is kept in memory grows with the candidates and the containers that name them, not with
the account.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.coverage import Coverage
from reconciliation.evidence import ContainerEvidence, Unread
from reconciliation.facts import Clock, Facts
from reconciliation.keys import ContainerKind
from reconciliation.outcome import Outcome, outcome_of
from reconciliation.parameters import Mode
from reconciliation.times import optional_text
from reconciliation.verdicts import Judgement, Rule, Severity, judge


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


class EvidenceIndex:
    """Takes in what a scan saw, one container at a time in any order, and finds it again by session key.

    ``keys`` are the candidates' keys. Raises ``AssertionError`` if one comes twice.
    """

    def __init__(self, keys: Iterable[str], *, listed: int, skipped: dict[str, int]) -> None:
        self._keys: set[str] = set()
        for key in keys:
            if key in self._keys:
                raise AssertionError(f"session {key} was pulled twice")
            self._keys.add(key)
        self._by_key: defaultdict[str, list[ContainerEvidence]] = defaultdict(list)
        self._rows: dict[str, RegisteredRecording] = {}
        self._unattributed: list[ContainerEvidence] = []
        self.coverage = Coverage(listed=listed, skipped=Counter(skipped))

    @property
    def candidates(self) -> int:
        """How many candidates there are to judge."""
        return len(self._keys)

    def unattributed(self, clock: Clock) -> list[str]:
        """Containers that can be a recording, have no row, and hold media that names no session at all; ascending.

        One in which something changed a moment ago is still being written, and not counted.
        """
        settled = (c for c in self._unattributed if c.is_settled(as_of=clock.as_of, settle=clock.settle))
        return sorted(container.container for container in settled)

    def add(self, record: ContainerEvidence | Unread, row: RegisteredRecording | None) -> None:
        """Account for one container; ``row`` is the row that registers it, if there is one."""
        self.coverage.count(record)
        if isinstance(record, Unread):
            return
        for key in record.keys & self._keys:
            self._by_key[key].append(record)
            if row is not None:
                self._rows[record.container] = row
        if record.unkeyed_media and not record.media and row is None and record.kind is ContainerKind.RECORDING:
            self._unattributed.append(record)

    def facts(self, candidate: Candidate, clock: Clock, mode: Mode) -> Facts:
        """Everything that is known of one candidate. Complete only when all containers have been added."""
        evidence = sorted(self._by_key.get(candidate.key) or (), key=lambda container: container.container)
        recordings = [container for container in evidence if container.kind is ContainerKind.RECORDING]
        return Facts(
            candidate=candidate,
            unregistered=tuple(container for container in recordings if container.container not in self._rows),
            registered=tuple(container for container in recordings if container.container in self._rows),
            elsewhere=tuple(container for container in evidence if container.kind is not ContainerKind.RECORDING),
            rows={c.container: self._rows[c.container] for c in recordings if c.container in self._rows},
            clock=clock,
            coverage_complete=self.coverage.is_complete,
            fast=mode is Mode.FAST,
        )


@dataclass
class Tally:
    """A running count of the verdicts that were given."""

    verdicts: Counter[str] = field(default_factory=Counter)
    severities: Counter[Severity] = field(default_factory=Counter)

    def count(self, judgement: Judgement) -> None:
        """Account for one candidate."""
        self.verdicts[judgement.verdict] += 1
        self.severities[judgement.severity] += 1

    @property
    def total(self) -> int:
        """How many candidates were judged."""
        return self.verdicts.total()


@dataclass(frozen=True)
class Result:
    """The sums of an audit: what its report says before the rows."""

    coverage: Coverage
    tally: Tally
    unattributed: Sequence[str]
    mode: Mode

    @property
    def outcome(self) -> Outcome:
        """How the audit ends."""
        severities = self.tally.severities
        return outcome_of(
            coverage_complete=self.coverage.is_complete,
            findings=severities[Severity.HIGH] + severities[Severity.UNKNOWN] + len(self.unattributed),
        )


def find(index: EvidenceIndex, candidate: Candidate, rules: Sequence[Rule[Facts]], clock: Clock, mode: Mode) -> Finding:
    """Judge one candidate by what the scan saw."""
    facts = index.facts(candidate, clock, mode)
    return Finding(facts, judge(rules, facts))
