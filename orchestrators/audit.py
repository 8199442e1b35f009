"""The orchestration of one audit: pull, plan, scan in parallel, screen, look again in parallel, judge, report.

It decides nothing but what is done next. Everything large stays in the run store; here travel ids and counts. It must
replay the same way every time: no clock, no settings, no I/O.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.settle import settled

bp = df.Blueprint()

STEP_ATTEMPTS = 3
PAUSE_BETWEEN_ATTEMPTS = timedelta(seconds=5)
MOST_ERROR_CHARACTERS = 1200  # each takes up to 12 bytes of history, and no payload there exceeds 16 KB
Work = Generator[Any, Any, Any]


class StepFailedError(Exception):
    """A step could not be done; the audit ends as failed. ``runtime`` is what the Durable runtime said, for the log."""

    def __init__(self, step: str, error: str, runtime: str = "") -> None:
        super().__init__(error)
        self.step = step
        self.runtime = runtime


def audit(context: Any) -> Work:
    """Do the steps of one audit in order; returns its id, state and outcome.

    The input is ``{"profile", "audit_id", "pulls", "again"?, "replay"?}``: in how many runs the sources are read;
    ``again`` when it is not begun for the first time; with ``replay``, only these shards are scanned: those of dead
    letters, or none when they were discarded.
    """
    given = context.get_input()
    audit_id, replay = given["audit_id"], given.get("replay")
    request = {"profile": given.get("profile"), "audit_id": audit_id}
    try:
        for run in range(given.get("pulls", 1)):
            yield from step(context, "pull", {**request, "run": run})
        plan = yield from step(context, "plan", request)
        shards = list(range(plan["shards"])) if replay is None else replay
        failed = yield from scan(context, request, shards, plan["max_passes"])
        if failed or given.get("again"):
            yield from step(context, "keep_dead_letters", {**request, "failed": failed})
        screened = yield from step(context, "screen", request)
        yield from look_again(context, request, screened["shards"])
        yield from step(context, "judge", request)
        ended = yield from step(context, "report", request)
    except StepFailedError as failure:
        error = str(failure)[:MOST_ERROR_CHARACTERS]
        runtime = failure.runtime[: MOST_ERROR_CHARACTERS - len(error)]
        ended = yield from step(context, "fail", {**request, "step": failure.step, "error": error, "runtime": runtime})
    if ended["notify"]:
        yield from settled(context, [context.call_activity("notify", request)])  # what becomes of it harms nothing
    return {"audit_id": audit_id, "state": ended["state"], "outcome": ended["outcome"]}


def step(context: Any, name: str, request: dict[str, Any]) -> Work:
    """Call one activity until it answers ok; raises ``StepFailedError`` when trying again cannot help any more.

    An activity answers its own failures. What fails in the runtime never came to its end: its worker died, it ran out
    of time, or its request or answer could not be read. The runtime's text is JSON in a sentence and for the log only.
    """
    error = runtime = ""
    for attempt in range(STEP_ATTEMPTS):
        if attempt:
            yield context.create_timer(context.current_utc_datetime + PAUSE_BETWEEN_ATTEMPTS)
        [(returned, answer)] = yield from settled(context, [context.call_activity(name, request)])
        if returned and answer["ok"]:
            return answer
        error, runtime = (answer["error"], "") if returned else (_lost(name, request["audit_id"]), answer)
        if returned and not answer["retryable"]:
            break
    raise StepFailedError(name, error, runtime)


def _lost(name: str, audit_id: str) -> str:
    return (
        f"The step {name} did not come to its end: its worker died, it ran out of time, or the runtime could not run "
        f"it. The service's log has the details under {audit_id}. See 'Capacity' in docs/operations.md, then resume "
        "the audit."
    )


def scan(context: Any, request: dict[str, Any], shards: list[int], max_passes: int) -> Work:
    """Scan shards all at once; those that left something unread are scanned again, in at most ``max_passes`` passes.

    Returns the shards that still have something unread then; the coverage tells what.
    """
    pending, refused = shards, list[int]()
    for attempt in range(1, max_passes + 1):
        if attempt > 1:
            yield context.create_timer(context.current_utc_datetime + PAUSE_BETWEEN_ATTEMPTS)
        answers = yield from settled(
            context,
            [context.call_activity("scan_shard", {**request, "shard": shard, "attempt": attempt}) for shard in pending],
        )
        again = []
        for shard, (returned, answer) in zip(pending, answers, strict=True):
            if returned and not answer["ok"] and not answer["retryable"]:
                refused.append(shard)
            elif not returned or not answer["ok"] or answer["failed"]:
                again.append(shard)
        pending = again
        if not pending:
            break
    return sorted(pending + refused)


def look_again(context: Any, request: dict[str, Any], shards: int) -> Work:
    """Look again at what is in doubt, all pieces at once; those that did not come to their end are tried again.

    What is not looked at again is part of what is judged, so nothing is raised.
    """
    pending = list(range(shards))
    for attempt in range(STEP_ATTEMPTS):
        if not pending:
            return
        if attempt:
            yield context.create_timer(context.current_utc_datetime + PAUSE_BETWEEN_ATTEMPTS)
        answers = yield from settled(
            context, [context.call_activity("look_again", {**request, "shard": shard}) for shard in pending]
        )
        pending = [
            shard
            for shard, (returned, answer) in zip(pending, answers, strict=True)
            if not returned or (not answer["ok"] and answer["retryable"])
        ]


bp.orchestration_trigger(context_name="context")(audit)
