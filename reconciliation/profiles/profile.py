"""What a profile declares about an audited system."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reconciliation.facts import Facts
from reconciliation.parameters import AuditParameters
from reconciliation.verdicts import Rule


@dataclass(frozen=True)
class Query:
    """One read-only statement: its SQL is fixed in the code, its values travel as bound parameters.

    It gives one column: a JSON text for each row, made by the database, so that rows pass through us as they are.
    """

    sql: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """An audited system, declared.

    ``database`` and ``storage`` name the app settings that connect to it; ``statuses`` are the statuses a request may
    ask for and ``default_statuses`` those it gets without asking. ``candidates`` gives the fields of ``Candidate`` as
    objects, by time of hearing; ``registered`` gives ``[recording id, session id, deleted]``, ascending by recording
    id. The rule table is ordered; its last rule always holds.
    """

    name: str
    title: str
    description: str
    database: str
    storage: str
    statuses: tuple[str, ...]
    default_statuses: tuple[str, ...]
    default_grace_minutes: int
    candidates: Callable[[AuditParameters], Query]
    registered: Query
    rules: tuple[Rule[Facts], ...]

    def verdicts(self) -> list[str]:
        """The closed list of verdicts, in the order of the table, each once."""
        return list(dict.fromkeys(rule.verdict for rule in self.rules))

    def rules_of(self, verdicts: Iterable[str]) -> list[Rule[Facts]]:
        """The first rule of each given verdict, in the order of the table."""
        wanted = set(verdicts)
        first = {rule.verdict: rule for rule in reversed(self.rules)}
        return [first[verdict] for verdict in self.verdicts() if verdict in wanted]
