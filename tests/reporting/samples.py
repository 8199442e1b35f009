"""Reports of schema version 2 to render, each built from the findings that it lists and the subjects it only counts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, uuid5

from profiles.pre_capture_sessions import PROFILE
from reporting.html import SHOWN_SEVERITIES, render_html

Json = dict[str, Any]
LONG_AGO = "2026-01-31T09:30:00Z"
AS_OF = "2026-03-02T09:30:00Z"
SEVERITIES = ("high", "medium", "low", "unknown", "info")


class Verdict(NamedTuple):
    """One row of the contract's tables."""

    subject: str
    verdict: str
    severity: str
    counted: bool
    meaning: str


VERDICTS = tuple(
    Verdict(subject, name, severity.removesuffix(", counted"), severity.endswith("counted"), meaning)
    for subject, rows in {
        "capture_session": (
            ("unreadable_row", "medium", "has a value that cannot be understood"),
            ("legacy", "info, counted", "comes from the migration, which another profile audits"),
            ("unverified", "unknown", "not every container was read that could matter"),
            ("in_flight", "info", "may still be on its way"),
            ("extra_output", "info", "has a live recording, and a second output without a row"),
            ("already_registered", "info, counted", "has a live recording and says so"),
            ("status_behind", "medium", "has a live recording, but its status says otherwise"),
            ("undone_by_us", "low", "a repair registered its recording, and another one took that back"),
            ("deleted_elsewhere", "low", "had recordings, and a person deleted them"),
            ("hidden_by_deletion", "high", "was deleted although a complete recording of it is in storage"),
            ("blocked_case_state", "high", "has a complete recording, but its case is closed or deleted"),
            ("job_tracked", "info", "an encode job is at work on it"),
            ("job_stale", "medium", "an encode job should have ended long ago"),
            ("ambiguous_containers", "high", "several complete recordings carry its id"),
            ("ended_not_stopped", "high", "has a complete recording, but was never stopped"),
            ("available_without_row", "high", "claims a recording that has no row; one is in storage"),
            ("unregistered_recording", "high", "one complete recording is in storage without a row"),
            ("incomplete_encode", "high", "media is there but has no manifest or no bytes"),
            ("in_mixed_container", "medium", "its media stands beside that of another session"),
            ("encode_lost", "high", "the live archive is there, and no recording was made of it"),
            ("suspect_lost", "medium", "was recorded by the look of it, and nothing is in storage"),
            ("expected_empty", "info, counted", "was never recorded, and says so"),
            ("stuck_empty", "medium", "waits for something that is nowhere"),
        ),
        "container": (
            ("evidence_error", "unknown", "could not be read"),
            ("not_a_recording", "info, counted", "is not named like a recording"),
            ("deleted_recording_retained", "info, counted", "has a deleted row; its media is kept"),
            ("registered", "info, counted", "has a live row"),
            ("empty_container", "info, counted", "holds no track"),
            ("still_changing", "info", "was written to a moment ago"),
            ("orphan_edit_output", "medium", "an edit's output without a row"),
            ("unattributed_media", "high", "media that names no session we know"),
            ("mixed_container", "high", "media of several sessions"),
            ("outside_question", "info, counted", "belongs to a session that was not asked for"),
            ("attributed", "info, counted", "belongs to one session, whose verdict tells"),
        ),
        "recording": (
            ("outside_question", "info, counted", "was not asked for"),
            ("vanished_row", "info, counted", "was taken out of the table"),
            ("unreadable_row", "medium", "cannot be understood"),
            ("deleted_row", "info, counted", "was deleted"),
            ("legacy_row", "info, counted", "waits for its import"),
            ("recent_row", "info, counted", "is too young to judge"),
            ("unverified", "unknown", "could not be read a second time"),
            ("row_without_container", "high", "has a row, and no such container exists"),
            ("row_without_media", "high", "its container holds no track"),
            ("no_ism", "high", "cannot be played: there is no manifest"),
            ("filename_missing", "medium", "its file is not in its container"),
            ("session_mismatch", "medium", "its tracks name other sessions only"),
            ("double_v1", "medium", "its session has another first version"),
            ("no_duration", "low", "has no duration"),
            ("not_opened", "info, counted", "its container was not opened"),
            ("sound", "info, counted", "nothing is wrong with it"),
        ),
    }.items()
    for name, severity, meaning in rows
)
KINDS = tuple(dict.fromkeys(row.subject for row in VERDICTS))
LISTED = tuple(row for row in VERDICTS if not row.counted)
HIDDEN = frozenset(
    {
        "hidden_by_deletion",
        "blocked_case_state",
        "ambiguous_containers",
        "ended_not_stopped",
        "available_without_row",
        "unregistered_recording",
    }
)


