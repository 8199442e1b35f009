"""The moment that an audit is about, and the waiting times that prevent false alarms."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """``as_of`` is the audit's moment; ``grace`` is how long a record may still be on its way, ``settle`` how long
    blobs may still be changing.

    ``now`` is when verdicts are given: minutes after ``as_of`` or, when an audit is resumed, days. A moment that is
    later than ``now`` by more than ``tolerance`` (how far clocks may differ) is in the future and no reason to wait.
    ``storage_ahead``, ``database_ahead`` and ``api_ahead`` are how far their clocks are ahead of the app's; zero within
    the tolerance.
    """

    as_of: datetime
    grace: timedelta
    settle: timedelta
    now: datetime
    tolerance: timedelta
    storage_ahead: timedelta = timedelta()
    database_ahead: timedelta = timedelta()
    api_ahead: timedelta = timedelta()

    @property
    def latest(self) -> datetime:
        """The latest moment that counts as past."""
        return self.now + self.tolerance

    def is_recent(self, moment: datetime | None, span: timedelta) -> bool:
        """True when ``moment`` is less than ``span`` before the audit's moment or, if it is later than that, less than
        ``span`` (at least the tolerance) before now. False for None and for the future.
        """
        if moment is None or moment > self.latest:
            return False
        return self.age(moment) < (span if moment <= self.as_of else max(span, self.tolerance))

    def age(self, moment: datetime) -> timedelta:
        """How long before the audit's moment it was or, if it is later than that, before now. Never negative."""
        return max((self.as_of if moment <= self.as_of else self.now) - moment, timedelta())

    def has_settled(self, newest: datetime | None) -> bool:
        """True unless ``newest``, a last change by storage's clock, is within ``settle``; also True for None."""
        return newest is None or not self.is_recent(newest - self.storage_ahead, self.settle)

    def came_before(self, oldest: datetime, span: timedelta = timedelta()) -> bool:
        """True when ``oldest``, by storage's clock, is more than ``span`` before the audit's moment."""
        # Storage gives whole seconds: a change in the same second may be later than the audit's moment.
        return self.as_of.replace(microsecond=0) + self.storage_ahead - oldest > span
