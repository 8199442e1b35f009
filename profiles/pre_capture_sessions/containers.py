"""The verdict on each container that was to be opened: which session it belongs to, and whether it is damaged."""

from profiles.pre_capture_sessions.facts import ContainerFacts
from profiles.pre_capture_sessions.keys import ContainerKind, container_kind
from profiles.pre_capture_sessions.wording import moment
from reconciliation.evidence import Unread
from reconciliation.rules import Rule, Severity, counted
from reconciliation.wording import plural


def _holds(facts: ContainerFacts) -> str:
    evidence = facts.evidence
    size = (
        f", {sum(file.size for file in evidence.media):,} bytes of them with a session's id" if evidence.media else ""
    )
    newest = "" if evidence.newest is None else f", last changed on {moment(evidence.newest)}"
    if evidence.future is not None:
        newest += f", with a last change on {moment(evidence.future)}, which lies in the future and counts as not given"
    complete = "complete" if facts.complete else "not complete"
    return f"It has no row in recordings and holds {plural(evidence.tracks, 'track')}{size}{newest}; {complete}"


def _why_unread(facts: ContainerFacts) -> str:
    assert isinstance(facts.record, Unread)
    return f"It could not be read: {facts.record.reason.rstrip('.')}."


def _why_unattributed(facts: ContainerFacts) -> str:
    named = len(facts.evidence.keys)
    what = (
        f"the {'id' if named == 1 else 'ids'} in their names {'is' if named == 1 else 'are'} of no known session"
        if named
        else "their names carry no session id"
    )
    return f"{_holds(facts)}; {what}."


def _why_mixed(facts: ContainerFacts) -> str:
    return f"{_holds(facts)}; its tracks name {len(facts.sessions)} sessions: {', '.join(sorted(facts.sessions)[:5])}."


RULES: tuple[Rule[ContainerFacts], ...] = (
    Rule(
        verdict="evidence_error",
        severity=Severity.UNKNOWN,
        means="The container could not be read, so whatever it holds is unknown.",
        holds=lambda facts: isinstance(facts.record, Unread),
        why=_why_unread,
        next_step="Repair access to the container, then audit again.",
    ),
    # Its name can never be a recording's id, even if its media carries a session's (an edit's input does).
    counted(
        "not_a_recording",
        "Its name is not a recording's id: the input of an edit, or a system's own.",
        lambda facts: container_kind(facts.record.unit) is not ContainerKind.RECORDING,
    ),
    counted(
        "deleted_recording_retained",
        "The container of a recording that was deleted on purpose; deletion keeps the media.",
        lambda facts: facts.row is not None and facts.row.deleted,
    ),
    counted(
        "registered",
        "The container of a live recording; see the recording's verdict.",
        lambda facts: facts.row is not None,
    ),
    counted("empty_container", "There is no media in it.", lambda facts: not facts.evidence.tracks),
    Rule(
        verdict="still_changing",
        severity=Severity.INFO,
        means="Something in it changed a moment ago: it may still be written.",
        holds=lambda facts: not facts.evidence.is_settled(facts.clock),
        why=lambda facts: f"{_holds(facts)}.",
        next_step="Nothing now: the next audit will tell.",
    ),
    # pre-api writes an edit's row after its container; a kill in between leaves the container without one. Never to be
    # registered as a first version.
    Rule(
        verdict="orphan_edit_output",
        severity=Severity.MEDIUM,
        means="The output of an edit or a re-encode whose row was never written.",
        holds=lambda facts: facts.evidence.edit_output,
        why=lambda facts: f"{_holds(facts)}; its tracks are named after the container, as an edit's are.",
        next_step=(
            "Look at the edit requests in PROCESSING or ERROR of that time; run the edit again rather than "
            "register this."
        ),
    ),
    Rule(
        verdict="unattributed_media",
        severity=Severity.HIGH,
        means="Unregistered media whose file names contain no session id: it may be a hearing.",
        holds=lambda facts: not facts.sessions,
        why=_why_unattributed,
        next_step=(
            "Compare its time with sessions started up to 12 hours before it that have no recording "
            "(suspect_lost first); the encoder's job or the description of its asset tells the booking."
        ),
        urgency=lambda facts: Severity.HIGH if facts.complete else Severity.MEDIUM,
    ),
    Rule(
        verdict="mixed_container",
        severity=Severity.HIGH,
        means="Media of several sessions in one container without a row.",
        holds=lambda facts: len(facts.sessions) > 1,
        why=_why_mixed,
        next_step="Play the tracks back and decide whose recording it is; register it by hand.",
    ),
    counted(
        "outside_question",
        "Its session is not one of those that were asked for.",
        lambda facts: facts.sessions.isdisjoint(facts.in_question),
    ),
    counted("attributed", "Media of one session without a row; see the session's verdict.", lambda _facts: True),
)
