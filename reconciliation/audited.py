"""What an audit is of, so that the report of one environment cannot be taken for that of another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Audited:
    """The storage and the databases of one environment, as reports name them; without user names and secrets.

    ``named`` is the environment's name (the setting AUDIT_ENVIRONMENT). ``optional`` are places that are read only if
    they are configured; they do not count when two audits are compared.
    """

    places: Mapping[str, Any] = field(default_factory=dict)
    named: str | None = None
    optional: frozenset[str] = frozenset()

    @property
    def environment(self) -> str:
        """Its name, or else that of the first place that has one."""
        return self.named or next((place for place in self.places.values() if isinstance(place, str)), "unnamed")

    def to_json(self) -> dict[str, Any]:
        return {"environment": self.environment, **self.places}
