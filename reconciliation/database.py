"""The state of a database server when its rows were read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from reconciliation.times import from_text, optional_from_text


@dataclass(frozen=True)
class DatabaseState:
    """The server's clock, whether it is a replica, and how far the replica has replayed its primary.

    ``replayed_until`` is the time of the last commit that a replica has replayed; None on a primary, on a replica that
    has replayed none since it started, and for a time that no ``datetime`` can hold. If the primary is idle it is old
    although nothing is missing.
    """

    clock: datetime
    is_replica: bool
    replayed_until: datetime | None

    @classmethod
    def from_json(cls, values: list[Any]) -> Self:
        """From the three values in order, times as ISO 8601. Raises ``ValueError`` for a clock that is no time."""
        clock, is_replica, replayed_until = values
        return cls(from_text(clock), is_replica, _moment(replayed_until))


def _moment(text: str | None) -> datetime | None:
    try:
        return optional_from_text(text)
    except ValueError:  # infinity, or a year that has five digits
        return None
