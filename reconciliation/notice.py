"""The notice that an audit has ended: a text that the incoming webhooks of Teams and Slack both accept.

Both read it as Markdown, in different dialects. Text from outside must become neither a link nor a mention in either.
"""

from dataclasses import dataclass
from typing import Any

from reconciliation.run_record import RunRecord
from reconciliation.visible import visible

_MARKS = {"clean": "\u2705", "findings": "\U0001f50e", "incomplete": "\u26a0\ufe0f", "failed": "\u274c"}
_HARMLESS = str.maketrans(
    {"[": "(", "]": ")", "<": "(", ">": ")", "@": "(at)", "*": "-", "~": "-", "|": "/", "&": "+", "`": "'"}
)


@dataclass(frozen=True)
class Signposts:
    """What a notice says besides the audit: its ``environment``, and where to go next.

    ``app`` is the app's own address, where the report needs a function key; ``front_door`` the address that people open
    in a browser; ``runbook`` their own instructions. None of them ends in a slash.
    """

    environment: str
    app: str | None = None
    front_door: str | None = None
    runbook: str | None = None


def notice_of(record: RunRecord, signposts: Signposts) -> dict[str, Any]:
    """``{"text": ...}``: the outcome, the headline or the error, and how to get the report. No finding is quoted."""
    word = "failed" if record.outcome is None else record.outcome.word
    environment = _harmless(signposts.environment)
    audit = f"audit {record.audit_id} of {_harmless(record.parameters.profile)}"
    lines = [f"{_MARKS.get(word, '')} {environment}: {audit}: {word}"]
    if record.summary:
        lines += [_harmless(record.summary["headline"]), *_ways(record.audit_id, signposts)]
    else:
        # Nothing inside a code span becomes a link, not even a bare address.
        lines.append(f"`{_harmless(record.error)}`" if record.error else "It ended without a report.")
    return {"text": "\n\n".join(lines)}


def _ways(audit_id: str, signposts: Signposts) -> list[str]:
    address = signposts.front_door or signposts.app
    url = f"--url {address}/api " if address else ""
    fetch = f"auditctl {url}report {audit_id} --format html --output audit-{audit_id}.html"
    ways = [f"Get the report, with the function key in `AUDITCTL_KEY`: `{fetch}`"]
    if signposts.front_door:
        ways.append(f"In a browser: {signposts.front_door}/api/audits/{audit_id}/report?format=html")
    if signposts.runbook:
        ways.append(f"What to do about each verdict: {signposts.runbook}")
    return ways


def _harmless(text: str) -> str:
    """The text on one line, all characters visible, without what makes links and mentions."""
    return visible(text).translate(_HARMLESS).replace("://", ": //")
