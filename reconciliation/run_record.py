"""run.json: the run store's record of an audit as a whole."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from reconciliation.fields import Fields
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.progress import Reached
from reconciliation.times import optional_text, to_text

SCHEMA_VERSION = 1
LOOKS = "repairs/"
"""What the id of an audit begins with that is a look of a repair."""
FIRST_ATTEMPT = "0.0"
_UNITS, _CALLED_BEFORE, _NOUN_BEFORE = "units", "containers", "container"
"""What earlier releases called units, whatever was audited."""
AUDIT_ID = r"^[0-9]{8}-[0-9]{6}-[0-9a-f]{8}$"


def new_audit_id(at: datetime, random_hex: str) -> str:
    """``20260131-093000-1a2b3c4d``: sorts by time, and is safe as a folder, a part of a URL and an instance id."""
    return f"{at:%Y%m%d-%H%M%S}-{random_hex[:8]}"


def is_audit_id(text: str) -> bool:
    """True for a text in the form of ``new_audit_id``."""
    return re.fullmatch(AUDIT_ID, text) is not None


@dataclass(frozen=True)
class RunRecord:
    """One audit. ``outcome`` is None until it has ended; ``summary`` is None unless there is a report.

    ``resumes`` counts how often its orchestration was started again after it broke off; ``rounds`` how often dead
    letters were replayed or discarded, each of which makes the report again. ``progress`` (as it is shown) and
    ``dead_letters`` (how many) are set when it ends; None if they could not be read. ``is_of_old_layout``: an earlier
    release wrote it, so it is only shown. ``etag`` is the ETag of the version that was read.
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
    progress: dict[str, Any] | None = None
    dead_letters: int | None = None
    is_of_old_layout: bool = False
    etag: str = field(default="", compare=False, repr=False)

    @property
    def is_look(self) -> bool:
        """True if it is a look of a repair, which lies in the repair's folder."""
        return self.audit_id.startswith(LOOKS)

    @property
    def folder(self) -> str:
        """The folder of its artefacts in the run store."""
        return self.audit_id if self.is_of_old_layout else f"{self.parameters.profile}/{self.audit_id}"

    @property
    def attempt_folder(self) -> str:
        """The folder of the artefacts of its current attempt."""
        return f"{self.folder}/{self.attempt}"

    @property
    def attempt(self) -> str:
        """``<resumes>.<rounds>``; what another attempt concluded does not count."""
        return f"{self.resumes}.{self.rounds}"

    @property
    def is_first_attempt(self) -> bool:
        """True if the audit was neither resumed nor replayed, so there are no artefacts of an earlier attempt."""
        return self.attempt == FIRST_ATTEMPT

    @property
    def begun(self) -> tuple[datetime, str]:
        """A sort key by creation time; the id alone has whole seconds only."""
        return self.created_at, self.audit_id

    def reopened(self, at: datetime, *, resumed: bool) -> Self:
        """The record of an audit that is started again: resumed where it broke off, or for another round."""
        return replace(
            self,
            state=State.QUEUED,
            updated_at=at,
            ended_at=None,
            outcome=None,
            summary=None,
            error=None,
            progress=None,
            dead_letters=None,
            resumes=self.resumes + resumed,
            rounds=self.rounds + (not resumed),
        )

    def ended(
        self,
        state: State,
        at: datetime,
        *,
        outcome: Outcome,
        reached: Reached | None,
        summary: dict[str, Any] | None = None,
        error: str | None = None,
    ) -> Self:
        return replace(
            self,
            state=state,
            updated_at=at,
            ended_at=at,
            outcome=outcome,
            summary=summary,
            error=error,
            progress=None if reached is None else reached.progress,
            dead_letters=None if reached is None else reached.dead_letters,
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value. ``complete``: the audit has ended."""
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
            "progress": self.progress,
            "dead_letters": self.dead_letters,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes. Member names of an earlier release are
        replaced by today's.
        """
        fields = Fields.of_version(value, SCHEMA_VERSION)
        outcome, summary = fields.optional("outcome", fields.inner), fields.optional("summary", fields.inner)
        progress = fields.optional("progress", fields.inner)
        return cls(
            audit_id=fields.text("id"),
            state=fields.word("state", State),
            parameters=AuditParameters.from_json(fields.inner("parameters").members),
            created_at=fields.moment("created_at"),
            updated_at=fields.moment("updated_at"),
            ended_at=fields.optional("ended_at", fields.moment),
            outcome=None if outcome is None else Outcome(outcome.whole("code")),
            summary=None if summary is None else _in_todays_words(summary),
            error=fields.optional("error", fields.text),
            resumes=fields.optional("resumes", fields.whole) or 0,
            rounds=fields.optional("rounds", fields.whole) or 0,
            progress=None if progress is None else _in_todays_words(progress),
            dead_letters=fields.optional("dead_letters", fields.whole),
        )


def _in_todays_words(fields: Fields) -> dict[str, Any]:
    """A summary or a progress as it is shown; its members keep their order."""
    shown = {}
    for name, value in fields.members.items():
        is_earlier = name == _CALLED_BEFORE and isinstance(value, dict)
        shown[_UNITS if is_earlier else name] = {"noun": _NOUN_BEFORE, **value} if is_earlier else value
    return shown
