"""The verdicts on everything that was in doubt, and their sums."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from reconciliation.coverage import Gap
from reconciliation.finding import Finding
from reconciliation.looks import Audit, Doubt, Group
from reconciliation.profile import Profile
from reconciliation.screened import FirstLook
from reconciliation.since_last import Change, Known, Previous, change_of, compare
from reconciliation.tally import Result, Tally
from reconciliation.totals import Totals


class Takes(Protocol):
    """Takes what was judged, as it comes."""

    def add(self, finding: Finding[Any], change: Change | None, /) -> None:
        """A finding, with its change since the previous audit."""
        ...

    def count(self, kind: str, verdict: str, subjects: Iterable[str], /) -> None:
        """The ids of subjects of a kind that turned out to be in order."""
        ...


def with_gaps(audit: Audit, gaps: Iterable[Gap]) -> Audit:
    """The audit with these gaps added to its coverage."""
    return replace(audit, coverage=replace(audit.coverage, gaps=[*audit.coverage.gaps, *gaps]))


def names_more(profile: Profile, doubts: Iterable[Doubt], audit: Audit) -> bool:
    """True if the second evidence names keys of later joins that the first did not."""
    return len(profile.joins) > 1 and any(_new_links(profile, doubt, audit) for doubt in doubts)


def link_again(look: FirstLook, doubts: Iterable[Doubt]) -> None:
    """Add the links to ``look`` that only the second evidence has."""
    for doubt in doubts:
        look.link(doubt.again, sorted(_new_links(look.profile, doubt, look.audit)))


def _new_links(profile: Profile, doubt: Doubt, audit: Audit) -> set[tuple[str, str]]:
    first, again = doubt.first, doubt.again
    is_the_same = (first.evidence, first.rows) == (again.evidence, again.rows)
    if is_the_same or not profile.is_of_scan(doubt.join):
        return set()
    return _links(profile, doubt.join, again, audit) - _links(profile, doubt.join, first, audit)


def _links(profile: Profile, join: str, group: Group, audit: Audit) -> set[tuple[str, str]]:
    return set(profile.screen(join, group, audit).links)


def summed(tallies: Iterable[Mapping[str, Mapping[str, int]]]) -> Tally:
    """The verdicts of several joins, added up."""
    tally = Tally()
    for of_join in tallies:
        for kind, counts in of_join.items():
            tally.verdicts[kind].update(counts)
    return tally


def judge_doubts(
    profile: Profile,
    audit: Audit,
    doubts: Iterable[Doubt],
    in_order: Tally,
    previous: Previous | None,
    *,
    takes: Takes,
    complete: bool,
) -> Result:
    """Judge what is in doubt, in the order of the profile; nothing but sums, and the names of what a later audit knows,
    is kept of it here. ``in_order`` counts the rest; the verdicts given here are added to it in place. ``complete`` is
    False if anything could not be read again.
    """
    asking, late, totals = list[Known](), list[Gap](), Totals(profile.totals)
    for subject in profile.conclude(doubts, audit):
        if isinstance(subject, Gap):
            late.append(subject)
            continue
        judgement = subject.kind.judged(subject.facts, audit.all_lost | subject.lost)
        in_order.count(subject.kind, judgement)
        complete = complete and not subject.doubtful
        if not judgement.rule.counted:
            finding = Finding(subject.kind, subject.id, subject.facts, judgement)
            totals.add(subject.kind.name, judgement.verdict, subject.facts)
            known = finding.known
            if known is not None and previous is not None:
                asking.append(known)
            takes.add(finding, None if known is None else change_of(previous, known, profile.shows))
        else:
            takes.count(subject.kind.name, judgement.verdict, [subject.id])
    coverage = with_gaps(audit, late).coverage
    since = compare(previous, asking, profile.shows, mode=audit.asked.mode, complete=coverage.is_complete and complete)
    return Result(coverage, in_order, audit.asked.mode, since, complete, totals.sums)
