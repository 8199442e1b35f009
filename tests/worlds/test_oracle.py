"""The whole engine beside a naive oracle, over random worlds: every subject's verdict, every count, and how it ends."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.worlds.broken import BREAKAGES, Breakage
from tests.worlds.oracle import expected
from tests.worlds.plain import PlainWorld
from tests.worlds.plain_audits import AS_THEY_ARE, Parts, report_of, said_by_oracle, said_by_report
from tests.worlds.plain_worlds import faulty_worlds, plain_worlds

_MOST_TRIED = 1000
# What the rules are made of, and nothing of what feeds them.
_MAY_BE_SHARED = {
    "reconciliation",
    "reconciliation.candidates",
    "reconciliation.coverage",
    "reconciliation.evidence",
    "reconciliation.facts",
    "reconciliation.fields",
    "reconciliation.keys",
    "reconciliation.parameters",
    "reconciliation.times",
    "reconciliation.trail",
    "reconciliation.verdicts",
}


def differences(world: PlainWorld, parts: Parts = AS_THEY_ARE) -> dict[str, object]:
    """What the engine says otherwise than the oracle: as the engine says it, and as the oracle does."""
    engine, oracle = said_by_report(report_of(world, parts)), said_by_oracle(expected(world))
    both = {one.name: (getattr(engine, one.name), getattr(oracle, one.name)) for one in fields(engine)}
    return {name: said for name, said in both.items() if said[0] != said[1]}


_PATIENTLY = pytest.mark.timeout(3600)
"""A thorough run takes minutes, and longer on a busy machine."""


def _enough(least: int) -> settings:
    return settings(
        max_examples=max(least, settings.default.max_examples if settings.default else 0),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@_PATIENTLY
@_enough(150)
@given(plain_worlds())
def test_the_engine_says_of_a_plain_world_what_the_oracle_says(world: PlainWorld) -> None:
    assert differences(world) == {}


@_PATIENTLY
@_enough(100)
@given(faulty_worlds())
def test_the_engine_says_of_a_faulty_world_what_the_oracle_says(world: PlainWorld) -> None:
    assert differences(world) == {}


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_a_broken_engine_is_caught(breakage: Breakage, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = breakage(monkeypatch)
    with pytest.raises(AssertionError):
        _search(lambda world: differences(world, parts), _MOST_TRIED)


def _search(compare: Callable[[PlainWorld], dict[str, object]], most: int) -> None:
    """Always the same worlds. A difference, or a report that is not written because it does not add up, ends it."""

    @settings(
        max_examples=most,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(faulty_worlds())
    def search(world: PlainWorld) -> None:
        assert compare(world) == {}

    search()


def test_as_it_is_the_engine_is_not_caught() -> None:
    _search(differences, 60)


def test_the_oracle_shares_with_the_engine_what_the_rules_take_and_no_more() -> None:
    code = "import sys, tests.worlds.oracle; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {
        name for name in done.stdout.split() if name.partition(".")[0] in {"reconciliation", "activities", "adapters"}
    }
    assert {name for name in ours if not name.startswith("reconciliation.profiles")} <= _MAY_BE_SHARED
