"""Telemetry: one log line for each event, with a stable name and its facts.

The message is JSON, so that a query can parse it in any log; the facts are also attributes of the log record, which
Application Insights keeps as custom dimensions when the host runs in OpenTelemetry mode.
"""

import json
import logging

from adapters.redaction import in_full
from reconciliation.run_record import RunRecord

logger = logging.getLogger("capture_audit.events")
_errors = logging.getLogger("capture_audit.unexpected")

Fact = str | int | float | bool | None


def event(name: str, **facts: Fact) -> None:
    """Log an event, such as ``audit.completed``. Facts are ids, counts and durations; never names or secrets."""
    given = {key: value for key, value in facts.items() if value is not None}
    logger.info(json.dumps({"event": name, **given}), extra={"event_name": name, **given})


def tell_unexpected(what: str, error: BaseException) -> None:
    """Log an unexpected error with its traceback, without secrets."""
    _errors.error("%s: %s", what, in_full(error))


def tell_end(ended: RunRecord, repairable: int | None = None) -> None:
    """Log the event of an audit's end, with its counts and total duration. ``repairable`` is how many subjects it has
    found that a repair mends.
    """
    summary = ended.summary or {}
    took = ended.ended_at - ended.created_at if ended.ended_at else None
    event(
        f"audit.{ended.state}",
        audit_id=ended.audit_id,
        profile=ended.parameters.profile,
        mode=ended.parameters.mode,
        outcome=None if ended.outcome is None else ended.outcome.word,
        seconds=round(took.total_seconds(), 1) if took else None,
        resumes=ended.resumes,
        rounds=ended.rounds,
        findings=summary.get("findings"),
        hidden=summary.get("hidden"),
        repairable=repairable,
        **{f"containers_{name}": count for name, count in summary.get("units", {}).items() if name != "noun"},
    )
