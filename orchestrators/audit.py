"""The orchestration of one audit: pull, plan, scan in parallel, screen, look again in parallel, judge, report.

It only decides what is done next. Everything large stays in the run store; only ids and counts are passed here. It must
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
    """A step failed, so the audit ends as failed. ``runtime`` is the Durable runtime's error, for the log."""

    def __init__(self, step: str, error: str, runtime: str = "") -> None:
        super().__init__(error)
        self.step = step
        self.runtime = runtime


def audit(context: Any) -> Work:
    """Do the steps of one audit in order (see ``audited``); returns its id, state and outcome."""
    ended = yield from audited(context)
    return {"audit_id": context.get_input()["audit_id"], "state": ended["state"], "outcome": ended["outcome"]}


def audited(context: Any) -> Work:
    """Do the steps of one audit in order; returns the result of the one that has ended it.

    The input is ``{"profile", "audit_id", "pulls", "again"?, "replay"?}``: ``pulls`` is the number of runs of sources;
    ``again`` is true for any attempt but the first; with ``replay``, only these shards are scanned: those of dead
    letters, or none when they were discarded.
    """
    given = context.get_input()
    replay, request = given.get("replay"), {"profile": given.get("profile"), "audit_id": given["audit_id"]}
    try:
        for run in range(given.get("pulls", 1)):
            yield from step(context, "pull", {**request, "run": run})
        plan = yield from step(context, "plan", request)
        shards = list(range(plan["shards"])) if replay is None else replay
        failed = yield from scan(context, request, shards, plan["max_passes"])
        if failed or given.get("again"):
            yield from step(context, "keep_dead_letters", {**request, "failed": failed})
        screened = yield from step(context, "screen", request)
        yield from pause(context, screened)
        yield from look_again(context, request, screened["shards"])
        yield from step(context, "judge", request)
        ended = yield from step(context, "report", request)
    except StepFailedError as failure:
        error = str(failure)[:MOST_ERROR_CHARACTERS]
        runtime = failure.runtime[: MOST_ERROR_CHARACTERS - len(error)]
        ended = yield from step(context, "fail", {**request, "step": failure.step, "error": error, "runtime": runtime})
    if ended["notify"]:
        yield from settled(context, [context.call_activity("notify", request)])  # a failure is ignored
    return ended


def step(context: Any, name: str, request: dict[str, Any]) -> Work:
    """Call one activity until its result is ok; raises ``StepFailedError`` after the last attempt, or if the failure is
    not retryable.

    An activity returns its own failures. If the call itself fails, the activity did not finish: its worker died, it ran
    out of time, or its request or result could not be read. The runtime's text is JSON in a sentence, for the log only.
    """
    error = runtime = ""
    for attempt in range(STEP_ATTEMPTS):
        if attempt:
            yield context.create_timer(context.current_utc_datetime + PAUSE_BETWEEN_ATTEMPTS)
        [(returned, result)] = yield from settled(context, [context.call_activity(name, request)])
        if returned and result["ok"]:
            return result
        error, runtime = (result["error"], "") if returned else (_lost(name, request), result)
        if returned and not result["retryable"]:
            break
    raise StepFailedError(name, error, runtime)


def _lost(name: str, request: dict[str, Any]) -> str:
    audit_id = request.get("audit_id")
    its_id, again = (audit_id, "resume the audit") if audit_id else (request["repair_id"], "see the repair's ledger")
    return (
        f"The step {name} did not come to its end: its worker died, it ran out of time, or the runtime could not run "
        f"it. The service's log has the details under {its_id}. See 'Capacity' in docs/operations.md, then {again}."
    )


def scan(context: Any, request: dict[str, Any], shards: list[int], max_passes: int) -> Work:
    """Scan shards in parallel; those with unread units are scanned again, in at most ``max_passes`` passes.

    Returns the shards that still have unread units, ascending.
    """
    pending, refused = shards, list[int]()
    for attempt in range(1, max_passes + 1):
        if attempt > 1:
            yield context.create_timer(context.current_utc_datetime + PAUSE_BETWEEN_ATTEMPTS)
        results = yield from settled(
            context,
            [context.call_activity("scan_shard", {**request, "shard": shard, "attempt": attempt}) for shard in pending],
        )
        again = []
        for shard, (returned, result) in zip(pending, results, strict=True):
            if returned and not result["ok"] and not result["retryable"]:
                refused.append(shard)
            elif not returned or not result["ok"] or result["failed"]:
                again.append(shard)
        pending = again
        if not pending:
            break
    return sorted(pending + refused)


def pause(context: Any, screened: dict[str, Any]) -> Work:
    """Wait as long as the profile wants to before what is in doubt is looked at again."""
    if seconds := screened.get("pause_seconds"):
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))


def look_again(context: Any, request: dict[str, Any], shards: int) -> Work:
    """Take the second look, all its shards in parallel; those that fail are tried again.

    Raises nothing: what was not looked up again is judged as such.
    """
    pending = list(range(shards))
    for attempt in range(STEP_ATTEMPTS):
        if not pending:
            return
        if attempt:
            yield context.create_timer(context.current_utc_datetime + PAUSE_BETWEEN_ATTEMPTS)
        results = yield from settled(
            context, [context.call_activity("look_again", {**request, "shard": shard}) for shard in pending]
        )
        pending = [
            shard
            for shard, (returned, result) in zip(pending, results, strict=True)
            if not returned or (not result["ok"] and result["retryable"])
        ]


bp.orchestration_trigger(context_name="context")(audit)
