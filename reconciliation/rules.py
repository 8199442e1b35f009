"""One verdict per subject, given by the first rule of an ordered table that holds."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

FactsT = TypeVar("FactsT")


class Severity(StrEnum):
    """How much a verdict asks of people, most urgent first. unknown: could not be checked. info: nothing to do."""

    HIGH = "high"  # somebody must act
    MEDIUM = "medium"  # a person must decide
    LOW = "low"  # worth a look when there is time
    UNKNOWN = "unknown"  # could not be checked: nothing may be concluded
    INFO = "info"  # nothing to do


SEVERITY_ORDER = tuple(Severity)


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[FactsT]):
    """One row of a rule table.

    ``holds`` decides, ``why`` names the facts that decided (``means`` is used if it gives nothing), ``next_step`` says
    what to do about it; all are pure. ``means`` explains the verdict to a reader of the report. ``severity`` is the
    default; ``urgency`` gives it where it depends on the facts. ``counted``: such subjects are healthy and many, so
    they are only counted. ``alarm``: the profile looks for this above all, and the headline begins with it. ``due``
    gives the moment after which the next step may be too late, or None. ``modes`` are those in which the verdict can be
    given; None: in every one. ``needs`` are sources (or ``"units"``) that must have been read to their end for this
    verdict: if one was not, for the subject or at all, the kind's ``unverified`` verdict is given instead. ``repair``
    names the repair that mends such subjects, if there is one.
    """

    verdict: str
    severity: Severity
    means: str
    holds: Callable[[FactsT], bool]
    next_step: str
    why: Callable[[FactsT], str] = lambda _facts: ""
    urgency: Callable[[FactsT], Severity] | None = None
    counted: bool = False
    alarm: bool = False
    due: Callable[[FactsT], datetime | None] = lambda _facts: None
    modes: tuple[str, ...] | None = None
    needs: tuple[str, ...] = ()
    repair: str | None = None


def counted(verdict: str, means: str, holds: Callable[[FactsT], bool]) -> Rule[FactsT]:
    """A rule for subjects that are in order; a report only gives their number."""
    return Rule(
        verdict=verdict,
        severity=Severity.INFO,
        means=means,
        holds=holds,
        next_step="",
        counted=True,
    )


def unverified(holds: Callable[[FactsT], bool] = lambda _facts: False) -> Rule[FactsT]:
    """A rule for subjects about which too little could be read, for ``Kind.unverified`` and for a table."""
    return Rule(
        verdict="unverified",
        severity=Severity.UNKNOWN,
        means="What its verdict depends on could not be read.",
        holds=holds,
        next_step="See what could not be read; repair that, then replay the dead letters or audit again.",
    )


class Judgement(NamedTuple, Generic[FactsT]):
    """The verdict of a rule table on one subject."""

    rule: Rule[FactsT]
    severity: Severity

    @property
    def verdict(self) -> str:
        return self.rule.verdict


def judge(rules: Sequence[Rule[FactsT]], facts: FactsT) -> Judgement[FactsT]:
    """Apply the first rule that holds.

    Raises ``AssertionError`` if none does: a table must end in a rule that always holds, so that every subject gets a
    verdict.
    """
    for rule in rules:
        if rule.holds(facts):
            return Judgement(rule, rule.urgency(facts) if rule.urgency else rule.severity)
    raise AssertionError("no rule holds: the table's last rule must always hold")


def _nothing(_facts: Any) -> None:
    return None


@dataclass(frozen=True)
class Kind(Generic[FactsT]):
    """A sort of thing that is judged: its ``name`` in documents, and the ``noun`` for one of them in texts.

    The table ``rules`` is ordered, and its last rule always holds. A finding shows the members of the facts that
    ``fields`` name, or what ``shown`` gives: JSON with the relevant facts and the evidence. ``named`` gives the id by
    which people know a subject, if the profile can look that up. ``keeps_ids``: a report also holds the ids of the
    subjects that are only counted. ``unverified`` is the rule for what cannot be judged (see ``Rule.needs``); it need
    not be in the table. ``shape`` describes what is shown, for the published schema: a ``TypedDict`` in the terms of
    ``shapes``; ``ids`` is the pattern that the whole id of one matches, if any.
    """

    name: str
    noun: str
    rules: tuple[Rule[FactsT], ...]
    shown: Callable[[FactsT], dict[str, Any]] | None = None
    named: Callable[[FactsT], str | None] = _nothing
    keeps_ids: bool = False
    unverified: Rule[FactsT] | None = None
    fields: tuple[str, ...] = ()
    shape: type | None = None
    ids: str | None = None

    def members(self, facts: FactsT) -> dict[str, Any]:
        """What a finding shows of the facts."""
        return self.shown(facts) if self.shown else {name: getattr(facts, name) for name in self.fields}

    def judged(self, facts: FactsT, lost: Set[str] = frozenset()) -> Judgement[FactsT]:
        """As ``judge``, with its own table; ``lost`` is what could not be read to its end."""
        judgement = judge(self.rules, facts)
        if lost.isdisjoint(judgement.rule.needs):
            return judgement
        assert self.unverified is not None, f"{judgement.verdict} needs something, and {self.name} has no unverified"
        return Judgement(self.unverified, self.unverified.severity)

    def verdicts(self) -> list[Rule[FactsT]]:
        """Each verdict once, as the first rule that gives it, in the order of the table."""
        table = (*self.rules, *([self.unverified] if self.unverified else []))
        first: dict[str, Rule[FactsT]] = {}
        for rule in table:
            first.setdefault(rule.verdict, rule)
        return list(first.values())
