"""The verdict on each capture session: hidden, lost, waiting, blocked, settled, or legitimately empty."""

from collections.abc import Callable
from datetime import timedelta

from reconciliation.evidence import ContainerEvidence
from reconciliation.facts import SessionFacts
from reconciliation.profiles.pre_capture_sessions.wording import count, moment, names
from reconciliation.trail import Trail
from reconciliation.verdicts import Rule, Severity, counted

STILL_WORKING = frozenset({"STANDBY", "INITIALISING", "RECORDING", "PROCESSING"})
NOT_STOPPED = frozenset({"STANDBY", "INITIALISING", "RECORDING"})

# pre-api gives an encode job up after two hours (ProcessCaptureSessions).
JOB_TIMEOUT = timedelta(hours=2)
# Closing a case deletes its sessions in the same minute (pre-api, CaseService).
_SAME_CLOSURE = timedelta(hours=1)


# --- what is said of a session -------------------------------------------------------------------------------------


def _row(facts: SessionFacts) -> str:
    """The session's row in words, with what else a person must know before touching it."""
    session = facts.session
    text = f"The session's status is {session.status or 'empty'}"
    if session.deleted_at is not None:
        text += f", it was deleted on {moment(session.deleted_at)}{' by the closure of its case' * by_closure(facts)}"
    if not session.case_live:
        text += ", its booking or case was deleted"
    if session.case_state != "OPEN":
        text += f", its case is {session.case_state}"
    return text


def by_closure(facts: SessionFacts) -> bool:
    """True when the session was deleted because its case was closed, and not by a person for itself."""
    session = facts.session
    if session.deleted_at is None or session.case_state != "CLOSED":
        return False
    return session.case_closed_at is None or abs(session.deleted_at - session.case_closed_at) <= _SAME_CLOSURE


