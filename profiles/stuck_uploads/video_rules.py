"""The verdicts on videos: the first rule that holds decides.

What a run does settles first, since a video says *waiting* from its upload to the end of its processing; then what is
missing; then what is there although nobody says so; and only what nothing explains was never started.
"""

from dataclasses import replace
from functools import partial

from profiles.stuck_uploads import video_reasons as why
from profiles.stuck_uploads.dialects import Stage
from profiles.stuck_uploads.facts import KEPT_RUNS, MOST_ATTEMPTS, PRESIGNED, VideoFacts
from profiles.stuck_uploads.options import FULL
from profiles.stuck_uploads.runs import COMPLETED, PENDING, RUNNING, SCHEDULED
from reconciliation.rules import Rule, Severity, counted, unverified

VIDEOS, RUNS, STATES, FOLDERS, SERVICE = "videos", "runs", "video_database_state", "prefixes", "deployment"
"""The names of the sources."""
START_RUN, MARK_PROCESSED = "start_run", "mark_processed"
"""The names of the repairs."""

_ONLY_FULL = (FULL,)
_BY_A_RUN = "Start one run for it: auditctl retry stuck-uploads --only <id>; what becomes of its run is what tells."


def _waits(facts: VideoFacts) -> bool:
    return facts.stage in {Stage.UPLOADING, Stage.WAITING}


def _is_invalid(facts: VideoFacts) -> bool:
    video = facts.video
    return bool(
        video.unreadable
        or not video.tenant_id
        or facts.stage is None
        or (facts.stage is not Stage.DELETED and not video.has_usual_key)
        or (facts.is_unfinished and facts.created_at is None)
    )


def _is_unread(facts: VideoFacts) -> bool:
    return facts.stage is not Stage.DELETED and facts.unread is not None


def _is_changing(facts: VideoFacts) -> bool:
    return facts.is_unfinished and facts.outputs > 0 and not facts.has_settled


def _is_processed(facts: VideoFacts) -> bool:
    return facts.is_processed and facts.is_analysed


def _twin(facts: VideoFacts) -> bool:
    return facts.video.has_twin and facts.stage is not Stage.DELETED


def _awaits_crops(facts: VideoFacts) -> bool:
    is_done = bool(facts.dialect.done) and facts.video.status == facts.dialect.done
    return is_done and facts.service is not None and facts.service.has_crops and not facts.has_gone_on


def _lacks_history(facts: VideoFacts) -> bool:
    """True if a run that has ended could say otherwise, and was not looked for."""
    return not facts.history_is_read and (facts.is_unfinished or (facts.is_ready and _awaits_crops(facts)))


UNVERIFIED: Rule[VideoFacts] = unverified(_is_unread)
_NO_HISTORY: Rule[VideoFacts] = unverified(_lacks_history)

