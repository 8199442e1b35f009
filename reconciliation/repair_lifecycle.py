"""The states of a repair and the moves between them, in one table."""

from enum import StrEnum


class RepairState(StrEnum):
    """Where a repair is. ``interrupted`` and ``stopping`` are derived, never written: whether somebody works on it, and
    whether somebody asked it to stop.
    """

    PROPOSING = "proposing"
    PROPOSED = "proposed"
    APPROVED = "approved"
    DEFERRED = "deferred"
    APPLYING = "applying"
    INTERRUPTED = "interrupted"
    STOPPING = "stopping"
    STOPPED = "stopped"
    APPLIED = "applied"
    PARTLY_APPLIED = "partly_applied"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNDONE = "undone"

    @property
    def has_ended(self) -> bool:
        """True when nothing more will be changed by it."""
        return self in ENDED

    @property
    def may_change(self) -> bool:
        """True while it holds the place of its profile's only active repair."""
        return self in ACTIVE


_S = RepairState
ACTIVE = frozenset({_S.APPROVED, _S.DEFERRED, _S.APPLYING, _S.INTERRUPTED, _S.STOPPING})
ENDED = frozenset({_S.STOPPED, _S.APPLIED, _S.PARTLY_APPLIED, _S.FAILED, _S.REJECTED, _S.EXPIRED, _S.UNDONE})

# What the record may say next. An ending stays, but for one: a repair of which everything was taken back is undone.
# A plan that nobody approved cannot be partly applied; one that was approved cannot be rejected any more.
_OUTCOMES = frozenset({_S.STOPPED, _S.APPLIED, _S.PARTLY_APPLIED, _S.FAILED, _S.EXPIRED})
ALLOWED_FROM: dict[RepairState, frozenset[RepairState]] = {
    _S.PROPOSING: frozenset({_S.PROPOSED, _S.FAILED}),
    _S.PROPOSED: frozenset({_S.APPROVED, _S.REJECTED, _S.EXPIRED}),
    _S.APPROVED: frozenset({_S.APPROVED, _S.APPLYING, _S.DEFERRED}) | _OUTCOMES,
    _S.APPLYING: frozenset({_S.APPLYING, _S.DEFERRED}) | _OUTCOMES,
    _S.DEFERRED: frozenset({_S.APPLYING, _S.DEFERRED}) | _OUTCOMES,
    _S.STOPPED: frozenset({_S.UNDONE}),
    _S.APPLIED: frozenset({_S.UNDONE}),
    _S.PARTLY_APPLIED: frozenset({_S.UNDONE}),
    _S.EXPIRED: frozenset({_S.UNDONE}),
    _S.FAILED: frozenset({_S.UNDONE}),
}


def may_become(now: RepairState, then: RepairState) -> bool:
    """True if a repair in state ``now`` may be changed to ``then``."""
    return then in ALLOWED_FROM.get(now, frozenset())
