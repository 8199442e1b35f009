"""What every profile declares must hang together, whether it is enabled or not."""

from collections.abc import Iterable
from pkgutil import iter_modules
from typing import Any

import pytest

import profiles
from adapters.enabled import enabled_profiles
from reconciliation.looks import Again, Audit, Doubt, Group, Screened, Subject
from reconciliation.parameters import NAMES, AuditParameters
from reconciliation.profile import Profile
from reconciliation.rules import Severity
from reconciliation.since_last import Known
from tests.reconciliation.shelves import BOOKS, NOTHING_LISTED, SHELVES, Shelves, audit, book

PACKAGES = ",".join(module.name for module in iter_modules(profiles.__path__))
EVERY_PROFILE = pytest.mark.parametrize(
    "profile", enabled_profiles({"AUDIT_PROFILES": PACKAGES}).values(), ids=lambda profile: profile.name
)


@EVERY_PROFILE
def test_every_verdict_is_told_once_with_its_kind(profile: Profile) -> None:
    told = [(kind.name, rule.verdict) for kind, rule in profile.verdicts()]
    assert len(told) == len(set(told))
    given = [(kind, rule) for kind in profile.kinds for rule in (*kind.rules, *filter(None, [kind.unverified]))]
    assert set(told) == {(kind.name, rule.verdict) for kind, rule in given}
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
def test_sources_joins_and_connections_belong_together(profile: Profile) -> None:
    sources, joins = [source.name for source in profile.sources], [join.name for join in profile.joins]
    settings = [connection.setting for connection in profile.connections]
    for names in (sources, joins, settings, [connection.shown for connection in profile.connections]):
        assert len(names) == len(set(names))
    assert {source.setting for source in profile.sources} <= set(settings)
    joined = [name for join in profile.joins for name, _ in join.of]
    parted = [source.name for source in profile.sources if not source.whole]
    assert sorted(joined) == sorted(parted), "each source is of one join, by which it is read again, or read whole"
    assert set(profile.again_order) <= set(sources)
    assert profile.only is None or profile.only.join in joins
    if profile.scan is not None:
        assert joins[0] == profile.scan.join, "what evidence names is of a later join"
    needed = {name for kind in profile.kinds for rule in kind.rules for name in rule.needs}
    assert needed <= {*sources, "units"}
    assert all(kind.unverified for kind in profile.kinds for rule in kind.rules if rule.needs)


@EVERY_PROFILE
def test_what_is_asked_by_default_may_be_asked_for_by_name(profile: Profile) -> None:
    for option in profile.options:
        given = list(option.default) if isinstance(option.default, tuple) else option.default
        assert option.read(given) == option.read(None) == option.default
        assert option.means.endswith(".")
    assert profile.parameters() == AuditParameters(
        profile.name,
        profile.modes[0],
        profile.default_grace_minutes,
        options={option.name: option.default for option in profile.options},
    )


@pytest.mark.parametrize(
    ("kind", "verdict", "deep", "quick"),
    [
        ("book", "inside", True, False),
        ("book", "outside", True, True),
        ("book", "either", False, False),  # each of its rows must be within reach
        ("book", "of an earlier release", True, True),
        ("of an earlier release", "inside", True, True),
    ],
)
def test_a_mode_shows_a_finding_unless_a_rule_says_otherwise(kind: str, verdict: str, deep: bool, quick: bool) -> None:
    finding = Known(kind, "a", verdict)
    assert (SHELVES.shows("deep", finding), SHELVES.shows("quick", finding)) == (deep, quick)


def test_a_kind_is_found_by_its_name() -> None:
    assert SHELVES.kind("book") is BOOKS
    assert SHELVES.kind("of an earlier release") is None


# --- what follows from what is declared ---------------------------------------------------------------------------


def test_neighbours_of_one_setting_are_read_in_one_moment_and_what_comes_after_the_scan_is_not() -> None:
    runs = [[source.name for source in run] for run in SHELVES.pulls()]
    assert runs == [["shelves"], ["catalogue", "loans"], ["doors"]]


def test_sources_and_joins_are_found_by_their_names() -> None:
    assert SHELVES.source("shelves").if_empty is NOTHING_LISTED
    assert SHELVES.join("books").of[0][0] == "catalogue"
    for by_name in (SHELVES.source, SHELVES.join):
        with pytest.raises(LookupError, match="nowhere"):
            by_name("nowhere")


@pytest.mark.parametrize(
    ("join", "evidence", "unit"), [("shelves", ["a"], True), ("shelves", None, False), ("books", ["a"], False)]
)
def test_a_unit_that_was_opened_is_looked_up_again_unless_a_profile_says_otherwise(
    join: str, evidence: object, *, unit: bool
) -> None:
    assert SHELVES.again(join, Group("a", ((), ()), evidence), audit()) == Again(unit=unit)


def test_a_profile_need_not_say_more() -> None:
    assert list(SHELVES.gaps([], audit())) == []
    assert list(SHELVES.notes(audit())) == []
    assert SHELVES.look_up(["a"]) == ""


# --- groups that are judged each by itself ------------------------------------------------------------------------


@pytest.mark.parametrize(("facts", "verdict"), [(("new",), "fine"), ((), "absent")])
def test_a_group_with_nothing_but_counted_subjects_is_in_order(facts: tuple[str, ...], verdict: str) -> None:
    screened = SHELVES.screen("books", book("a", *facts), audit())
    [(kind, subject, judgement)] = screened.in_order
    assert (kind, subject, judgement.verdict, screened.in_doubt) == (BOOKS, "a", verdict, False)


def test_a_group_of_which_a_subject_is_not_is_in_doubt_as_a_whole() -> None:
    class Twofold(Shelves):
        def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:
            yield "book", group.key, "fine"
            yield from super().facts(join, group, before, audit)

    assert Twofold().screen("books", book("a", "outside"), audit()) == Screened(in_doubt=True)
    assert len(Twofold().screen("books", book("a", "new"), audit()).in_order) == 2


def test_what_is_concluded_is_by_what_was_read_again_beside_what_was_seen_before() -> None:
    again = book("a", "inside")._replace(lost=frozenset({"loans"}))
    doubts = [Doubt("books", book("a", "outside", "twice"), again), Doubt("books", book("b", "outside"), book("b"))]
    assert list(SHELVES.conclude(doubts, audit())) == [
        Subject(BOOKS, "a", "inside after 2", frozenset({"loans"})),
        Subject(BOOKS, "b", "absent after 1"),
    ]


def test_a_kind_that_is_not_declared_is_an_error() -> None:
    with pytest.raises(KeyError):
        list(Strange().conclude([Doubt("books", book("a"), book("a"))], audit()))


class Strange(Shelves):
    """Speaks of a kind that it does not declare."""

    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:
        yield "loan", group.key, f"{join} {before} {audit}"
