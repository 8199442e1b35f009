"""Profiles that the engine cannot audit."""

from dataclasses import replace
from typing import Any

import pytest

from profiles.pre_capture_sessions import PROFILE
from reconciliation.profile import Join, Keys, Profile, Source
from reconciliation.queries import SqlRows
from reconciliation.soundness import problems
from reconciliation.totals import Total
from reconciliation.wording import Narrow
from tests.adapters.copying_profile import PROFILE as COPYING
from tests.adapters.copying_profile import REPAIR
from tests.reconciliation.shelves import BOOKS, SHELVES, Shelves
from tests.toy_profile import PROFILE as TOY


@pytest.mark.parametrize("profile", [PROFILE, TOY, COPYING], ids=lambda profile: profile.name)
def test_what_is_audited_is_sound(profile: Profile) -> None:
    assert list(problems(profile)) == []


ELSEWHERE = Source("elsewhere", "NOWHERE", lambda *_: SqlRows(""))
TWICE = Join("twice", (("loans", str),))
NARROW = Narrow("only some", ("Of some, yes.", "Some were read."))
COUNTED = next(rule.verdict for rule in BOOKS.rules if rule.counted)
FOUND = next(rule.verdict for rule in BOOKS.rules if not rule.counted)


def adding(kind: str, verdict: str) -> Total[Any]:
    return Total(kind=kind, verdict=verdict, measure=lambda _facts: (1, None), says=lambda *_: "Some.")


def test_what_is_found_can_be_added_up() -> None:
    assert list(problems(type("Adding", (Shelves,), {"totals": (adding("book", FOUND),)})())) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sources": (*SHELVES.sources, ELSEWHERE)}, "it has no 'NOWHERE' among its connections"),
        ({"joins": (*SHELVES.joins, TWICE)}, "its source loans is in two joins"),
        ({"joins": (*SHELVES.joins, Join("more", (("papers", str),)))}, "it has no 'papers' among its sources"),
        ({"again_order": ("papers",)}, "it has no 'papers' among its sources"),
        ({"only": Keys("papers", "sheets")}, "it has no 'papers' among its joins"),
        ({"kinds": (BOOKS, replace(BOOKS, name="paper"))}, "its kind paper keeps ids of what is in order"),
        ({"kinds": (replace(BOOKS, unverified=None),)}, "its kind book has rules that need something, and none for"),
        ({"compared_apart": ("short",)}, "it has no 'short' among its modes"),
        ({"wording": replace(SHELVES.wording, narrow={"short": NARROW})}, "it has no 'short' among its modes"),
        ({"totals": (adding("book", "on_fire"),)}, "it adds up on_fire of book, of which there is no finding"),
        ({"totals": (adding("book", COUNTED),)}, f"it adds up {COUNTED} of book, of which there is no finding"),
        ({"totals": (adding("paper", FOUND),)}, f"it adds up {FOUND} of paper, of which there is no finding"),
    ],
)
def test_what_the_engine_cannot_do_is_told(changes: dict[str, Any], told: str) -> None:
    profile = type("Changed", (Shelves,), changes)()
    [problem] = problems(profile)
    assert problem.startswith(told)


def test_a_setting_is_of_one_technology() -> None:
    repair = replace(REPAIR, setting="COPYING_REPAIR_BUCKET")
    profile = type("Changed", (type(COPYING),), {"repairs": (repair,)})()
    assert list(problems(profile)) == ["its COPYING_REPAIR_BUCKET is of several technologies"]