_ROW_AND_RUNS: tuple[Rule[VideoFacts], ...] = (
    Rule(
        verdict="record_invalid",
        severity=Severity.HIGH,
        means="Its row cannot be worked with: no tenant, an unknown status, no usable date, or a key of another video.",
        holds=_is_invalid,
        why=why.invalid,
        next_step="Have the row mended by hand: a run would use other keys than the row says.",
    ),
    Rule(
        verdict="deleted_run_active",
        severity=Severity.HIGH,
        means="It was deleted, and a run of it is active all the same.",
        holds=lambda facts: facts.stage is Stage.DELETED and bool(facts.active),
        why=why.active,
        next_step="Cancel the run in Prefect, unless the deletion was a mistake.",
    ),
    replace(
        counted("deleted", "It was deleted, and no run of it is active.", lambda facts: facts.stage is Stage.DELETED),
        needs=(RUNS,),
    ),
    Rule(
        verdict="duplicate_active_runs",
        severity=Severity.HIGH,
        means="Several runs of it are active at once: the later one overwrites what people do with the first one's.",
        holds=lambda facts: len(facts.active) > 1,
        why=why.active,
        next_step="Cancel all but the oldest, as long as they are only scheduled; leave alone what is running.",
    ),
    Rule(
        verdict="run_zombie",
        severity=Severity.HIGH,
        means="Its run has not ended in any time that it could need: its worker is gone, and nobody ends it.",
        holds=lambda facts: len(facts.active) == 1 and facts.active[0].is_dead(facts.clock),
        why=why.dead,
        next_step="See that nothing works on it any more, and set the run to Crashed in Prefect.",
    ),
    Rule(
        verdict="run_not_picked_up",
        severity=Severity.HIGH,
        means="Its run is due, and no worker takes it.",
        holds=lambda facts: len(facts.active) == 1 and facts.active[0].is_overdue(facts.clock),
        why=why.overdue,
        next_step="Start the workers of the pool. Another run would wait as this one does.",
    ),
    Rule(
        verdict="run_paused",
        severity=Severity.LOW,
        means="Its run neither works nor ends: it is paused, being cancelled, or in a state that is not known here.",
        holds=lambda facts: bool(facts.active) and facts.active[0].state not in {SCHEDULED, PENDING, RUNNING},
        why=why.active,
        next_step="Look at the run in Prefect: resume it, or cancel it to its end.",
    ),
    counted("processing", "A run of it is active, and within its time.", lambda facts: bool(facts.active)),
    counted(
        "too_young",
        "It waits, and is younger than age_minutes.",
        lambda facts: _waits(facts) and facts.age is not None and facts.age < facts.age_minutes,
    ),
    counted(
        "recently_run",
        "It is not finished, and a run of it ended within recent_minutes: its row may be written any moment.",
        lambda facts: facts.is_unfinished and facts.ended_recently,
    ),
    UNVERIFIED,
    counted(
        "still_uploading",
        "Its file is not there yet, and may still be uploaded: its address is good for an hour.",
        lambda facts: _waits(facts) and not facts.has_source and not facts.is_older_than(PRESIGNED),
    ),
    Rule(
        verdict="source_missing",
        severity=Severity.HIGH,
        means="Its file is not in the bucket, and can no longer be on its way.",
        holds=lambda facts: facts.is_unfinished and not facts.has_source,
        why=why.source,
        next_step="Ask its owner to upload it again. A run would fail.",
    ),
    Rule(
        verdict="source_size_mismatch",
        severity=Severity.HIGH,
        means="Its file has another size than its row says: it is another file, or the browser said something wrong.",
        holds=lambda facts: facts.is_unfinished and facts.has_other_size,
        why=why.source,
        next_step="Ask its owner which of them is right. An upload is never half there.",
    ),
)

_FINISHED: tuple[Rule[VideoFacts], ...] = (
    Rule(
        verdict="ready_without_layout",
        severity=Severity.HIGH,
        means="People are told that they can work with it, and the database of its layout is missing or damaged.",
        holds=lambda facts: facts.is_ready and (not facts.has_layout or facts.layout_is_damaged),
        why=why.outputs,
        next_step="Look whether a copy is left with whoever edits it, before it is processed again by hand.",
        modes=_ONLY_FULL,
    ),
    Rule(
        verdict="ready_frames_incomplete",
        severity=Severity.HIGH,
        means="People are told that they can work with it, and frames or thumbnails of it are missing.",
        holds=lambda facts: facts.is_ready and not facts.frames_are_whole,
        why=why.outputs,
        next_step="Have its frames made again, and nothing else: a whole run would overwrite the layout.",
        modes=_ONLY_FULL,
    ),
    Rule(
        verdict="status_regressed",
        severity=Severity.HIGH,
        means="It waits for its layout to be drawn, although that was done: a second run has set it back.",
        holds=lambda facts: (
            bool(facts.dialect.done) and facts.video.status == facts.dialect.annotate and facts.has_gone_on
        ),
        why=why.regressed,
        next_step="Set its status to done again, once whoever has drawn the layout finds it as it was.",
        modes=_ONLY_FULL,
    ),
    _NO_HISTORY,
    Rule(
        verdict="approved_not_started",
        severity=Severity.LOW,
        means="Its layout was approved, and what follows was never started; since when, nobody has noted.",
        holds=_awaits_crops,
        why=lambda _facts: "Its layout is done, its boundaries wait, and there is no run that makes its crops.",
        next_step="Start it from the page of the video, where the part of the picture is known.",
        modes=_ONLY_FULL,
        needs=(RUNS,),
    ),
)

