"""Is a report true? Judged against what was planted and what storage really handed on. Pure.

A report may be complete, and must then be right to the last subject; or incomplete, and must then name the gap and
conclude nothing from it; or not be there, and the audit must then say why.

What nothing in an answer told, and no other answer could tell, an audit need not know: a container without a blob that
one listing left out may as well have been made later. All that matters it must have found out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dev.demo.prodlike.vocabulary import HIDDEN

_ABOUT_ROWS = frozenset(
    {"legacy", "in_flight", "already_registered", "status_behind", "undone_by_us", "deleted_elsewhere"}
)
# What the rows alone decide, before any container is looked at.

_NAMED_CLOCK = "Storage's clock is"
_NAMED_FUTURE = "lies in the future"
# How the notes of a report tell of clocks.

_CAUSE = re.compile(r"storage|database|container|run store|its worker died|Cancelled", re.IGNORECASE)
_MISTAKEN = re.compile(r"Traceback|AssertionError|KeyError|TypeError|AttributeError|ValueError|Non-Deterministic")


class Wrong(StrEnum):
    """How a report can be wrong."""

    REPORT = "wrong_reports"
    GAP = "silent_gaps"


@dataclass(frozen=True)
class Truth:
    """What was planted: the verdict of every subject that a report must name, and what lies where.

    ``containers`` are all there are, with their blobs. ``holdings`` are the unregistered containers of each session,
    ``also`` the subjects that are not sessions. Sessions that are no ``candidates`` come into question only by a
    container that names them; the rows of ``unreadable`` ones hold what cannot be understood.
    """

    sessions: Mapping[str, str]
    also: Mapping[str, str]
    containers: Mapping[str, frozenset[str]]
    holdings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    candidates: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Conduct:
    """How storage behaved in one audit.

    The listings of ``delivered`` containers reached the app completely. About those in ``lied_about`` one response said
    something untrue, without a sign of it: that they do not exist, or hold less. ``future``: containers with blobs from
    the future; ``clock_off``: storage's clock differs from the app's by more than the tolerance.
    """

    delivered: frozenset[str]
    lied_about: frozenset[str] = frozenset()
    future: frozenset[str] = frozenset()
    clock_off: bool = False


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the end of an audit."""

    kind: Wrong
    text: str


def judge_end(
    truth: Truth, state: str, report: Mapping[str, Any] | None, error: str | None, conduct: Conduct
) -> list[Problem]:
    """What is wrong with how an audit ended, given how storage behaved."""
    if state in {"failed", "cancelled"}:
        return list(_failure(report, error))
    if report is None:
        return [Problem(Wrong.REPORT, f"{state} without a report")]
    problems = [*_coverage(truth, report, conduct), *_clocks(report, conduct)]
    if bool(report["complete"]) != (state == "completed"):
        problems.append(Problem(Wrong.GAP, f"the audit is {state}, its report says complete: {report['complete']}"))
    if (report["outcome"]["word"] == "incomplete") == bool(report["complete"]):
        problems.append(Problem(Wrong.GAP, f"outcome {report['outcome']['word']}, complete: {report['complete']}"))
    found = verdicts(report)
    problems += _sums(report)
    if report["complete"]:
        return [*problems, *_exactly({**truth.sessions, **truth.also}, found)]
    return [*problems, *_nothing_false(truth, report, found, conduct)]


def verdicts(report: Mapping[str, Any]) -> dict[str, str]:
    """The verdict of every subject that a report names, listed one by one or only counted."""
    counted = report["counted"]["capture_session"].items()
    return {finding["subject"]["id"]: finding["verdict"] for finding in report["findings"]} | {
        session: verdict for verdict, sessions in counted for session in sessions
    }


def _failure(report: Mapping[str, Any] | None, error: str | None) -> Iterable[Problem]:
    if report is not None:
        yield Problem(Wrong.REPORT, "a failed audit has a report")
    if not error or not _CAUSE.search(error):
        yield Problem(Wrong.GAP, f"a failed audit does not say why: {error!r}")
    elif _MISTAKEN.search(error):
        yield Problem(Wrong.REPORT, f"a failed audit gives a mistaken reason: {error!r}")