def uuid_of(name: str) -> str:
    """The id of the thing of that name, the same on every run."""
    return str(uuid5(NAMESPACE_OID, f"report sample: {name}"))


def evidence(name: str = "recording", of: str = "session", **changes: Any) -> Json:
    """A complete, unregistered container with one track of a session."""
    key = uuid_of(of).replace("-", "")
    media = {
        "name": f"{key}_1280x720_4500k.mp4",
        "key": key,
        "size": 40_960,
        "last_modified": "2026-01-31T11:12:00Z",
    }
    return {
        "container": uuid_of(name),
        "blobs": 4,
        "media": [media],
        "unkeyed_media": 0,
        "empty_media": 0,
        "manifest_bytes": 712,
        "newest": "2026-01-31T11:12:30Z",
        "future": None,
        "kind": "recording",
        "registered": False,
        "complete": True,
    } | changes


def row(name: str = "session", **changes: Any) -> Json:
    """What a session's row says."""
    return {
        "status": "NO_RECORDING",
        "origin": "PRE",
        "started_at": LONG_AGO,
        "finished_at": "2026-01-31T18:00:04Z",
        "scheduled_for": "2026-01-31T09:15:00Z",
        "deleted_at": None,
        "booking_id": uuid_of(f"{name}: booking"),
        "case_id": uuid_of(f"{name}: case"),
        "case_state": "OPEN",
        "case_live": True,
        "live_recordings": 0,
        "deleted_recordings": 0,
        "sibling_recordings": 0,
        "has_ingest_address": True,
        "trail": "swept",
        "job_at": None,
        "row_token": "4711",
        "unreadable": {},
        "future": {},
    } | changes


def finding(verdict: str = "unregistered_recording", name: str = "session", **changes: Any) -> Json:
    """A finding of that verdict about the thing of that name; ``changes`` replaces members."""
    known = next(row for row in LISTED if verdict == row.verdict)
    kind = known.subject
    seen = [] if verdict in {"suspect_lost", "stuck_empty", "row_without_container"} else [evidence(f"{name}: k", name)]
    about = "session" if kind == "capture_session" else kind
    return {
        "subject": {"kind": kind, "id": uuid_of(name)},
        "verdict": verdict,
        "severity": known.severity,
        "change": "persisting",
        "reason": f"The {about} {known.meaning}: {uuid_of(f'{name}: k')} was looked at.",
        "next_step": f"Look at the {about} as the runbook tells for {verdict}.",
        "hearing_at": None if kind == "container" else LONG_AGO,
        "due": None,
        "session": row(name) if kind == "capture_session" else None,
        "recording": {"session_id": uuid_of(f"{name}: s"), "marks": ["no_duration"]} if kind == "recording" else None,
        "evidence": seen,
    } | changes


def since_last(**changes: Any) -> Json:
    """A comparison with an audit of the day before; ``changes`` replaces members."""
    return {
        "previous": {"id": "20260301-093000-1a2b3c4d", "as_of": "2026-03-01T09:30:00Z"},
        "why_not": None,
        "new": 0,
        "persisting": 0,
        "resolved": 0,
        "resolved_findings": [],
    } | changes


NOT_COMPARED = since_last(previous=None, why_not="This is the first audit.", new=None, persisting=None, resolved=None)


