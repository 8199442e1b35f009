"""What an audit is of, so that the report of one environment cannot be taken for that of another."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Audited:
    """The storage and the database of one environment.

    ``named`` is what people call it (the setting AUDIT_ENVIRONMENT). ``database_host`` and ``database_name`` are None
    where the database's URL leaves them out. Holds no user and no secret.
    """

    storage_account: str
    ingest_account: str | None = None
    database_host: str | None = None
    database_name: str | None = None
    named: str | None = None

    @property
    def environment(self) -> str:
        """What it is called: its name, or that of its storage account where it has none."""
        return self.named or self.storage_account

    def is_in(self, summary: dict[str, Any] | None) -> bool:
        """True if the audit of that summary was of the same storage and database, whatever they were called then."""
        here, told = self.to_json(), summary or {}
        return all(told.get(name) == here[name] for name in ("storage_account", "database"))

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "environment": self.environment,
            "storage_account": self.storage_account,
            "ingest_account": self.ingest_account,
            "database": {"host": self.database_host, "name": self.database_name},
        }
