"""Telemetry: one log line for each event, with a stable name and its facts.

The message is JSON, so that a query can parse it whatever keeps the log; the facts also travel as attributes of the log
record, which Application Insights keeps as custom dimensions when the host runs in OpenTelemetry mode.
"""

import json
import logging

logger = logging.getLogger("capture_audit.events")

Fact = str | int | float | bool | None


def event(name: str, **facts: Fact) -> None:
    """Tell of an event, such as ``audit.completed``. Facts are ids, counts and durations; never names or secrets."""
    known = {key: value for key, value in facts.items() if value is not None}
    logger.info(json.dumps({"event": name, **known}), extra={"event_name": name, **known})
