"""The result in one sentence: whether anything is missing, and whether everything was read."""

from reconciliation.profile import Profile
from reconciliation.rules import Severity
from reconciliation.tally import Result
from reconciliation.wording import joined, plural


def headline(result: Result, profile: Profile) -> str:
    """One sentence; it never claims more than the coverage allows."""
    coverage, tally, wording = result.coverage, result.tally, profile.wording
    parts = [wording.alarms(tally.alarms) if wording.alarms else f"{tally.alarms:,} {wording.alarm}"] * (
        tally.alarms > 0
    )
    nouns = wording.counting or {kind.name: kind.noun for kind in profile.kinds}
    needing = [plural(number, noun) for kind, noun in nouns.items() if (number := tally.needing_a_person[kind])]
    if needing:
        alone = tally.needing_a_person.total() == 1
        parts.append(f"{joined(needing)} {'needs' if alone else 'need'} a person")
    if unknown := tally.severities[Severity.UNKNOWN]:
        parts.append(f"{plural(unknown, 'subject')} could not be verified")
    found = "; ".join(parts)
    looked = f"{coverage.scanned:,} of {plural(coverage.listed, wording.unit)} read"
    narrow = wording.narrow.get(result.mode)
    if narrow is not None:
        looked += f" ({narrow.looked})"
    elif result.mode != profile.modes[0]:
        left_out, skipped = coverage.left_out, coverage.skipped.total()
        others = f", {plural(skipped - left_out, 'other')} skipped" if skipped else ""
        looked += f"{others} in {result.mode} mode"
        looked += f" and {left_out:,} on request" * (left_out > 0)
    if coverage.gaps:
        looked += f", but {joined([gap.what for gap in coverage.gaps])}"
    if not result.is_complete:
        return f"This audit is incomplete: {looked}. {found or wording.no_alarm}."
    if found:
        return f"{found}; {looked}."
    if narrow is not None:
        return f"{wording.no_alarm}; {looked}."
    first, number = profile.kinds[0], tally.judged(profile.kinds[0])
    clean = wording.clean(number) if wording.clean else f"{plural(number, first.noun)} in order"
    return f"Nothing is missing: {clean}; {looked}."
