"""How often worker processes may be started again."""

_WITHIN_SECONDS = 1800.0


class Restarts:
    """Says of each exit of a worker whether a new one may be started: not from the third for each process on, within
    half an hour of the first.
    """

    def __init__(self, processes: int) -> None:
        self._most = 3 * processes
        self._exits: list[float] = []

    def allowed(self, now: float) -> bool:
        """Count an exit at a moment, in seconds of any clock that only goes forward."""
        if self._exits and now - self._exits[0] > _WITHIN_SECONDS:
            self._exits.clear()
        self._exits.append(now)
        return len(self._exits) < self._most
