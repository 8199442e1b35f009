"""The parameters of an audit. Frozen when it starts; every later step reads the same values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from reconciliation.fields import Fields
from reconciliation.times import optional_text


@dataclass(frozen=True)
class AuditParameters:
    """The question that one audit answers.

    ``mode`` is one of the profile's: how much is opened. ``since`` (included) and ``until`` (excluded) bound the time
    that the audit is about, and ``only`` the subjects; empty means all. ``options`` are those of the profile, by name.
    """

    profile: str
    mode: str
    grace_minutes: int
    since: datetime | None = None
    until: datetime | None = None
    only: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def grace(self) -> timedelta:
        """How long after its last activity a subject may still be on its way."""
        return timedelta(minutes=self.grace_minutes)

    def to_json(self) -> dict[str, Any]:
        """A JSON object, with the options as members of it; ``from_json`` gives back an equal value."""
        return {
            "profile": self.profile,
            "mode": self.mode,
            "grace_minutes": self.grace_minutes,
            "since": optional_text(self.since),
            "until": optional_text(self.until),
            "only": list(self.only),
            **{name: list(value) if isinstance(value, tuple) else value for name, value in self.options.items()},
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        fields = Fields.of(value)
        return cls(
            profile=fields.text("profile"),
            mode=fields.text("mode"),
            grace_minutes=fields.whole("grace_minutes"),
            since=fields.optional("since", fields.moment),
            until=fields.optional("until", fields.moment),
            only=fields.texts("only"),
            options={name: _option(fields, name) for name in fields.members if name not in NAMES},
        )


NAMES = ("profile", "mode", "grace_minutes", "since", "until", "only")
"""The parameters of every audit; no option may have one of these names."""


def _option(fields: Fields, name: str) -> Any:
    value = fields.members[name]
    if type(value) is int:
        return fields.whole(name)
    return fields.texts(name) if isinstance(value, list) else fields.optional(name, fields.text)
