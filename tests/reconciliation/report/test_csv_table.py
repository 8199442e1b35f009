import csv
import io

import pytest
from hypothesis import given

from reconciliation.report.csv_table import COLUMNS, defused
from tests.reconciliation.strategies import texts
from tests.reconciliation.world import (
    container,
    encoded,
    key_of,
    manifest,
    reconciled,
    report_on,
    session,
    table_of,
    track,
    uuid_of,
)

# OWASP, "CSV injection": what a spreadsheet may take for the beginning of a formula.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_is_taken_for_a_formula(start: str) -> None:
    hostile = f'{start}HYPERLINK("http://x","y")'
    table = table_of(report_on(reconciled([session(status=hostile, case_state=hostile)], [encoded()])))
    [row] = rows(table)
    assert row["status"] == row["case_state"] == f"'{hostile}"
    assert not any(cell.startswith(STARTS) for cell in row.values())


@given(texts(), texts())
def test_whatever_stands_in_a_row_comes_back_from_the_file_as_text(status: str, state: str) -> None:
    report = report_on(reconciled([session(status=status, case_state=state)]))
    [row] = rows(table_of(report))
    assert list(row) == list(COLUMNS)
    assert (row["status"], row["case_state"]) == (defused(status), defused(state))
    assert row["reason"] == defused(report["findings"][0]["reason"])


@given(texts())
def test_defusing_changes_formulas_only(text: str) -> None:
    safe = defused(text)
    assert not safe.startswith(STARTS)
    assert safe == (f"'{text}" if text.startswith(STARTS) else text)


def test_values_that_are_no_text_are_written_plainly() -> None:
    assert (defused(None), defused(7), defused(-7)) == ("", "7", "'-7")


def test_an_empty_table_still_has_its_header() -> None:
    assert table_of(report_on(reconciled([]))) == ",".join(COLUMNS) + "\r\n"


def test_lines_end_as_spreadsheets_expect() -> None:
    table = table_of(report_on(reconciled([session("one"), session("two")])))
    assert table.endswith("\r\n")
    assert table.count("\r\n") == table.count("\n") == 3


def test_a_finding_fills_its_row() -> None:
    seen = container("recording", track(key_of(), 30), track(f"{key_of()}_2", 12), manifest(key_of()))
    [row] = rows(table_of(report_on(reconciled([session(scheduled_for=None)], [seen]))))
    assert row["session_id"] == str(uuid_of("session"))
    assert (row["verdict"], row["severity"]) == ("unregistered_recording", "high")
    assert (row["containers"], row["tracks"], row["bytes"]) == (str(uuid_of("recording")), "2", "42")
    assert (row["hearing_at"], row["started_at"], row["scheduled_for"]) == ("2026-01-31T09:30:00Z",) * 2 + ("",)


def test_there_is_a_row_for_every_finding_in_the_order_of_the_report() -> None:
    report = report_on(reconciled([session("one"), session("two")], [encoded(of="two")]))
    assert [row["session_id"] for row in rows(table_of(report))] == [f["subject"]["id"] for f in report["findings"]]
    assert rows(table_of(report))[0]["session_id"] == str(uuid_of("two"))
