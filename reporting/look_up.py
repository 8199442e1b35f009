"""The SQL statement for looking up what findings are about in the database, since a report holds ids only."""

from collections.abc import Iterable
from typing import Any

from reconciliation.finding import Finding
from reconciliation.profile import Profile
from reconciliation.rules import SEVERITY_ORDER, Severity

MOST_NAMES = 500


class NamesToLookUp:
    """The ids by which people know the subjects of findings that need a person, each once, in order."""

    def __init__(self, findings: Iterable[Finding[Any]] = ()) -> None:
        self._names: dict[Severity, dict[str, None]] = {severity: {} for severity in SEVERITY_ORDER}
        for finding in findings:
            self.add(finding)

    def add(self, finding: Finding[Any]) -> None:
        if (named := finding.named) is not None:
            self._names[finding.judgement.severity][named] = None

    def look_up(self, profile: Profile) -> dict[str, Any] | None:
        """``sql``, the number of ids in it (``cases``), and the number of all ids (``of``); the statement is for the
        most urgent ones, at most ``MOST_NAMES``.

        None if no finding has such an id. Raises ``ValueError`` if the profile rejects an id.
        """
        named = list(dict.fromkeys(name for severity in SEVERITY_ORDER for name in self._names[severity]))
        shown = named[:MOST_NAMES]
        return {"sql": profile.look_up(shown), "cases": len(shown), "of": len(named)} if shown else None
