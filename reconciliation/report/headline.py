"""The answer in one sentence: is anything missing, and was everything looked at."""

from reconciliation.coverage import OUTSIDE_PREFIXES
from reconciliation.parameters import Mode
from reconciliation.tally import Result
from reconciliation.verdicts import Kind, Severity

_NOUNS = {Kind.SESSION: "session", Kind.CONTAINER: "container", Kind.RECORDING: "registered recording"}


def plural(count: int, noun: str) -> str:
    """``1 container``, ``1,234 containers``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def headline(result: Result) -> str:
    """One sentence for the service owner; it never claims more than the coverage allows."""
    coverage, tally = result.coverage, result.tally
    parts = []
    if tally.hidden:
        parts.append(f"{plural(tally.hidden, 'recording')} {'is' if tally.hidden == 1 else 'are'} hidden in storage")
    needing = [plural(number, noun) for kind, noun in _NOUNS.items() if (number := tally.needing_a_person[kind])]
    if needing:
        alone = tally.needing_a_person.total() == 1
        parts.append(f"{_listed(needing)} {'needs' if alone else 'need'} a person")
    if unknown := tally.severities[Severity.UNKNOWN]:
        parts.append(f"{plural(unknown, 'subject')} could not be verified")
    found = "; ".join(parts)
    looked = f"{coverage.scanned:,} of {plural(coverage.listed, 'container')} read"
    if result.mode is Mode.FAST:
        left_out = coverage.skipped[OUTSIDE_PREFIXES]
        looked += f", {plural(coverage.skipped.total() - left_out, 'other')} skipped in fast mode"
        looked += f" and {left_out:,} on request" * (left_out > 0)
    if coverage.gaps:
        looked += f", but {_listed([gap.what for gap in coverage.gaps])}"
    if not result.is_complete:
        return f"This audit is incomplete: {looked}. {found or 'No recording was found hidden in what was read'}."
    if found:
        return f"{found}; {looked}."
    sessions = plural(tally.judged(Kind.SESSION), "session")
    return f"Nothing is missing: none of {sessions} has a hidden recording; {looked}."


def _listed(items: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else items[0]
