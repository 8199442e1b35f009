"""What reports show of PRE's subjects, member by member; the published schema of the report is generated from it."""

from typing import Annotated, TypedDict

from profiles.pre_capture_sessions.candidates import Mark
from profiles.pre_capture_sessions.keys import UUID_TEXT, ContainerKind
from profiles.pre_capture_sessions.trail import Trail
from reconciliation.shapes import Count, Form, Moment

UUID = f"^{UUID_TEXT}$"
Id = Annotated[str, Form(f"^({UUID_TEXT})?$")]
"""Of another row; empty where it cannot be read."""


class Track(TypedDict):
    """A track whose name carries a session id."""

    name: str
    key: Annotated[str, Form(r"^[0-9a-f]{32}$"), "The id, without its hyphens."]
    size: Count
    last_modified: Moment


class Evidence(TypedDict):
    """A container as it was read last."""

    container: str
    blobs: Count
    media: Annotated[list[Track], "The tracks whose names carry a session id."]
    unkeyed_media: Annotated[
        Count, "Tracks that carry no session id; their names may hold personal data and are never shown."
    ]
    empty_media: Annotated[Count, "Tracks without a byte."]
    manifest_bytes: Annotated[Count | None, "The largest server manifest; null when there is none."]
    newest: Annotated[Moment | None, "The last change."]
    future: Annotated[
        Moment | None,
        "The furthest last change that lay in the future when it was read; such moments count as not given.",
    ]
    kind: ContainerKind
    registered: bool
    complete: bool


class Session(TypedDict):
    """The row of a capture session."""

    status: str | None
    origin: str
    started_at: Moment | None
    finished_at: Moment | None
    scheduled_for: Moment | None
    deleted_at: Moment | None
    booking_id: Id
    case_id: Id
    case_state: str
    case_live: Annotated[bool, "False when its booking or case was deleted."]
    live_recordings: Count
    deleted_recordings: Count
    sibling_recordings: Annotated[Count, "Live recordings of other sessions of the same booking."]
    has_ingest_address: bool
    job_at: Annotated[Moment | None, "When its newest encode job was made."]
    row_token: Annotated[str, "Changes with every write to the row."]
    trail: Annotated[Trail, "What the audit trail says of its end."]
    unreadable: Annotated[
        dict[str, str], "Columns whose value is not understood, with what was seen; they count as not given."
    ]
    future: Annotated[dict[str, Moment], "Columns whose moment had not come yet; they count as not given."]


class Row(TypedDict):
    """The row of a registered recording."""

    session_id: str
    marks: Annotated[list[Mark], "What is special about the row."]


class Shown(TypedDict):
    """What every finding has, so that one table takes them all."""

    hearing_at: Annotated[Moment | None, "The session's start, else its end, else the booking's time."]
    evidence: list[Evidence]


class SessionShown(Shown):
    """What is shown of a capture session."""

    session: Session
    recording: None


class RecordingShown(Shown):
    """What is shown of a registered recording."""

    session: None
    recording: Row


class ContainerShown(Shown):
    """What is shown of a container."""

    session: None
    recording: Row | None
