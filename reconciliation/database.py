"""What a database server says of itself."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DatabaseState:
    """The server's own clock, and whether its rows are those of the primary.

    A replica shows the primary as it was at ``replayed_until`` (None: it does not say).
    """

    clock: datetime
    is_replica: bool
    replayed_until: datetime | None = None
