"""The moment that an audit speaks about, and the waiting times that keep it from crying wolf."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """``as_of`` is the audit's moment; ``grace`` is how long a record, and ``settle`` how long what is in storage may
    still be on its way.

    ``now`` is when things are judged: minutes after ``as_of`` or, when an audit is resumed, days. What lies further
    ahead of it than clocks may differ (``tolerance``) is in the future and no reason to wait. ``storage_ahead`` is how
    far storage's clock is ahead of the app's, ``database_ahead`` how far the database's is; zero as long as they agree
    well enough.
    """

    as_of: datetime
    grace: timedelta
    settle: timedelta
    now: datetime
    tolerance: timedelta
    storage_ahead: timedelta = timedelta()
    database_ahead: timedelta = timedelta()

    @property
    def latest(self) -> datetime:
        """The last moment that a row can tell of."""
        return self.now + self.tolerance

    def is_recent(self, moment: datetime | None, span: timedelta) -> bool:
        """True when ``moment`` is known and lies less than ``span`` before the audit's moment, or, if it came since, as
        close to now; nothing is closer than clocks may differ.
        """
        if moment is None or moment > self.latest:
            return False
        return self.age(moment) < (span if moment <= self.as_of else max(span, self.tolerance))

    def age(self, moment: datetime) -> timedelta:
        """How long before the audit's moment it was; of what came since, how long ago. Never negative."""
        return max((self.as_of if moment <= self.as_of else self.now) - moment, timedelta())

    def has_settled(self, newest: datetime | None) -> bool:
        """True when nothing of that age in storage changed a moment ago; ``newest`` is by storage's clock."""
        return newest is None or not self.is_recent(newest - self.storage_ahead, self.settle)

    def came_before(self, oldest: datetime, span: timedelta = timedelta()) -> bool:
        """True when something of that age in storage came more than ``span`` before the audit's moment."""
        # Storage tells whole seconds: what came in the same second may have come after.
        return self.as_of.replace(microsecond=0) + self.storage_ahead - oldest > span
