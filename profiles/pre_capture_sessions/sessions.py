"""The verdict on each capture session: hidden, lost, waiting, blocked, settled, or legitimately empty."""

from collections.abc import Callable
from datetime import timedelta

from profiles.pre_capture_sessions.candidates import MOMENTS
from profiles.pre_capture_sessions.facts import SessionFacts
from profiles.pre_capture_sessions.session_reasons import (
    ingest_deletion,
    why_deleted_elsewhere,
    why_encode_lost,
    why_hidden,
    why_in_flight,
    why_incomplete,
    why_job,
    why_live,
    why_lost,
    why_mixed,
    why_not_seen_twice,
    why_unreadable,
    why_unverified,
)
from profiles.pre_capture_sessions.trail import Trail
from reconciliation.verdicts import Rule, Severity, counted

STILL_WORKING = frozenset({"STANDBY", "INITIALISING", "RECORDING", "PROCESSING"})
NOT_STOPPED = frozenset({"STANDBY", "INITIALISING", "RECORDING"})

# pre-api gives an encode job up after two hours (ProcessCaptureSessions).
JOB_TIMEOUT = timedelta(hours=2)


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


def _matters_throughout(facts: SessionFacts) -> bool:
    # A moment that cannot be read makes nothing look healthy; any other value may.
    return not facts.session.unreadable.keys() <= MOMENTS


