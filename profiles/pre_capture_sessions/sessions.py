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
    why_not_read_twice,
    why_undone,
    why_unreadable,
    why_unverified,
)
from profiles.pre_capture_sessions.trail import Trail
from reconciliation.rules import Rule, Severity, counted

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
        verdict="unreadable_row",
        severity=Severity.MEDIUM,
        means="Its row holds a value that cannot be understood, so it cannot be judged.",
        holds=_matters_throughout,
        why=why_unreadable,
        next_step="Correct the value in the database, then audit again.",
    ),
    # Imported sessions are NO_RECORDING with a row by design until their import is done.
    counted("legacy", "Recorded by another system.", lambda facts: facts.session.origin != "PRE"),
    # A finding must be confirmed by a second reading: usually the recording was registered in between.
    Rule(
        verdict="unverified",
        severity=Severity.UNKNOWN,
        means="Not everything could be read, so nothing may be concluded.",
        holds=lambda facts: not facts.read_twice,
        why=why_not_read_twice,
        next_step="Audit again when the database and the storage account can be reached.",
    ),
    # A healthy registration takes 93 to 243 seconds; pre-api itself waits 20 minutes before it doubts.
    Rule(
        verdict="in_flight",
        severity=Severity.INFO,
        means="The session may still be on its way.",
        holds=lambda facts: bool(facts.moving) or (facts.session.status in STILL_WORKING and facts.within_grace),
        why=why_in_flight,
        next_step="Nothing now: the next audit will tell.",
    ),
    Rule(
        verdict="extra_output",
        severity=Severity.INFO,
        means="It is registered and visible, and was encoded a second time.",
        holds=lambda facts: _registered(facts) and bool(facts.evidence),
        why=why_live,
        next_step="Nothing: the second encode is of the same take.",
    ),
    counted("already_registered", "It is registered and visible.", _registered),
    Rule(
        verdict="status_behind",
        severity=Severity.MEDIUM,
        means="The recording is registered, but the session's status says otherwise.",
        holds=lambda facts: facts.session.live_recordings > 0,
        why=why_live,
        next_step="Set the status to RECORDING_AVAILABLE, after playing the recording back; change nothing else.",
        repair="set_status",
    ),
    Rule(
        verdict="undone_by_us",
        severity=Severity.LOW,
        means="A repair registered its recording, and another one took that back.",
        holds=lambda facts: 0 < facts.session.withdrawn_recordings == facts.session.deleted_recordings,
        why=why_undone,
        next_step="Nothing if it is to stay hidden; else restore it: the service cannot register that container again.",
        repair="restore_recording",
    ),
    Rule(
        verdict="deleted_elsewhere",
        severity=Severity.INFO,
        means="Its recordings were deleted on purpose.",
        holds=lambda facts: facts.session.deleted_recordings > 0,
        why=why_deleted_elsewhere,
        next_step=(
            "Nothing for a recording that was deleted on purpose. Ask who deleted it before any media is registered."
        ),
        urgency=lambda facts: Severity.LOW if facts.evidence else Severity.INFO,
    ),
    # Since 28 July 2025 closing a case deletes its NO_RECORDING and FAILURE sessions (pre-api, CaseService).
    Rule(
        verdict="hidden_by_deletion",
        severity=Severity.HIGH,
        means="A complete recording is in storage, and its session is deleted.",
        holds=lambda facts: facts.session.gives("deleted_at") and bool(facts.complete),
        why=why_hidden,
        next_step=(
            "Ask the case's owner; undeleting the session re-opens its booking and case. Then register the container."
        ),
        alarm=True,
    ),
    # pre-api refuses to register a recording of a case that is not open (RecordingService).
    Rule(
        verdict="blocked_case_state",
        severity=Severity.HIGH,
        means="A complete recording is in storage, and its case or booking is closed or deleted.",
        holds=lambda facts: _is_of_a_closed_case(facts) and bool(facts.complete),
        why=why_hidden,
        next_step="Ask the case's owner to open the case again, then register the container.",
        alarm=True,
    ),
    Rule(
        verdict="job_tracked",
        severity=Severity.INFO,
        means="The service itself follows an encode job of it.",
        holds=lambda facts: facts.clock.is_recent(facts.session.job_at, JOB_TIMEOUT),
        why=why_job,
        next_step="Nothing: the service ends the job within two hours.",
    ),
    Rule(
        verdict="job_stale",
        severity=Severity.MEDIUM,
        means="The service follows an encode job that should have ended long ago.",
        holds=lambda facts: facts.session.gives("job_at"),
        why=why_job,
        next_step="Look the job up at the encoder, end it, and audit again.",
    ),
    Rule(
        verdict="ambiguous_containers",
        severity=Severity.HIGH,
        means="Several complete recordings carry the session's id, and only one can be registered.",
        holds=lambda facts: len(facts.complete) > 1,
        why=why_hidden,
        next_step=(
            "Compare size, time and length of the containers and decide which is the recording; register that one."
        ),
        alarm=True,
    ),
    Rule(
        verdict="ended_not_stopped",
        severity=Severity.HIGH,
        means="A complete recording is in storage, and the session still counts as live.",
        holds=lambda facts: facts.session.status in NOT_STOPPED and bool(facts.complete),
        why=why_hidden,
        next_step="Make sure that its live event has ended, stop the session, then register the container.",
        alarm=True,
    ),
    Rule(
        verdict="available_without_row",
        severity=Severity.HIGH,
        means="The session counts as available, and its recording has no row.",
        holds=lambda facts: facts.session.status == "RECORDING_AVAILABLE" and bool(facts.complete),
        why=why_hidden,
        next_step="Play the recording back, then register the container as the session's recording.",
        repair="register_recording",
        alarm=True,
    ),
    Rule(
        verdict="unregistered_recording",
        severity=Severity.HIGH,
        means="A complete recording is in storage and nobody can see it.",
        holds=lambda facts: bool(facts.complete),
        why=why_hidden,
        next_step="Play the recording back, then register the container as the session's recording.",
        repair="register_recording",
        urgency=_unless_sibling(Severity.HIGH, Severity.MEDIUM),
        alarm=True,
    ),
    # What is hidden is hidden whatever the row's moments say; without them nothing else is certain.
    Rule(
        verdict="unreadable_row",
        severity=Severity.MEDIUM,
        means="Its row holds a value that cannot be understood, so it cannot be judged.",
        holds=lambda facts: bool(facts.session.unreadable),
        why=why_unreadable,
        next_step="Correct the value in the database, then audit again.",
    ),
    Rule(
        verdict="unverified",
        severity=Severity.UNKNOWN,
        means="Not everything could be read, so nothing may be concluded.",
        holds=lambda facts: not facts.coverage_complete,
        why=why_unverified,
        next_step="Repair access to what could not be read (see coverage), then audit again.",
    ),
    Rule(
        verdict="incomplete_encode",
        severity=Severity.HIGH,
        means="Media with the session's id exists, but could not be played as it is.",
        holds=lambda facts: bool(facts.evidence),
        why=why_incomplete,
        next_step="Encode again from the ingest account while its copy lasts (90 days in production).",
        urgency=_unless_sibling(Severity.HIGH, Severity.MEDIUM),
        due=ingest_deletion,
    ),
    Rule(
        verdict="in_mixed_container",
        severity=Severity.MEDIUM,
        means="Its media stands in one container with another session's.",
        holds=lambda facts: bool(facts.mixed),
        why=why_mixed,
        next_step="See the container's own finding; it must be decided by hand.",
    ),
    # What is tagged in the ingest account is deleted 90 days after its creation.
    Rule(
        verdict="encode_lost",
        severity=Severity.HIGH,
        means="The hearing was recorded and never encoded.",
        holds=lambda facts: facts.session.status == "PROCESSING" and bool(facts.ingest_blobs),
        why=why_encode_lost,
        next_step="Encode again from the ingest account now: what is marked for deletion there lasts 90 days.",
        due=ingest_deletion,
    ),
    Rule(
        verdict="suspect_lost",
        severity=Severity.MEDIUM,
        means="It was being processed, and neither a recording nor its regular end can be found.",
        holds=_may_be_lost,
        why=why_lost,
        next_step=(
            "Ask the court whether the hearing took place; look for media of its time among "
            "unattributed_media, and in the ingest account."
        ),
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
        verdict="stuck_empty",
        severity=Severity.MEDIUM,
        means="It never reached its end, and nothing of it can be found.",
        holds=lambda _facts: True,
        why=why_lost,
        next_step="Ask the court whether the hearing took place; if not, set the status to NO_RECORDING.",
        urgency=_unless_sibling(Severity.MEDIUM, Severity.LOW),
    ),
)
