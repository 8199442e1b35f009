"""The verdicts on what no row owns: folders and objects of the bucket, and active runs."""

from profiles.stuck_uploads.facts import ObjectFacts, RunFacts
from profiles.stuck_uploads.keys import CLIENT
from profiles.stuck_uploads.objects import Stored
from profiles.stuck_uploads.options import FULL
from profiles.stuck_uploads.runs import Run
from reconciliation.evidence import Unread
from reconciliation.rules import Rule, Severity, counted, unverified
from reconciliation.times import optional_text
from reconciliation.wording import plural

_ONLY_FULL = (FULL,)


def _held(facts: ObjectFacts) -> str:
    if not isinstance(facts.stored, Stored):
        return ""
    newest = optional_text(facts.stored.newest) or "an unknown time"
    size = "" if facts.stored.source is None else f", a file of {facts.stored.source.size:,} bytes among them"
    return f"It holds {plural(facts.stored.objects, 'object')}{size}; the last change is of {newest}."


def _why_unread(facts: ObjectFacts) -> str:
    return facts.stored.reason if isinstance(facts.stored, Unread) else ""


UNREAD_OBJECT: Rule[ObjectFacts] = unverified(lambda facts: isinstance(facts.stored, Unread))
OBJECT_RULES: tuple[Rule[ObjectFacts], ...] = (
    Rule(
        verdict="unparsed_object",
        severity=Severity.LOW,
        means="It lies where no video keeps anything.",
        holds=lambda facts: facts.folder is None,
        why=lambda _facts: "Its key is not one that the service makes; parts that may name people are left out.",
        next_step="Look it up in the bucket by the beginning of the SHA-256 of its key; move it or delete it.",
        modes=_ONLY_FULL,
    ),
    Rule(
        verdict=UNREAD_OBJECT.verdict,
        severity=UNREAD_OBJECT.severity,
        means=UNREAD_OBJECT.means,
        holds=UNREAD_OBJECT.holds,
        why=_why_unread,
        next_step=UNREAD_OBJECT.next_step,
    ),
    counted(
        "emptied",
        "There is nothing in it any more.",
        lambda facts: not isinstance(facts.stored, Stored) or not facts.stored.objects,
    ),
    counted("not_confirmed_yet", "It was uploaded a moment ago: its row may still come.", lambda facts: facts.is_young),
    Rule(
        verdict="orphan_source",
        severity=Severity.MEDIUM,
        means="A file was uploaded, and there is no row of it: nobody will ever process it.",
        holds=lambda facts: (
            isinstance(facts.stored, Stored)
            and facts.stored.source is not None
            and facts.folder is not None
            and facts.folder.side == CLIENT
        ),
        why=_held,
        next_step="Ask its tenant whether it is a second attempt; confirm the upload, or delete it.",
        modes=_ONLY_FULL,
    ),
    Rule(
        verdict="orphan_outputs",
        severity=Severity.LOW,
        means="There is something here that a run has made, and no row of its video.",
        holds=lambda _facts: True,
        why=_held,
        next_step="Find out whether the video was deleted with intent; then delete this, too.",
        modes=_ONLY_FULL,
    ),
)

UNREAD_RUN: Rule[RunFacts] = unverified()


def _said(run: Run) -> str:
    of = f"the video {run.video_id}" if run.video_id else "no video"
    return f"It is {run.state}, and its parameters name {of}."


RUN_RULES: tuple[Rule[RunFacts], ...] = (
    Rule(
        verdict="run_without_video",
        severity=Severity.MEDIUM,
        means="It is active, and its parameters name no video: it may be of any, so no run is created meanwhile.",
        holds=lambda facts: not facts.run.video_id,
        why=lambda facts: _said(facts.run),
        next_step="Look in Prefect who has started it; cancel it, or let it end: then videos can be retried again.",
    ),
    Rule(
        verdict="run_without_row",
        severity=Severity.MEDIUM,
        means="It is active, and there is no row of its video: whatever it does, nobody will see it.",
        holds=lambda _facts: True,
        why=lambda facts: _said(facts.run),
        next_step="Look in Prefect who has started it; cancel it if its video is gone.",
        modes=_ONLY_FULL,
    ),
)
