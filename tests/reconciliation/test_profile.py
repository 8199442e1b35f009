"""What every profile declares must hang together."""

from dataclasses import replace
from typing import Any

import pytest

from profiles import DEFAULT_PROFILE, PROFILES
from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.options import NO_STATUS
from profiles.pre_capture_sessions.sessions import STILL_WORKING
from reconciliation.profile import Profile
from reconciliation.rules import Kind, Severity
from tests.profiles.pre_capture_sessions.world import IN_FAST_MODE, LONG_AGO, PARAMETERS, asking


def test_the_profile_is_listed_and_asks_for_the_stuck_and_the_empty_by_default() -> None:
    assert PROFILES[DEFAULT_PROFILE] is PROFILE
    assert PROFILE.default_statuses == ("PROCESSING", "NO_RECORDING", "FAILURE", NO_STATUS)
    assert set(PROFILE.statuses) >= STILL_WORKING | set(PROFILE.default_statuses)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_verdict_is_told_once_with_its_kind(profile: Profile) -> None:
    told = [(kind, rule.verdict) for kind, rule in profile.verdicts()]
    assert len(told) == len(set(told))
    assert set(told) == {(kind, rule.verdict) for kind, rules in profile.rules().items() for rule in rules}
    assert list(dict.fromkeys(kind for kind, _ in told)) == list(Kind)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_verdict_means_and_weighs_the_same_wherever_it_stands_in_its_table(profile: Profile) -> None:
    for kind, first in profile.verdicts():
        for rule in profile.rules()[kind]:
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


@pytest.mark.parametrize(
    "narrower",
    [
        {"since": LONG_AGO},
        {"until": LONG_AGO},
        {"ingest_address_contains": "in-"},
        {"only": ("a",)},
        {"statuses": ("FAILURE",)},
        {"statuses": PROFILE.statuses},
    ],
)
def test_rows_and_all_sessions_are_judged_only_by_a_question_that_leaves_none_out(narrower: dict[str, Any]) -> None:
    assert PROFILE.asks_for_all(PARAMETERS)
    assert PROFILE.asks_for_all(IN_FAST_MODE)
    assert PROFILE.asks_for_all(asking(PARAMETERS, statuses=PARAMETERS.statuses[::-1]))
    assert not PROFILE.asks_for_all(replace(PARAMETERS, **narrower))
