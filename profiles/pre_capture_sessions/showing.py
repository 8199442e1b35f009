"""What the page and the table show of each finding."""

from collections.abc import Callable, Iterator
from typing import Any

from reconciliation.showing import (
    SUBJECT_ID,
    SUBJECT_KIND,
    Column,
    Exhibit,
    Fact,
    Form,
    Json,
    Part,
    Showing,
    member,
)
from reconciliation.wording import joined, plural

_OF_SESSION = (
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
_CONTAINER_KINDS = {"recording": "Container", "input": "Input container", "other": "Other container"}


# --- what is in the containers ---------------------------------------------------------------------------------------


def _tracks(finding: Json) -> int:
    return sum([len(container["media"]) + container["unkeyed_media"] for container in finding["evidence"]])


def _bytes(finding: Json) -> int:
    return sum([file["size"] for container in finding["evidence"] for file in container["media"]])


def _containers(finding: Json) -> str:
    return " ".join([container["container"] for container in finding["evidence"]])


def _summary(finding: Json) -> str:
    containers = len(finding["evidence"])
    if not containers:
        return "Facts; no container holds anything of it"
    return f"Facts and evidence: {plural(containers, 'container')}, {plural(_tracks(finding), 'track')}"


def _exhibits(finding: Json) -> Iterator[Exhibit]:
    for container in finding["evidence"]:
        manifest, unkeyed, empty = container["manifest_bytes"], container["unkeyed_media"], container["empty_media"]
        said = [
            plural(container["blobs"], "blob"),
            "no manifest" if manifest is None else f"manifest of {plural(manifest, 'byte')}",
            *([f"{plural(empty, 'track')} of zero bytes"] if empty else []),
            *([f"{plural(unkeyed, 'track')} without a session id (names not shown)"] if unkeyed else []),
            "registered" if container["registered"] else "not registered",
            "complete" if container["complete"] else "not complete",
        ]
        written = (Part(", last written "), Part(container["newest"], Form.MOMENT)) if container["newest"] else ()
        yield Exhibit(
            (
                Part(f"{_CONTAINER_KINDS[container['kind']]} "),
                Part(container["container"], Form.CODE),
                Part(f": {', '.join(said)}"),
                *written,
            ),
            tuple(
                (
                    Part(file["name"], Form.CODE),
                    Part(f" {plural(file['size'], 'byte')}, "),
                    Part(file["last_modified"], Form.MOMENT),
                )
                for file in container["media"]
            ),
        )


# --- what the rows say -----------------------------------------------------------------------------------------------


def _facts(finding: Json) -> Iterator[Fact]:
    if finding["session"] is not None:
        yield from _of_session(finding["session"])
    if (recording := finding["recording"]) is not None:
        yield Fact("Session", (Part(recording["session_id"], Form.CODE),))
        yield Fact("Row", (Part(", ".join(recording["marks"]).replace("_", " ") or "original take"),))


def _of_session(session: Json) -> Iterator[Fact]:
    moments = (
        ("Started", "started_at"),
        ("Finished", "finished_at"),
        ("Booked for", "scheduled_for"),
        ("Deleted", "deleted_at"),
        ("Encode job", "job_at"),
    )
    for title, name in moments:
        if session[name]:
            yield Fact(title, (Part(session[name], Form.MOMENT),))
    case_state = session["case_state"] if session["case_live"] else f"{session['case_state']}, deleted"
    if session["origin"]:
        yield Fact("Origin", (Part(session["origin"]),))
    yield Fact("Booking", (Part(session["booking_id"], Form.CODE),))
    yield Fact("Case", (Part(session["case_id"], Form.CODE), Part(f" ({case_state})")))
    if session["trail"]:
        yield Fact("Audit trail", (Part(session["trail"]),))
    yield Fact("Ingest address", (Part("yes" if session["has_ingest_address"] else "none"),))
    counts = (("live", "live_recordings"), ("deleted", "deleted_recordings"), ("of a sibling", "sibling_recordings"))
    recordings = joined([f"{session[name]:,} {words}" for words, name in counts if session[name]])
    yield Fact("Recordings", (Part(recordings or "none"),))


def _status(finding: Json) -> Part | None:
    session = finding["session"]
    if session is None:
        return None
    return Part(session["status"], Form.CODE) if session["status"] else Part("no status")


# --- all of it -------------------------------------------------------------------------------------------------------


def _session_cell(name: str) -> tuple[str, Callable[[Json], Any]]:
    return name, lambda finding: finding["session"] and finding["session"][name]


def _pairs_cell(name: str) -> tuple[str, Callable[[Json], Any]]:
    def read(finding: Json) -> str | None:
        values = finding["session"] and finding["session"][name]
        return None if values is None else " ".join(f"{column}={value}" for column, value in values.items())

    return name, read


SHOWING = Showing(
    columns=(
        Column("Hearing", lambda finding: Part(finding["hearing_at"], Form.MOMENT), Form.MOMENT),
        Column("Status", _status),
        Column("Tracks", _tracks, Form.NUMBER),
        Column("Size", _bytes, Form.BYTES),
    ),
    cells=(
        SUBJECT_KIND,
        SUBJECT_ID,
        *map(member, ("verdict", "severity", "change", "hearing_at")),
        _session_cell("status"),
        ("containers", _containers),
        ("tracks", _tracks),
        ("bytes", _bytes),
        *map(member, ("reason", "next_step")),
        *map(_session_cell, _OF_SESSION),
        ("recording_session_id", lambda finding: finding["recording"] and finding["recording"]["session_id"]),
        ("recording_marks", lambda finding: finding["recording"] and " ".join(finding["recording"]["marks"])),
        member("due"),
        *map(_pairs_cell, ("unreadable", "future")),
    ),
    facts=_facts,
    exhibits=_exhibits,
    summary=_summary,
    dated=lambda finding: finding["hearing_at"],
    event="hearing",
)
