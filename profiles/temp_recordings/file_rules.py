"""The verdicts on files that no row is about: the first rule that holds decides."""

from functools import partial

from profiles.temp_recordings import reasons as why
from profiles.temp_recordings.chunk_rules import CHANGING, needing
from profiles.temp_recordings.facts import FileFacts
from profiles.temp_recordings.names import is_leftover
from profiles.temp_recordings.options import DEEP
from profiles.temp_recordings.rescued import VERDICT
from reconciliation.rules import Rule, Severity, counted, unverified

RESCUE_ORPHAN, INSERT_RECORDING = "rescue_orphan", "insert_recording"
"""The names of the repairs."""
UNREAD_FILE: Rule[FileFacts] = unverified(lambda facts: facts.unread is not None)
_RULE = partial(Rule[FileFacts], why=why.file)
_ORPHAN = partial(_RULE, severity=Severity.HIGH, urgency=lambda facts: facts.severity)
_TABLE: tuple[Rule[FileFacts], ...] = (
    _RULE(
        verdict="tmp_leftover",
        severity=Severity.LOW,
        means="It is left of a write that broke off before its file got its name.",
        holds=lambda facts: is_leftover(facts.key),
        next_step="Look whether it is raw audio that is nowhere else; only then delete it.",
    ),
    _RULE(
        verdict="unparsed_file",
        severity=Severity.LOW,
        means="Its name is none that the bot gives, so nothing tells what it is of.",
        holds=lambda facts: not (facts.is_named or facts.is_rescued),
        next_step="Look it up in the bucket by the beginning of the SHA-256 of its key.",
    ),
    UNREAD_FILE,
    counted("file_gone", "It is not there any more.", lambda facts: facts.file is None),
    _RULE(
        verdict=VERDICT,
        severity=Severity.INFO,
        means="It was copied here so that no clean-up deletes it.",
        holds=lambda facts: facts.is_rescued,
        next_step="Nothing. Only a person deletes it, once its meeting was heard whole.",
    ),
    counted(
        "file_young", "It is young, or its meeting is being processed: its row may still come.", lambda f: f.is_young
    ),
    _RULE(
        verdict="file_changing",
        severity=Severity.INFO,
        means="It was written between the two looks.",
        holds=lambda facts: facts.has_changed,
        next_step=CHANGING,
    ),
    _ORPHAN(
        verdict="orphan_pcm",
        means="It is raw audio of a chunk, and no row names it: nobody will ever transcode it.",
        holds=lambda facts: facts.suffix == "pcm",
        next_step="Copy it to rescue/<meeting>/ unless a recording holds it; the bot wipes temp/ when it ends.",
        repair=RESCUE_ORPHAN,
    ),
    _ORPHAN(
        verdict="orphan_mp3",
        means="It is the MP3 of a chunk, and no row names it.",
        holds=lambda facts: facts.suffix == "mp3",
        next_step="Copy it to rescue/<meeting>/ unless a recording holds it; the bot wipes temp/ when it ends.",
        repair=RESCUE_ORPHAN,
    ),
    _RULE(
        verdict="final_corrupt",
        severity=Severity.HIGH,
        means="It is the final file of a participant, has no row, and is damaged: its header and its bytes disagree.",
        holds=lambda facts: facts.is_final_in_place and facts.is_corrupt and facts.scene.meeting is not None,
        next_step="Have it joined again from all chunks, if any are left; delete nothing that plays.",
        modes=(DEEP,),
    ),
    _RULE(
        verdict="final_twin",
        severity=Severity.MEDIUM,
        means="It has no row, and is like the recorded file of another participant of the meeting, by its bytes, or by "
        "its size where no bytes were read: of one SHA-256 the table takes no second row.",
        holds=lambda facts: facts.is_final_in_place and facts.twin is not None and facts.scene.meeting is not None,
        why=why.final_twin,
        next_step="Compare the two SHA-256. If they differ, its row is missing; if not, nobody can insert one.",
    ),
    _RULE(
        verdict="final_not_recorded",
        severity=Severity.HIGH,
        means="It is the final file of a participant, and its row was never written: nobody finds it.",
        holds=lambda facts: facts.is_final_in_place and facts.ms > 0 and facts.scene.meeting is not None,
        next_step="Compare its duration with the chunks, if any are left; then insert its row.",
        repair=INSERT_RECORDING,
    ),
    _RULE(
        verdict="orphan_final",
        severity=Severity.MEDIUM,
        means="It is named as a final file, and is empty, of no known meeting, or not in storage/.",
        holds=lambda _facts: True,
        next_step="Find out where it came from; delete nothing that plays.",
    ),
)
RULES = needing(_TABLE)
