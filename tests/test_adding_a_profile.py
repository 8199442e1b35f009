"""A new audited system is one module that nothing names: what the README shows of the toy is the toy."""

import re
from pathlib import Path

import pytest

from profiles.pre_capture_sessions import PROFILE as PRE
from reconciliation.queries import Moments, SqlRows
from reconciliation.times import from_text
from tests.toy_profile import PROFILE, RULES

ROOT = Path(__file__).parents[1]
MOST_LINES = 80
MOMENTS = Moments(from_text("2026-01-31T08:30:00Z"), from_text("2026-01-31T09:35:00Z"))
APP = (
    "activities",
    "adapters",
    "auditctl",
    "orchestrators",
    "profiles",
    "reconciliation",
    "reporting",
    "runs",
    "triggers",
    "dev",
)


def test_the_toy_is_short() -> None:
    assert len((ROOT / "tests" / "toy_profile.py").read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_what_the_readme_shows_of_the_toy_is_its_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Adding a profile\n")[2].partition("\n## ")[0]
    [shown] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    toy = (ROOT / "tests" / "toy_profile.py").read_text(encoding="utf-8")
    pieces = shown.strip().split("\n\n\n")
    assert len(pieces) > 1
    assert [piece for piece in pieces if piece not in toy] == []


@pytest.mark.parametrize("folder", APP)
def test_nothing_of_the_app_names_the_toy(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    assert files
    assert [path for path in files if re.search(r"\btoy|\bTOY_", path.read_text(encoding="utf-8"))] == []


def test_a_table_reads_all_and_again_what_is_asked_for() -> None:
    orders, asked = PROFILE.source("orders"), PROFILE.parameters(options={"shop": "north"})
    everything = orders.read(asked, MOMENTS)
    assert isinstance(everything, SqlRows)
    assert (everything.values["shop"], everything.values["only"], everything.values["latest"]) == (
        "north", None, MOMENTS.latest,
    )  # fmt: skip
    assert everything.sql.endswith('order by id::text collate "C"')
    assert orders.again is not None
    some = orders.again(asked, MOMENTS, ["a-1"])
    assert isinstance(some, SqlRows)
    assert some.values["keys"] == ["a-1"]
    assert some.sql.endswith("where id::text = any(%(keys)s)")


def test_what_a_profile_leaves_out_is_told_by_its_class_its_kinds_and_their_fields() -> None:
    assert (PROFILE.title, PROFILE.description) == ("Toy shop", type(PROFILE).__doc__)
    assert [column.title for column in PROFILE.showing.columns] == ["Shop", "Paid", "Invoices", "Documents"]
    assert PRE.title != "Pre capture sessions", "what it says itself counts"


def test_each_verdict_is_told_once_where_the_unverified_rule_is_in_the_table_too() -> None:
    [kind] = PROFILE.kinds
    assert kind.verdicts() == list(RULES)


def test_for_the_plan_only_the_source_is_read_that_units_are_chosen_by() -> None:
    assert [source.name for source in PROFILE.chooses_by(PROFILE.parameters())] == ["orders"]
    assert [source.name for source in PRE.chooses_by(PRE.parameters())] == ["containers"]
    assert [source.name for source in PRE.chooses_by(PRE.parameters(mode="fast"))] == ["containers", "registered"]
