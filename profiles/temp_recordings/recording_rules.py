"""The verdicts on recordings, participants and meetings: the first rule that holds decides."""

from dataclasses import replace
from functools import partial

from profiles.temp_recordings import reasons as why
from profiles.temp_recordings.chunk_rules import CHANGING, needing
from profiles.temp_recordings.facts import MeetingFacts, ParticipantFacts, RecordingFacts
from profiles.temp_recordings.names import is_meeting_id
from profiles.temp_recordings.options import DEEP
from profiles.temp_recordings.rows import COMPLETED, MEETING_STATUSES, PAUSED, PROCESSING, RECORDING
from reconciliation.rules import Rule, Severity, counted, unverified

FIX_DURATION, FIX_RECORDING_FILES = "fix_duration", "fix_recording_files"
"""The names of the repairs."""
_REBUILD = "Have it joined again from all of its chunks, under another name; delete nothing before that was heard."

UNREAD_RECORDING: Rule[RecordingFacts] = unverified(lambda facts: facts.unread is not None)
_OF_RECORDING = partial(Rule[RecordingFacts], why=why.recording)
_RECORDING_TABLE: tuple[Rule[RecordingFacts], ...] = (
    Rule(
        verdict="recording_row_invalid",
        severity=Severity.HIGH,
        means="Its row cannot be worked with: a value in it is missing or cannot be read.",
        holds=lambda facts: bool(facts.recording.unreadable) or facts.recording.duration_ms is None,
        why=why.recording_invalid,
        next_step="Have the row mended by hand.",
    ),
    UNREAD_RECORDING,
    Rule(
        verdict="recording_changing",
        severity=Severity.INFO,
        means="Its row or its file changed between the two looks, or just before.",
        holds=lambda facts: facts.has_changed or (facts.file is not None and not facts.scene.has_settled(facts.file)),
        why=why.recording,
        next_step=CHANGING,
    ),
    _OF_RECORDING(
        verdict="recording_file_missing",
        severity=Severity.HIGH,
        means="Its file is not there: the row promises audio that nobody can play.",
        holds=lambda facts: facts.file is None,
        next_step="Copy its chunks to rescue/<meeting>/, if any are left; have it joined from them.",
    ),
    _OF_RECORDING(
        verdict="recording_corrupt",
        severity=Severity.HIGH,
        means="Its file is damaged: what its header says and what is in it disagree, or not all of it is audio.",
        holds=lambda facts: facts.is_corrupt,
        next_step=_REBUILD,
        modes=(DEEP,),
    ),
    _OF_RECORDING(
        verdict="recording_zero_duration",
        severity=Severity.MEDIUM,
        means="Its row says that it plays for no time, and its file has audio.",
        holds=lambda facts: not facts.recording.duration_ms and facts.file_ms > 0,
        next_step="Set the duration to that of the file, counted from its frames.",
        repair=FIX_DURATION,
    ),
    _OF_RECORDING(
        verdict="recording_file_differs",
        severity=Severity.HIGH,
        means="Its file plays shorter or longer than its row says: it was cut off, or overwritten.",
        holds=lambda facts: not facts.fits_its_file or facts.file_ms == 0,
        next_step=_REBUILD,
    ),
    _OF_RECORDING(
        verdict="recording_sha_mismatch",
        severity=Severity.HIGH,
        means="Its SHA-256 is not that of its file; where no bytes were read: it is that of one of its several chunks.",
        holds=lambda facts: facts.has_wrong_sha,
        next_step="Hash the file, and find out which of the two is the recording.",
    ),
    _OF_RECORDING(
        verdict="recording_short",
        severity=Severity.HIGH,
        means="It plays shorter than its chunks together, or one is missing among them.",
        holds=lambda facts: facts.is_short,
        next_step=_REBUILD,
    ),
    _OF_RECORDING(
        verdict="late_chunks",
        severity=Severity.HIGH,
        means="Chunks of it were done after it was made, or never: it cannot hold them.",
        holds=lambda facts: bool(facts.late),
        next_step=_REBUILD,
    ),
    counted(
        "recording_of_other_sort",
        "It is in order, and of another sort than is expected: another era of the bot made it.",
        lambda facts: facts.is_of_other_sort,
    ),
    counted(
        "recording_ok",
        "Its file is there, plays as long as its row says, and no shorter than its chunks, as far as the mode tells.",
        lambda _facts: True,
    ),
)
RECORDING_RULES = needing(_RECORDING_TABLE)

