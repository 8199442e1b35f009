"""What people are told when an audit ends: a text that the incoming webhooks of Teams and Slack both take."""

from typing import Any

from reconciliation.run_record import RunRecord

_MARKS = {"clean": "\u2705", "findings": "\U0001f50e", "incomplete": "\u26a0\ufe0f", "failed": "\u274c"}


def notice_of(record: RunRecord, app_address: str | None) -> dict[str, Any]:
    """``{"text": ...}``: the outcome, the headline or the error, and where the report is. No finding is quoted."""
    word = "failed" if record.outcome is None else record.outcome.word
    told = record.summary["headline"] if record.summary else record.error or "It ended without a report."
    lines = [f"{_MARKS.get(word, '')} Audit {record.audit_id} of {record.parameters.profile}: {word}", told]
    if app_address and record.summary:
        lines.append(f"{app_address}/api/audits/{record.audit_id}/report?format=html")
    return {"text": "\n\n".join(lines)}
