"""findings.csv: one row per finding, stable columns, safe to open in a spreadsheet."""

import csv
import io

from reconciliation.report.model import Report

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


def render_csv(report: Report) -> str:
    """The table with its header, also when there is no finding. Lines end with CRLF (RFC 4180)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in report["findings"]:
        media = [file for container in finding["evidence"] for file in container["media"]]
        values = finding["session"] | {
            "session_id": finding["subject"]["id"],
            "verdict": finding["verdict"],
            "severity": finding["severity"],
            "hearing_at": finding["hearing_at"],
            "containers": " ".join(container["container"] for container in finding["evidence"]),
            "tracks": len(media),
            "bytes": sum(file["size"] for file in media),
            "reason": finding["reason"],
            "next_step": finding["next_step"],
        }
        writer.writerow([defused(values[column]) for column in COLUMNS])
    return out.getvalue()
