"""The result of reading a run of sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from reconciliation.fields import Fields
from reconciliation.times import to_text

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Pulled:
    """``as_of`` is when reading began. ``rows`` counts the rows of each source; ``unread`` says why a source could not
    be read to its end. ``ahead`` is how far the clock of storage or database is ahead of the app's (0 within the
    tolerance). ``earliest`` is the earliest moment of each dated source that has one.
    """

    as_of: datetime
    rows: Mapping[str, int]
    unread: Mapping[str, str] = field(default_factory=dict)
    ahead: timedelta = timedelta()
    earliest: Mapping[str, datetime] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "as_of": to_text(self.as_of),
            "rows": dict(self.rows),
            "unread": dict(self.unread),
            "ahead_seconds": round(self.ahead.total_seconds()),
            "earliest": {name: to_text(moment) for name, moment in self.earliest.items()},
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        rows, unread = fields.inner("rows"), fields.inner("unread")
        earliest = fields.optional("earliest", fields.inner) or Fields({})  # an earlier release wrote none
        return cls(
            fields.moment("as_of"),
            {name: rows.whole(name) for name in rows.members},
            {name: unread.text(name) for name in unread.members},
            timedelta(seconds=fields.difference("ahead_seconds")),
            {name: earliest.moment(name) for name in earliest.members},
        )
