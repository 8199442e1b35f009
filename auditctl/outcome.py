"""The outcome of an audit: the same codes and words in JSON, over HTTP and as exit codes."""

from enum import IntEnum
from typing import Final

STOPPED_BY_CTRL_C: Final = 130
READER_WENT_AWAY: Final = 141

ENDED_STATES: Final = frozenset({"completed", "incomplete", "failed", "cancelled"})
ACTIVE_STATES: Final = frozenset({"queued", "running", "interrupted"})


class Outcome(IntEnum):
    """A member's value is the exit code."""

    CLEAN = 0
    FINDINGS = 1
    BAD_USAGE = 2
    INCOMPLETE = 3
    FAILED = 4

    @property
    def word(self) -> str:
        """The outcome in JSON and on the screen."""
        return self.name.lower().replace("_", " ")


MEANINGS: Final = {
    Outcome.CLEAN: "everything was looked at, nothing was found (or: the command did what you asked)",
    Outcome.FINDINGS: "everything was looked at, and something needs attention",
    Outcome.BAD_USAGE: "wrong options, or the service refused the request (400, 404, 409)",
    Outcome.INCOMPLETE: "something could not be looked at: never read this as clean",
    Outcome.FAILED: "failed, cancelled, interrupted for too long, unreachable, not allowed (401, 403), 5xx",
}


def exit_code_table() -> str:
    """The exit codes for the help text, one per line."""
    rows = [f"  {outcome.value:<4} {outcome.word:<11} {meaning}" for outcome, meaning in MEANINGS.items()]
    rows.append(f"  {STOPPED_BY_CTRL_C:<4} {'stopped':<11} you pressed Ctrl-C; an audit being watched goes on")
    return "\n".join(rows)


def outcome_of(state: str, code: int | None, word: str | None) -> Outcome:
    """The outcome of an audit that is no longer being watched.

    Unknown, missing or contradictory values are a failure; an incomplete audit is never anything better.
    """
    if state == "incomplete":
        return Outcome.INCOMPLETE
    for outcome in (Outcome.CLEAN, Outcome.FINDINGS, Outcome.INCOMPLETE):
        if state == "completed" and code == outcome.value and word == outcome.word:
            return outcome
    return Outcome.FAILED
