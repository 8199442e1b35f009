"""run.json: what the run store says of an audit as a whole."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.times import from_text, optional_from_text, optional_text, to_text

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RunRecord:
    """One audit. ``outcome`` is None until it has ended; ``summary`` only stands when there is a report.

    ``resumes`` counts how often its orchestration was started again after it broke off; ``rounds`` how often dead
    letters were replayed or discarded, each of which makes the report anew.
    """

    audit_id: str
    state: State
    parameters: AuditParameters
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    summary: dict[str, Any] | None = None
    error: str | None = None
    resumes: int = 0
    rounds: int = 0

    @property
    def attempt(self) -> str:
        """Which beginning of the audit this is; what was concluded in another one does not count."""
        return f"{self.resumes}.{self.rounds}"

    @property
    def begun(self) -> tuple[datetime, str]:
        """Orders audits by when they began; an id alone tells the second only, and several may begin in one."""
        return self.created_at, self.audit_id

    def reopened(self, at: datetime, *, resumed: bool) -> Self:
        """The record of an audit on which work begins again: resumed where it broke off, or for another round."""
        return replace(
            self,
            state=State.QUEUED,
            updated_at=at,
            ended_at=None,
            outcome=None,
            summary=None,
            error=None,
            resumes=self.resumes + resumed,
            rounds=self.rounds + (not resumed),
        )

    def ended(
        self,
        state: State,
        at: datetime,
        *,
        outcome: Outcome,
        summary: dict[str, Any] | None = None,
        error: str | None = None,
    ) -> Self:
        """The record as it stands after the audit's end."""
        return replace(self, state=state, updated_at=at, ended_at=at, outcome=outcome, summary=summary, error=error)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value. ``complete`` tells that nothing more will come."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": self.state.has_ended,
            "id": self.audit_id,
            "state": self.state.value,
            "parameters": self.parameters.to_json(),
            "created_at": to_text(self.created_at),
            "updated_at": to_text(self.updated_at),
            "ended_at": optional_text(self.ended_at),
            "outcome": None if self.outcome is None else self.outcome.to_json(),
            "summary": self.summary,
            "error": self.error,
            "resumes": self.resumes,
            "rounds": self.rounds,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Raises ``KeyError`` or ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        return cls(
            audit_id=value["id"],
            state=State(value["state"]),
            parameters=AuditParameters.from_json(value["parameters"]),
            created_at=from_text(value["created_at"]),
            updated_at=from_text(value["updated_at"]),
            ended_at=optional_from_text(value["ended_at"]),
            outcome=None if value["outcome"] is None else Outcome(value["outcome"]["code"]),
            summary=value["summary"],
            error=value["error"],
            resumes=value.get("resumes", 0),
            rounds=value.get("rounds", 0),
        )
