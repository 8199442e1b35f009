"""findings.csv: one row for each finding of any kind of subject, safe to open in a spreadsheet.

Which columns there are, the profile declares; they are stable: new ones are added at the end.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from reconciliation.showing import Showing
from reconciliation.visible import visible

_FORMULA_STARTS = frozenset("=+-@＝＋－＠")  # noqa: RUF001 (spreadsheets take the wide forms for formulas too)


def defused(values: Iterable[object]) -> list[object]:
    """The values, but every text visible, and none that a spreadsheet takes for a formula (OWASP: CSV injection)."""
    return [_defused(visible(value)) if isinstance(value, str) else value for value in values]


def _defused(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA_STARTS else text


def csv_header(showing: Showing) -> str:
    """The first line. Lines end with CRLF (RFC 4180)."""
    return _lines([[name for name, _ in showing.cells]])


def csv_rows(findings: Iterable[dict[str, Any]], showing: Showing) -> str:
    """The lines of findings of a report. What is not known is empty, and so is what another kind of subject has."""
    reads = [read for _, read in showing.cells]
    return _lines(defused([read(finding) for read in reads]) for finding in findings)


def _lines(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
