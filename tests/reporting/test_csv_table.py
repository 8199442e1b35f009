import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given

from profiles.pre_capture_sessions.showing import SHOWING
from reconciliation.visible import visible
from reporting.csv_table import csv_header, csv_rows, defused
from tests.profiles.pre_capture_sessions.strategies import texts
from tests.reporting.samples import (
    LISTED,
    LONG_AGO,
    Json,
    evidence,
    finding,
    ids,
    row,
    uuid_of,
    with_findings,
)

# OWASP, "CSV injection": what a spreadsheet may take for the beginning of a formula.
STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
COLUMNS = tuple(name for name, _ in SHOWING.cells)
BREAKS = ("\t", "\r", "\n")


def rows(findings: list[Json]) -> list[dict[str, str]]:
    text = csv_header(SHOWING) + csv_rows(findings, SHOWING)
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def full_of(text: str) -> list[Json]:
    """A finding of each kind of subject in which every text is the same."""

    def replaced(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: value if name == "kind" else replaced(value) for name, value in part.items()}
        if isinstance(part, list):
            return [replaced(value) for value in part]
        return text if isinstance(part, str) else part

    return [replaced(finding(verdict)) for verdict in ("unregistered_recording", "mixed_container", "no_ism")]


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_is_taken_for_a_formula(start: str) -> None:
    hostile = f'{start}HYPERLINK("http://x","y")'
    cells = [cell for line in rows(full_of(hostile)) for cell in line.values()]
    assert cells.count(f"'{hostile}") > 30
    assert not any(cell.startswith((*STARTS, *BREAKS)) for cell in cells)


@pytest.mark.parametrize("start", BREAKS)
def test_a_break_in_front_of_a_formula_is_a_text(start: str) -> None:
    [cell] = defused([f"{start}=1+1"])
    assert cell == f"\\u{ord(start):04x}=1+1"


@given(texts())
def test_whatever_stands_in_a_row_comes_back_from_the_file_as_text(text: str) -> None:
    [safe] = defused([text])
    for line in rows(full_of(text)):
        assert list(line) == list(COLUMNS)
        assert (line["subject_id"], line["reason"], line["next_step"]) == (safe,) * 3


@given(texts())
def test_defusing_changes_what_cannot_be_seen_and_formulas_only(text: str) -> None:
    shown = visible(text)
    assert defused([text]) == [f"'{shown}" if text.startswith(STARTS) else shown]


@given(texts())
def test_everything_in_a_table_can_be_seen(text: str) -> None:
    for line in rows(full_of(f"\u202e{text}")):
        assert all(cell.isprintable() and visible(cell) == cell for cell in line.values())


def test_values_that_are_no_text_stay_what_they_are() -> None:
    assert defused([None, 7, -7, True]) == [None, 7, -7, True]


def test_an_empty_table_still_has_its_header() -> None:
    assert csv_header(SHOWING) + csv_rows([], SHOWING) == ",".join(COLUMNS) + "\r\n"


def test_the_columns_are_those_that_readers_rely_on() -> None:
    assert csv_header(SHOWING).split(",")[:12] == [
        "subject_kind",
        "subject_id",
        "verdict",
        "severity",
        "change",
        "hearing_at",
        "status",
        "containers",
        "tracks",
        "bytes",
        "reason",
        "next_step",
    ]
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_every_fact_of_a_row_has_its_column() -> None:
    assert set(row()) <= set(COLUMNS)
    recording = finding("no_ism")["recording"]
    assert {f"recording_{name}" for name in recording} <= set(COLUMNS)


def test_lines_end_as_spreadsheets_expect() -> None:
    table = csv_rows([finding(), finding("no_ism")], SHOWING)
    assert table.endswith("\r\n")
    assert table.count("\r\n") == table.count("\n") == 2


def test_a_session_fills_its_row() -> None:
    tracks = [{"name": "a.mp4", "key": "a", "size": size, "last_modified": LONG_AGO} for size in (30, 12)]
    seen = [evidence("one", media=tracks, unkeyed_media=1), evidence("two", media=[])]
    [line] = rows([finding(evidence=seen, session=row(status=None, scheduled_for=None, has_ingest_address=False))])
    assert (line["subject_kind"], line["subject_id"]) == ("capture_session", uuid_of("session"))
    assert (line["verdict"], line["severity"], line["change"]) == ("unregistered_recording", "high", "persisting")
    assert line["containers"] == f"{uuid_of('one')} {uuid_of('two')}"
    assert (line["tracks"], line["bytes"], line["status"]) == ("3", "42", "")
    assert (line["hearing_at"], line["started_at"], line["scheduled_for"]) == (LONG_AGO, LONG_AGO, "")
    assert (line["trail"], line["case_live"], line["has_ingest_address"]) == ("swept", "True", "False")
    assert (line["recording_session_id"], line["recording_marks"]) == ("", "")


def test_a_recording_and_a_container_leave_a_sessions_cells_empty() -> None:
    recording, container = rows([finding("no_ism", change=None), finding("mixed_container")])
    assert (recording["subject_kind"], container["subject_kind"]) == ("recording", "container")
    assert (recording["recording_marks"], recording["change"]) == ("no_duration", "")
    assert recording["booking_id"] == container["booking_id"] == container["recording_session_id"] == ""


def test_there_is_a_row_for_every_finding_in_the_order_of_the_report() -> None:
    findings = json.loads(json.dumps(with_findings()))["findings"]
    lines = rows(findings)
    assert [line["subject_id"] for line in lines] == ids(findings)
    assert {line["verdict"] for line in lines} == {known.verdict for known in LISTED}
