"""How an audit ended, in one code and one word: the same in the report, the HTTP API and the command line."""

from enum import IntEnum
from typing import Any


class Outcome(IntEnum):
    """The exit codes of ``auditctl``; an unknown code must be read as a failure. 2 is kept for bad usage."""

    CLEAN = 0
    FINDINGS = 1
    INCOMPLETE = 3
    FAILED = 4

    @property
    def word(self) -> str:
        """``findings``."""
        return self.name.lower()

    def to_json(self) -> dict[str, Any]:
        """``{"code": 1, "word": "findings"}``."""
        return {"code": self.value, "word": self.word}


def outcome_of(*, coverage_complete: bool, findings: int) -> Outcome:
    """Judge an audit that got as far as its report. A gap outweighs findings: nobody may call such an audit done."""
    if not coverage_complete:
        return Outcome.INCOMPLETE
    return Outcome.FINDINGS if findings else Outcome.CLEAN
