"""The verdict on each row in recordings: whether its container and media exist, and can be played."""

from profiles.pre_capture_sessions.facts import RecordingFacts
from profiles.pre_capture_sessions.keys import ContainerKind, container_kind
from profiles.pre_capture_sessions.options import FULL
from reconciliation.rules import Rule, Severity, counted
from reconciliation.wording import plural


def _row(facts: RecordingFacts) -> str:
    ahead = " by a row whose created_at lies in the future" if "future" in facts.row.marks else ""
    return f"It is registered as a recording of session {facts.row.session_id}{ahead}"


def _why_session_mismatch(facts: RecordingFacts) -> str:
    assert facts.evidence is not None
    return f"{_row(facts)}, but its tracks name {', '.join(sorted(facts.evidence.keys)[:5])}."


RULES: tuple[Rule[RecordingFacts], ...] = (
    counted(
        "outside_question",
        "Not looked at: the question was about some sessions only.",
        lambda facts: not facts.judged,
    ),
    counted(
        "vanished_row", "Its row was taken out of the table while the audit was at work.", lambda facts: facts.vanished
    ),
    Rule(
        verdict="unreadable_row",
        severity=Severity.MEDIUM,
        means="Its row holds a value that cannot be understood, so it cannot be judged.",
        holds=lambda facts: not facts.row.readable,
        why=lambda facts: f"The row of {facts.row.recording_id!r} holds something that cannot be understood.",
        next_step="Correct the value in the database, then audit again.",
        modes=(FULL,),
    ),
    counted("deleted_row", "Deleted on purpose.", lambda facts: facts.row.deleted),
    # An imported recording gets its row first, and its container and duration only when the import is done.
    counted(
        "legacy_row",
        "Of an import that is not done yet, or of another system.",
        lambda facts: "legacy" in facts.row.marks and "no_duration" in facts.row.marks,
    ),
    counted("recent_row", "Made a moment ago; the next audit will tell.", lambda facts: "recent" in facts.row.marks),
    # A finding must be confirmed by a second reading.
    Rule(
        verdict="unverified",
        severity=Severity.UNKNOWN,
        means="Something seemed wrong with it and could not be seen a second time, so nothing may be concluded.",
        holds=lambda facts: not facts.read_twice,
        why=lambda facts: f"{_row(facts)}, and its row or container could not be read a second time.",
        next_step="Audit again when the database and the storage account can be reached.",
        modes=(FULL,),
    ),
    Rule(
        verdict="row_without_container",
        severity=Severity.HIGH,
        means="The row exists, and no container has its id.",
        holds=lambda facts: not facts.exists and container_kind(facts.row.recording_id) is ContainerKind.RECORDING,
        why=lambda facts: (
            f"{_row(facts)}, but "
            + ("its container was listed and is gone." if facts.gone else "storage has no container of that name.")
        ),
        next_step="Find out who deleted the container; restore it while the account's soft delete keeps it.",
    ),
    Rule(
        verdict="row_without_media",
        severity=Severity.HIGH,
        means="The container is there, and no media in it.",
        holds=lambda facts: facts.evidence is not None and not facts.evidence.tracks,
        why=lambda facts: f"{_row(facts)}, but its container holds no track.",
        next_step=(
            "Restore the media while the account's soft delete keeps it, or encode again from the ingest account."
        ),
        modes=(FULL,),
    ),
    Rule(
        verdict="no_ism",
        severity=Severity.HIGH,
        means="There is media, but no server manifest: it cannot be played.",
        holds=lambda facts: facts.evidence is not None and not facts.evidence.manifest_bytes,
        why=lambda facts: f"{_row(facts)}, but its container has no manifest (.ism) with bytes in it.",
        next_step="Have the manifest made again, and play the recording back.",
        modes=(FULL,),
    ),
    Rule(
        verdict="filename_missing",
        severity=Severity.MEDIUM,
        means="The file that the row names is not in the container; edits will fail.",
        holds=lambda facts: facts.evidence is not None and not facts.has_its_file,
        why=lambda facts: (
            f"{_row(facts)}, but none of {plural(facts.evidence.tracks if facts.evidence else 0, 'track')} in its "
            "container has the name that the row gives."
        ),
        next_step="Correct the row's file name to that of the track (pre-api: syncRecordingMetadataWithStorage).",
        modes=(FULL,),
    ),
    Rule(
        verdict="session_mismatch",
        severity=Severity.MEDIUM,
        means="The tracks name another session than the row.",
        holds=lambda facts: facts.names_others_only,
        why=_why_session_mismatch,
        next_step="Play the recording back and decide whose it is, before anybody relies on it.",
        modes=(FULL,),
    ),
    Rule(
        verdict="double_v1",
        severity=Severity.MEDIUM,
        means="Two live first versions of one session: it was registered twice.",
        holds=lambda facts: "double" in facts.row.marks,
        why=lambda facts: f"{_row(facts)}, which has another live recording of version 1 beside it.",
        next_step="Compare the two, and delete the row of the one that is not the hearing.",
    ),
    Rule(
        verdict="no_duration",
        severity=Severity.LOW,
        means="The row has no duration.",
        holds=lambda facts: "no_duration" in facts.row.marks,
        why=lambda facts: f"{_row(facts)}, and its duration is empty or zero.",
        next_step="Read the duration from its .mpd (pre-api: CleanupNullRecordingDuration).",
    ),
    counted("not_opened", "Its container was not opened by this audit.", lambda facts: facts.evidence is None),
    counted("sound", "The row, its container and its media agree.", lambda _facts: True),
)
