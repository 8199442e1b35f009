"""findings.csv: one row per finding, stable columns, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

COLUMNS = (
    "session_id",
    "verdict",
    "severity",
    "hearing_at",
    "status",
    "containers",
    "tracks",
    "bytes",
    "reason",
    "next_step",
    "started_at",
    "finished_at",
    "scheduled_for",
    "deleted_at",
    "booking_id",
    "case_id",
    "case_state",
    "live_recordings",
    "deleted_recordings",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def defused(value: object) -> str:
    """The value as text that no spreadsheet takes for a formula (OWASP: CSV injection); None becomes empty."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_header() -> str:
    """The first line. Lines end with CRLF (RFC 4180)."""
    return _lines([COLUMNS])


def csv_rows(findings: Iterable[dict[str, Any]]) -> str:
    """The lines of findings of a report."""
    return _lines(_cells(finding) for finding in findings)


def _cells(finding: dict[str, Any]) -> list[str]:
    evidence = finding["evidence"]
    values = finding["session"] | {
        "session_id": finding["subject"]["id"],
        "verdict": finding["verdict"],
        "severity": finding["severity"],
        "hearing_at": finding["hearing_at"],
        "containers": " ".join(container["container"] for container in evidence),
        "tracks": sum(len(container["media"]) for container in evidence),
        "bytes": sum(file["size"] for container in evidence for file in container["media"]),
        "reason": finding["reason"],
        "next_step": finding["next_step"],
    }
    return [defused(values[column]) for column in COLUMNS]


def _lines(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