_STUCK = partial(
    Rule[VideoFacts],
    severity=Severity.HIGH,
    why=why.stuck,
    needs=(RUNS, STATES),
    alarm=True,
)
_UNFINISHED: tuple[Rule[VideoFacts], ...] = (
    replace(
        counted(
            "still_changing",
            "It is not finished, and something in its folder changed a moment ago: somebody works on it.",
            _is_changing,
        ),
        needs=(RUNS,),
    ),
    _STUCK(
        verdict="finished_not_marked",
        severity=Severity.MEDIUM,
        means="Everything that its processing makes is there and whole, and its row still says that it waits.",
        holds=lambda facts: _waits(facts) and _is_processed(facts),
        next_step="Set its status; a run would do all of it again.",
        repair=MARK_PROCESSED,
    ),
    _STUCK(
        verdict="finished_not_analyzed",
        severity=Severity.MEDIUM,
        means="Its frames and texts are there, and the last step, the analysis of its layout, was not done.",
        holds=lambda facts: _waits(facts) and facts.is_processed,
        next_step=f"{_BY_A_RUN} Not if people have edited it: a run overwrites that.",
        repair=START_RUN,
    ),
    _STUCK(
        verdict="error_contradicted",
        severity=Severity.MEDIUM,
        means="It is marked as failed, but a later run completed, and everything is there and whole.",
        holds=lambda facts: facts.stage is Stage.FAILED and _is_processed(facts) and facts.completed_after_it_broke,
        next_step="Set its status; a run would do all of it again.",
        alarm=False,
        repair=MARK_PROCESSED,
    ),
    _STUCK(
        verdict="attempts_exhausted",
        means=f"{MOST_ATTEMPTS} or more of its runs broke off: another one is not going to end better.",
        holds=lambda facts: facts.is_unfinished and facts.broken >= MOST_ATTEMPTS,
        next_step="Read the logs of its runs in Prefect; then mend the file or the flow.",
        alarm=False,
    ),
    _STUCK(
        verdict="partial_outputs",
        means="Its processing broke off in the middle: some of what it makes is there.",
        holds=lambda facts: _waits(facts) and facts.outputs > 0,
        next_step=f"{_BY_A_RUN} Not if people have edited it: a run overwrites that.",
        repair=START_RUN,
    ),
    Rule(
        verdict="failed_known",
        severity=Severity.LOW,
        means="It is marked as failed, its file is there, and its last run broke off.",
        holds=lambda facts: facts.stage is Stage.FAILED and facts.ended_broken,
        why=why.stuck,
        next_step="Read the error in its row, and the log of its run in Prefect.",
        needs=(RUNS,),
    ),
    _STUCK(
        verdict="completed_without_effect",
        means="Its last run says that it completed, and nothing of what it makes is there.",
        holds=lambda facts: _waits(facts) and facts.last is not None and facts.last.state == COMPLETED,
        next_step="Find out where that run wrote: to another bucket, or for another environment.",
        alarm=False,
    ),
    _STUCK(
        verdict="run_lost",
        means="Its runs have all ended without a result, and its row does not say so.",
        holds=lambda facts: _waits(facts) and bool(facts.ended),
        next_step=_BY_A_RUN,
        repair=START_RUN,
    ),
    _STUCK(
        verdict="unknown_history",
        severity=Severity.MEDIUM,
        means="It waits, and has no run; but it is so old that runs of it may have been cleared away.",
        holds=lambda facts: _waits(facts) and facts.is_older_than(KEPT_RUNS),
        next_step="Ask whether anybody still wants it. If so, start one run for it.",
        repair=START_RUN,
    ),
    _STUCK(
        verdict="never_started",
        means="It waits, its file is there, and no run of it was ever made.",
        holds=_waits,
        next_step=_BY_A_RUN,
        repair=START_RUN,
    ),
    Rule(
        verdict="failed_unknown",
        severity=Severity.MEDIUM,
        means="It is marked as failed, and its runs do not say why.",
        holds=lambda facts: facts.stage is Stage.FAILED,
        why=why.stuck,
        next_step="Read the error in its row; whoever set it knows more than its runs.",
        needs=(RUNS,),
    ),
)

_OTHERWISE: tuple[Rule[VideoFacts], ...] = (
    Rule(
        verdict="server_lock_leaked",
        severity=Severity.MEDIUM,
        means="A lock of the server is on one of its databases, and no run holds it any more: nobody can edit it.",
        holds=lambda facts: facts.leaked_lock is not None,
        why=why.lock,
        next_step="Release the lock by hand, once no process of the service says that it is its own.",
        modes=_ONLY_FULL,
        needs=(RUNS,),
    ),
    Rule(
        verdict="duplicate_upload",
        severity=Severity.LOW,
        means="Another video of the same tenant, name and size was made within an hour: probably one upload, twice.",
        holds=_twin,
        why=lambda facts: f"Its size is {facts.video.size_bytes:,} bytes, and so is that of the other.",
        next_step="Ask its owner which of the two is to stay.",
        modes=_ONLY_FULL,
    ),
    replace(
        counted("healthy", "It is processed, and all is there that should be.", lambda _facts: True),
        needs=(RUNS, STATES),
    ),
)

RULES = (*_ROW_AND_RUNS, *_FINISHED, *_UNFINISHED, *_OTHERWISE)
