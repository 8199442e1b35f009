"""The findings of one severity: a table that a script may filter and sort, and that says everything without it."""

from collections.abc import Iterable, Sequence
from typing import Any

from reconciliation.report.headline import plural
from reconciliation.report.markup import (
    KINDS,
    code,
    cut_note,
    is_ahead,
    joined,
    moment,
    runbook_link,
    safe,
    section,
    size,
)
from reconciliation.report.model import Head

_TITLES = {
    "high": ("High", "Somebody must act: a recording is hidden, in doubt or broken."),
    "medium": ("Medium", "Something is wrong that can wait a little: plan it."),
    "low": ("Low", "Probably nothing; look when there is time."),
    "unknown": ("Unknown", "Could not be checked, so nothing may be concluded."),
}
_COLUMNS = (("Subject", ""), ("Verdict", ""), ("Hearing", ""), ("Status", ""), ("Tracks", "number"), ("Size", "number"))
_HEADS = "".join(f'<th scope="col"{f" class={css}" if css else ""}>{name}</th>' for name, css in _COLUMNS)


def findings_section(severity: str, findings: Sequence[dict[str, Any]], count: int, report: Head) -> str:
    """``findings`` are the first of ``count``, and all of them are shown."""
    name, meaning = _TITLES[severity]
    if not count:
        where = "" if report["complete"] or severity == "unknown" else " in what was read"
        return section(severity, f"{name}: none", f"<p>Nothing of this severity was found{where}.</p>")
    runbooks = {row["verdict"]: runbook_link(row["runbook"]) for row in report["verdicts"]}
    rows = "\n".join(_rows(finding, runbooks[finding["verdict"]], report) for finding in findings)
    return section(
        severity,
        f'<span class="mark {severity}">{name}</span> {plural(count, "finding")}',
        f"<p>{meaning}</p>\n{cut_note(len(findings), count, 'findings.csv and report.json')}"
        f'<table class="findings {severity}">\n<caption class="unseen">{name}: findings, why and what to do</caption>\n'
        f"<thead><tr>{_HEADS}</tr></thead>\n{rows}\n</table>\n"
        '<p class="none" hidden>No finding here matches the filter.</p>',
    )


def _rows(finding: dict[str, Any], runbook: str, report: Head) -> str:
    """One finding: a row of facts to sort by, and below it why, what to do, and what was seen."""
    subject, evidence, session = finding["subject"], finding["evidence"], finding["session"]
    new = ' <b class="new">new</b>' if finding["change"] == "new" else ""
    tracks = sum(len(container["media"]) + container["unkeyed_media"] for container in evidence)
    amount = sum(file["size"] for container in evidence for file in container["media"])
    status = (code(session["status"]) if session["status"] else "no status") if session else ""
    return (
        f'<tbody data-verdict="{safe(finding["verdict"])}" data-change="{finding["change"] or ""}">\n'
        f'<tr><th scope="rowgroup">{KINDS[subject["kind"]]} {code(subject["id"])}</th>'
        f"<td>{code(finding['verdict'])}{new}</td><td>{moment(finding['hearing_at'])}</td><td>{status}</td>"
        f'<td class="number" data-sort="{tracks}">{tracks:,}</td>'
        f'<td class="number" data-sort="{amount}">{size(amount) if amount else ""}</td></tr>\n'
        f'<tr class="why"><td colspan="{len(_COLUMNS)}"><p>{safe(finding["reason"])}</p>\n'
        f'<p class="next"><b>Next step:</b> {safe(finding["next_step"])}{runbook}</p>\n{_due(finding["due"], report)}'
        f"<details><summary>{_summary(evidence, tracks)}</summary>\n"
        f"{_session(session)}{_recording(finding['recording'])}"
        f"{''.join(_container(container) for container in evidence)}</details></td></tr>\n</tbody>"
    )


def _due(due: str | None, report: Head) -> str:
    if due is None:
        return ""
    if is_ahead(due, report):
        return f'<p class="due"><b>Act before {moment(due)}.</b></p>\n'
    return f'<p class="quiet">It was to be done before {moment(due)}.</p>\n'


def _summary(evidence: Sequence[Any], tracks: int) -> str:
    if not evidence:
        return "Facts; no container holds anything of it"
    return f"Facts and evidence: {plural(len(evidence), 'container')}, {plural(tracks, 'track')}"


def _session(session: dict[str, Any] | None) -> str:
    if session is None:
        return ""
    case_state = session["case_state"] if session["case_live"] else f"{session['case_state']}, deleted"
    facts = (
        ("Started", _optional(session["started_at"])),
        ("Finished", _optional(session["finished_at"])),
        ("Booked for", _optional(session["scheduled_for"])),
        ("Deleted", _optional(session["deleted_at"])),
        ("Encode job", _optional(session["job_at"])),
        ("Origin", safe(session["origin"])),
        ("Booking", code(session["booking_id"])),
        ("Case", f"{code(session['case_id'])} ({safe(case_state)})"),
        ("Audit trail", safe(session["trail"] or "")),
        ("Ingest address", "yes" if session["has_ingest_address"] else "none"),
        ("Recordings", _recordings(session)),
    )
    return _facts(facts)


def _recordings(session: dict[str, Any]) -> str:
    counts = (("live", "live_recordings"), ("deleted", "deleted_recordings"), ("of a sibling", "sibling_recordings"))
    return joined([f"{session[member]:,} {words}" for words, member in counts if session[member]]) or "none"


def _recording(recording: dict[str, Any] | None) -> str:
    if recording is None:
        return ""
    return _facts(
        (
            ("Session", code(recording["session_id"])),
            ("Row", safe(", ".join(recording["marks"]).replace("_", " ")) or "original take"),
        )
    )


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in facts if text) + "</dl>\n"


def _optional(text: str | None) -> str:
    return moment(text) if text else ""


def _container(container: dict[str, Any]) -> str:
    manifest, unkeyed, empty = container["manifest_bytes"], container["unkeyed_media"], container["empty_media"]
    facts = [
        plural(container["blobs"], "blob"),
        "no manifest" if manifest is None else f"manifest of {plural(manifest, 'byte')}",
        *([f"{plural(empty, 'track')} of zero bytes"] if empty else []),
        *([f"{plural(unkeyed, 'track')} without a session id (names not shown)"] if unkeyed else []),
        "registered" if container["registered"] else "not registered",
        "complete" if container["complete"] else "not complete",
    ]
    tracks = "".join(
        f"<li>{code(file['name'])} {plural(file['size'], 'byte')}, {moment(file['last_modified'])}</li>"
        for file in container["media"]
    )
    return (
        f'<div class="evidence"><p>{_CONTAINER_KINDS[container["kind"]]} {code(container["container"])}: '
        f"{', '.join(facts)}{_newest(container['newest'])}</p>{f'<ul>{tracks}</ul>' if tracks else ''}</div>\n"
    )


_CONTAINER_KINDS = {"recording": "Container", "input": "Input container", "other": "Other container"}


def _newest(newest: str | None) -> str:
    return f", last written {moment(newest)}" if newest else ""