def _holding(container: ContainerEvidence, facts: SessionFacts) -> str:
    tracks = [file for file in container.media if file.key == facts.session.key]
    return (
        f"{container.container} ({count(len(tracks), 'track')}, {sum(file.size for file in tracks):,} bytes, of "
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


def _why_hidden(facts: SessionFacts) -> str:
    return f"{_row(facts)}, but {_complete(facts)}.{_sibling(facts)}{_unread(facts)}"


def _why_in_flight(facts: SessionFacts) -> str:
    if facts.moving:
        return (
            f"Something in container {names(facts.moving)} changed within {facts.clock.settle // timedelta(minutes=1)} "
            "minutes before this audit: the encode may still be running."
        )
    last = facts.session.last_clock
    assert last is not None
    age = max(facts.clock.as_of - last, timedelta()) // timedelta(minutes=1)
    allowed = facts.clock.grace // timedelta(minutes=1)
    return f"{_row(facts)}, and its last activity was {age} minutes before this audit (allowed: {allowed})."


def _why_live(facts: SessionFacts) -> str:
    beside = f" Beside it stands {names(facts.evidence)}, which has no row." if facts.evidence else ""
    return f"{_row(facts)}, and {count(facts.session.live_recordings, 'live recording')} of it registered.{beside}"


def _why_deleted_elsewhere(facts: SessionFacts) -> str:
    beside = f" Container {names(facts.evidence)} holds its media without a row." if facts.evidence else ""
    number = count(facts.session.deleted_recordings, "recording")
    return f"{_row(facts)}, and it has {number}, deleted by a person.{beside}"


def _why_job(facts: SessionFacts) -> str:
    assert facts.session.job_at is not None
    return f"{_row(facts)}, and an encode job of {moment(facts.session.job_at)} is kept for it."


def _why_unverified(facts: SessionFacts) -> str:
    seen = f" What was seen: {names(facts.evidence)} with incomplete media." if facts.evidence else ""
    return f"{_row(facts)}, and not everything could be read: its recording may be there.{seen}"


def _flaws(container: ContainerEvidence) -> str:
    flaws = []
    if container.empty_media:
        flaws.append(f"{count(container.empty_media, 'track')} of zero bytes")
    if not container.manifest_bytes:
        flaws.append("no manifest (.ism)" if container.manifest_bytes is None else "an empty manifest (.ism)")
    return f"{container.container} has {' and '.join(flaws)}"


def _why_incomplete(facts: SessionFacts) -> str:
    flaws = "; ".join(_flaws(container) for container in facts.evidence[:5])
    return f"{_row(facts)}; media with its id exists, but {flaws}.{_sibling(facts)}"


def _why_mixed(facts: SessionFacts) -> str:
    return f"{_row(facts)}; media with its id stands beside another session's in {names(facts.mixed)}."


_TRAILS = {
    Trail.SWEPT: "the audit trail saw it being processed and never stopped: it was relabelled before its end",
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
    return f" The ingest account still holds {count(facts.ingest_blobs, 'blob')} of its booking."


def _why_lost(facts: SessionFacts) -> str:
    return f"{_row(facts)}, {_TRAILS[facts.session.trail]}, and {_nowhere(facts)}.{_ingest(facts)}{_sibling(facts)}"


# --- who is asked to act, and how soon -----------------------------------------------------------------------------


def _unless_sibling(usual: Severity, with_sibling: Severity) -> Callable[[SessionFacts], Severity]:
    # A booking may have several takes, so a sibling's recording lowers the urgency and never suppresses a finding.
    return lambda facts: with_sibling if facts.session.sibling_recordings else usual


def _urgency_of_loss(facts: SessionFacts) -> Severity:
    session = facts.session
    if session.status == "RECORDING_AVAILABLE":
        return Severity.HIGH
    certain = session.status == "NO_RECORDING" and session.trail is Trail.SWEPT
    return Severity.MEDIUM if certain and not session.sibling_recordings else Severity.LOW


def _may_be_lost(facts: SessionFacts) -> bool:
    session = facts.session
    if session.status == "NO_RECORDING":
        return session.trail in {Trail.SWEPT, Trail.UNKNOWN}
    return session.status == "RECORDING_AVAILABLE" or (session.status == "FAILURE" and session.has_ingest_address)


def _registered(facts: SessionFacts) -> bool:
    return facts.session.live_recordings > 0 and facts.session.status == "RECORDING_AVAILABLE"


def _is_of_a_closed_case(facts: SessionFacts) -> bool:
    return not facts.session.case_live or facts.session.case_state != "OPEN"


def _job_age(facts: SessionFacts) -> timedelta:
    assert facts.session.job_at is not None
    return facts.clock.as_of - facts.session.job_at


RULES: tuple[Rule[SessionFacts], ...] = (
    # Imported sessions are NO_RECORDING with a row by design until their import is done.
    counted("legacy", "Recorded by another system.", lambda facts: facts.session.origin != "PRE"),
    # A finding that was not seen twice is none: a registration in between is the usual cause.
    Rule(
        "unverified",
        Severity.UNKNOWN,
        "Not everything could be read, so nothing may be concluded.",
        lambda facts: not facts.seen_twice,
        lambda facts: f"{_row(facts)}, and its rows or containers could not be read a second time.",
        "Audit again when the database and the storage account can be reached.",
    ),
    # A healthy registration takes 93 to 243 seconds; pre-api itself waits 20 minutes before it doubts.
    Rule(
        "in_flight",
        Severity.INFO,
        "The session may still be on its way.",
        lambda facts: bool(facts.moving) or (facts.session.status in STILL_WORKING and facts.within_grace),
        _why_in_flight,
        "Nothing now: the next audit will tell.",
    ),
    Rule(
        "extra_output",
        Severity.INFO,
        "It is registered and visible, and was encoded a second time.",
        lambda facts: _registered(facts) and bool(facts.evidence),
        _why_live,
        "Nothing: the second encode is of the same take.",
    ),
    counted("already_registered", "It is registered and visible.", _registered),
    Rule(
        "status_behind",
        Severity.MEDIUM,
        "The recording is registered, but the session's status says otherwise.",
        lambda facts: facts.session.live_recordings > 0,
        _why_live,
        "Set the status to RECORDING_AVAILABLE, after playing the recording back; change nothing else.",
    ),
    Rule(
        "deleted_elsewhere",
        Severity.INFO,
        "Its recordings were deleted on purpose.",
        lambda facts: facts.session.deleted_recordings > 0,
        _why_deleted_elsewhere,
        "Nothing for a recording that was deleted on purpose. Ask who deleted it before any media is registered.",
        urgency=lambda facts: Severity.LOW if facts.evidence else Severity.INFO,
    ),
    # Since 28 July 2025 closing a case deletes its NO_RECORDING and FAILURE sessions (pre-api, CaseService).
    Rule(
        "hidden_by_deletion",
        Severity.HIGH,
        "A complete recording is in storage, and its session is deleted.",
        lambda facts: facts.session.deleted_at is not None and bool(facts.complete),
        _why_hidden,
        "Ask the case's owner; undeleting the session re-opens its booking and case. Then register the container.",
        hidden=True,
    ),
    # pre-api refuses to register a recording of a case that is not open (RecordingService).
    Rule(
        "blocked_case_state",
        Severity.HIGH,
        "A complete recording is in storage, and its case or booking is closed or deleted.",
        lambda facts: _is_of_a_closed_case(facts) and bool(facts.complete),
        _why_hidden,
        "Ask the case's owner to open the case again, then register the container.",
        hidden=True,
    ),
    Rule(
        "job_tracked",
        Severity.INFO,
        "The service itself follows an encode job of it.",
        lambda facts: facts.session.job_at is not None and _job_age(facts) < JOB_TIMEOUT,
        _why_job,
        "Nothing: the service ends the job within two hours.",
    ),
    Rule(
        "job_stale",
        Severity.MEDIUM,
        "The service follows an encode job that should have ended long ago.",
        lambda facts: facts.session.job_at is not None,
        _why_job,
        "Look the job up at the encoder, end it, and audit again.",
    ),
    Rule(
        "ambiguous_containers",
        Severity.HIGH,
        "Several complete recordings carry the session's id, and only one can be registered.",
        lambda facts: len(facts.complete) > 1,
        _why_hidden,
        "Compare size, time and length of the containers and decide which is the recording; register that one.",
        hidden=True,
    ),
    Rule(
        "ended_not_stopped",
        Severity.HIGH,
        "A complete recording is in storage, and the session still counts as live.",
        lambda facts: facts.session.status in NOT_STOPPED and bool(facts.complete),
        _why_hidden,
        "Make sure that its live event has ended, stop the session, then register the container.",
        hidden=True,
    ),
    Rule(
        "available_without_row",
        Severity.HIGH,
        "The session counts as available, and its recording has no row.",
        lambda facts: facts.session.status == "RECORDING_AVAILABLE" and bool(facts.complete),
        _why_hidden,
        "Play the recording back, then register the container as the session's recording.",
        hidden=True,
    ),
    Rule(
        "unregistered_recording",
        Severity.HIGH,
        "A complete recording is in storage and nobody can see it.",
        lambda facts: bool(facts.complete),
        _why_hidden,
        "Play the recording back, then register the container as the session's recording.",
        urgency=_unless_sibling(Severity.HIGH, Severity.MEDIUM),
        hidden=True,
    ),
    Rule(
        "unverified",
        Severity.UNKNOWN,
        "Not everything could be read, so nothing may be concluded.",
        lambda facts: not facts.coverage_complete,
        _why_unverified,
        "Repair access to what could not be read (see coverage), then audit again.",
    ),
    Rule(
        "incomplete_encode",
        Severity.HIGH,
        "Media with the session's id exists, but could not be played as it is.",
        lambda facts: bool(facts.evidence),
        _why_incomplete,
        "Encode again from the ingest account while its copy lasts (90 days in production).",
        urgency=_unless_sibling(Severity.HIGH, Severity.MEDIUM),
    ),
    Rule(
        "in_mixed_container",
        Severity.MEDIUM,
        "Its media stands in one container with another session's.",
        lambda facts: bool(facts.mixed),
        _why_mixed,
        "See the container's own finding; it must be decided by hand.",
    ),
    # What is tagged in the ingest account is deleted 90 days after its creation.
    Rule(
        "encode_lost",
        Severity.HIGH,
        "The hearing was recorded and never encoded.",
        lambda facts: facts.session.status == "PROCESSING" and bool(facts.ingest_blobs),
        _why_lost,
        "Encode again from the ingest account now: what is marked for deletion there lasts 90 days.",
    ),
    Rule(
        "suspect_lost",
        Severity.MEDIUM,
        "It was being processed, and neither a recording nor its regular end can be found.",
        _may_be_lost,
        _why_lost,
        "Ask the court whether the hearing took place; look for media of its time among unattributed_media, and in the "
        "ingest account.",
        urgency=_urgency_of_loss,
    ),
    # Each booking's unused session ends as NO_RECORDING, for example when the hearing was adjourned.
    counted(
        "expected_empty",
        "It was never used, or was stopped without content.",
        lambda facts: (
            facts.session.status == "NO_RECORDING"
            or (facts.session.status == "FAILURE" and not facts.session.has_ingest_address)
        ),
    ),
    Rule(
        "stuck_empty",
        Severity.MEDIUM,
        "It never reached its end, and nothing of it can be found.",
        lambda _facts: True,
        _why_lost,
        "Ask the court whether the hearing took place; if not, set the status to NO_RECORDING.",
        urgency=_unless_sibling(Severity.MEDIUM, Severity.LOW),
    ),
)
