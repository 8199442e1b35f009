"""findings.csv: one row for each finding of any kind of subject, safe to open in a spreadsheet.

The profile declares the columns; they are stable: new ones are added at the end.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from reconciliation.showing import Showing
from reconciliation.visible import visible

_FORMULA_STARTS = frozenset("=+-@＝＋－＠")  # noqa: RUF001 (spreadsheets take the wide forms for formulas too)


def defused(values: Iterable[object]) -> list[object]:
    """The values with every text visible, and none that a spreadsheet reads as a formula (OWASP: CSV injection)."""
    return [_defused(visible(value)) if isinstance(value, str) else value for value in values]


def _defused(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA_STARTS else text


def csv_header(showing: Showing) -> str:
    """The header line. Lines end with CRLF (RFC 4180)."""
    return _lines([[name for name, _ in showing.cells]])


def csv_rows(findings: Iterable[dict[str, Any]], showing: Showing) -> str:
    """The lines of a report's findings. Columns without a value, or of other kinds of subjects, are empty."""
    reads = [read for _, read in showing.cells]
    return _lines(defused([read(finding) for read in reads]) for finding in findings)


def _lines(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
