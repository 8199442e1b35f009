"""A finding: one subject with its verdict, as a report tells of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence
from reconciliation.clock import Clock
from reconciliation.since_last import Known
from reconciliation.times import optional_text
from reconciliation.verdicts import Judgement, Kind, Severity


@dataclass(frozen=True)
class Finding:
    """One subject with its verdict and what the verdict rests on."""

    kind: Kind
    id: str
    judgement: Judgement[Any]
    reason: str
    clock: Clock
    session: Candidate | None = None
    row: RegisteredRecording | None = None
    evidence: tuple[ContainerEvidence, ...] = ()
    due: datetime | None = None

    @property
    def known(self) -> Known | None:
        """As a later audit remembers it; None if it asks nothing of a person."""
        if self.judgement.severity is Severity.INFO:
            return None
        return Known(self.kind.value, self.id, self.judgement.verdict)

    @property
    def hearing_at(self) -> datetime | None:
        """When the hearing was, if it is about a session."""
        return self.session.hearing_at if self.session else None

    @property
    def ahead(self) -> datetime | None:
        """By when the next step must be taken, if that moment is still to come."""
        return self.due if self.due is not None and self.due > self.clock.as_of else None

    def to_json(self, change: str | None) -> dict[str, Any]:
        """The finding as it stands in a report."""
        row = self.row
        return {
            "subject": {"kind": self.kind.value, "id": self.id},
            "verdict": self.judgement.verdict,
            "severity": self.judgement.severity.value,
            "change": change,
            "reason": self.reason,
            "next_step": self.judgement.rule.next_step,
            "hearing_at": optional_text(self.hearing_at),
            "due": optional_text(self.due),
            "session": self.session.shown() if self.session else None,
            "recording": {"session_id": row.session_id, "marks": list(row.marks)} if row else None,
            "evidence": [
                container.shown() | {"registered": row is not None, "complete": container.is_complete(self.clock)}
                for container in self.evidence
            ],
        }
