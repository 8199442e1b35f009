"""The verdicts on chunks: the first rule that holds decides.

What cannot be judged yet comes first; then what is lost, and what is about to be; then what hangs on its way.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from profiles.temp_recordings import reasons as why
from profiles.temp_recordings.facts import ChunkFacts
from profiles.temp_recordings.options import DEEP
from profiles.temp_recordings.queries import CHUNKS, FILES, MEETINGS, RECORDINGS
from profiles.temp_recordings.rows import DONE, FAILED, WAITING
from reconciliation.rules import Rule, Severity, counted, unverified

RESCUE_COPY, MARK_DONE, SET_CLEANED, DELETE_ROWS = "rescue_copy", "mark_done", "set_cleaned", "delete_rows"
"""The names of the repairs."""
EXPIRING_UNPROMOTED, RESCUED_UNPROMOTED = "expiring_unpromoted", "rescued_unpromoted"
CHANGING = "Nothing now: the next audit will tell."
_TRANSCODE = (
    "Copy its raw audio to rescue/<meeting>/, then have the bot transcode it again: its queue has forgotten it."
)
_MARK = (
    "Have mark_done planned: it copies first, since the clean-up deletes what is done. By hand, do not mark it before "
    "there is a copy."
)


def needing(rules: Sequence[Rule[Any]]) -> tuple[Rule[Any], ...]:
    """The rules, none of which says anything unless all rows of a meeting were read: they decide about each other."""
    return tuple(replace(one, needs=(CHUNKS, RECORDINGS, MEETINGS, *one.needs)) for one in rules)


UNVERIFIED: Rule[ChunkFacts] = replace(unverified(lambda facts: facts.unread is not None), due=lambda facts: facts.due)
_RULE = partial(Rule[ChunkFacts], why=why.chunk)

_TABLE: tuple[Rule[ChunkFacts], ...] = (
    Rule(
        verdict="chunk_row_invalid",
        severity=Severity.HIGH,
        means="Its row cannot be worked with: an unknown status, no usable date, or a file of another place or name.",
        holds=lambda facts: bool(why.wrong_with(facts)),
        why=why.invalid,
        due=lambda facts: facts.due,
        next_step="Have the row mended by hand; look after its file meanwhile.",
    ),
    counted(
        "chunk_in_time",
        "It is young, and not about to be deleted: the bot may still be at work on it.",
        lambda facts: not (facts.is_stale or facts.is_expiring),
    ),
    UNVERIFIED,
    Rule(
        verdict="chunk_changing",
        severity=Severity.INFO,
        means="Its row, its files or a recording of its user changed between the two looks, or just before.",
        holds=lambda facts: facts.has_changed or not facts.has_settled,
        why=why.chunk,
        next_step=CHANGING,
    ),
    _RULE(
        verdict="leftover_row",
        severity=Severity.LOW,
        means="A recording holds it, and the clean-up, whose time for it is over, has left nothing of it but its row.",
        holds=lambda facts: facts.is_leftover and facts.scene.terms.deletes_leftovers,
        next_step="Have delete_rows planned twice: one plan keeps the whole row in its ledger, a later one deletes it.",
        repair=DELETE_ROWS,
    ),
    counted(
        "chunk_superseded",
        "A recording of its user is in order and at least as long as all of its chunks, as far as the mode tells.",
        lambda facts: facts.is_promoted,
    ),
    _RULE(
        verdict="file_misplaced",
        severity=Severity.HIGH,
        means="There is nothing of it where its row says; a file of its name lies elsewhere.",
        holds=lambda facts: not facts.has_file and bool(facts.elsewhere),
        why=why.misplaced,
        next_step="Copy that file to where the row says; delete nothing.",
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="chunk_lost",
        severity=Severity.HIGH,
        means="There is no file of it anywhere, and no recording that is in order holds it.",
        holds=lambda facts: not facts.has_file,
        why=why.lost,
        needs=(FILES,),
        next_step="Tell the people of the meeting what is lost; keep its row.",
    ),
    _RULE(
        verdict=RESCUED_UNPROMOTED,
        severity=Severity.MEDIUM,
        means="The bot's clean-up is about to delete it, and a copy of the same size lies in rescue/.",
        holds=lambda facts: facts.is_expiring and facts.is_rescued,
        next_step="Have it promoted from the copy. Compare the two SHA-256 as long as both are there.",
    ),
    _RULE(
        verdict=EXPIRING_UNPROMOTED,
        severity=Severity.HIGH,
        means="It is the only copy of what was said, and the bot's own clean-up is about to delete it.",
        holds=lambda facts: facts.is_expiring,
        why=why.expiring,
        due=lambda facts: facts.due,
        next_step="Copy its files to rescue/<meeting>/ before that, or stop the bot's clean-up; then have it promoted.",
        alarm=True,
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="done_mp3_missing",
        severity=Severity.HIGH,
        means="It is marked as done, and there is no MP3; its raw audio is still there.",
        holds=lambda facts: facts.chunk.status == DONE and facts.mp3 is None,
        next_step=_TRANSCODE,
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="chunk_corrupt",
        severity=Severity.HIGH,
        means="Its MP3 is damaged: what its header says and what is in it disagree, or not all of it is audio.",
        holds=lambda facts: facts.is_corrupt,
        next_step=f"{_TRANSCODE} Without raw audio, keep the MP3: it is all there is.",
        modes=(DEEP,),
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="done_mp3_bad",
        severity=Severity.HIGH,
        means="It is marked as done, and its MP3 plays shorter or longer than it should, or has another SHA-256.",
        holds=lambda facts: facts.chunk.status == DONE and facts.mp3_is_whole is False,
        next_step=f"{_TRANSCODE} Without raw audio, keep the MP3: it is all there is.",
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="cleaned_flag_wrong",
        severity=Severity.LOW,
        means="Its row says that its raw audio was removed, and it is there; or the other way round.",
        holds=lambda facts: (
            facts.chunk.status == DONE
            and facts.chunk.cleaned is not None
            and facts.chunk.cleaned == (facts.pcm is not None)
        ),
        next_step="Set the flag to what is there; delete nothing.",
        repair=SET_CLEANED,
    ),
    _RULE(
        verdict="transcoded_not_marked",
        severity=Severity.MEDIUM,
        means="Its MP3 is as long as it should be, and its row still waits for it.",
        holds=lambda facts: facts.chunk.status in WAITING and facts.mp3_is_whole is True,
        next_step=_MARK,
        repair=MARK_DONE,
    ),
    _RULE(
        verdict="failed_but_converted",
        severity=Severity.MEDIUM,
        means="It is marked as failed, and its MP3 is as long as it should be.",
        holds=lambda facts: facts.chunk.status == FAILED and facts.mp3_is_whole is True,
        next_step=_MARK,
        repair=MARK_DONE,
    ),
    _RULE(
        verdict="transcode_stuck",
        severity=Severity.HIGH,
        means="It waits for its transcoder longer than that may need; its raw audio is there.",
        holds=lambda facts: facts.chunk.status in WAITING and facts.has_pcm,
        next_step=_TRANSCODE,
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="failed_retryable",
        severity=Severity.MEDIUM,
        means="Its transcoding failed; its raw audio is there.",
        holds=lambda facts: facts.chunk.status == FAILED and facts.has_pcm,
        next_step=_TRANSCODE,
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="mp3_unproven",
        severity=Severity.MEDIUM,
        means="It is not marked as done, there is an MP3 without raw audio, and nothing tells how long it should play.",
        holds=lambda facts: facts.chunk.status != DONE and facts.mp3 is not None and facts.mp3_is_whole is None,
        next_step="Listen to its end. If it is whole, let its meeting be promoted by hand from the MP3.",
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="chunk_damaged",
        severity=Severity.HIGH,
        means="What is there of it is neither raw audio that can be transcoded nor an MP3 of the right length.",
        holds=lambda facts: facts.chunk.status != DONE,
        next_step="Keep what is there, and tell the people of the meeting that part of it is lost.",
        repair=RESCUE_COPY,
    ),
    _RULE(
        verdict="duplicate_chunk",
        severity=Severity.MEDIUM,
        means="There are several rows for one place in the recording of its user.",
        holds=lambda facts: facts.has_twin,
        why=why.twin,
        next_step="Compare the files before the meeting is promoted: the same audio may be joined twice.",
    ),
    counted(
        "chunk_ok",
        "It is done, and its MP3 is there and, as far as the mode tells, whole.",
        lambda _facts: True,
    ),
)
RULES = needing(_TABLE)
NOT_AGAINST_COMPLETION = frozenset(
    {
        "chunk_ok",
        "chunk_superseded",
        "leftover_row",
        "chunk_in_time",
        "chunk_changing",
        "cleaned_flag_wrong",
        "unverified",
    }
)
"""The verdicts on chunks that do not speak against a meeting which is called completed."""
