"""findings.csv: one row for each finding of any kind of subject, safe to open in a spreadsheet.

Columns are stable: new ones are added at the end.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from reconciliation.visible import visible

_FINDING = ("verdict", "severity", "change", "hearing_at")
_WORDS = ("reason", "next_step")
_SESSION = (
    "origin",
    "started_at",
    "finished_at",
    "scheduled_for",
    "deleted_at",
    "booking_id",
    "case_id",
    "case_state",
    "case_live",
    "live_recordings",
    "deleted_recordings",
    "sibling_recordings",
    "has_ingest_address",
    "trail",
    "job_at",
    "row_token",
)
_RECORDING = ("session_id", "marks")
COLUMNS = (
    "subject_kind",
    "subject_id",
    *_FINDING,
    "status",
    "containers",
    "tracks",
    "bytes",
    *_WORDS,
    *_SESSION,
    *(f"recording_{name}" for name in _RECORDING),
    "due",
    "unreadable",
    "future",
)
_DOUBTED = ("unreadable", "future")
_FORMULA_STARTS = frozenset("=+-@＝＋－＠")  # noqa: RUF001 (spreadsheets take the wide forms for formulas too)
_finding_cells, _word_cells = itemgetter(*_FINDING), itemgetter(*_WORDS)
_session_cells = itemgetter("status", *_SESSION)
_NO_SESSION, _NO_RECORDING = (None,) * (1 + len(_SESSION)), (None,) * len(_RECORDING)


def defused(values: Iterable[object]) -> list[object]:
    """The values, but every text visible, and none that a spreadsheet takes for a formula (OWASP: CSV injection)."""
    return [_defused(visible(value)) if isinstance(value, str) else value for value in values]


def _defused(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA_STARTS else text


def csv_header() -> str:
    """The first line. Lines end with CRLF (RFC 4180)."""
    return _lines([COLUMNS])


def csv_rows(findings: Iterable[dict[str, Any]]) -> str:
    """The lines of findings of a report. What is not known is empty, and so is what another kind of subject has."""
    return _lines(_cells(finding) for finding in findings)


def _cells(finding: dict[str, Any]) -> list[object]:
    subject, evidence, session, recording = map(finding.__getitem__, ("subject", "evidence", "session", "recording"))
    status, *of_session = _session_cells(session) if session else _NO_SESSION
    return defused(
        (
            subject["kind"],
            subject["id"],
            *_finding_cells(finding),
            status,
            " ".join([container["container"] for container in evidence]),
            sum([len(container["media"]) + container["unkeyed_media"] for container in evidence]),
            sum([file["size"] for container in evidence for file in container["media"]]),
            *_word_cells(finding),
            *of_session,
            *((recording["session_id"], " ".join(recording["marks"])) if recording else _NO_RECORDING),
            finding["due"],
            *[_pairs(session[name]) if session else None for name in _DOUBTED],
        )
    )


def _pairs(values: dict[str, str]) -> str:
    return " ".join(f"{column}={seen}" for column, seen in values.items())


def _lines(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
