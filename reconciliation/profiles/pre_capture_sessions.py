"""PRE: capture sessions that the database calls stuck or empty, against the final account's containers.

Facts about PRE behind the rules: a container of the final account is named after its recording's id; the session's id
stands in the name of its tracks; ``recordings`` holds a row for every registered one. pre-api registers a recording in
the memory of one HTTP request, so a redeployment during the encode leaves the media in storage and no row behind.
"""

from datetime import datetime, timedelta

from reconciliation.evidence import ContainerEvidence
from reconciliation.facts import Facts
from reconciliation.parameters import NO_STATUS, AuditParameters
from reconciliation.profiles.profile import Profile, Query
from reconciliation.times import to_text
from reconciliation.verdicts import Rule, Severity

STATUSES = (
    "STANDBY",
    "INITIALISING",
    "RECORDING",
    "RECORDING_AVAILABLE",
    "PROCESSING",
    "FAILURE",
    "NO_RECORDING",
    NO_STATUS,
)
STILL_WORKING = frozenset({"STANDBY", "INITIALISING", "RECORDING", "PROCESSING"})

# Soft-deleted sessions are read on purpose: closing a case deletes its NO_RECORDING and FAILURE sessions, and with them
# every trace of a recording that was never registered.
_CANDIDATES = """
select row_to_json(candidate)::text from (
select s.id::text as session_id, s.status::text as status, s.started_at, s.finished_at, b.scheduled_for, s.deleted_at,
       s.booking_id::text as booking_id, b.case_id::text as case_id, c.state::text as case_state,
       b.deleted_at is null and c.deleted_at is null as case_live,
       r.live as live_recordings, r.deleted as deleted_recordings,
       s.xmin::text as row_token
  from capture_sessions s
  join bookings b on b.id = s.booking_id
  join cases c on c.id = b.case_id
  -- by the index on recordings.capture_session_id, whatever the planner knows of the tables
 cross join lateral (select count(*) filter (where deleted_at is null) as live,
                            count(*) filter (where deleted_at is not null) as deleted
                       from recordings where capture_session_id = s.id) r
 where s.origin = 'PRE'
   and (s.status::text = any(%(statuses)s::text[]) or (%(no_status)s::boolean and s.status is null))
   and (%(since)s::timestamptz is null or coalesce(s.started_at, s.finished_at, b.scheduled_for) >= %(since)s)
   and (%(until)s::timestamptz is null or coalesce(s.started_at, s.finished_at, b.scheduled_for) < %(until)s)
   and (%(only)s::uuid[] is null or s.id = any(%(only)s))
   and (%(ingest)s::text is null or position(%(ingest)s in s.ingest_address) > 0)
 order by coalesce(s.started_at, s.finished_at, b.scheduled_for) nulls first, s.id
) candidate
"""

_REGISTERED = """
select json_build_array(id, capture_session_id, deleted_at is not null)::text from recordings order by id
"""


def candidates(parameters: AuditParameters) -> Query:
    """The sessions in question, by time of hearing. A status of ``NO_STATUS`` selects the rows without one."""
    return Query(
        _CANDIDATES,
        {
            "statuses": [status for status in parameters.statuses if status != NO_STATUS],
            "no_status": NO_STATUS in parameters.statuses,
            "since": parameters.since,
            "until": parameters.until,
            "only": list(parameters.only) or None,
            "ingest": parameters.ingest_address_contains,
        },
    )


def _names(containers: tuple[ContainerEvidence, ...], most: int = 5) -> str:
    names = [container.container for container in containers]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _row(facts: Facts) -> str:
    """The session's row in words, with what else a person must know before touching it."""
    session = facts.candidate
    text = f"The session's status is {session.status or 'empty'}"
    if session.deleted_at is not None:
        text += f", it was deleted on {to_text(session.deleted_at)}"
    if not session.case_live:
        text += ", its booking or case was deleted"
    if session.case_state != "OPEN":
        text += f", its case is {session.case_state}"
    return text


def _age(moment: datetime, facts: Facts) -> str:
    return f"{max(facts.clock.as_of - moment, timedelta()) // timedelta(minutes=1)} minutes"


def _why_registered(facts: Facts) -> str:
    count = facts.candidate.live_recordings
    return (
        f"{_row(facts)}, and {count} live recording{'s' * (count > 1)} of it {'are' if count > 1 else 'is'} registered."
    )


def _why_in_flight(facts: Facts) -> str:
    if facts.moving:
        return (
            f"Container {_names(facts.moving)} changed within {facts.clock.settle // timedelta(minutes=1)} minutes "
            "before this audit: the encode may still be running."
        )
    last = facts.candidate.last_clock
    assert last is not None
    return (
        f"{_row(facts)}, and its last activity was {_age(last, facts)} before this audit (allowed: "
        f"{facts.clock.grace // timedelta(minutes=1)})."
    )


