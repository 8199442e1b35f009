"""What PRE's repairs change, and when they do not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial
from typing import Any, Self

from profiles.pre_capture_sessions.facts import SessionFacts
from profiles.pre_capture_sessions.keys import is_manifest, is_media
from profiles.pre_capture_sessions.kinds import SESSION
from profiles.pre_capture_sessions.statements import (
    REGISTER_RECORDING,
    RESTORE_RECORDING,
    SET_STATUS,
    SET_STATUS_BACK,
    WITHDRAW_RECORDING,
)
from reconciliation.canonical import canonical, digest_of
from reconciliation.closed_hours import ClosedHours
from reconciliation.effects import Effect, Scalar
from reconciliation.evidence import Unread
from reconciliation.lookups import Contained, Contents, Lookup
from reconciliation.queries import SqlRows
from reconciliation.repair import Change, Repair, Repairable
from reconciliation.times import optional_text, to_text

SETTING = "PRE_REPAIR_DATABASE"
STORAGE = "SOURCE_STORAGE"

# The cron jobs of production that write sessions: the sweep and the end of encode jobs (18:00 and 18:15), the
# correction of statuses (11:45), the start of the day's live events (06:00).
CLOSED = (
    ClosedHours(time(17, 45), time(19, 30), "the evening sweep", voids=True),
    ClosedHours(time(11, 40), time(12, 0), "the correction of statuses"),
    ClosedHours(time(5, 55), time(6, 30), "the start of the day's live events"),
)
_REGISTERED_FROM = frozenset({"PROCESSING", "NO_RECORDING", "FAILURE", "RECORDING_AVAILABLE"})
_LONGEST_FILE_NAME = 255
_NO_MAIL = (
    "People with whom the booking is shared get no e-mail: tell them. Play the recording back. The copy in the ingest "
    "account stays as it is."
)
# ISO 8601 as a manifest writes it: no years and months, whose length is not fixed.
_DURATION = r"P(?:(\d{1,3})D)?T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,7}(?:\.\d{1,9})?)S)?"
_IN_MANIFEST = re.compile(rf"""\bmediaPresentationDuration\s*=\s*["']({_DURATION})["']""")
_DETAILS = """
select json_build_array(s.id, (select count(*) from share_bookings h
                                where h.booking_id = s.booking_id and h.deleted_at is null),
                        r.id, r.xmin::text)::text
  from capture_sessions s
  left join recordings r on r.capture_session_id = s.id and r.deleted_at is not null
       and not exists (select from recordings o where o.capture_session_id = s.id and o.id <> r.id)
 where s.id = any(%(ids)s::uuid[])
"""
_USE = """
with of_these as (select id, capture_session_id, created_at, deleted_at from recordings
                   where capture_session_id = any(%(ids)s::uuid[])),
     plays as (select coalesce(audit_details ->> 'recordingId', audit_details ->> 'recordinguid') as recording,
                      created_at
                 from audits
                where created_at >= (select min(created_at) from of_these)
                  and (activity = 'Play' or audit_details ->> 'description' ilike '%%playback%%'))
select json_build_array(s.id, json_build_object(
         'case_state', c.state, 'session_status', s.status,
         'live_shares', (select count(*) from share_bookings h where h.booking_id = s.booking_id
                                                                and h.deleted_at is null),
         'recordings', (select count(*) from of_these r where r.capture_session_id = s.id and r.deleted_at is null),
         'playbacks', (select count(*) from of_these r join plays p on p.recording = r.id::text
                                                                   and p.created_at >= r.created_at
                        where r.capture_session_id = s.id)))::text
  from capture_sessions s
  join bookings b on b.id = s.booking_id
  join cases c on c.id = b.case_id
 where s.id = any(%(ids)s::uuid[])
"""


@dataclass(frozen=True)
class Details:
    """What an approver wants to know besides: how many people will see the recording at once.

    ``recording_id`` and ``recording_token`` are those of its only recording, if that is marked as deleted.
    """

    session_id: str
    live_shares: int
    recording_id: str | None
    recording_token: str | None

    @classmethod
    def from_json(cls, value: list[Any]) -> Self:
        """Raises ``ValueError`` or ``TypeError`` for anything but its four values."""
        session_id, live_shares, recording_id, recording_token = value
        return cls(session_id, int(live_shares), recording_id, recording_token)


def details(ids: Sequence[str]) -> SqlRows:
    """A row for each session of these."""
    return SqlRows(_DETAILS, {"ids": list(ids)})


def use_of(ids: Sequence[str]) -> SqlRows:
    """Who can see the recordings of these sessions by now, and how often they were played."""
    return SqlRows(_USE, {"ids": list(ids)})


def duration_in(manifest: str | None) -> str | None:
    """The duration that an ``.mpd`` gives, as ISO 8601; None if it gives none that is more than nothing."""
    match = _IN_MANIFEST.search(manifest or "")
    return match[1] if match and length_of(match[1]) else None


def length_of(duration: str) -> timedelta:
    """How long an ISO 8601 duration of days, hours, minutes and seconds is."""
    match = re.fullmatch(_DURATION, duration)
    days, hours, minutes, seconds = match.groups(default="0") if match else ("0", "0", "0", "0")
    return timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def _register(repairable: Repairable[SessionFacts]) -> Change | str:
    facts = repairable.facts
    if (why_not := _cannot_be_decided(repairable)) is not None:
        return why_not
    session, [container], [contents] = facts.session, facts.complete, repairable.results
    if contents is None or isinstance(contents, Unread):
        return f"Container {container.container} could not be read just now."
    tracks = sorted(blob.name for blob in contents.blobs if is_media(blob.name))
    if (why_not := _cannot_be_named(tracks, container.container, session.key)) is not None:
        return why_not
    duration = duration_in(next((text for _, text in sorted(contents.texts.items())), None))
    values = _values(facts) | {"recording_id": container.container, "filename": tracks[0], "duration": duration}
    return Change(
        says=(
            f"Insert recording {container.container} of session {session.session_id}, set its status "
            f"{session.status} -> RECORDING_AVAILABLE, write 3 audit rows."
        ),
        seen=_seen(facts) | {"container": container.container, "contents": _version(contents)},
        do=(Effect(REGISTER_RECORDING.name, values),),
        undo=Effect(WITHDRAW_RECORDING.name, _undo(values, session.status)),
        shown=_shown(repairable, contents, duration),
        left_to_people=_NO_MAIL,
    )


def _cannot_be_decided(repairable: Repairable[SessionFacts]) -> str | None:
    status, complete = repairable.facts.session.status, repairable.facts.complete
    if status not in _REGISTERED_FROM:
        return f"Its status is {status or 'empty'}: a person must decide what it means."
    if not repairable.all_read:
        return "Not all containers could be read: another one may hold a recording of this session too."
    return None if len(complete) == 1 else f"There are {len(complete)} complete containers of it, not one."


def _cannot_be_named(tracks: Sequence[str], container: str, key: str) -> str | None:
    if not tracks or not tracks[0].lower().startswith(key):
        return f"The first track of container {container} does not carry the session's id."
    too_long = len(tracks[0]) > _LONGEST_FILE_NAME
    return f"The name of the track in container {container} is too long for the database." if too_long else None


def _set_status(repairable: Repairable[SessionFacts]) -> Change | str:
    facts = repairable.facts
    session = facts.session
    if session.status is None:
        return "Its status is empty: a person must decide what it means."
    if session.live_recordings != 1:
        return f"It has {session.live_recordings} live recordings, not one."
    values = _values(facts)
    return Change(
        says=(
            f"Set the status of session {session.session_id} {session.status} -> RECORDING_AVAILABLE, write 1 audit "
            "row."
        ),
        seen=_seen(facts),
        do=(Effect(SET_STATUS.name, values),),
        undo=Effect(SET_STATUS_BACK.name, _undo(values, session.status)),
        shown=_shown(repairable, None, None),
        left_to_people="Play the recording back.",
    )


def _restore(repairable: Repairable[SessionFacts]) -> Change | str:
    facts, row = repairable.facts, repairable.row
    if not isinstance(row, Details) or row.recording_id is None:
        return "It has no single recording that is marked as deleted."
    [contents], session = repairable.results, facts.session
    if contents is None or isinstance(contents, Unread):
        return f"Container {row.recording_id} could not be read just now."
    if not any(is_media(blob.name) and blob.size for blob in contents.blobs):
        return f"There is no track in container {row.recording_id} any more."
    values = _values(facts) | {"recording_id": row.recording_id, "recording_token": row.recording_token}
    return Change(
        says=(
            f"Take the mark of deletion from recording {row.recording_id} of session {session.session_id}, set its "
            f"status {session.status} -> RECORDING_AVAILABLE, write 3 audit rows."
        ),
        seen=_seen(facts) | {"recording_token": row.recording_token, "contents": _version(contents)},
        do=(Effect(RESTORE_RECORDING.name, values),),
        undo=Effect(WITHDRAW_RECORDING.name, _undo(values, session.status)),
        shown=_shown(repairable, contents, duration_in(next(iter(contents.texts.values()), None))),
        left_to_people=_NO_MAIL,
    )


def _seen(facts: SessionFacts) -> dict[str, Scalar]:
    session = facts.session
    return {
        "session_token": session.row_token,
        "session_status": session.status,
        "case_state": session.case_state,
        "live_recordings": session.live_recordings,
        "deleted_recordings": session.deleted_recordings,
    }


def _values(facts: SessionFacts) -> dict[str, Scalar]:
    session = facts.session
    return {
        "session_id": session.session_id,
        "booking_id": session.booking_id,
        "case_id": session.case_id,
        "session_token": session.row_token,
        "session_status": session.status,
    }


def _undo(values: dict[str, Scalar], status: str | None) -> dict[str, Scalar]:
    """What an undo is given; the tokens and the status by then are what the change left."""
    kept = ("session_id", "booking_id", "case_id", "recording_id")
    return {name: values[name] for name in kept if name in values} | {"status": status}


def _version(contents: Contained) -> str:
    """Stands for all that is in a container: another one if anything is written, added or taken away."""
    return digest_of(canonical([[blob.name, blob.size, blob.etag] for blob in sorted(contents.blobs)]))


def _shown(repairable: Repairable[SessionFacts], contents: Contained | None, duration: str | None) -> dict[str, Any]:
    """The facts to decide by. Names of files are shown where they carry the session's id: others may name people."""
    session, row = repairable.facts.session, repairable.row
    shown: dict[str, Any] = {
        "case_state": session.case_state,
        "live_shares": row.live_shares if isinstance(row, Details) else None,
        "sibling_recordings": session.sibling_recordings,
        "trail": session.trail.value,
        "started_at": optional_text(session.started_at),
        "finished_at": optional_text(session.finished_at),
    }
    if contents is None:
        return shown
    files = [
        {"name": blob.name, "bytes": blob.size, "last_modified": to_text(blob.last_modified)}
        for blob in contents.blobs
        if (is_media(blob.name) or is_manifest(blob.name)) and blob.name.lower().startswith(session.key)
    ]
    return shown | {
        "files": files,
        "other_files": len(contents.blobs) - len(files),
        "duration": duration,
        "session_seconds": _seconds(session.started_at, session.finished_at),
        "duration_seconds": None if duration is None else round(length_of(duration).total_seconds()),
    }


def _seconds(started: Any, finished: Any) -> int | None:
    return None if started is None or finished is None else round((finished - started).total_seconds())


def _withdrawn(_facts: SessionFacts, row: Any) -> tuple[Lookup, ...]:
    has_one = isinstance(row, Details) and row.recording_id is not None
    return (Contents(STORAGE, row.recording_id, ".mpd"),) if has_one else ()


def _contents(facts: SessionFacts, _row: Any) -> tuple[Lookup, ...]:
    return tuple(Contents(STORAGE, one.container, ".mpd") for one in facts.complete[:1])


_OF_SESSIONS = partial(
    Repair[SessionFacts],
    kind=SESSION.name,
    setting=SETTING,
    expects=frozenset({"already_registered", "extra_output"}),
    rows=details,
    row=Details.from_json,
    use=use_of,
    closed=CLOSED,
    zone="Europe/London",
)
REGISTER = _OF_SESSIONS(
    name="register_recording",
    means="Registers the complete container as the session's recording, as the service itself would have done.",
    statements=(REGISTER_RECORDING, WITHDRAW_RECORDING),
    lookups=_contents,
    change=_register,
)
STATUS = _OF_SESSIONS(
    name="set_status",
    means="Sets the status of a session whose recording is registered.",
    statements=(SET_STATUS, SET_STATUS_BACK),
    lookups=lambda _facts, _row: (),
    change=_set_status,
)
RESTORE = _OF_SESSIONS(
    name="restore_recording",
    means="Shows a recording again that a repair had registered and an undo had hidden.",
    statements=(RESTORE_RECORDING, WITHDRAW_RECORDING),
    lookups=_withdrawn,
    change=_restore,
)
REPAIRS = (REGISTER, STATUS, RESTORE)
