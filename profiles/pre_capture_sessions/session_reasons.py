"""Why a session has its verdict: the facts that decided, in words for the person who must act on them."""

from datetime import datetime, timedelta

from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.facts import SessionFacts
from profiles.pre_capture_sessions.trail import Trail
from profiles.pre_capture_sessions.wording import moment, names
from reconciliation.wording import plural

# In production's ingest account, blobs marked for deletion are deleted this long after their creation.
INGEST_KEEPS = timedelta(days=90)

# Closing a case deletes its sessions in the same minute (pre-api, CaseService).
_SAME_CLOSURE = timedelta(hours=1)


def _row(facts: SessionFacts) -> str:
    """The session's row in words, with what a person must know before changing it."""
    session = facts.session
    text = f"The session's status is {session.status or 'empty'}"
    if session.gives("deleted_at"):
        when = f" on {moment(session.deleted_at)}" if session.deleted_at else ""
        text += f", it was deleted{when}{' by the closure of its case' * _by_closure(facts)}"
    if not session.case_live:
        text += ", its booking or case was deleted"
    if session.case_state != "OPEN":
        text += f", its case is {session.case_state}"
    for column, at in session.future.items():
        text += f", its {column} ({moment(at)}) lies in the future and counts as not given"
    for container in (*facts.evidence, *facts.mixed):
        if container.future is not None:
            text += f", container {container.container} was last changed on {moment(container.future)}, in the future"
    for column, value in session.unreadable.items():
        text += f", its {column} ({value!r}) cannot be understood"
    return text


def _by_closure(facts: SessionFacts) -> bool:
    """True when the session was deleted by the closure of its case, not by a person."""
    session = facts.session
    if session.deleted_at is None or session.case_state != "CLOSED":
        return False
    return session.case_closed_at is None or abs(session.deleted_at - session.case_closed_at) <= _SAME_CLOSURE


def _holding(container: ContainerEvidence, facts: SessionFacts) -> str:
    tracks = [file for file in container.media if file.key == facts.session.key]
    return (
        f"{container.container} ({plural(len(tracks), 'track')}, {sum(file.size for file in tracks):,} bytes, of "
        f"{moment(max(file.last_modified for file in tracks))})"
    )


def _complete(facts: SessionFacts) -> str:
    """What is hidden, and where."""
    if len(facts.complete) == 1:
        text = f"container {_holding(facts.complete[0], facts)} holds a complete recording of it"
    else:
        several = "; ".join(_holding(container, facts) for container in facts.complete[:5])
        text = f"{len(facts.complete)} containers hold complete recordings of it: {several}"
    return f"{text} without a row in recordings"


def _unread(facts: SessionFacts) -> str:
    return "" if facts.coverage_complete else " Some containers could not be read, so a second copy is not ruled out."


def _sibling(facts: SessionFacts) -> str:
    if not facts.session.sibling_recordings:
        return ""
    return " Another session of its booking has a recording, which may or may not be of the same hearing."


def why_hidden(facts: SessionFacts) -> str:
    """Complete recordings that nobody can see."""
    return f"{_row(facts)}, but {_complete(facts)}.{_sibling(facts)}{_unread(facts)}"


def why_in_flight(facts: SessionFacts) -> str:
    """Why the session may still be in progress."""
    if facts.moving:
        return (
            f"Something in container {names(facts.moving)} changed within {facts.clock.settle // timedelta(minutes=1)} "
            "minutes before this audit: the encode may still be running."
        )
    last = facts.session.last_clock
    assert last is not None
    age = facts.clock.age(last) // timedelta(minutes=1)
    allowed = facts.clock.grace // timedelta(minutes=1)
    return f"{_row(facts)}, and its last activity was {age} minutes before this audit (allowed: {allowed})."


def why_live(facts: SessionFacts) -> str:
    """It is registered."""
    beside = f" Beside it stands {names(facts.evidence)}, which has no row." if facts.evidence else ""
    live = facts.session.live_recordings
    are = "is" if live == 1 else "are"
    return f"{_row(facts)}, and {plural(live, 'live recording')} of it {are} registered.{beside}"


def why_deleted_elsewhere(facts: SessionFacts) -> str:
    """It was registered."""
    beside = f" Container {names(facts.evidence)} holds its media without a row." if facts.evidence else ""
    number = plural(facts.session.deleted_recordings, "recording")
    return f"{_row(facts)}, and it has {number}, deleted by a person.{beside}"


