"""Whose findings are these? The report holds ids only; a statement tells whoever may read the database the rest."""

from collections.abc import Iterable
from typing import Any

from reconciliation.finding import Finding
from reconciliation.profile import Profile
from reconciliation.rules import SEVERITY_ORDER, Severity

MOST_CASES = 500


class CasesNamed:
    """The cases of the findings that ask something of a person, each once, as they come."""

    def __init__(self, findings: Iterable[Finding[Any]] = ()) -> None:
        self._cases: dict[Severity, dict[str, None]] = {severity: {} for severity in SEVERITY_ORDER}
        for finding in findings:
            self.add(finding)

    def add(self, finding: Finding[Any]) -> None:
        """Take in one finding."""
        if (named := finding.named) is not None:
            self._cases[finding.judgement.severity][named] = None

    def look_up(self, profile: Profile) -> dict[str, Any] | None:
        """``sql``, for how many ``cases`` it asks, and ``of`` how many: the most urgent ones, ``MOST_CASES`` at most.

        None if no finding is about a case. Raises ``ValueError`` if an id is not a UUID.
        """
        named = list(dict.fromkeys(case for severity in SEVERITY_ORDER for case in self._cases[severity]))
        asked = named[:MOST_CASES]
        return {"sql": profile.look_up(asked), "cases": len(asked), "of": len(named)} if asked else None
