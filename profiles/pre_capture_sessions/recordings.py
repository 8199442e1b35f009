"""The verdict on each row in recordings: is what it promises there, and can it be played."""

from profiles.pre_capture_sessions.facts import RecordingFacts
from profiles.pre_capture_sessions.keys import ContainerKind, container_kind
from profiles.pre_capture_sessions.wording import count
from reconciliation.verdicts import Rule, Severity, counted


def _row(facts: RecordingFacts) -> str:
    ahead = " by a row whose created_at lies in the future" if "future" in facts.row.marks else ""
    return f"It is registered as a recording of session {facts.row.session_id}{ahead}"


def _why_session_mismatch(facts: RecordingFacts) -> str:
    assert facts.seen is not None
    return f"{_row(facts)}, but its tracks name {', '.join(sorted(facts.seen.keys)[:5])}."


RULES: tuple[Rule[RecordingFacts], ...] = (
    counted(
        "outside_question",
        "Not looked at: the question was about some sessions only.",
        lambda facts: not facts.judged,
    ),
    Rule(
        "unreadable_row",
        Severity.MEDIUM,
        "Its row holds a value that cannot be understood, so it cannot be judged.",
        lambda facts: not facts.row.readable,
        lambda facts: f"The row of {facts.row.recording_id!r} holds something that cannot be understood.",
        "Correct the value in the database, then audit again.",
    ),
    counted("deleted_row", "Deleted on purpose.", lambda facts: facts.row.deleted),
    # An imported recording gets its row first, and its container and duration only when the import is done.
    counted(
        "legacy_row",
        "Of an import that is not done yet, or of another system.",
        lambda facts: "legacy" in facts.row.marks and "no_duration" in facts.row.marks,
    ),
    counted("recent_row", "Made a moment ago; the next audit will tell.", lambda facts: "recent" in facts.row.marks),
    # A finding that was not seen twice is none.
    Rule(
        "unverified",
        Severity.UNKNOWN,
        "Something seemed wrong with it and could not be seen a second time, so nothing may be concluded.",
        lambda facts: not facts.seen_twice,
        lambda facts: f"{_row(facts)}, and its row or container could not be read a second time.",
        "Audit again when the database and the storage account can be reached.",
    ),
    Rule(
        "row_without_container",
        Severity.HIGH,
        "The row is there, and no container of its id.",
        lambda facts: not facts.listed and container_kind(facts.row.recording_id) is ContainerKind.RECORDING,
        lambda facts: (
            f"{_row(facts)}, but "
            + ("its container was listed and is gone." if facts.gone else "storage has no container of that name.")
        ),
        "Find out who deleted the container; restore it while the account's soft delete keeps it.",
    ),
    Rule(
        "row_without_media",
        Severity.HIGH,
        "The container is there, and no media in it.",
        lambda facts: facts.seen is not None and not facts.seen.tracks,
        lambda facts: f"{_row(facts)}, but its container holds no track.",
        "Restore the media while the account's soft delete keeps it, or encode again from the ingest account.",
    ),
    Rule(
        "no_ism",
        Severity.HIGH,
        "There is media, but no server manifest: it cannot be played.",
        lambda facts: facts.seen is not None and not facts.seen.manifest_bytes,
        lambda facts: f"{_row(facts)}, but its container has no manifest (.ism) with bytes in it.",
        "Have the manifest made again, and play the recording back.",
    ),
    Rule(
        "filename_missing",
        Severity.MEDIUM,
        "The file that the row names is not in the container; edits will fail.",
        lambda facts: facts.seen is not None and not facts.has_its_file,
        lambda facts: (
            f"{_row(facts)}, but none of {count(facts.seen.tracks if facts.seen else 0, 'track')} in its "
            "container has the name that the row gives."
        ),
        "Correct the row's file name to that of the track (pre-api: syncRecordingMetadataWithStorage).",
    ),
    Rule(
        "session_mismatch",
        Severity.MEDIUM,
        "The tracks name another session than the row.",
        lambda facts: facts.names_others_only,
        _why_session_mismatch,
        "Play the recording back and decide whose it is, before anybody relies on it.",
    ),
    Rule(
        "double_v1",
        Severity.MEDIUM,
        "Two live first versions of one session: it was registered twice.",
        lambda facts: "double" in facts.row.marks,
        lambda facts: f"{_row(facts)}, which has another live recording of version 1 beside it.",
        "Compare the two, and delete the row of the one that is not the hearing.",
    ),
    Rule(
        "no_duration",
        Severity.LOW,
        "The row tells no length.",
        lambda facts: "no_duration" in facts.row.marks,
        lambda facts: f"{_row(facts)}, and its duration is empty or zero.",
        "Read the duration from its .mpd (pre-api: CleanupNullRecordingDuration).",
    ),
    counted("not_opened", "Its container was not opened by this audit.", lambda facts: facts.seen is None),
    counted("sound", "The row, its container and its media agree.", lambda _facts: True),
)