def coverage(scanned: int, failed: Mapping[str, str] | None = None, skipped: Mapping[str, int] | None = None) -> Json:
    """The proof that adds up, with the containers that could not be read and why."""
    failed, skipped = failed or {}, skipped or {}
    left_out = sum(skipped.values())
    return {
        "complete": not failed and "outside the requested prefixes" not in skipped,
        "units": {
            "noun": "container",
            "listed": scanned + left_out + len(failed),
            "scanned": scanned,
            "skipped": left_out,
            "failed": len(failed),
        },
        "blobs": 4 * scanned,
        "skipped_by_reason": dict(skipped),
        "gaps": [],
        "failed_units": [{"unit": name, "error": error} for name, error in failed.items()],
        "dead_letters": [],
    }


def report(
    findings: Iterable[Json] = (),
    counted: Mapping[tuple[str, str], int] | None = None,
    *,
    headline: str | None = None,
    looked: Json | None = None,
    compared: Json | None = None,
    parameters: Mapping[str, Any] | None = None,
    runbook: str | None = None,
    look_up: Json | None = None,
) -> Json:
    """A report that lists these findings, most urgent first; ``counted`` by kind of subject and verdict."""
    listed = sorted(findings, key=lambda one: SEVERITIES.index(one["severity"]))
    counts = Counter((one["subject"]["kind"], one["verdict"]) for one in listed) + Counter(counted or {})
    looked = looked or coverage(sum(count for (kind, _), count in counts.items() if kind == "container"))
    asks = any(one["severity"] != "info" for one in listed)
    code, word = (3, "incomplete") if not looked["complete"] else (1, "findings") if asks else (0, "clean")
    return {
        "schema_version": 3,
        "complete": looked["complete"],
        "audit": {
            "id": "20260302-093000-1a2b3c4d",
            "profile": "pre-capture-sessions",
            "title": "PRE capture sessions",
            "created_at": "2026-03-02T09:29:00Z",
            "as_of": AS_OF,
            "generated_at": "2026-03-02T09:31:00Z",
            "resumes": 0,
            "environment": "production",
            "storage_account": "finalsa",
            "ingest_account": "ingestsa",
            "database": {"host": "db.example", "name": "pre"},
        },
        "outcome": {"code": code, "word": word},
        "headline": headline or f"production: {len(listed)} findings; {looked['units']['scanned']:,} read.",
        "notes": [],
        "since_last": compared or NOT_COMPARED,
        "coverage": looked,
        "counts": {
            **{kind: {r.verdict: counts[kind, r.verdict] for r in VERDICTS if r.subject == kind} for kind in KINDS},
            "by_severity": {severity: sum(one["severity"] == severity for one in listed) for severity in SEVERITIES},
            "findings": len(listed),
            "hidden": sum(one["verdict"] in HIDDEN for one in listed),
        },
        "verdicts": [
            {
                "subject": r.subject,
                "verdict": r.verdict,
                "severity": r.severity,
                "meaning": r.meaning,
                "count": counts[r.subject, r.verdict],
                "counted": r.counted,
                "by_severity": Counter(
                    one["severity"]
                    for one in listed
                    if (one["subject"]["kind"], one["verdict"]) == (r.subject, r.verdict)
                ),
                "runbook": f"{runbook}#{r.verdict}" if runbook else None,
            }
            for r in VERDICTS
        ],
        "look_up": look_up,
        "parameters": {
            "profile": "pre-capture-sessions",
            "mode": "full",
            "statuses": ["PROCESSING", "NO_RECORDING", "FAILURE", "NULL"],
            "grace_minutes": 60,
            "since": None,
            "until": None,
            "container_prefixes": [],
            "only": [],
            "ingest_address_contains": None,
        }
        | dict(parameters or {}),
        "settle_minutes": 20,
        "versions": {"capture_audit": "0.1.0"},
        "findings": listed,
        "counted": {
            "capture_session": {
                verdict: [uuid_of(f"{verdict} {number}") for number in range(min(count, 3))]
                for (kind, verdict), count in (counted or {}).items()
                if kind == "capture_session"
            }
        },
    }


