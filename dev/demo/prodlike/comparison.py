"""Comparing a report with what was planted: findings that it misses, and findings that it makes up."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dev.demo.prodlike.dataset import Dataset, Kind, Mode, Subject
from dev.demo.prodlike.vocabulary import COUNTED, VERDICTS

NOTHING = "nothing"


@dataclass(frozen=True)
class Difference:
    """One subject, or one count, for which the report differs from what is due."""

    what: str
    due: str
    reported: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.what}: due {self.due}, told {self.reported}" + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True)
class Comparison:
    """``missed``: a finding that was due and is not there, or under another verdict. ``made_up``: nothing was due."""

    missed: tuple[Difference, ...]
    made_up: tuple[Difference, ...]

    @property
    def is_exact(self) -> bool:
        """True when the report says what is due and nothing else."""
        return not self.missed and not self.made_up

    def __str__(self) -> str:
        parts = [("missed", self.missed), ("made up", self.made_up)]
        return "\n".join(
            f"{len(differences)} {name}:\n" + "".join(f"  {difference}\n" for difference in differences)
            for name, differences in parts
        )


def compare(dataset: Dataset, report: Mapping[str, Any], mode: Mode) -> Comparison:
    """Compare a report of an audit of that mode, without further parameters, with the world that it audited."""
    verdicts, reported = dataset.verdicts(mode), reported_verdicts(report)
    due = named(verdicts)
    missed: list[Difference] = []
    made_up: list[Difference] = []
    for subject in sorted({**due, **reported}):
        expected, found = due.get(subject), reported.get(subject)
        if expected != found:
            said = Difference(
                " ".join(subject),
                verdicts.get(subject, NOTHING),
                found or NOTHING,
                dataset.reasons.get(subject, ""),
            )
            is_alarm = found is not None and (expected is None or is_counted(subject.kind, expected))
            (made_up if is_alarm else missed).append(said)
    for difference, is_short in _counts(verdicts, reported, report):
        (missed if is_short else made_up).append(difference)
    severities = {_subject(finding): finding["severity"] for finding in report["findings"]}
    for subject, severity in dataset.severities.items():
        if reported.get(subject) == due.get(subject) and severities.get(subject, severity) != severity:
            what = f"severity of {' '.join(subject)}"
            missed.append(Difference(what, severity, severities[subject], dataset.reasons.get(subject, "")))
    return Comparison(tuple(missed), tuple(made_up))


def is_counted(kind: Kind, verdict: str) -> bool:
    """True for a verdict whose subjects a report only counts."""
    return verdict in COUNTED[kind]


def named(verdicts: Mapping[Subject, str]) -> dict[Subject, str]:
    """What a report names one by one: its findings, and those sessions that it counts but lets a reader look up."""
    return {s: v for s, v in verdicts.items() if s.kind == "capture_session" or not is_counted(s.kind, v)}


def reported_verdicts(report: Mapping[str, Any]) -> dict[Subject, str]:
    """The verdict of each subject that a report names: its findings, and the sessions that it counts.

    Raises ``AssertionError`` if it names one twice.
    """
    reported: dict[Subject, str] = {}
    entries = [(_subject(finding), finding["verdict"]) for finding in report["findings"]]
    for verdict, ids in report["counted"]["capture_session"].items():
        entries += [(Subject("capture_session", session), verdict) for session in ids]
    for subject, verdict in entries:
        if subject in reported:
            raise AssertionError(f"{subject} is told twice: {reported[subject]} and {verdict}")
        reported[subject] = verdict
    return reported


def _subject(finding: Mapping[str, Any]) -> Subject:
    return Subject(finding["subject"]["kind"], finding["subject"]["id"])


def _counts(
    due: Mapping[Subject, str], reported: Mapping[Subject, str], report: Mapping[str, Any]
) -> Iterator[tuple[Difference, bool]]:
    """Where a sum of the report is wrong, each with whether it is short.

    What is only counted must be as many as are due; what is named, as many as the report itself names.
    """
    dues = Counter((subject.kind, verdict) for subject, verdict in due.items())
    names = Counter((subject.kind, verdict) for subject, verdict in reported.items())
    for kind, verdicts in VERDICTS.items():
        counts = report["counts"][kind]
        for verdict in [*verdicts, *sorted(set(counts) - set(verdicts))]:
            only_counted = kind != "capture_session" and is_counted(kind, verdict)
            expected, found = (dues if only_counted else names)[kind, verdict], counts.get(verdict, 0)
            if expected != found:
                yield Difference(f"count of {kind} {verdict}", str(expected), str(found)), found < expected
