"""The proof that nothing was overlooked: sums that add up, and explanations of what is only counted."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from reconciliation.profile import Profile
from reconciliation.wording import Wording, plural
from reporting.model import Head
from reporting.reading import Cut, by_kind, cut

_MOST_UNITS = 1000


class Line(NamedTuple):
    """A line of a sum; ``style`` is empty for a summand."""

    name: str
    number: int
    style: str = ""


class Unread(NamedTuple):
    """A unit that could not be read, and why."""

    unit: str
    error: str


class DeadLetter(NamedTuple):
    """A shard that could not be read to its end, in words; and who ``discarded`` it, when and why, if it was."""

    words: str
    discarded: dict[str, str] | None


class Counted(NamedTuple):
    """A verdict whose subjects are only counted."""

    number: int
    verdict: str
    meaning: str


class Judged(NamedTuple):
    """The sum for one kind of subject: all = findings + those only counted; and the verdicts of the latter."""

    sum: str
    counted: list[Counted]


class Proof(NamedTuple):
    """Every unit that was listed, accounted for; then every subject that got a verdict."""

    unit: str
    lead: str
    rest: str
    lines: list[Line]
    unread: str
    first_unread: list[Unread]
    cut: Cut | None
    dead_letters: list[DeadLetter]
    judged: list[Judged]


def proof(report: Head, profile: Profile) -> Proof:
    """From a report's head; ``unread`` says in words how many units could not be read."""
    coverage, unit = report["coverage"], profile.wording.unit
    lead, rest = _words(report, profile.wording)
    failed = coverage["failed_units"]
    shown = [Unread(row["unit"], row["error"]) for row in failed[:_MOST_UNITS]]
    return Proof(
        unit=unit,
        lead=lead,
        rest=rest,
        lines=list(_lines(coverage, unit)),
        unread=plural(len(failed), unit),
        first_unread=shown,
        cut=cut(len(shown), len(failed), "report.json"),
        dead_letters=[DeadLetter(_unread_of(letter, unit), letter["discarded"]) for letter in coverage["dead_letters"]],
        judged=list(_judged(report, profile)),
    )


def _lines(coverage: dict[str, Any], unit: str) -> Iterator[Line]:
    counts = coverage["units"]
    yield Line(f"{unit.capitalize()}s read", counts["scanned"])
    yield Line("+ skipped", counts["skipped"])
    for reason, count in coverage["skipped_by_reason"].items():
        yield Line(f"of these {reason}", count, "part")
    yield Line("+ could not be read", counts["failed"])
    yield Line(f"= {unit}s listed", counts["listed"], "total")
    yield Line("Blobs seen in them", coverage["blobs"])


def _words(report: Head, wording: Wording) -> tuple[str, str]:
    """Whether everything was read, as a first sentence and the rest."""
    coverage = report["coverage"]
    if coverage["complete"] and not report["complete"]:
        return "Not fully.", (
            f"Every {wording.unit} was read, but something that was in doubt could not be read a second time, so "
            "nothing is concluded about it."
        )
    if coverage["gaps"]:
        gaps = " Also, ".join(f"{gap['what']}. {gap['next_step']}" for gap in coverage["gaps"])
        return "No.", f"What was listed is accounted for, but {gaps}"
    if not coverage["complete"]:
        return "No.", f"Not every {wording.unit} was read, so {wording.not_absent}."
    narrow = wording.narrow.get(report["parameters"]["mode"])
    return wording.covered(coverage["skipped_by_reason"].keys()) if narrow is None else narrow.covered


def _unread_of(letter: dict[str, Any], unit: str) -> str:
    return (
        f"Shard {letter['shard']}: {letter['failed']:,} of {plural(letter['units'], unit)} unread after "
        f"{plural(letter['attempts'], 'attempt')}."
    )


def _judged(report: Head, profile: Profile) -> Iterator[Judged]:
    for kind in profile.kinds:
        rows = by_kind(report, kind.name)
        total = sum(row["count"] for row in rows)
        counted = sorted((row for row in rows if row["counted"] and row["count"]), key=lambda row: -row["count"])
        alike = sum(row["count"] for row in counted)
        yield Judged(
            f"{plural(total, kind.noun)} = {total - alike:,} listed as findings + {alike:,} only counted",
            [Counted(row["count"], row["verdict"], row["meaning"]) for row in counted],
        )
