"""Is a report true? Judged against what was planted and what storage really handed on. Pure.

A report may be complete, and must then be right to the last subject; or incomplete, and must then name the gap and
conclude nothing from it; or not be there, and the audit must then say why.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from demo.prodlike.vocabulary import HIDDEN

_ABOUT_ROWS = frozenset({"legacy", "in_flight", "already_registered", "status_behind", "deleted_elsewhere"})
# What the rows alone decide, before any container is looked at.

_CAUSE = re.compile(r"storage|database|container|run store|its worker died|Cancelled", re.IGNORECASE)
_MISTAKEN = re.compile(r"Traceback|AssertionError|KeyError|TypeError|AttributeError|ValueError|Non-Deterministic")


class Wrong(StrEnum):
    """How a report can be wrong."""

    REPORT = "wrong_reports"
    GAP = "silent_gaps"


@dataclass(frozen=True)
class Truth:
    """What was planted: the verdict of every subject that a report must name, and what lies where.

    ``holdings`` are the unregistered containers of each session, ``also`` the subjects that are not sessions. Sessions
    that are no ``candidates`` come into question only by a container that names them.
    """

    sessions: Mapping[str, str]
    also: Mapping[str, str]
    containers: frozenset[str]
    holdings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    candidates: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the end of an audit."""

    kind: Wrong
    text: str


def judge_end(
    truth: Truth, state: str, report: Mapping[str, Any] | None, error: str | None, delivered: Iterable[str]
) -> list[Problem]:
    """What is wrong with how an audit ended. ``delivered``: the containers whose listing reached the app whole."""
    if state in {"failed", "cancelled"}:
        return list(_failure(report, error))
    if report is None:
        return [Problem(Wrong.REPORT, f"{state} without a report")]
    problems = [*_coverage(truth, report, frozenset(delivered))]
    if bool(report["complete"]) != (state == "completed"):
        problems.append(Problem(Wrong.GAP, f"the audit is {state}, its report says complete: {report['complete']}"))
    if (report["outcome"]["word"] == "incomplete") == bool(report["complete"]):
        problems.append(Problem(Wrong.GAP, f"outcome {report['outcome']['word']}, complete: {report['complete']}"))
    found = verdicts(report)
    problems += _sums(report)
    if report["complete"]:
        return [*problems, *_exactly({**truth.sessions, **truth.also}, found)]
    return [*problems, *_nothing_false(truth, report, found)]


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


def _coverage(truth: Truth, report: Mapping[str, Any], delivered: frozenset[str]) -> Iterable[Problem]:
    coverage = report["coverage"]
    counts = coverage["containers"]
    failed = {item["container"] for item in coverage["failed_containers"]}
    if counts["listed"] != len(truth.containers):
        yield Problem(Wrong.GAP, f"{counts['listed']} containers listed of {len(truth.containers)}")
    if counts["scanned"] + counts["skipped"] + counts["failed"] != counts["listed"]:
        yield Problem(Wrong.GAP, f"coverage does not add up: {counts}")
    if counts["skipped"]:
        yield Problem(Wrong.GAP, f"{counts['skipped']} skipped of which nothing was asked to be skipped")
    if len(failed) != counts["failed"] or not failed <= truth.containers:
        yield Problem(Wrong.GAP, f"{counts['failed']} failed, {len(failed)} named")
    if unread := truth.containers - delivered - failed:
        yield Problem(Wrong.GAP, f"never read and not named as a gap: {sorted(unread)[:3]} ({len(unread)})")
    if any(not item["error"] for item in coverage["failed_containers"]):
        yield Problem(Wrong.GAP, "a container failed without a reason")
    if report["complete"] and failed:
        yield Problem(Wrong.GAP, f"complete with {len(failed)} failed containers")
    doubts = {"unverified", "evidence_error"} & set(verdicts(report).values())
    if not report["complete"] and not failed and not doubts:
        yield Problem(Wrong.GAP, "incomplete, and nothing says what is missing")


def _sums(report: Mapping[str, Any]) -> Iterable[Problem]:
    findings = report["findings"]
    if report["counts"]["findings"] != len(findings):
        yield Problem(Wrong.GAP, f"{report['counts']['findings']} findings counted, {len(findings)} listed")
    if report["counts"]["hidden"] != sum(finding["verdict"] in HIDDEN for finding in findings):
        yield Problem(Wrong.REPORT, f"{report['counts']['hidden']} hidden counted, not as listed")
    containers = sum(report["counts"]["container"].values())
    coverage = report["coverage"]["containers"]
    if containers != coverage["listed"] - coverage["skipped"]:
        yield Problem(Wrong.GAP, f"{containers} containers judged, {coverage['listed']} listed")


def _exactly(expected: Mapping[str, str], found: Mapping[str, str]) -> Iterable[Problem]:
    for subject in sorted(expected.keys() | found.keys()):
        planted, said = expected.get(subject, "nothing"), found.get(subject, "nothing")
        if planted != said:
            yield Problem(Wrong.REPORT, f"{subject}: planted {planted}, found {said}")


def _nothing_false(truth: Truth, report: Mapping[str, Any], found: Mapping[str, str]) -> Iterable[Problem]:
    failed = {item["container"] for item in report["coverage"]["failed_containers"]}
    unknown = failed | {subject for subject, said in found.items() if said == "evidence_error"}
    for session, planted in truth.sessions.items():
        said = found.get(session, "nothing")
        own_gap = bool(truth.holdings.get(session, frozenset()) & unknown)
        unnamed = said == "nothing" and own_gap and session not in truth.candidates
        if not unnamed and not _may_be_said(said, planted, bool(failed), own_gap):
            yield Problem(Wrong.REPORT, f"incomplete, but session {session}: planted {planted}, found {said}")
    for subject, said in found.items():
        if subject in truth.sessions or said == "evidence_error":
            continue
        planted_here = truth.also.get(subject)
        if planted_here is None or said not in {planted_here, "unverified"}:
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
