"""The proof that nothing was overlooked: sums that add up, and words for what is only counted."""

from collections.abc import Iterator
from typing import Any

from reconciliation.coverage import NOT_A_RECORDING, REGISTERED
from reconciliation.report.headline import plural
from reconciliation.report.markup import KINDS, by_kind, code, cut_note, items, joined, moment, safe, section
from reconciliation.report.model import Head

_MOST_CONTAINERS = 1000


def coverage_section(report: Head) -> str:
    """Every container that was listed, accounted for; then every subject that got a verdict."""
    coverage = report["coverage"]
    counts = coverage["containers"]
    lines = [
        ("Containers read", counts["scanned"], ""),
        ("+ skipped", counts["skipped"], ""),
        *((f"of these {reason}", count, "part") for reason, count in coverage["skipped_by_reason"].items()),
        ("+ could not be read", counts["failed"], ""),
        ("= containers listed", counts["listed"], "total"),
        ("Blobs seen in them", coverage["blobs"], ""),
    ]
    return section(
        "coverage",
        "Was everything looked at?",
        f"<p>{_words(report)}</p>\n{_sum(lines, 'The sum of all containers')}\n"
        f"{_failed(coverage['failed_containers'])}{_dead_letters(coverage['dead_letters'])}"
        f"<h3>Every subject has one verdict</h3>\n{items(_judged(report))}",
    )


def _sum(lines: list[tuple[str, int, str]], caption: str) -> str:
    rows = "\n".join(
        f'<tr{f" class={css}" if css else ""}><th scope="row">{safe(name)}</th><td class="number">{count:,}</td></tr>'
        for name, count, css in lines
    )
    return f'<table class="sum">\n<caption class="unseen">{caption}</caption>\n<tbody>\n{rows}\n</tbody>\n</table>'


def _words(report: Head) -> str:
    coverage = report["coverage"]
    if coverage["complete"] and not report["complete"]:
        return (
            "<b>Not twice.</b> Every container was read, but something that was in doubt could not be read a second "
            "time, so nothing is concluded about it."
        )
    if coverage["gaps"]:
        gaps = (f"{safe(gap['what'])}. {safe(gap['next_step'])}" for gap in coverage["gaps"])
        return f"<b>No.</b> What was listed is accounted for, but {' Also, '.join(gaps)}"
    if not coverage["complete"]:
        return "<b>No.</b> Not every container was read, so no session may be called without a recording."
    if coverage["skipped_by_reason"].keys().isdisjoint({REGISTERED, NOT_A_RECORDING}):
        return "<b>Yes.</b> Every container that was listed was read: where nothing was found, nothing is."
    return (
        "<b>Yes, for unregistered recordings.</b> Every container was read that can be a recording and has no row. "
        "This was a fast audit: registered containers were not opened, so it cannot see media that stands in another "
        "recording's container, nor most of what can be wrong with recordings that have a row. A full audit can."
    )


def _failed(failed: list[dict[str, str]]) -> str:
    if not failed:
        return ""
    listed = items(f"{code(row['container'])}: {safe(row['error'])}" for row in failed[:_MOST_CONTAINERS])
    return (
        f"<details open><summary>{plural(len(failed), 'container')} could not be read</summary>\n"
        f"{cut_note(min(len(failed), _MOST_CONTAINERS), len(failed), 'report.json')}{listed}</details>\n"
    )


def _dead_letters(letters: list[dict[str, Any]]) -> str:
    if not letters:
        return ""
    return f"<h3>Shards that could not be read to their end</h3>\n{items(map(_dead_letter, letters))}"


def _dead_letter(letter: dict[str, Any]) -> str:
    text = (
        f"Shard {letter['shard']}: {letter['failed']:,} of {plural(letter['containers'], 'container')} unread after "
        f"{plural(letter['attempts'], 'attempt')}."
    )
    if letter["discarded"] is None:
        return f"{text} Repair access, then replay it."
    discarded = letter["discarded"]
    return f"{text} Discarded by {safe(discarded['by'])} on {moment(discarded['at'])}: {safe(discarded['reason'])}"


def _judged(report: Head) -> Iterator[str]:
    """For each kind of subject: all = those listed as findings + those only counted, and what the latter are."""
    for kind, noun in KINDS.items():
        rows = by_kind(report["verdicts"], kind)
        total = sum(row["count"] for row in rows)
        counted = sorted((row for row in rows if row["counted"] and row["count"]), key=lambda row: -row["count"])
        alike = sum(row["count"] for row in counted)
        listed = f"{plural(total, noun)} = {total - alike:,} listed as findings + {alike:,} only counted"
        each = joined([f"{row['count']:,} {code(row['verdict'])} ({safe(row['meaning'])})" for row in counted])
        yield f"<b>{listed}</b>{f': {each}' if each else ''}."
