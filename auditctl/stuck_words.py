"""The words and tables of ``find`` and ``retry``."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from auditctl.retrying import Result, Tried, number_of, skipped_by_reason
from auditctl.stuck_report import StuckReport, Subject

_LONGEST_NAME: Final = 40
_MINUTES_OF_HOUR, _MINUTES_OF_DAY = 60, 1440
_RULE: Final = "=" * 60


def age(minutes: int | None) -> str:
    """How long ago: 45m ago, 3h ago, 5d ago; empty if that is not known."""
    if minutes is None:
        return ""
    if minutes < _MINUTES_OF_HOUR:
        return f"{minutes}m ago"
    if minutes < _MINUTES_OF_DAY:
        return f"{minutes // _MINUTES_OF_HOUR}h ago"
    return f"{minutes // _MINUTES_OF_DAY}d ago"


def searching(noun: str, age_minutes: int | None) -> str:
    """What is said before the audit."""
    return f"Searching for stuck {noun}s{'' if age_minutes is None else f' (age > {age_minutes} minutes)'} ...\n"


def incomplete(noun: str, report: StuckReport, see: str) -> Iterator[str]:
    """What must be known of an audit that could not read everything; nothing of one that could."""
    if not report.complete:
        yield f"INCOMPLETE: not everything could be read, so more {noun}s may be stuck than are named here."
        yield f"  {report.headline}"
        yield f"  {see}"
        yield ""


def table(subjects: Sequence[Subject]) -> Iterator[str]:
    """A table of subjects: id, name, status, age and tenant."""
    rows = [(one.id, _short(one.name), one.status or "", age(one.age_minutes), one.tenant_id) for one in subjects]
    widths = [max(least, *(len(row[column]) + 2 for row in rows)) for column, least in enumerate((38, 21, 13, 16, 0))]
    head = ("ID", "Name", "Status", "Age", "Tenant ID")
    for cells in (head, None, *rows):
        if cells is None:
            yield "-" * sum(widths)
        else:
            yield "".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def others(subjects: Sequence[Subject], noun: str) -> Iterator[str]:
    """What else is stuck: each verdict with its next step, and whose it is."""
    by_step: dict[tuple[str, str], list[Subject]] = defaultdict(list)
    for one in subjects:
        by_step[one.verdict, one.next_step].append(one)
    yield f"{len(subjects)} other {noun}(s) are stuck and need another step than a run:"
    for (verdict, next_step), stuck in by_step.items():
        yield f"  {verdict}: {next_step}"
        for one in stuck:
            yield f"    {one.id}  {_short(one.name)}".rstrip()


def outcomes(tried: Sequence[Tried]) -> Iterator[str]:
    """What became, or would become, of each subject."""
    for one in tried:
        name = f"{one.subject.name} " if one.subject.name else ""
        yield f"Retrying: {name}(ID: {one.subject.id})"
        yield f"  {_outcome(one)}"
        if one.note:
            yield f"    {one.note}"
        yield ""


def _outcome(one: Tried) -> str:
    if one.result is Result.TRIGGERED:
        return f"triggered run {one.detail}" if one.detail else "triggered a run"
    return "would start a run" if one.result is Result.PLANNED else f"{one.result}: {one.detail}"


def summary(tried: Sequence[Tried], *, dry_run: bool) -> Iterator[str]:
    """How many were found, and what became of them."""
    done = Result.PLANNED if dry_run else Result.TRIGGERED
    yield from (_RULE, "RETRY SUMMARY" + " (dry run)" * dry_run, _RULE)
    yield f"{'Total found:':<15}{len(tried)}"
    yield f"{'Would trigger:' if dry_run else 'Triggered:':<15}{number_of(tried, done)}"
    yield f"{'Skipped:':<15}{number_of(tried, Result.SKIPPED)}"
    for reason, count in skipped_by_reason(tried).items():
        yield f"  {reason}: {count}"
    yield f"{'Failed:':<15}{number_of(tried, Result.FAILED)}"
