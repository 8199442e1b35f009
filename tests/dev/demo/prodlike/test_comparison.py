"""Holding a report against the world: nothing that differs goes by unseen."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from dev.demo.prodlike import Dataset, Subject, build
from dev.demo.prodlike.comparison import compare, named
from dev.demo.prodlike.dataset import Mode
from dev.demo.prodlike.vocabulary import COUNTED, VERDICTS

Report = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> Dataset:
    return build(5, datetime(2026, 11, 24, tzinfo=UTC), 0)


def perfect(world: Dataset, mode: Mode) -> Report:
    """The report that an audit without fault writes, as far as it is compared."""
    due = world.verdicts(mode)
    counts = Counter((subject.kind, verdict) for subject, verdict in due.items())
    findings = [
        {"subject": subject._asdict(), "verdict": verdict, "severity": world.severities.get(subject, "info")}
        for subject, verdict in named(due).items()
        if verdict not in COUNTED[subject.kind]
    ]
    looked_up: dict[str, list[str]] = {verdict: [] for verdict in COUNTED["capture_session"]}
    for subject, verdict in due.items():
        if subject.kind == "capture_session" and verdict in looked_up:
            looked_up[verdict].append(subject.id)
    return {
        "findings": findings,
        "counted": {"capture_session": looked_up},
        "counts": {kind: {verdict: counts[kind, verdict] for verdict in VERDICTS[kind]} for kind in VERDICTS},
    }


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_report_without_fault_is_exact(world: Dataset, mode: Mode) -> None:
    comparison = compare(world, perfect(world, mode), mode)
    assert comparison.is_exact, str(comparison)


def drop(report: Report) -> None:
    finding = report["findings"].pop()
    report["counts"][finding["subject"]["kind"]][finding["verdict"]] -= 1


def rename(report: Report) -> None:
    finding = next(f for f in report["findings"] if f["verdict"] == "unregistered_recording")
    finding["verdict"] = "stuck_empty"
    report["counts"]["capture_session"]["unregistered_recording"] -= 1
    report["counts"]["capture_session"]["stuck_empty"] += 1


def lose_a_container(report: Report) -> None:
    report["counts"]["container"]["attributed"] -= 1


def lose_a_session(report: Report) -> None:
    report["counted"]["capture_session"]["expected_empty"].pop()
    report["counts"]["capture_session"]["expected_empty"] -= 1


def soften(report: Report) -> None:
    finding = next(f for f in report["findings"] if f["severity"] == "high")
    finding["severity"] = "low"


@pytest.mark.parametrize("harm", [drop, rename, lose_a_container, lose_a_session, soften])
def test_one_miss_is_one_miss(world: Dataset, harm: Callable[[Report], None]) -> None:
    report = deepcopy(perfect(world, "full"))
    harm(report)
    comparison = compare(world, report, "full")
    assert (len(comparison.missed), len(comparison.made_up)) == (1, 0), str(comparison)


def alarm_a_healthy_one(report: Report) -> None:
    session = report["counted"]["capture_session"]["expected_empty"].pop()
    report["findings"].append(
        {
            "subject": {"kind": "capture_session", "id": session},
            "verdict": "suspect_lost",
            "severity": "medium",
        }
    )
    report["counts"]["capture_session"]["expected_empty"] -= 1
    report["counts"]["capture_session"]["suspect_lost"] += 1


def invent(report: Report) -> None:
    subject = {"kind": "container", "id": "nobody"}
    report["findings"].append({"subject": subject, "verdict": "unattributed_media", "severity": "high"})
    report["counts"]["container"]["unattributed_media"] += 1


def count_a_strange_verdict(report: Report) -> None:
    report["counts"]["recording"]["strange"] = 1


@pytest.mark.parametrize("harm", [alarm_a_healthy_one, invent, count_a_strange_verdict])
def test_one_false_alarm_is_one_false_alarm(world: Dataset, harm: Callable[[Report], None]) -> None:
    report = deepcopy(perfect(world, "full"))
    harm(report)
    comparison = compare(world, report, "full")
    assert (len(comparison.missed), len(comparison.made_up)) == (0, 1), str(comparison)


def test_a_difference_is_told_in_full(world: Dataset) -> None:
    report = deepcopy(perfect(world, "full"))
    finding = report["findings"][0]
    report["findings"][0] = {**finding, "verdict": "stuck_empty"}
    subject = Subject(finding["subject"]["kind"], finding["subject"]["id"])
    text = str(compare(world, report, "full"))
    for part in (subject.id, finding["verdict"], "stuck_empty", world.reasons[subject]):
        assert part in text


def test_a_subject_that_is_told_twice_is_refused(world: Dataset) -> None:
    report = deepcopy(perfect(world, "full"))
    report["findings"].append(report["findings"][0])
    with pytest.raises(AssertionError, match="told twice"):
        compare(world, report, "full")
