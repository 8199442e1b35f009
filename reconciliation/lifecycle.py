"""The states of an audit and the moves between them, in one table."""

from enum import StrEnum


class State(StrEnum):
    """Where an audit stands. ``running`` and ``interrupted`` are seen, never written: whether somebody works on it."""

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """True when nobody works on it any more."""
        return self in ENDED


ENDED = frozenset({State.COMPLETED, State.INCOMPLETE, State.FAILED, State.CANCELLED})

# The stored state that may follow each stored state. The first ended state to be written stays: a cancelled audit whose
# last activity still runs does not become completed behind the operator's back. Only a person or the watchdog starts an
# ended audit again: a failed one (resume), or one with dead letters (replay or discard).
ALLOWED_FROM: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.QUEUED}) | ENDED,
    State.FAILED: frozenset({State.QUEUED}),
    State.INCOMPLETE: frozenset({State.QUEUED}),
}


def may_become(now: State, then: State) -> bool:
    """True if a run record in state ``now`` may be changed to ``then``."""
    return then in ALLOWED_FROM.get(now, frozenset())


class Phase(StrEnum):
    """The steps of an audit, in order."""

    PULL = "pull"
    PLAN = "plan"
    SCAN = "scan"
    SCREEN = "screen"
    LOOK_AGAIN = "look_again"
    JUDGE = "judge"
    REPORT = "report"
    DONE = "done"
