"""The next steps, most urgent first."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from reconciliation.profile import Profile
from reconciliation.times import from_text
from reconciliation.wording import plural
from reporting.model import Head
from reporting.reading import SEVERITIES, Findings, Remedy, is_ahead, remedy, runbooks

_MOST_STEPS = 5
_NEVER = "~"  # sorts after the text of every moment


class Gap(NamedTuple):
    """Something that was not read: in short, and what to do about it."""

    lead: str
    rest: str


class Step(NamedTuple):
    """What to do about the findings of one verdict and severity. ``first`` is the day of the first ``event``;
    ``repair`` is how they can be repaired, if they can.
    """

    severity: str
    verdict: str
    times: str
    next_step: str
    runbook: str | None
    due: str | None
    event: str
    first: str | None
    repair: Remedy | None


class FirstSteps(NamedTuple):
    """Gaps come before everything else; ``more`` is the number of steps that are left out."""

    gaps: list[Gap]
    steps: list[Step]
    more: int


def first_steps(report: Head, findings: Findings, profile: Profile) -> FirstSteps:
    """At most ``_MOST_STEPS`` gaps and steps; none if nothing needs a person."""
    gaps = list(_gaps(report["coverage"], profile.wording.unit))
    steps = list(_steps(report, findings, profile))
    more = max(len(gaps) + len(steps) - _MOST_STEPS, 0)
    gaps = gaps[:_MOST_STEPS]
    return FirstSteps(gaps, steps[: _MOST_STEPS - len(gaps)], more)


def _gaps(coverage: dict[str, Any], unit: str) -> Iterator[Gap]:
    if coverage["complete"]:
        return
    for gap in coverage["gaps"]:
        yield Gap(f"{gap['what'][:1].upper()}{gap['what'][1:]}.", gap["next_step"])
    failed = coverage["failed_units"]
    if failed:
        yield Gap(
            f"{plural(len(failed), unit)} could not be read.",
            "Fix the cause, then start a new audit: until then nothing may be called absent. The first error: "
            f"{failed[0]['error']}",
        )
    elif not coverage["gaps"]:
        yield Gap(
            "A part of the account was left out on request.",
            "Start an audit of the whole account before anything is called absent.",
        )


def _steps(report: Head, findings: Findings, profile: Profile) -> Iterator[Step]:
    """One for each severity and verdict: those with a due date in the future first, then those with most findings."""
    addresses, showing = runbooks(report), profile.showing
    for severity in SEVERITIES:
        given = findings[severity]
        cut = "at least " if report["counts"]["by_severity"][severity] > len(given) else ""
        groups: dict[str, list[dict[str, Any]]] = {}
        for finding in given:
            groups.setdefault(finding["verdict"], []).append(finding)
        soonest = {verdict: _soonest(report, group) for verdict, group in groups.items()}
        for verdict, group in sorted(groups.items(), key=lambda item: (soonest[item[0]] or _NEVER, -len(item[1]))):
            dates = [date for finding in group if (date := showing.dated(finding))]
            yield Step(
                severity=severity,
                verdict=verdict,
                times=f"{cut}{plural(len(group), 'time')}",
                next_step=group[0]["next_step"],
                runbook=addresses[verdict],
                due=soonest[verdict],
                event=showing.event,
                first=min(dates)[:10] if dates else None,
                repair=remedy(report, verdict, profile),
            )


def _soonest(report: Head, group: Sequence[dict[str, Any]]) -> str | None:
    """The earliest due date in the future."""
    ahead = (one["due"] for one in group if one["due"] and is_ahead(one["due"], report))
    return min(ahead, key=from_text, default=None)
