"""The whole engine beside a naive oracle, over random worlds: every subject's verdict, every count, and how it ends."""

import ast
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from profiles.pre_capture_sessions.options import DEFAULT_STATUSES
from reconciliation.parameters import AuditParameters
from tests.profiles.pre_capture_sessions.world import AS_OF, IN_FAST_MODE, PARAMETERS, asking, encode, row, session
from tests.worlds.broken import BREAKAGES, Breakage
from tests.worlds.oracle import expected
from tests.worlds.plain import PlainContainer, PlainWorld
from tests.worlds.plain_audits import AS_THEY_ARE, Parts, report_of, said_by_oracle, said_by_report
from tests.worlds.plain_worlds import faulty_worlds, plain_worlds

_MOST_TRIED = 1000
# What the rules are made of, and nothing of what feeds them.
_MAY_BE_SHARED = {
    "candidates",
    "clock",
    "containers",
    "coverage",
    "evidence",
    "facts",
    "keys",
    "kinds",
    "lookups",
    "parameters",
    "options",
    "recordings",
    "sessions",
    "rules",
    "selection",
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


@pytest.mark.parametrize("asked", [PARAMETERS, IN_FAST_MODE])
@pytest.mark.parametrize("statuses", [("RECORDING_AVAILABLE",), DEFAULT_STATUSES])
def test_a_registered_container_that_goes_is_in_doubt_if_its_row_is_judged_or_it_was_not_to_be_opened(
    asked: AuditParameters, statuses: tuple[str, ...]
) -> None:
    """The database cannot be reached again, which matters only if it has to be asked again."""
    container = PlainContainer(row().recording_id, tuple(encode()), deleted=True)
    parameters, sessions = asking(asked, statuses=statuses), (session(live_recordings=1),)
    world = PlainWorld(AS_OF, parameters, sessions, (row(),), (container,), database_lost=True)
    assert differences(world) == {}
    assert expected(world).complete == (asked is PARAMETERS and statuses != DEFAULT_STATUSES)


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
    imported = {
        node.module
        for name in ("oracle", "plain")
        for node in ast.walk(ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    ours = {module for module in imported if module.partition(".")[0] in {"reconciliation", "profiles"}}
    assert {module.rpartition(".")[2] for module in ours} <= _MAY_BE_SHARED
    assert not any(module.partition(".")[0] in {"activities", "adapters"} for module in imported)
