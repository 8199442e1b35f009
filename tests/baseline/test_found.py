"""Nothing that an audit says otherwise than the baseline goes by unseen."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.baseline.found import Said, Subject, difference, found_by, from_lines, to_lines
from tests.baseline.recorded import Baseline, read, write

REPORT: dict[str, Any] = {
    "complete": False,
    "outcome": {"code": 3, "word": "incomplete"},
    "coverage": {
        "units": {"noun": "container", "listed": 3, "scanned": 2, "skipped": 0, "failed": 1},
        "blobs": 8,
        "skipped_by_reason": {},
        "gaps": [],
        "failed_units": [{"unit": "closed", "error": "refused"}],
    },
    "counts": {
        "capture_session": {"stuck_empty": 0, "in_flight": 1, "legacy": 2},
        "container": {"registered": 2},
        "findings": 2,
    },
    "counted": {"capture_session": {"legacy": ["b", "a"], "already_registered": []}},
    "findings": [
        {"subject": {"kind": "recording", "id": "a"}, "verdict": "no_ism", "severity": "high"},
        {"subject": {"kind": "capture_session", "id": "c"}, "verdict": "in_flight", "severity": "info"},
    ],
}


def test_what_is_recorded_is_read_back_and_named_in_order() -> None:
    found = found_by(REPORT)
    assert from_lines(to_lines(found)) == found
    assert list(found.subjects.items()) == [
        (Subject("capture_session", "a"), Said("legacy", None)),
        (Subject("capture_session", "b"), Said("legacy", None)),
        (Subject("capture_session", "c"), Said("in_flight", "info")),
        (Subject("recording", "a"), Said("no_ism", "high")),
    ]
    assert found.totals["coverage.failed_containers"] == ["closed"]
    assert found.totals["counts.capture_session.in_flight"] == 1


def test_the_same_found_in_another_order_is_no_difference() -> None:
    other = deepcopy(REPORT)
    other["findings"].reverse()
    other["counted"]["capture_session"]["legacy"].sort()
    other["counts"]["capture_session"]["of_a_later_release"] = 0
    assert difference(found_by(REPORT), found_by(other)) == ""


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("findings", 0, "severity"), "low", "recording a: was no_ism (high), is no_ism (low)"),
        (("findings", 1, "verdict"), "legacy", "capture_session c: was in_flight (info), is legacy (info)"),
        (("findings", 1, "subject", "id"), "d", "capture_session d: was nothing, is in_flight (info)"),
        (("counted", "capture_session", "legacy"), ["a"], "capture_session b: was legacy (only counted), is nothing"),
        (("counts", "container", "registered"), 3, "total counts.container.registered: was 2, is 3"),
        (("counts", "findings"), 3, "total counts.findings: was 2, is 3"),
        (("outcome", "word"), "clean", "total outcome: was incomplete, is clean"),
        (("complete",), True, "total complete: was False, is True"),
        (("coverage", "blobs"), 9, "total coverage.blobs: was 8, is 9"),
        (("coverage", "units", "skipped"), 1, "total coverage.containers.skipped: was 0, is 1"),
        (("coverage", "skipped_by_reason"), {"name": 1}, "total coverage.skipped_by_reason.name: was 0, is 1"),
        (("coverage", "gaps"), [{}], "total coverage.gaps: was 0, is 1"),
        (("coverage", "failed_units", 0, "unit"), "other", "was ['closed'], is ['other']"),
    ],
)
def test_whatever_is_said_otherwise_is_told(path: tuple[Any, ...], value: Any, said: str, tmp_path: Path) -> None:
    write(tmp_path, "audit", found_by(REPORT))
    other = deepcopy(REPORT)
    place: Any = other
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    with pytest.raises(AssertionError, match="audit does not find what the baseline says") as refused:
        Baseline(folder=tmp_path).check("audit", other)
    assert said in str(refused.value)


def test_a_total_that_is_never_the_same_can_be_left_out(tmp_path: Path) -> None:
    other = {**REPORT, "coverage": {**REPORT["coverage"], "blobs": 9}}
    Baseline(writing=True, folder=tmp_path).check("audit", REPORT, without=["coverage.blobs"])
    Baseline(folder=tmp_path).check("audit", other, without=["coverage.blobs"])


def test_of_many_differences_the_first_are_shown_and_all_are_counted() -> None:
    many = {**REPORT, "findings": [], "counted": {"capture_session": {"legacy": [f"{n:02}" for n in range(50)]}}}
    text = difference(found_by(many), found_by({**many, "counted": {}}))
    assert "50 subjects differ, of 50 that were named and 0 that are" in text
    assert "50 x capture_session: was legacy (only counted), is nothing" in text
    assert "capture_session 00: was legacy" in text
    assert "capture_session 49" not in text


def test_a_subject_that_is_named_twice_is_refused() -> None:
    twice = {**REPORT, "findings": [*REPORT["findings"], REPORT["findings"][0]]}
    with pytest.raises(AssertionError, match="recording"):
        found_by(twice)


def test_an_audit_of_which_nothing_is_recorded_is_refused_unless_it_is_to_be_recorded(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="of audit there are 0 records"):
        Baseline(folder=tmp_path).check("audit", REPORT)
    Baseline(writing=True, folder=tmp_path).check("audit", REPORT)
    Baseline(folder=tmp_path).check("audit", REPORT)


def test_what_is_long_is_packed_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    ids = [f"{number:036}" for number in range(2000)]
    long = found_by({**REPORT, "findings": [], "counted": {"capture_session": {"legacy": ids}}})
    for name, found in (("short", found_by(REPORT)), ("long", found_by(REPORT)), ("long", long), ("again", long)):
        write(tmp_path, name, found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.jsonl.gz", "long.jsonl.gz", "short.jsonl"]
    assert (tmp_path / "again.jsonl.gz").read_bytes() == (tmp_path / "long.jsonl.gz").read_bytes()
    assert read(tmp_path) == {"again": long, "long": long, "short": found_by(REPORT)}
