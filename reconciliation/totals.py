"""What is added up over the findings of one verdict, for a sentence among the notes of a report."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple

from reconciliation.looks import Audit
from reconciliation.rules import FactsT


class Sum(NamedTuple):
    """How many findings there are, what they amount to together, and the earliest moment of any."""

    number: int = 0
    amount: int = 0
    earliest: datetime | None = None

    def with_one(self, amount: int, at: datetime | None) -> "Sum":
        """With one more finding."""
        moments = [moment for moment in (self.earliest, at) if moment is not None]
        return Sum(self.number + 1, self.amount + amount, min(moments, default=None))


@dataclass(frozen=True, kw_only=True)
class Total(Generic[FactsT]):
    """``measure`` gives of the facts of a finding what is added up, and its moment. ``says`` puts the sum into a
    sentence; its last argument is True if everything relevant was read.
    """

    kind: str
    verdict: str
    measure: Callable[[FactsT], tuple[int, datetime | None]]
    says: Callable[[Sum, Audit, bool], str]


class Totals:
    """Adds up as findings come."""

    def __init__(self, totals: tuple[Total[Any], ...]) -> None:
        self._totals = totals
        self._sums = [Sum() for _ in totals]

    def add(self, kind: str, verdict: str, facts: Any) -> None:
        for number, total in enumerate(self._totals):
            if (total.kind, total.verdict) == (kind, verdict):
                self._sums[number] = self._sums[number].with_one(*total.measure(facts))

    @property
    def sums(self) -> tuple[Sum, ...]:
        """In the order of the totals."""
        return tuple(self._sums)
