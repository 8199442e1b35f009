"""Whose findings are these? The report holds ids only; a statement tells whoever may read the database the rest."""

from collections.abc import Iterable
from typing import Any

from reconciliation.finding import Finding
from reconciliation.profile import Profile
from reconciliation.rules import SEVERITY_ORDER, Severity

MOST_NAMES = 500


class NamesAsked:
    """What people know the subjects by of findings that ask something of a person, each once, as they come."""

    def __init__(self, findings: Iterable[Finding[Any]] = ()) -> None:
        self._names: dict[Severity, dict[str, None]] = {severity: {} for severity in SEVERITY_ORDER}
        for finding in findings:
            self.add(finding)

    def add(self, finding: Finding[Any]) -> None:
        """Take in one finding."""
        if (named := finding.named) is not None:
            self._names[finding.judgement.severity][named] = None

    def look_up(self, profile: Profile) -> dict[str, Any] | None:
        """``sql``, of how many it asks (``cases``, whatever they are), and ``of`` how many there are: it asks of the
        most urgent ones, ``MOST_NAMES`` at most.

        None if no finding has such a name. Raises ``ValueError`` if an id is not what the profile takes for one.
        """
        named = list(dict.fromkeys(name for severity in SEVERITY_ORDER for name in self._names[severity]))
        asked = named[:MOST_NAMES]
        return {"sql": profile.look_up(asked), "cases": len(asked), "of": len(named)} if asked else None
