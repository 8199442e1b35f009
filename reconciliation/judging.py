"""The verdicts on everything that was in doubt, and their sums."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciliation.coverage import Gap
from reconciliation.finding import Finding
from reconciliation.looks import Audit, Doubt, Group
from reconciliation.profile import Profile
from reconciliation.screened import FirstLook
from reconciliation.since_last import Change, Known, Previous, change_of, compare
from reconciliation.tally import Result, Tally


@dataclass(frozen=True)
class Judged:
    """``findings`` in the order of the profile, each with its change since the previous audit; ``counted`` are verdict
    and id of the subjects that turned out to be in order, of kinds that keep ids.
    """

    findings: Sequence[tuple[Finding[Any], Change | None]]
    counted: Sequence[tuple[str, str]]
    result: Result


def with_gaps(audit: Audit, gaps: Iterable[Gap]) -> Audit:
    """The audit with these gaps added to its coverage."""
    return replace(audit, coverage=replace(audit.coverage, gaps=[*audit.coverage.gaps, *gaps]))


def names_more(profile: Profile, doubts: Sequence[Doubt], audit: Audit) -> bool:
    """True if the second evidence names keys of later joins that the first did not."""
    return any(
        _links(profile, doubt, doubt.again, audit) - _links(profile, doubt, doubt.first, audit) for doubt in doubts
    )


def link_again(look: FirstLook, doubts: Sequence[Doubt]) -> None:
    """Add the links to ``look`` that only the second evidence has."""
    for doubt in doubts:
        first = _links(look.profile, doubt, doubt.first, look.audit)
        look.link(doubt.again, sorted(_links(look.profile, doubt, doubt.again, look.audit) - first))


def _links(profile: Profile, doubt: Doubt, group: Group, audit: Audit) -> set[tuple[str, str]]:
    return set(profile.screen(doubt.join, group, audit).links) if profile.is_of_scan(doubt.join) else set()


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
    doubts: Sequence[Doubt],
    in_order: Tally,
    previous: Previous | None,
    *,
    complete: bool,
) -> Judged:
    """Judge what is in doubt. ``in_order`` counts the rest; the verdicts given here are added to it in place.
    ``complete`` is False if anything could not be read again.
    """
    findings, counted, late = list[Finding[Any]](), list[tuple[str, str]](), list[Gap]()
    for subject in profile.conclude(doubts, audit):
        if isinstance(subject, Gap):
            late.append(subject)
            continue
        judgement = subject.kind.judged(subject.facts, audit.all_lost | subject.lost)
        in_order.count(subject.kind, judgement)
        complete = complete and not subject.doubtful
        if not judgement.rule.counted:
            findings.append(Finding(subject.kind, subject.id, subject.facts, judgement))
        elif subject.kind.keeps_ids:
            counted.append((judgement.verdict, subject.id))
    coverage = with_gaps(audit, late).coverage
    known = [finding.known for finding in findings]
    asking: list[Known] = [one for one in known if one is not None]
    since = compare(previous, asking, profile.shows, mode=audit.asked.mode, complete=coverage.is_complete and complete)
    changes = [None if one is None else change_of(previous, one, profile.shows) for one in known]
    result = Result(coverage, in_order, audit.asked.mode, since, complete)
    return Judged(list(zip(findings, changes, strict=True)), counted, result)
