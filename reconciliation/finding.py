"""A finding: one subject with its verdict, as a report shows it."""

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
        """By when the next step must be taken; it may have passed."""
        return self.judgement.rule.due(self.facts)

    @property
    def named(self) -> str | None:
        """The id by which people know the subject; None if there is none, or if nobody need act."""
        return None if self.judgement.severity is Severity.INFO else self.kind.named(self.facts)

    @property
    def known(self) -> Known | None:
        """The finding as a later audit remembers it; None if nobody need act."""
        if self.judgement.severity is Severity.INFO:
            return None
        return Known(self.kind.name, self.id, self.judgement.verdict)

    def to_json(self, change: str | None) -> dict[str, Any]:
        """The finding in a report: the members that all findings have, then those of its kind."""
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
