"""Running counts of the verdicts that were given, and what they add up to."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from reconciliation.coverage import Coverage
from reconciliation.outcome import Outcome, outcome_of
from reconciliation.rules import Judgement, Kind, Severity
from reconciliation.since_last import SinceLast
from reconciliation.totals import Sum

_NEEDING_A_PERSON = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)


@dataclass
class Tally:
    """How often each verdict was given, by the name of its kind.

    Of the findings: ``severities``, how many are alarms, how many others need a person, by kind, and how often each
    verdict was given with each severity (``graded``).
    """

    verdicts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    severities: Counter[Severity] = field(default_factory=Counter)
    alarms: int = 0
    needing_a_person: Counter[str] = field(default_factory=Counter)
    graded: Counter[tuple[str, str, Severity]] = field(default_factory=Counter)

    def count(self, kind: Kind[Any], judgement: Judgement[Any]) -> None:
        self.verdicts[kind.name][judgement.verdict] += 1
        if not judgement.rule.counted:
            self.severities[judgement.severity] += 1
            self.graded[kind.name, judgement.verdict, judgement.severity] += 1
            self.alarms += judgement.rule.alarm
            if judgement.severity in _NEEDING_A_PERSON and not judgement.rule.alarm:
                self.needing_a_person[kind.name] += 1

    def judged(self, kind: Kind[Any]) -> int:
        """How many subjects of a kind have a verdict."""
        return self.verdicts[kind.name].total()

    @property
    def findings(self) -> int:
        """How many subjects a report shows one by one."""
        return self.severities.total()

    @property
    def asking(self) -> int:
        """How many findings need a person."""
        return self.findings - self.severities[Severity.INFO]


@dataclass(frozen=True)
class Result:
    """The sums of an audit, for the head of its report.

    ``looked_twice`` is False when something in doubt could not be read again, or was different without reason.
    ``totals`` are the sums of ``Profile.totals``, in their order.
    """

    coverage: Coverage
    tally: Tally
    mode: str
    since_last: SinceLast
    looked_twice: bool = True
    totals: tuple[Sum, ...] = ()

    @property
    def is_complete(self) -> bool:
        """True when everything relevant was read, twice where it was in doubt."""
        return self.coverage.is_complete and self.looked_twice

    @property
    def outcome(self) -> Outcome:
        return outcome_of(coverage_complete=self.is_complete, findings=self.tally.asking)