def why_undone(facts: SessionFacts) -> str:
    """It was registered by a repair, and hidden again."""
    number = plural(facts.session.withdrawn_recordings, "recording")
    return f"{_row(facts)}, and a repair of this service registered {number} of it that an undo has hidden again."


def why_job(facts: SessionFacts) -> str:
    """An encode job is kept for it."""
    when = f" of {moment(facts.session.job_at)}" if facts.session.job_at else ""
    return f"{_row(facts)}, and an encode job{when} is kept for it."


def why_unreadable(facts: SessionFacts) -> str:
    """A value of its row is not understood."""
    return f"{_row(facts)}.{_media(facts)}"


def _media(facts: SessionFacts) -> str:
    return f" Media with its id was seen in {names(facts.evidence)}." if facts.evidence else ""


def why_not_read_twice(facts: SessionFacts) -> str:
    """The second look failed."""
    if facts.replayed_until is not None:
        return (
            f"{_row(facts)}, and the database is a replica that has replayed until {facts.replayed_until}: a "
            f"registration since then would explain it.{_media(facts)}"
        )
    return f"{_row(facts)}, and its rows or containers could not be read a second time.{_media(facts)}"


def why_unverified(facts: SessionFacts) -> str:
    """The first look had a gap."""
    return f"{_row(facts)}, and not everything could be read: its recording may be there.{_media(facts)}"


def _flaws(container: ContainerEvidence) -> str:
    flaws = []
    if container.empty_media:
        flaws.append(f"{plural(container.empty_media, 'track')} of zero bytes")
    if not container.manifest_bytes:
        flaws.append("no manifest (.ism)" if container.manifest_bytes is None else "an empty manifest (.ism)")
    return f"{container.container} has {' and '.join(flaws)}"


def ingest_deletion(facts: SessionFacts) -> datetime | None:
    """When its copy in the ingest account is deleted, if it is marked for deletion there and production's rule holds.

    A copy is made while the hearing is recorded. None if that moment is missing or after the audit's moment, or if the
    account has nothing of the booking.
    """
    recorded = facts.session.started_at or facts.session.finished_at
    if recorded is None or recorded > facts.clock.as_of or facts.ingest_blobs == 0:
        return None
    return recorded + INGEST_KEEPS


def _until_deletion(facts: SessionFacts) -> str:
    at = ingest_deletion(facts)
    if at is None:
        return ""
    # The first copy is as old as the hearing's start; without a start, every copy was made by the hearing's end.
    since = "from" if facts.session.started_at else "at the latest from"
    verb = "is" if at > facts.clock.as_of else "was"
    return (
        f" What {verb} marked for deletion in the ingest account {verb} deleted {since} {moment(at)} on, if "
        f"production's rule of {INGEST_KEEPS.days} days holds there."
    )


def why_incomplete(facts: SessionFacts) -> str:
    """Its media, and what each container lacks."""
    flaws = "; ".join(_flaws(container) for container in facts.evidence[:5])
    return f"{_row(facts)}; media with its id exists, but {flaws}.{_sibling(facts)}{_until_deletion(facts)}"


def why_mixed(facts: SessionFacts) -> str:
    """Its media stands beside that of others."""
    return f"{_row(facts)}; media with its id stands beside another session's in {names(facts.mixed)}."


_TRAILS = {
    Trail.SWEPT: "the audit trail saw it being processed and has no regular stop of it",
    Trail.UNKNOWN: "the audit trail saw it being processed, too long ago to tell how that ended",
    Trail.STOPPED: "the audit trail has its regular stop",
    Trail.NEVER: "the audit trail never saw it being processed",
}


def _nowhere(facts: SessionFacts) -> str:
    if facts.fast:
        return "no unregistered container holds media with its id (registered ones were not opened)"
    return "no unregistered container holds media with its id; all were read"


def _ingest(facts: SessionFacts) -> str:
    if facts.ingest_blobs is None:
        return ""
    if not facts.ingest_blobs:
        return " The ingest account holds nothing of its booking either."
    return f" The ingest account still holds {plural(facts.ingest_blobs, 'blob')} of its booking."


def why_lost(facts: SessionFacts) -> str:
    """Nothing of it was found, and what the audit trail says."""
    return f"{_row(facts)}, {_TRAILS[facts.session.trail]}, and {_nowhere(facts)}.{_ingest(facts)}{_sibling(facts)}"


def why_encode_lost(facts: SessionFacts) -> str:
    """As ``why_lost``, and how long its copy lasts."""
    return f"{why_lost(facts)}{_until_deletion(facts)}"
