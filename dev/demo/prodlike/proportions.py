"""How much of what there is at full size (DOMAIN.md 1.3; the shares are assumptions, the totals are not)."""

from dataclasses import dataclass

SESSIONS = 25_000
BOOKINGS = 22_000
CASES = 9_500
CONTAINERS = 20_000

CLOSED_SHARE = 0.05
PENDING_CLOSURE_SHARE = 0.01
DELETED_SHARE = 0.01  # of the recordings of PRE
REENCODE_SHARE = 0.7  # of the edits
STOPPED_SHARE = 0.1  # of the unused sessions, since stops write rows: started, and nothing came
OPEN_STATUSES = ("INITIALISING", "STANDBY", "RECORDING", "STANDBY", "PROCESSING")  # of today's sessions, in turn


@dataclass(frozen=True)
class Mass:
    """How many of each healthy thing to make."""

    takes: int
    imports: int
    imports_to_come: int
    edits: int
    unused: int
    open_today: int
    empty: int
    inputs: int


def mass(sessions: int, containers: int, scale: float) -> Mass:
    """The healthy mass beside that many planted sessions and containers, to the totals at a scale of 1.

    Raises ``ValueError`` if the scale is not between 0 and 1.
    """
    if not 0 <= scale <= 1:
        raise ValueError(f"scale is {scale}; allowed: 0 to 1")

    def scaled(count: int) -> int:
        return round(count * scale)

    takes, imports, to_come, edits, empty = (scaled(count) for count in (14_300, 2_200, 300, 2_530, 300))
    open_today = min(40, scaled(40) + 5) if scale else 0
    left = scaled(SESSIONS - sessions) - takes - imports - to_come - open_today
    inputs = scaled(CONTAINERS - containers) - takes - imports - edits - empty - open_today // len(OPEN_STATUSES)
    return Mass(takes, imports, to_come, edits, max(left, 0), open_today, empty, max(inputs, 0))