UNREAD_PARTICIPANT: Rule[ParticipantFacts] = unverified(lambda facts: facts.unread is not None)
_OF_PARTICIPANT = partial(Rule[ParticipantFacts], severity=Severity.HIGH, why=why.participant)
_PARTICIPANT_TABLE: tuple[Rule[ParticipantFacts], ...] = (
    counted(
        "in_meeting",
        "The meeting is not over, or the bot is at work on it.",
        lambda facts: facts.scene.is_running or facts.scene.is_processing,
    ),
    UNREAD_PARTICIPANT,
    Rule(
        verdict="participant_changing",
        severity=Severity.INFO,
        means="A recording of the participant came or went between the two looks.",
        holds=lambda facts: facts.has_changed,
        why=why.participant,
        next_step=CHANGING,
    ),
    _OF_PARTICIPANT(
        verdict="duplicate_recordings",
        means="There are several recordings of one participant of the meeting.",
        holds=lambda facts: len(facts.own_recordings) > 1,
        next_step="Find out which of them is whole; take the other out of what is transcribed.",
    ),
    counted("recorded", "There is a recording; whether it is in order it says itself.", lambda f: f.is_recorded),
    counted(
        "recorded_otherwise",
        "There is a recording of another sort than is expected; whether it is in order it says itself.",
        lambda facts: facts.is_recorded_otherwise,
    ),
    counted("final_waits", "There is a final file without a row, which says so itself.", lambda facts: facts.has_final),
    _OF_PARTICIPANT(
        verdict="not_promoted",
        means="The meeting is over, there are chunks, and the recording that is expected of them was never made.",
        holds=lambda facts: facts.chunks > 0 and facts.promotion.expects_each,
        next_step="Copy the chunks to rescue/<meeting>/, then have them joined in the order of their numbers.",
    ),
    counted(
        "of_whole_meeting",
        "Its chunks belong into the recording of the whole meeting; of that the meeting says whether it was made.",
        lambda facts: facts.chunks > 0,
    ),
    counted("silent", "Nothing was recorded of the whole meeting.", lambda facts: facts.is_silent_meeting),
    _OF_PARTICIPANT(
        verdict="participant_missing",
        means="The meeting lists the participant, others were recorded, and there is nothing of this one.",
        holds=lambda _facts: True,
        next_step="Ask whether the participant has said anything; look for files that name the meeting.",
    ),
)
PARTICIPANT_RULES = needing(_PARTICIPANT_TABLE)


def _has_ended_badly(facts: MeetingFacts) -> bool:
    meeting = facts.scene.meeting
    return meeting is not None and meeting.status in {RECORDING, PAUSED} and not facts.scene.is_running


def _status(facts: MeetingFacts) -> str:
    return facts.scene.meeting.status if facts.scene.meeting else ""


def _is_invalid(facts: MeetingFacts) -> bool:
    meeting = facts.scene.meeting
    return meeting is not None and (
        bool(meeting.unreadable) or meeting.status not in MEETING_STATUSES or not is_meeting_id(meeting.id)
    )


UNREAD_MEETING: Rule[MeetingFacts] = unverified(lambda facts: facts.unread is not None)
_OF_MEETING = partial(Rule[MeetingFacts], severity=Severity.HIGH, why=why.meeting)
_MEETING_TABLE: tuple[Rule[MeetingFacts], ...] = (
    Rule(
        verdict="meeting_row_invalid",
        severity=Severity.HIGH,
        means="Its row cannot be worked with: an unknown status or id, or a value that cannot be read.",
        holds=_is_invalid,
        why=why.meeting_invalid,
        next_step="Have the row mended by hand.",
    ),
    counted("meeting_live", "It is being recorded, and chunks arrive.", lambda facts: facts.scene.is_live),
    Rule(
        verdict="meeting_paused",
        severity=Severity.LOW,
        means="It is paused since a while; that is allowed, and also what a crash leaves.",
        holds=lambda facts: _status(facts) == PAUSED and facts.scene.is_running,
        why=why.meeting,
        next_step="Ask whoever called it whether it goes on; otherwise stop it, so that it is promoted.",
    ),
    counted(
        "meeting_quiet",
        "It is being recorded, and no chunk came for a moment: people may be silent.",
        lambda facts: facts.scene.is_running,
    ),
    UNREAD_MEETING,
    Rule(
        verdict="meeting_changing",
        severity=Severity.INFO,
        means="Its row or its recordings changed between the two looks.",
        holds=lambda facts: facts.has_changed,
        why=why.meeting,
        next_step=CHANGING,
    ),
    _OF_MEETING(
        verdict="meeting_abandoned",
        means="Its row says that it is being recorded, and nothing arrives any more: the bot has crashed.",
        holds=_has_ended_badly,
        next_step="Copy its chunks to rescue/<meeting>/, then end it and have it promoted by the bot's own step.",
    ),
    counted("meeting_processing", "The bot is at work on it.", lambda facts: facts.scene.is_processing),
    _OF_MEETING(
        verdict="processing_stuck",
        means="It is being processed, and nothing has come of it for longer than any step takes.",
        holds=lambda facts: _status(facts) in PROCESSING,
        next_step="Copy its chunks to rescue/<meeting>/, then have the step made again.",
    ),
    _OF_MEETING(
        verdict="meeting_not_promoted",
        means="It is over, and the recording of the whole meeting that is expected was never made.",
        holds=lambda facts: facts.lacks_whole,
        next_step="Copy its chunks to rescue/<meeting>/, then have them joined into one recording of all.",
    ),
    _OF_MEETING(
        verdict="duplicate_recordings",
        means="There are several recordings of the whole meeting.",
        holds=lambda facts: len(facts.scene.of_whole) > 1,
        next_step="Find out which of them is whole; take the other out of what is transcribed.",
    ),
    _OF_MEETING(
        verdict="completed_too_early",
        means="It is called completed, and chunks of it are not in order: what was made may lack them.",
        holds=lambda facts: _status(facts) == COMPLETED and bool(facts.unfinished),
        next_step="See what its chunks need; have its recordings made again from all of them.",
    ),
    _OF_MEETING(
        verdict="recording_files_wrong",
        severity=Severity.MEDIUM,
        means="Its row names other recordings than there are, and those are in order.",
        holds=lambda facts: (
            _status(facts) == COMPLETED and facts.names_other_recordings and facts.recordings_are_in_order
        ),
        why=why.recording_files,
        next_step="Write the recordings that there are into its row.",
        repair=FIX_RECORDING_FILES,
    ),
    replace(UNREAD_MEETING, holds=lambda facts: _status(facts) == COMPLETED and facts.is_unsure),
    counted("meeting_ok", "Nothing is wrong with it itself.", lambda _facts: True),
)
MEETING_RULES = needing(_MEETING_TABLE)