def _why_unregistered(facts: Facts) -> str:
    (container,) = facts.complete
    tracks = [file for file in container.media if file.key == facts.candidate.key]
    size = sum(file.size for file in tracks)
    text = (
        f"{_row(facts)}, but container {container.container} holds {len(tracks)} complete "
        f"track{'s' * (len(tracks) > 1)} with its id ({size:,} bytes) and has no row in recordings."
    )
    if not facts.coverage_complete:
        text += " Some containers could not be read, so a second copy is not ruled out."
    return text


def _why_ambiguous(facts: Facts) -> str:
    return f"{_row(facts)}, and {len(facts.complete)} complete containers carry its id: {_names(facts.complete)}."


def _why_unverified(facts: Facts) -> str:
    seen = f" What was seen: {_names(facts.unregistered)} with incomplete media." if facts.unregistered else ""
    return f"{_row(facts)}, and not every container was read: its recording may be in one of those.{seen}"


def _flaws(container: ContainerEvidence) -> str:
    flaws = []
    if container.empty_media:
        flaws.append(f"{container.empty_media} track{'s' * (container.empty_media > 1)} of zero bytes")
    if not container.manifest_bytes:
        flaws.append("no manifest (.ism)" if container.manifest_bytes is None else "an empty manifest (.ism)")
    return f"{container.container} has {' and '.join(flaws)}"


def _why_incomplete(facts: Facts) -> str:
    return f"{_row(facts)}; media with its id exists, but {'; '.join(_flaws(c) for c in facts.unregistered[:5])}."


def _why_registered_container(facts: Facts) -> str:
    rows = [facts.rows[container.container] for container in facts.registered]
    kinds = sorted(
        ("a soft-deleted recording" if row.deleted else "a live recording")
        + (" of this session" if row.session_id == facts.candidate.session_id else f" of session {row.session_id}")
        for row in rows
    )
    return (
        f"{_row(facts)}; the containers with its id are registered: {_names(facts.registered)} as {', '.join(kinds)}."
    )


def _why_no_media(facts: Facts) -> str:
    if facts.fast:
        return f"{_row(facts)}, and no unregistered container holds media with its id; registered ones were not opened."
    text = f"{_row(facts)}, and no container that can be a recording holds media with its id; all of them were read."
    if facts.elsewhere:
        text += f" Its id does appear in {_names(facts.elsewhere)}, which cannot be a recording."
    return text


RULES: tuple[Rule[Facts], ...] = (
    Rule(
        "already_registered",
        Severity.INFO,
        "The database already knows a recording of the session.",
        lambda facts: facts.candidate.live_recordings > 0,
        _why_registered,
        "Nothing: the recording is visible. If the status is wrong, correct the status alone.",
    ),
    Rule(
        "in_flight",
        Severity.INFO,
        "The session may still be on its way.",
        lambda facts: bool(facts.moving) or (facts.candidate.status in STILL_WORKING and facts.within_grace),
        _why_in_flight,
        "Nothing now: the next audit will tell.",
    ),
    Rule(
        "ambiguous_containers",
        Severity.HIGH,
        "Several complete recordings carry the session's id, and only one can be registered.",
        lambda facts: len(facts.complete) > 1,
        _why_ambiguous,
        "Compare size, time and length of the containers and decide which is the recording; register that one.",
    ),
    Rule(
        "unregistered_recording",
        Severity.HIGH,
        "A complete recording is in storage and nobody can see it.",
        lambda facts: len(facts.complete) == 1,
        _why_unregistered,
        "Play the recording back, then register the container as the session's recording.",
    ),
    Rule(
        "unverified",
        Severity.UNKNOWN,
        "Not everything could be read, so nothing may be concluded.",
        lambda facts: not facts.coverage_complete,
        _why_unverified,
        "Repair access to the unread containers (see coverage), then audit again.",
    ),
    Rule(
        "incomplete_encode",
        Severity.HIGH,
        "Media with the session's id exists, but could not be played as it is.",
        lambda facts: bool(facts.unregistered),
        _why_incomplete,
        "Encode again from the ingest account while its copy lasts (90 days in production).",
    ),
    Rule(
        "already_registered",
        Severity.INFO,
        "The database already knows a recording of the session.",
        lambda facts: bool(facts.registered),
        _why_registered_container,
        "Nothing for a recording that was deleted on purpose; if it belongs to another session, check which is right.",
    ),
    Rule(
        "no_media",
        Severity.INFO,
        "Everything was read that could hold it, and nothing carries the session's id.",
        lambda _facts: True,
        _why_no_media,
        "Nothing, if the hearing did not take place.",
    ),
)

_DESCRIPTION = (
    "Sessions that the database calls stuck, failed or empty, against the encoded recordings of the final account."
)

PROFILE = Profile(
    name="pre-capture-sessions",
    title="PRE capture sessions",
    description=_DESCRIPTION,
    database="PRE_DATABASE",
    storage="SOURCE_STORAGE",
    statuses=STATUSES,
    default_statuses=("PROCESSING", "NO_RECORDING", "FAILURE", NO_STATUS),
    default_grace_minutes=60,
    candidates=candidates,
    registered=Query(_REGISTERED, {}),
    rules=RULES,
)
