"""What an audit found, as far as a report's JSON tells it subject by subject, and where two audits differ."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

MOST_SHOWN = 12


class Subject(NamedTuple):
    """What a verdict is about: a session, a container or a recording."""

    kind: str
    id: str


class Said(NamedTuple):
    """What is said of a subject; what is in order, and only counted, has no severity."""

    verdict: str
    severity: str | None

    def __str__(self) -> str:
        return f"{self.verdict} ({self.severity or 'only counted'})"


@dataclass(frozen=True)
class Found:
    """``totals``: outcome, coverage and counts by their place in the report, without those that are 0. Units have the
    name there that they had when the first audit was recorded: containers.

    ``subjects``: every subject that the report names, in its findings or among the sessions that it counts.
    """

    totals: Mapping[str, Any]
    subjects: Mapping[Subject, Said]


def found_by(report: Mapping[str, Any]) -> Found:
    """What a report says. Raises ``AssertionError`` if it names a subject twice."""
    said = [(_subject(finding), Said(finding["verdict"], finding["severity"])) for finding in report["findings"]]
    for kind, verdicts in report["counted"].items():
        said += [(Subject(kind, one), Said(verdict, None)) for verdict, ids in verdicts.items() for one in ids]
    subjects = dict(said)
    assert len(subjects) == len(said), [
        subject for subject, times in Counter(one for one, _ in said).items() if times > 1
    ]
    return Found(dict(_totals(report)), dict(sorted(subjects.items())))


def _subject(finding: Mapping[str, Any]) -> Subject:
    return Subject(finding["subject"]["kind"], finding["subject"]["id"])


def _totals(report: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    coverage, counts = report["coverage"], report["counts"]
    units = {word: number for word, number in coverage["units"].items() if word != "noun"}
    yield "complete", report["complete"]
    yield "outcome", report["outcome"]["word"]
    yield "coverage.failed_containers", sorted(item["unit"] for item in coverage["failed_units"])
    yield "coverage.gaps", len(coverage["gaps"])
    numbers = {
        "coverage.blobs": coverage["blobs"],
        **{f"coverage.containers.{word}": number for word, number in units.items()},
        **{f"coverage.skipped_by_reason.{word}": number for word, number in coverage["skipped_by_reason"].items()},
    }
    for name, count in counts.items():
        numbers |= {f"counts.{name}.{word}": n for word, n in count.items()} if isinstance(count, dict) else {}
        numbers |= {} if isinstance(count, dict) else {f"counts.{name}": count}
    # A verdict that nothing has may come or go.
    yield from sorted((name, number) for name, number in numbers.items() if number)


def to_lines(found: Found) -> str:
    """JSON lines: the totals, then a line for each subject, in order."""
    subjects = ({**subject._asdict(), **said._asdict()} for subject, said in sorted(found.subjects.items()))
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in [found.totals, *subjects])


def from_lines(text: str) -> Found:
    """The inverse of ``to_lines``."""
    totals, *subjects = (json.loads(line) for line in text.splitlines())
    return Found(
        totals, {Subject(line["kind"], line["id"]): Said(line["verdict"], line["severity"]) for line in subjects}
    )


def difference(was: Found, now: Found) -> str:
    """What is said otherwise than it was, in full numbers and with the first subjects; empty if nothing is."""
    nothing = "nothing"
    subjects = {
        subject: (str(was.subjects.get(subject, nothing)), str(now.subjects.get(subject, nothing)))
        for subject in sorted({*was.subjects, *now.subjects})
        if was.subjects.get(subject) != now.subjects.get(subject)
    }
    lines = [f"total {name}: was {old}, is {new}" for name, old, new in _unequal(was.totals, now.totals)]
    if subjects:
        lines.append(
            f"{len(subjects)} subjects differ, of {len(was.subjects)} that were named and {len(now.subjects)} that are:"
        )
        changes = Counter((subject.kind, *change) for subject, change in subjects.items())
        lines += [f"  {number} x {kind}: was {old}, is {new}" for (kind, old, new), number in changes.most_common()]
        lines.append(f"the first {min(MOST_SHOWN, len(subjects))} of them:")
        first = list(subjects.items())[:MOST_SHOWN]
        lines += [f"  {subject.kind} {subject.id}: was {old}, is {new}" for subject, (old, new) in first]
    return "\n".join(lines)


def _unequal(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*was, *now}):
        if was.get(name, 0) != now.get(name, 0):
            yield name, was.get(name, 0), now.get(name, 0)
