"""What every profile declares must hang together, whether it is enabled or not."""

from dataclasses import replace
from pkgutil import iter_modules

import pytest

import profiles
from adapters.enabled import enabled_profiles
from profiles.pre_capture_sessions import PROFILE
from reconciliation.parameters import NAMES, AuditParameters
from reconciliation.profile import Profile
from reconciliation.rules import Kind, Rule, Severity, counted
from reconciliation.since_last import Known

PACKAGES = ",".join(module.name for module in iter_modules(profiles.__path__))
EVERY_PROFILE = pytest.mark.parametrize(
    "profile", enabled_profiles({"AUDIT_PROFILES": PACKAGES}).values(), ids=lambda profile: profile.name
)


@EVERY_PROFILE
def test_every_verdict_is_told_once_with_its_kind(profile: Profile) -> None:
    told = [(kind.name, rule.verdict) for kind, rule in profile.verdicts()]
    assert len(told) == len(set(told))
    assert set(told) == {(kind.name, rule.verdict) for kind in profile.kinds for rule in kind.rules}
    assert list(dict.fromkeys(kind for kind, _ in told)) == [kind.name for kind in profile.kinds]


@EVERY_PROFILE
def test_a_verdict_means_and_weighs_the_same_wherever_it_stands_in_its_table(profile: Profile) -> None:
    for kind, first in profile.verdicts():
        for rule in kind.rules:
            if rule.verdict == first.verdict:
                assert (rule.severity, rule.means, rule.counted, rule.alarm) == (
                    first.severity,
                    first.means,
                    first.counted,
                    first.alarm,
                )
        assert first.means.endswith(".")
        assert first.counted or first.next_step.endswith(".")
        assert not first.counted or first.severity is Severity.INFO


@EVERY_PROFILE
def test_modes_options_and_kinds_have_names_of_their_own(profile: Profile) -> None:
    options, kinds = [option.name for option in profile.options], [kind.name for kind in profile.kinds]
    for names in (profile.modes, options, kinds):
        assert names
        assert len(names) == len(set(names))
    assert not set(options) & {*NAMES, "options"}
    assert set(profile.wording.counting) == set(kinds)
    assert all(set(rule.modes or ()) <= set(profile.modes) for kind in profile.kinds for rule in kind.rules)


@EVERY_PROFILE
def test_what_is_asked_by_default_may_be_asked_for_by_name(profile: Profile) -> None:
    for option in profile.options:
        given = list(option.default) if isinstance(option.default, tuple) else option.default
        assert option.read(given) == option.read(None) == option.default
        assert option.means.endswith(".")
    assert profile.asked() == AuditParameters(
        profile.name,
        profile.modes[0],
        profile.default_grace_minutes,
        options={option.name: option.default for option in profile.options},
    )


def seen_in(verdict: str, *modes: str) -> Rule[int]:
    return Rule(
        verdict=verdict,
        severity=Severity.LOW,
        means="It is odd.",
        holds=lambda number: number > 0,
        why=lambda _number: "It is.",
        next_step="Look.",
        modes=modes or None,
    )


THINGS = Kind(
    "thing",
    "thing",
    (
        seen_in("inside", "deep"),
        seen_in("outside"),
        seen_in("either", "deep"),
        seen_in("either", "quick"),
        counted("fine", "It is in order.", lambda _number: True),
    ),
    lambda number: {"number": number},
)
MADE_UP = replace(PROFILE, modes=("deep", "quick"), kinds=(THINGS,))


@pytest.mark.parametrize(
    ("kind", "verdict", "deep", "quick"),
    [
        ("thing", "inside", True, False),
        ("thing", "outside", True, True),
        ("thing", "either", False, False),  # each of its rows must be within reach
        ("thing", "of an earlier release", True, True),
        ("of an earlier release", "inside", True, True),
    ],
)
def test_a_mode_shows_a_finding_unless_a_rule_says_otherwise(kind: str, verdict: str, deep: bool, quick: bool) -> None:
    finding = Known(kind, "a", verdict)
    assert (MADE_UP.shows("deep", finding), MADE_UP.shows("quick", finding)) == (deep, quick)


def test_a_kind_is_found_by_its_name() -> None:
    assert MADE_UP.kind("thing") is THINGS
    assert MADE_UP.kind("of an earlier release") is None
