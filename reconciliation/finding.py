"""A finding: one subject with its verdict, as a report tells of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

from reconciliation.rules import FactsT, Judgement, Kind, Severity
from reconciliation.since_last import Known
from reconciliation.times import optional_text


@dataclass(frozen=True)
class Finding(Generic[FactsT]):
    """One subject with its verdict and the facts that the verdict rests on."""

    kind: Kind[FactsT]
    id: str
    facts: FactsT
    judgement: Judgement[FactsT]

    @property
    def reason(self) -> str:
        """The facts that decided, in words."""
        return self.judgement.rule.why(self.facts) or self.judgement.rule.means

    @property
    def due(self) -> datetime | None:
        """By when the next step must be taken, whether that moment is still to come or not."""
        return self.judgement.rule.due(self.facts)

    @property
    def named(self) -> str | None:
        """The id of what people know the subject by; None if it asks nothing of a person, or there is none."""
        return None if self.judgement.severity is Severity.INFO else self.kind.named(self.facts)

    @property
    def known(self) -> Known | None:
        """As a later audit remembers it; None if it asks nothing of a person."""
        if self.judgement.severity is Severity.INFO:
            return None
        return Known(self.kind.name, self.id, self.judgement.verdict)

    def to_json(self, change: str | None) -> dict[str, Any]:
        """The finding as it stands in a report: what every finding has, and what its kind shows of the facts."""
        return {
            "subject": {"kind": self.kind.name, "id": self.id},
            "verdict": self.judgement.verdict,
            "severity": self.judgement.severity.value,
            "change": change,
            "reason": self.reason,
            "next_step": self.judgement.rule.next_step,
            "due": optional_text(self.due),
            **self.kind.members(self.facts),
        }