COUNTED = {
    ("capture_session", "legacy"): 1_204,
    ("capture_session", "already_registered"): 17_466,
    ("capture_session", "expected_empty"): 6_281,
    ("container", "registered"): 19_700,
    ("container", "not_a_recording"): 14,
    ("container", "empty_container"): 216,
    ("container", "attributed"): 65,
    ("recording", "sound"): 19_398,
    ("recording", "deleted_row"): 61,
}

_HEARINGS = (
    "2024-07-19T10:00:00Z",
    "2024-07-22T13:30:00Z",
    "2024-10-03T09:30:00Z",
    "2025-02-11T10:15:00Z",
    "2025-06-12T09:30:00Z",
    "2025-06-12T14:00:00Z",
    "2025-06-12T14:20:00Z",
    "2025-11-03T10:00:00Z",
    "2026-01-31T09:30:00Z",
    "2026-02-27T11:00:00Z",
)


def every_verdict() -> list[Json]:
    """One finding of each verdict that is listed, and some more of what the audit is for."""
    names = [*(known.verdict for known in LISTED), *["unregistered_recording"] * 6, *["suspect_lost"] * 3]
    found = []
    for number, verdict in enumerate(names):
        at = _HEARINGS[number % len(_HEARINGS)]
        one = finding(verdict, f"{verdict} {number}", change="new" if number % 5 == 0 else "persisting")
        found.append(one if one["hearing_at"] is None else one | {"hearing_at": at})
    return found


def with_findings() -> Json:
    """A complete audit that found something of every kind."""
    resolved = [
        {"subject": {"kind": "capture_session", "id": uuid_of(f"r{n}")}, "verdict": "stuck_empty", "repair": repair}
        for n, repair in (("a", None), ("b", "20260302-101500-1a2b3c4d"))
    ]
    found = every_verdict()
    new = sum(one["change"] == "new" for one in found)
    return report(
        found,
        COUNTED,
        headline="12 recordings are hidden in storage, 7 more findings are urgent; 20,000 of 20,000 containers read.",
        compared=since_last(new=new, persisting=len(found) - new, resolved=2, resolved_findings=resolved),
    )


def clean() -> Json:
    """A complete audit that found nothing."""
    return report(
        [],
        COUNTED,
        headline="No hearing is missing: none of 24,951 sessions has a hidden recording; 19,995 of 19,995 containers "
        "read.",
        compared=since_last(),
    )


def incomplete() -> Json:
    """An audit that could not read everything."""
    errors = {uuid_of(f"unread {n}"): "403 This request is not authorized to perform this operation." for n in range(4)}
    found = [
        finding("unregistered_recording"),
        *(finding("unverified", f"u{n}") for n in range(5)),
        *(
            finding("evidence_error", name, subject={"kind": "container", "id": name}, evidence=[], reason=error)
            for name, error in errors.items()
        ),
    ]
    why = "The last audit was incomplete, so what it did not find may have been there."
    return report(
        found,
        COUNTED,
        headline="This audit is incomplete: 19,995 of 19,999 containers read. 1 recording is hidden in storage and 5 "
        "sessions could not be verified.",
        looked=coverage(19_995, errors),
        compared=NOT_COMPARED | {"why_not": why},
    )


def many(count: int = 1_432) -> Json:
    """An audit with more findings of one severity than the page shows."""
    high = [
        finding(name=f"high {n}", hearing_at=f"{2024 + n * 2 // count}-{1 + n * 12 // count:02}-15T09:30:00Z")
        for n in range(count)
    ]
    return report([*high, *every_verdict()], COUNTED, compared=since_last(new=9, persisting=count))


def shown(document: Json, most: int | None = None) -> dict[str, list[Json]]:
    """The findings of a report as the page takes them, at most ``most`` of each severity."""
    return {
        severity: [one for one in document["findings"] if one["severity"] == severity][:most]
        for severity in SHOWN_SEVERITIES
    }


def page_of(document: Json, most: int | None = None) -> str:
    """report.html of a report."""
    head = {name: value for name, value in document.items() if name not in {"findings", "counted"}}
    return render_html(head, shown(document, most), PROFILE)


def ids(findings: Sequence[Json]) -> list[str]:
    """The subjects' ids, in order."""
    return [one["subject"]["id"] for one in findings]