def _coverage(truth: Truth, report: Mapping[str, Any], conduct: Conduct) -> Iterable[Problem]:
    coverage = report["coverage"]
    counts = coverage["units"]
    failed = {item["unit"] for item in coverage["failed_units"]}
    if not _may_be_listed(counts["listed"], truth, report, conduct):
        yield Problem(Wrong.GAP, f"{counts['listed']} containers listed of {len(truth.containers)}")
    if counts["scanned"] + counts["skipped"] + counts["failed"] != counts["listed"]:
        yield Problem(Wrong.GAP, f"coverage does not add up: {counts}")
    if counts["skipped"] > len(conduct.lied_about):
        yield Problem(Wrong.GAP, f"{counts['skipped']} skipped, of which {len(conduct.lied_about)} seemed to be gone")
    if len(failed) != counts["failed"] or not failed <= truth.containers.keys():
        yield Problem(Wrong.GAP, f"{counts['failed']} failed, {len(failed)} named")
    if unread := truth.containers.keys() - conduct.delivered - conduct.lied_about - failed:
        yield Problem(Wrong.GAP, f"never read and not named as a gap: {sorted(unread)[:3]} ({len(unread)})")
    if any(not item["error"] for item in coverage["failed_units"]):
        yield Problem(Wrong.GAP, "a container failed without a reason")
    if report["complete"] and (failed or coverage["gaps"]):
        yield Problem(Wrong.GAP, f"complete with {len(failed)} failed containers and {len(coverage['gaps'])} gaps")
    doubts = {"unverified", "evidence_error"} & set(verdicts(report).values())
    if not report["complete"] and not failed and not doubts and not coverage["gaps"]:
        yield Problem(Wrong.GAP, "incomplete, and nothing says what is missing")


def _may_be_listed(listed: int, truth: Truth, report: Mapping[str, Any], conduct: Conduct) -> bool:
    """Whether so many containers may count as listed: fewer than there are only if storage left some out, and the
    report says so or they are empty.
    """
    admitted = bool(report["coverage"]["gaps"])
    excused = [name for name in conduct.lied_about if admitted or not truth.containers.get(name)]
    return 0 <= len(truth.containers) - listed <= len(excused)


def _clocks(report: Mapping[str, Any], conduct: Conduct) -> Iterable[Problem]:
    notes = " ".join(report["notes"])
    if conduct.clock_off != (_NAMED_CLOCK in notes):
        yield Problem(Wrong.GAP, f"storage's clock is off: {conduct.clock_off}, and the notes say: {notes}")
    if report["complete"] and conduct.future - conduct.lied_about and _NAMED_FUTURE not in notes:
        yield Problem(Wrong.GAP, f"blobs of {len(conduct.future)} containers lie in the future, and no note says so")


def _sums(report: Mapping[str, Any]) -> Iterable[Problem]:
    findings = report["findings"]
    if report["counts"]["findings"] != len(findings):
        yield Problem(Wrong.GAP, f"{report['counts']['findings']} findings counted, {len(findings)} listed")
    if report["counts"]["hidden"] != sum(finding["verdict"] in HIDDEN for finding in findings):
        yield Problem(Wrong.REPORT, f"{report['counts']['hidden']} hidden counted, not as listed")
    containers = sum(report["counts"]["container"].values())
    coverage = report["coverage"]["units"]
    if containers != coverage["listed"] - coverage["skipped"]:
        yield Problem(Wrong.GAP, f"{containers} containers judged, {coverage['listed']} listed")


def _exactly(expected: Mapping[str, str], found: Mapping[str, str]) -> Iterable[Problem]:
    for subject in sorted(expected.keys() | found.keys()):
        planted, said = expected.get(subject, "nothing"), found.get(subject, "nothing")
        if planted != said:
            yield Problem(Wrong.REPORT, f"{subject}: planted {planted}, found {said}")


def _nothing_false(
    truth: Truth, report: Mapping[str, Any], found: Mapping[str, str], conduct: Conduct
) -> Iterable[Problem]:
    coverage = report["coverage"]
    failed = {item["unit"] for item in coverage["failed_units"]}
    unknown = failed | conduct.lied_about | {subject for subject, said in found.items() if said == "evidence_error"}
    gap = bool(failed or coverage["gaps"])
    for session, planted in truth.sessions.items():
        said = found.get(session, "nothing")
        own_gap = bool(truth.holdings.get(session, frozenset()) & unknown)
        unnamed = said == "nothing" and own_gap and session not in truth.candidates
        unreadable = said == "unreadable_row" and session in truth.unreadable
        if not unnamed and not unreadable and not _may_be_said(said, planted, gap, own_gap):
            yield Problem(Wrong.REPORT, f"incomplete, but session {session}: planted {planted}, found {said}")
    for subject, said in found.items():
        if subject in truth.sessions or said == "evidence_error":
            continue
        planted_here = truth.also.get(subject)
        doubtful = said == "unverified" and (planted_here is not None or subject in conduct.lied_about)
        if said != planted_here and not doubtful:
            yield Problem(Wrong.REPORT, f"incomplete, and {subject} is called {said}")
    for subject, planted in truth.also.items():
        if subject not in found and subject not in unknown:
            yield Problem(Wrong.REPORT, f"incomplete, and {subject} is not named although it was read: {planted}")


def _may_be_said(said: str, planted: str, gap: bool, own_gap: bool) -> bool:
    """Whether a verdict may be given to a session when something was not read."""
    if said == "unverified":
        return True
    if said in HIDDEN:  # a complete container was seen: that stays true whatever the unread ones hold
        return said == planted or (own_gap and planted in HIDDEN)
    if said in _ABOUT_ROWS:
        return said == planted
    return said == planted and not gap
