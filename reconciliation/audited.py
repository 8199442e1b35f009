"""What an audit is of, so that the report of one environment cannot be taken for that of another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Audited:
    """The storage and the databases of one environment, as reports name them; none of it holds a user or a secret.

    ``named`` is what people call it (the setting AUDIT_ENVIRONMENT). ``optional`` are the places that are only looked
    into where they are given: an audit is of the same with them and without.
    """

    places: Mapping[str, Any] = field(default_factory=dict)
    named: str | None = None
    optional: frozenset[str] = frozenset()

    @property
    def environment(self) -> str:
        """What it is called: its name, or that of the first place that has one."""
        return self.named or next((place for place in self.places.values() if isinstance(place, str)), "unnamed")

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {"environment": self.environment, **self.places}
