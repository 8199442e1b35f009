"""The answer in one sentence: is anything missing, and was everything looked at."""

from reconciliation.parameters import Mode
from reconciliation.reconcile import Result
from reconciliation.verdicts import Severity


def plural(count: int, noun: str) -> str:
    """``1 container``, ``1,234 containers``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def headline(result: Result) -> str:
    """One sentence for the service owner; it never claims more than the coverage allows."""
    coverage, tally = result.coverage, result.tally
    hidden = tally.verdicts["unregistered_recording"]
    doubtful = tally.severities[Severity.HIGH] - hidden
    unknown = tally.severities[Severity.UNKNOWN]
    parts = []
    if hidden:
        parts.append(f"{plural(hidden, 'recording')} {'is' if hidden == 1 else 'are'} hidden in storage")
    if doubtful:
        parts.append(f"{plural(doubtful, 'session')} {'needs' if doubtful == 1 else 'need'} a person")
    if result.unattributed:
        parts.append(f"{plural(len(result.unattributed), 'unregistered container')} cannot be attributed to a session")
    if unknown:
        parts.append(f"{plural(unknown, 'session')} could not be verified")
    found = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    looked = f"{coverage.scanned:,} of {plural(coverage.listed, 'container')} read"
    if result.mode is Mode.FAST:
        looked += f", {plural(coverage.skipped.total(), 'other')} skipped in fast mode"
    if not coverage.is_complete:
        return f"This audit is incomplete: {looked}. {found or 'No recording was found hidden in what was read'}."
    if found:
        return f"{found}; {looked}."
    return f"Nothing is missing: none of {plural(tally.total, 'session')} has a hidden recording; {looked}."