RULES: tuple[Rule[SessionFacts], ...] = (
    Rule(
        "unreadable_row",
        Severity.MEDIUM,
        "Its row holds a value that cannot be understood, so it cannot be judged.",
        _matters_throughout,
        why_unreadable,
        "Correct the value in the database, then audit again.",
    ),
    # Imported sessions are NO_RECORDING with a row by design until their import is done.
    counted("legacy", "Recorded by another system.", lambda facts: facts.session.origin != "PRE"),
    # A finding that was not seen twice is none: a registration in between is the usual cause.
    Rule(
        "unverified",
        Severity.UNKNOWN,
        "Not everything could be read, so nothing may be concluded.",
        lambda facts: not facts.seen_twice,
        why_not_seen_twice,
        "Audit again when the database and the storage account can be reached.",
    ),
    # A healthy registration takes 93 to 243 seconds; pre-api itself waits 20 minutes before it doubts.
    Rule(
        "in_flight",
        Severity.INFO,
        "The session may still be on its way.",
        lambda facts: bool(facts.moving) or (facts.session.status in STILL_WORKING and facts.within_grace),
        why_in_flight,
        "Nothing now: the next audit will tell.",
    ),
    Rule(
        "extra_output",
        Severity.INFO,
        "It is registered and visible, and was encoded a second time.",
        lambda facts: _registered(facts) and bool(facts.evidence),
        why_live,
        "Nothing: the second encode is of the same take.",
    ),
    counted("already_registered", "It is registered and visible.", _registered),
    Rule(
        "status_behind",
        Severity.MEDIUM,
        "The recording is registered, but the session's status says otherwise.",
        lambda facts: facts.session.live_recordings > 0,
        why_live,
        "Set the status to RECORDING_AVAILABLE, after playing the recording back; change nothing else.",
    ),
    Rule(
        "deleted_elsewhere",
        Severity.INFO,
        "Its recordings were deleted on purpose.",
        lambda facts: facts.session.deleted_recordings > 0,
        why_deleted_elsewhere,
        "Nothing for a recording that was deleted on purpose. Ask who deleted it before any media is registered.",
        urgency=lambda facts: Severity.LOW if facts.evidence else Severity.INFO,
    ),
    # Since 28 July 2025 closing a case deletes its NO_RECORDING and FAILURE sessions (pre-api, CaseService).
    Rule(
        "hidden_by_deletion",
        Severity.HIGH,
        "A complete recording is in storage, and its session is deleted.",
        lambda facts: facts.session.gives("deleted_at") and bool(facts.complete),
        why_hidden,
        "Ask the case's owner; undeleting the session re-opens its booking and case. Then register the container.",
        hidden=True,
    ),
    # pre-api refuses to register a recording of a case that is not open (RecordingService).
    Rule(
        "blocked_case_state",
        Severity.HIGH,
        "A complete recording is in storage, and its case or booking is closed or deleted.",
        lambda facts: _is_of_a_closed_case(facts) and bool(facts.complete),
        why_hidden,
        "Ask the case's owner to open the case again, then register the container.",
        hidden=True,
    ),
    Rule(
        "job_tracked",
        Severity.INFO,
        "The service itself follows an encode job of it.",
        lambda facts: facts.clock.is_recent(facts.session.job_at, JOB_TIMEOUT),
        why_job,
        "Nothing: the service ends the job within two hours.",
    ),
    Rule(
        "job_stale",
        Severity.MEDIUM,
        "The service follows an encode job that should have ended long ago.",
        lambda facts: facts.session.gives("job_at"),
        why_job,
        "Look the job up at the encoder, end it, and audit again.",
    ),
    Rule(
        "ambiguous_containers",
        Severity.HIGH,
        "Several complete recordings carry the session's id, and only one can be registered.",
        lambda facts: len(facts.complete) > 1,
        why_hidden,
        "Compare size, time and length of the containers and decide which is the recording; register that one.",
        hidden=True,
    ),
    Rule(
        "ended_not_stopped",
        Severity.HIGH,
        "A complete recording is in storage, and the session still counts as live.",
        lambda facts: facts.session.status in NOT_STOPPED and bool(facts.complete),
        why_hidden,
        "Make sure that its live event has ended, stop the session, then register the container.",
        hidden=True,
    ),
    Rule(
        "available_without_row",
        Severity.HIGH,
        "The session counts as available, and its recording has no row.",
        lambda facts: facts.session.status == "RECORDING_AVAILABLE" and bool(facts.complete),
        why_hidden,
        "Play the recording back, then register the container as the session's recording.",
        hidden=True,
    ),
    Rule(
        "unregistered_recording",
        Severity.HIGH,
        "A complete recording is in storage and nobody can see it.",
        lambda facts: bool(facts.complete),
        why_hidden,
        "Play the recording back, then register the container as the session's recording.",
        urgency=_unless_sibling(Severity.HIGH, Severity.MEDIUM),
        hidden=True,
    ),
    # What is hidden is hidden whatever the row's moments say; without them nothing else is certain.
    Rule(
        "unreadable_row",
        Severity.MEDIUM,
        "Its row holds a value that cannot be understood, so it cannot be judged.",
        lambda facts: bool(facts.session.unreadable),
        why_unreadable,
        "Correct the value in the database, then audit again.",
    ),
    Rule(
        "unverified",
        Severity.UNKNOWN,
        "Not everything could be read, so nothing may be concluded.",
        lambda facts: not facts.coverage_complete,
        why_unverified,
        "Repair access to what could not be read (see coverage), then audit again.",
    ),
    Rule(
        "incomplete_encode",
        Severity.HIGH,
        "Media with the session's id exists, but could not be played as it is.",
        lambda facts: bool(facts.evidence),
        why_incomplete,
        "Encode again from the ingest account while its copy lasts (90 days in production).",
        urgency=_unless_sibling(Severity.HIGH, Severity.MEDIUM),
        due=ingest_deletion,
    ),
    Rule(
        "in_mixed_container",
        Severity.MEDIUM,
        "Its media stands in one container with another session's.",
        lambda facts: bool(facts.mixed),
        why_mixed,
        "See the container's own finding; it must be decided by hand.",
    ),
    # What is tagged in the ingest account is deleted 90 days after its creation.
    Rule(
        "encode_lost",
        Severity.HIGH,
        "The hearing was recorded and never encoded.",
        lambda facts: facts.session.status == "PROCESSING" and bool(facts.ingest_blobs),
        why_encode_lost,
        "Encode again from the ingest account now: what is marked for deletion there lasts 90 days.",
        due=ingest_deletion,
    ),
    Rule(
        "suspect_lost",
        Severity.MEDIUM,
        "It was being processed, and neither a recording nor its regular end can be found.",
        _may_be_lost,
        why_lost,
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
        why_lost,
        "Ask the court whether the hearing took place; if not, set the status to NO_RECORDING.",
        urgency=_unless_sibling(Severity.MEDIUM, Severity.LOW),
    ),
)
