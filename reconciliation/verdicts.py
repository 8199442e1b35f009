"""One verdict per subject, given by the first rule of an ordered table that holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

FactsT = TypeVar("FactsT")


class Severity(StrEnum):
    """How much a verdict asks of people, most urgent first."""

    HIGH = "high"  # something is hidden, doubtful or broken: a person must act
    UNKNOWN = "unknown"  # could not be checked: nothing may be concluded
    INFO = "info"  # nothing to do


SEVERITY_ORDER = tuple(Severity)


@dataclass(frozen=True)
class Rule(Generic[FactsT]):
    """One row of a rule table.

    ``holds`` decides, ``reason`` names the facts that decided, ``next_step`` says what to do about it; all three are
    pure. ``meaning`` explains the verdict to a reader of the report.
    """

    verdict: str
    severity: Severity
    meaning: str
    holds: Callable[[FactsT], bool]
    reason: Callable[[FactsT], str]
    next_step: str


@dataclass(frozen=True)
class Judgement:
    """What a rule table says of one subject."""

    verdict: str
    severity: Severity
    reason: str
    next_step: str


def judge(rules: Sequence[Rule[FactsT]], facts: FactsT) -> Judgement:
    """Apply the first rule that holds.

    Raises ``AssertionError`` if none does: a table must end in a rule that always holds, so that no subject is without
    a verdict.
    """
    for rule in rules:
        if rule.holds(facts):
            return Judgement(rule.verdict, rule.severity, rule.reason(facts), rule.next_step)
    raise AssertionError("no rule holds: the table's last rule must always hold")
