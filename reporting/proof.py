"""The proof that nothing was overlooked: sums that add up, and words for what is only counted."""

from collections.abc import Iterator
from typing import Any

from reconciliation.profile import Profile
from reconciliation.wording import Wording, joined, plural
from reporting.markup import by_kind, code, cut_note, items, moment, safe, section
from reporting.model import Head

_MOST_CONTAINERS = 1000


def coverage_section(report: Head, profile: Profile) -> str:
    """Every unit that was listed, accounted for; then every subject that got a verdict."""
    coverage, unit = report["coverage"], profile.wording.unit
    counts = coverage["containers"]
    lines = [
        (f"{unit.capitalize()}s read", counts["scanned"], ""),
        ("+ skipped", counts["skipped"], ""),
        *((f"of these {reason}", count, "part") for reason, count in coverage["skipped_by_reason"].items()),
        ("+ could not be read", counts["failed"], ""),
        (f"= {unit}s listed", counts["listed"], "total"),
        ("Blobs seen in them", coverage["blobs"], ""),
    ]
    return section(
        "coverage",
        "Was everything looked at?",
        f"<p>{_words(report, profile.wording)}</p>\n{_sum(lines, f'The sum of all {unit}s')}\n"
        f"{_failed(coverage['failed_containers'], unit)}{_dead_letters(coverage['dead_letters'], unit)}"
        f"<h3>Every subject has one verdict</h3>\n{items(_judged(report, profile))}",
    )


def _sum(lines: list[tuple[str, int, str]], caption: str) -> str:
    rows = "\n".join(
        f'<tr{f" class={css}" if css else ""}><th scope="row">{safe(name)}</th><td class="number">{count:,}</td></tr>'
        for name, count, css in lines
    )
    return f'<table class="sum">\n<caption class="unseen">{caption}</caption>\n<tbody>\n{rows}\n</tbody>\n</table>'


def _words(report: Head, wording: Wording) -> str:
    coverage = report["coverage"]
    if coverage["complete"] and not report["complete"]:
        return (
            f"<b>Not twice.</b> Every {wording.unit} was read, but something that was in doubt could not be read a "
            "second time, so nothing is concluded about it."
        )
    if coverage["gaps"]:
        gaps = (f"{safe(gap['what'])}. {safe(gap['next_step'])}" for gap in coverage["gaps"])
        return f"<b>No.</b> What was listed is accounted for, but {' Also, '.join(gaps)}"
    if not coverage["complete"]:
        return f"<b>No.</b> Not every {wording.unit} was read, so {wording.not_absent}."
    lead, rest = wording.covered(coverage["skipped_by_reason"].keys())
    return f"<b>{safe(lead)}</b> {safe(rest)}"


def _failed(failed: list[dict[str, str]], unit: str) -> str:
    if not failed:
        return ""
    listed = items(f"{code(row['container'])}: {safe(row['error'])}" for row in failed[:_MOST_CONTAINERS])
    return (
        f"<details open><summary>{plural(len(failed), unit)} could not be read</summary>\n"
        f"{cut_note(min(len(failed), _MOST_CONTAINERS), len(failed), 'report.json')}{listed}</details>\n"
    )


def _dead_letters(letters: list[dict[str, Any]], unit: str) -> str:
    if not letters:
        return ""
    listed = items(_dead_letter(letter, unit) for letter in letters)
    return f"<h3>Shards that could not be read to their end</h3>\n{listed}"


def _dead_letter(letter: dict[str, Any], unit: str) -> str:
    text = (
        f"Shard {letter['shard']}: {letter['failed']:,} of {plural(letter['containers'], unit)} unread after "
        f"{plural(letter['attempts'], 'attempt')}."
    )
    if letter["discarded"] is None:
        return f"{text} Repair access, then replay it."
    discarded = letter["discarded"]
    return f"{text} Discarded by {safe(discarded['by'])} on {moment(discarded['at'])}: {safe(discarded['reason'])}"


def _judged(report: Head, profile: Profile) -> Iterator[str]:
    """For each kind of subject: all = those listed as findings + those only counted, and what the latter are."""
    for kind in profile.kinds:
        rows = by_kind(report["verdicts"], kind.name)
        total = sum(row["count"] for row in rows)
        counted = sorted((row for row in rows if row["counted"] and row["count"]), key=lambda row: -row["count"])
        alike = sum(row["count"] for row in counted)
        listed = f"{plural(total, kind.noun)} = {total - alike:,} listed as findings + {alike:,} only counted"
        each = joined([f"{row['count']:,} {code(row['verdict'])} ({safe(row['meaning'])})" for row in counted])
        yield f"<b>{listed}</b>{f': {each}' if each else ''}."
