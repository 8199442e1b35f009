"""The notice that an audit has ended, or where a repair is: a text that incoming webhooks of Teams and Slack accept.

Both read it as Markdown, in different dialects. Text from outside must become neither a link nor a mention in either.
"""

from dataclasses import dataclass
from typing import Any

from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_record import RepairRecord
from reconciliation.run_record import RunRecord
from reconciliation.times import to_text
from reconciliation.visible import visible

_MARKS = {"clean": "\u2705", "findings": "\U0001f50e", "incomplete": "\u26a0\ufe0f", "failed": "\u274c"}
_AT_WORK = "\U0001f527"
_REPAIR_MARKS = {
    RepairState.APPLIED: "\u2705",
    RepairState.PARTLY_APPLIED: "\u26a0\ufe0f",
    RepairState.FAILED: "\u274c",
    RepairState.STOPPED: "\u26a0\ufe0f",
    RepairState.EXPIRED: "\u26a0\ufe0f",
}
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


def repair_notice_of(record: RepairRecord, signposts: Signposts) -> dict[str, Any]:
    """``{"text": ...}``: where a repair is, how many changes ended how, and how to see it. It names no person."""
    of = f"takes back repair {record.undoes}" if record.undoes else f"of audit {record.audit_id}"
    first = f"{_REPAIR_MARKS.get(record.state, _AT_WORK)} {_harmless(signposts.environment)}: repair {record.repair_id}"
    lines = [f"{first} of {_harmless(record.profile)}, {of}: {record.state}"]
    counts = ", ".join(f"{count} {name}" for name, count in record.counts.items() if count)
    if record.state is RepairState.PROPOSED:
        lines.append(f"Its plan waits for an approval until {to_text(record.until) if record.until else 'it expires'}.")
    if counts:
        lines.append(f"Changes: {counts}.")
    if record.error:
        lines.append(f"`{_harmless(record.error)}`")
    address = signposts.front_door or signposts.app
    url = f"--url {address}/api " if address else ""
    return {"text": "\n\n".join([*lines, f"See it: `auditctl {url}repair show {record.repair_id}`"])}


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
