"""Checks of a profile's declarations, made when it is enabled and not while it audits."""

from collections import Counter
from collections.abc import Collection, Iterator

from reconciliation.looks import UNITS
from reconciliation.profile import Profile, changed_by


def problems(profile: Profile) -> Iterator[str]:
    """Each problem of the declarations as a clause: names that are missing, and what the engine does not support."""
    if not profile.pulls():
        yield "of its sources none is read before the scan: an audit of it would speak about no moment"
    sources, joins = [source.name for source in profile.sources], [join.name for join in profile.joins]
    settings = {connection.setting for connection in profile.connections}
    yield from _unknown("connections", [source.setting for source in profile.sources], settings)
    of_joins = [name for join in profile.joins for name, _ in join.of]
    yield from _unknown("sources", [*of_joins, *profile.again_order], sources)
    yield from (f"its source {name} is in two joins" for name, times in Counter(of_joins).items() if times > 1)
    for source in profile.sources:
        if source.whole and (source.after_scan or source.name in of_joins):
            yield f"its source {source.name} is read whole, and is in a join or read after the scan"
        if source.all_again and source.again is not None:
            yield f"its source {source.name} says in two ways how it is read again"
    scanned = [] if profile.scan is None else [profile.scan.join]
    narrowed = [] if profile.only is None else [profile.only.join]
    yield from _unknown("joins", [*scanned, *narrowed], joins)
    for kind in profile.kinds[1:]:
        if kind.keeps_ids:
            yield f"its kind {kind.name} keeps ids of what is in order, which only the first kind can"
    yield from _unknown("modes", [*profile.compared_apart, *profile.wording.narrow], profile.modes)
    yield from _totals(profile)
    yield from _repairs(profile)
    for kind in profile.kinds:
        needs = [need for rule in kind.rules for need in rule.needs]
        yield from _unknown("sources", needs, [*sources, UNITS])
        if needs and kind.unverified is None:
            yield f"its kind {kind.name} has rules that need something, and none for what is unverified"


def _totals(profile: Profile) -> Iterator[str]:
    findings = {(kind.name, rule.verdict) for kind, rule in profile.verdicts() if not rule.counted}
    for total in profile.totals:
        if (total.kind, total.verdict) not in findings:
            yield f"it adds up {total.verdict} of {total.kind}, of which there is no finding"


def _repairs(profile: Profile) -> Iterator[str]:
    named = {(kind.name, rule.repair) for kind in profile.kinds for rule in kind.rules if rule.repair is not None}
    declared = {(repair.kind, repair.name) for repair in profile.repairs}
    for kind, repair in sorted(named ^ declared):
        yield f"its kind {kind} and its repairs do not agree on {repair!r}"
    if not declared:
        return
    connected = [(one.setting, one.of) for one in (*profile.connections, *profile.repair_connections())]
    of_statements = [
        (repair.setting_of(one), changed_by(one)) for repair in profile.repairs for one in repair.statements
    ]
    technologies = Counter(setting for setting, _ in {*connected, *of_statements})
    yield from (f"its {setting} is of several technologies" for setting, times in technologies.items() if times > 1)
    if profile.only is None:
        yield "it has repairs, and nothing that they mend can be asked for alone"


def _unknown(what: str, names: list[str], declared: Collection[str]) -> Iterator[str]:
    yield from (f"it has no {name!r} among its {what}" for name in dict.fromkeys(names) if name not in declared)
