"""One verdict per subject, given by the first rule of an ordered table that holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

FactsT = TypeVar("FactsT")


class Severity(StrEnum):
    """How much a verdict asks of people, most urgent first."""

    HIGH = "high"  # a recording is hidden, lost or unplayable: act
    MEDIUM = "medium"  # a person must decide
    LOW = "low"  # worth a look when there is time
    UNKNOWN = "unknown"  # could not be checked: nothing may be concluded
    INFO = "info"  # nothing to do


SEVERITY_ORDER = tuple(Severity)


class Kind(StrEnum):
    """What a verdict speaks about."""

    SESSION = "capture_session"
    RECORDING = "recording"
    CONTAINER = "container"


@dataclass(frozen=True)
class Rule(Generic[FactsT]):
    """One row of a rule table.

    ``holds`` decides, ``reason`` names the facts that decided, ``next_step`` says what to do about it; all three are
    pure. ``meaning`` explains the verdict to a reader of the report. ``severity`` is the usual one; ``urgency`` tells
    it where the facts move it. ``counted``: such subjects are healthy and many, so they are counted and not listed.
    ``hidden``: a complete recording is in storage and nobody can see it. ``due`` tells by when the next step must be
    taken, where a moment is known after which it may be too late.
    """

    verdict: str
    severity: Severity
    meaning: str
    holds: Callable[[FactsT], bool]
    reason: Callable[[FactsT], str]
    next_step: str
    urgency: Callable[[FactsT], Severity] | None = None
    counted: bool = False
    hidden: bool = False
    due: Callable[[FactsT], datetime | None] = lambda _facts: None


def counted(verdict: str, meaning: str, holds: Callable[[FactsT], bool]) -> Rule[FactsT]:
    """A rule for subjects that are in order, of which a report gives the number."""
    return Rule(verdict, Severity.INFO, meaning, holds, lambda _facts: "", "", counted=True)


class Judgement(NamedTuple, Generic[FactsT]):
    """What a rule table says of one subject."""

    rule: Rule[FactsT]
    severity: Severity

    @property
    def verdict(self) -> str:
        """The name of the verdict."""
        return self.rule.verdict


def judge(rules: Sequence[Rule[FactsT]], facts: FactsT) -> Judgement[FactsT]:
    """Apply the first rule that holds.

    Raises ``AssertionError`` if none does: a table must end in a rule that always holds, so that no subject is without
    a verdict.
    """
    for rule in rules:
        if rule.holds(facts):
            return Judgement(rule, rule.urgency(facts) if rule.urgency else rule.severity)
    raise AssertionError("no rule holds: the table's last rule must always hold")
