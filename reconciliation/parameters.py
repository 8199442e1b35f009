"""What an audit was asked to do. Frozen when it starts; every later step reads the same values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from reconciliation.fields import Fields
from reconciliation.times import optional_text

NO_STATUS = "NULL"
"""How a request names the rows whose status column is empty (rows older than the column have none)."""


class Mode(StrEnum):
    """How much of storage is opened."""

    FULL = "full"  # every container
    FAST = "fast"  # only containers that can be a recording and have no row: where unregistered ones must be


@dataclass(frozen=True)
class AuditParameters:
    """One audit's question.

    ``statuses`` may hold ``NO_STATUS``; ``since`` (included) and ``until`` (excluded) bound when the hearing was;
    ``container_prefixes`` empty means the whole account; ``only`` empty means every candidate.
    """

    profile: str
    statuses: tuple[str, ...]
    grace_minutes: int
    mode: Mode = Mode.FULL
    since: datetime | None = None
    until: datetime | None = None
    container_prefixes: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ingest_address_contains: str | None = None

    @property
    def grace(self) -> timedelta:
        """How long after its last clock a session may still be on its way."""
        return timedelta(minutes=self.grace_minutes)

    def covers(self, container: str) -> bool:
        """True if the request asks for this container to be read."""
        return not self.container_prefixes or container.startswith(self.container_prefixes)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "profile": self.profile,
            "mode": self.mode.value,
            "statuses": list(self.statuses),
            "grace_minutes": self.grace_minutes,
            "since": optional_text(self.since),
            "until": optional_text(self.until),
            "container_prefixes": list(self.container_prefixes),
            "only": list(self.only),
            "ingest_address_contains": self.ingest_address_contains,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        fields = Fields.of(value)
        return cls(
            profile=fields.text("profile"),
            mode=fields.word("mode", Mode),
            statuses=fields.texts("statuses"),
            grace_minutes=fields.whole("grace_minutes"),
            since=fields.optional("since", fields.moment),
            until=fields.optional("until", fields.moment),
            container_prefixes=fields.texts("container_prefixes"),
            only=fields.texts("only"),
            ingest_address_contains=fields.optional("ingest_address_contains", fields.text),
        )
