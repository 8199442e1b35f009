"""The old method and the audit on the same world: for which videos each starts a run, and for which it should.

The old method is shown 100 of all runs. They come in the order of their ids, which are random, so that each world that
is planted is another draw. What is asserted of it holds for every draw: from the 100 that were given follows what it
does, and what the document tells is what it does with any of a video's runs among them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dev.demo.repairing import Auditctl
from dev.demo.stuck_uploads.__main__ import verdicts
from dev.demo.stuck_uploads.cases import CASES, Case
from dev.demo.stuck_uploads.rows import plant_rows
from dev.demo.stuck_uploads.stack import OTHERS, UNRELATED, Stack, stack
from dev.devstack.prefect_planting import Planting
from tests.app.world import Api
from tests.old_method.stuck_uploads.right import RIGHT, Do
from tests.old_method.stuck_uploads.steps import MOST_ROWS, MOST_RUNS, OldMethod, Run, Sweep, Way, decided
from tests.old_method.tables import in_one_line, table

pytestmark = pytest.mark.deep
DOCUMENT = Path(__file__).parents[3] / "docs" / "old-method.md"
COLUMNS = "layout_status"
CROWD = [
    Case(1000 + number, "it was deleted while it waited", "deleted", row={"deleted": True}, age=timedelta(days=200))
    for number in range(MOST_ROWS)
]
# Longer than by default, so that a slow machine does not make of recently_run something else.
RECENT_MINUTES = 15

Numbers = frozenset[int]
"""Numbers of cases."""


def numbers(*chosen: int) -> Numbers:
    return frozenset(chosen)


def that_should(*do: Do) -> Numbers:
    """The cases about which that is right."""
    return frozenset(number for number, right in RIGHT.items() if right.do in do)


# --- the world, and what each says of it ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted_at() -> datetime:
    """The moment that the old method takes for now: the ages of what is planted are as they were said to be."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def world(planted_at: datetime) -> Iterator[Stack]:
    assert planted_at.tzinfo is UTC
    with stack(COLUMNS) as running:
        yield running


@pytest.fixture(scope="module")
def runs(world: Stack) -> list[Run]:
    """All runs there are, read page by page."""
    with Planting(world.prefect) as reader:
        count = reader.made("flow_runs/count", {})
        pages = [reader.made("flow_runs/filter", {"offset": offset}) for offset in range(0, count, 200)]
    found = [run for page in pages for run in page]
    assert len({run["id"] for run in found}) == len(found) == count
    return found


@pytest.fixture(scope="module")
def method(world: Stack) -> OldMethod:
    return OldMethod(world.database, world.prefect.url)


@pytest.fixture(scope="module")
def swept(method: OldMethod, planted_at: datetime) -> Sweep:
    """What the old method does in the draw that was planted."""
    return method.sweep(planted_at)


@dataclass(frozen=True)
class Audited:
    """A report, and the repairs that were offered for what it found, by kind and the number of the case."""

    report: Mapping[str, Any]
    offered: Mapping[str, Numbers]

    @property
    def listed(self) -> Numbers:
        """The cases of which the report lists a finding; the others are counted only."""
        return frozenset(
            case.number
            for case in CASES
            for finding in self.report["findings"]
            if case.video_id in finding["subject"]["id"]
        )

    @property
    def verdicts(self) -> dict[int, str]:
        """The verdict on each case, or on what there is of one without a row."""
        found = verdicts(dict(self.report))
        subjects = {case.number: [("video", case.video_id), *case.also] for case in CASES}
        return {number: next(found[one] for one in of if one in found) for number, of in subjects.items()}


def audited(world: Stack, *, with_offers: bool = True) -> Audited:
    """Audit the world, and have all repairs planned that are possible; none is applied."""
    api = Api(world.app)
    try:
        options = {"recent_minutes": RECENT_MINUTES}
        view = api.ended(api.start(mode="full", grace_minutes=0, options=options), seconds=180)
        assert view["state"] == "completed", view["error"]
        report = api.get(f"/audits/{view['id']}/report").raise_for_status().json()
    finally:
        api.close()
    return Audited(report, offers(world, view["id"]) if with_offers else {})


def offers(world: Stack, audit_id: str) -> dict[str, Numbers]:
    planned = Auditctl(world.app.url).json("repair", "plan", audit_id, "--by", "Ann of the tests")
    assert planned["state"] == "proposed", planned["error"]
    offered = defaultdict[str, set[int]](set)
    by_id = {case.video_id: case.number for case in CASES}
    for change in planned["plan"]["changes"]:
        offered[change["repair"]].add(by_id[change["subject"]["id"]])
    return {repair: frozenset(of) for repair, of in offered.items()}


@pytest.fixture(scope="module")
def ours(world: Stack) -> Audited:
    return audited(world)


# --- what the old method does ---------------------------------------------------------------------------------------


def ways_of_all_draws(sweep: Sweep, runs: list[Run], now: datetime) -> dict[int, frozenset[Way]]:
    """What it does about each case, whichever of the case's runs it is shown."""
    found = {}
    for case in CASES:
        its = [run for run in runs if run["parameters"].get("video_id") == case.video_id]
        draws = [draw for size in range(len(its) + 1) for draw in combinations(its, size)]
        seen = case.video_id in sweep.ways
        found[case.number] = frozenset(
            decided(case.video_id, draw, now) if seen else Way.DOES_NOT_SEE for draw in draws
        )
    return found


@pytest.fixture(scope="module")
def ways(swept: Sweep, runs: list[Run], planted_at: datetime) -> dict[int, frozenset[Way]]:
    return ways_of_all_draws(swept, runs, planted_at)


def with_ways(ways: Mapping[int, frozenset[Way]], *these: Way) -> Numbers:
    """The cases about which it does exactly these, one or the other."""
    return frozenset(number for number, of in ways.items() if of == frozenset(these))


def test_it_is_shown_the_runs_with_the_highest_ids_which_are_random(swept: Sweep, runs: list[Run]) -> None:
    ids = sorted((run["id"] for run in runs), reverse=True)
    assert [run["id"] for run in swept.shown] == ids[:MOST_RUNS]
    assert len(ids) == UNRELATED + sum(len(case.runs) for case in CASES)


def test_what_it_does_in_any_draw(ways: dict[int, frozenset[Way]]) -> None:
    assert with_ways(ways, Way.STARTS) == numbers(1, 4, 5, 6, 7, 9, 13, 15, 17, 22, 23, 24, 26, 27, 32)
    assert with_ways(ways, Way.STARTS, Way.SKIPS) == numbers(2, 3, 8, 10, 18, 19, 21, 33)
    assert with_ways(ways, Way.DOES_NOT_SEE) == numbers(11, 12, 14, 16, 20, 25, 28, 29, 30, 31)
    assert with_ways(ways, Way.SKIPS) == numbers()


def test_where_luck_decides_it_skips_a_video_of_which_it_is_shown_a_run(
    swept: Sweep, runs: list[Run], ways: dict[int, frozenset[Way]]
) -> None:
    shown = {run["id"] for run in swept.shown}
    for case in CASES:
        its = {run["id"] for run in runs if run["parameters"].get("video_id") == case.video_id}
        if case.number in with_ways(ways, Way.STARTS, Way.SKIPS):
            expected = Way.SKIPS if its & shown else Way.STARTS
        else:
            [expected] = ways[case.number]
        assert swept.way(case.video_id) is expected, case.why


def test_for_which_it_starts_a_run_that_must_not_be_started(ways: dict[int, frozenset[Way]]) -> None:
    wrong = that_should(Do.MARK, Do.TELL, Do.NOTHING)
    always, by_luck = with_ways(ways, Way.STARTS) & wrong, with_ways(ways, Way.STARTS, Way.SKIPS) & wrong
    second, no_file, deleted = numbers(9), numbers(6, 22), numbers(27)
    processed, another_file, in_vain = numbers(4), numbers(7, 32), numbers(13, 24)
    assert always == second | no_file | deleted | processed | another_file | in_vain
    assert by_luck == numbers(2, 3, 8, 18, 19, 21, 33)
    # The document tells what becomes of each of these runs.
    assert not [number for number in always | by_luck if not RIGHT[number].else_]


def test_what_it_leaves_as_it_is_although_something_is_wrong(ways: dict[int, frozenset[Way]]) -> None:
    assert with_ways(ways, Way.DOES_NOT_SEE) - that_should(Do.NOTHING) == numbers(11, 12, 14, 16, 25, 29, 30, 31)
    assert with_ways(ways, Way.STARTS, Way.SKIPS) & that_should(Do.RUN) == numbers(10)


# --- what the audit says --------------------------------------------------------------------------------------------


def test_the_audit_offers_a_run_and_a_status_exactly_where_that_is_right(ours: Audited) -> None:
    assert ours.offered == {"start_run": that_should(Do.RUN), "mark_processed": that_should(Do.MARK)}


def test_the_audit_tells_what_is_wrong_and_nothing_else(ours: Audited) -> None:
    assert ours.listed == that_should(Do.RUN, Do.MARK, Do.TELL)
    planted = {case.number: case.expected or next(iter(case.also.values())) for case in CASES}
    assert ours.verdicts == planted


# --- what the document tells ----------------------------------------------------------------------------------------


def by_old_method(number: int, ways: frozenset[Way]) -> str:
    """What the old method does about a case, as it stands in the document."""
    run = f"{Way.STARTS} ({RIGHT[number].else_})" if RIGHT[number].else_ else str(Way.STARTS)
    told = {Way.STARTS: run}
    if ways == {Way.STARTS, Way.SKIPS}:
        return f"by luck: {run}, or {Way.SKIPS}"
    [way] = ways
    return told.get(way, str(way))


def by_audit(number: int, ours: Audited) -> str:
    """What the audit says of a case, as it stands in the document."""
    words = {"start_run": ", offers a run", "mark_processed": ", offers the status"}
    [offer] = [words[repair] for repair, of in ours.offered.items() if number in of] or [""]
    return f"`{ours.verdicts[number]}`{offer}"


def test_the_document_tells_every_case(ways: dict[int, frozenset[Way]], ours: Audited) -> None:
    heads = ("a video", "what is right", "the old method", "capture-audit")
    rows = [
        (case.why, RIGHT[case.number].what, by_old_method(case.number, ways[case.number]), by_audit(case.number, ours))
        for case in CASES
    ]
    expected = table(heads, rows)
    assert expected in DOCUMENT.read_text(encoding="utf-8"), f"docs/{DOCUMENT.name} should hold:\n{expected}"


def test_the_document_counts(runs: list[Run], ways: dict[int, frozenset[Way]], ours: Audited) -> None:
    wrong, luck = that_should(Do.MARK, Do.TELL, Do.NOTHING), with_ways(ways, Way.STARTS, Way.SKIPS)
    always = len(with_ways(ways, Way.STARTS) & wrong)
    skipped = len(luck & that_should(Do.RUN))
    unseen = len(with_ways(ways, Way.DOES_NOT_SEE) - that_should(Do.NOTHING))
    runs_offered = ours.offered["start_run"]
    audit = (
        len(runs_offered & wrong),
        len(that_should(Do.RUN) - runs_offered),
        len(that_should(Do.RUN, Do.MARK, Do.TELL) - ours.listed),
    )
    expected = (
        f"Of {len(CASES)} cases, the old method starts a run for {always} to {always + len(luck & wrong)} that must not"
        f" have one, skips 0 to {skipped} that need one, and does not see {unseen} with which something is wrong; of"
        f" {len(runs)} runs it is shown {MOST_RUNS}. The audit: {audit[0]}, {audit[1]}, {audit[2]}."
    )
    text = in_one_line(DOCUMENT.read_text(encoding="utf-8"))
    assert expected in text, f"docs/{DOCUMENT.name} should hold:\n{expected}"


# --- what is not in the table; the last one changes the world --------------------------------------------------------


@pytest.fixture(scope="module")
def swept_of_any_age(method: OldMethod) -> Sweep:
    return method.sweep(datetime.now(UTC), age_minutes=0)


def test_asked_for_any_age_it_starts_runs_for_what_was_uploaded_just_now(swept_of_any_age: Sweep) -> None:
    ways = swept_of_any_age.ways
    [young] = [case for case in CASES if case.expected == "too_young"]
    assert ways[young.video_id] is Way.STARTS
    cases = {case.video_id for case in CASES}
    others = [way for video, way in ways.items() if video not in cases]
    assert set(others) == {Way.STARTS}
    assert len(others) == MOST_ROWS - len(ways.keys() & cases) < OTHERS


@pytest.fixture(scope="module")
def crowded(world: Stack, swept: Sweep, swept_of_any_age: Sweep, ours: Audited) -> Stack:
    """The same world, once as many videos as one answer holds have been waiting for longer than any case. What was said
    of it before was said without them.
    """
    assert swept.ways
    assert swept_of_any_age.ways
    assert ours.report
    plant_rows(world.database, COLUMNS, CROWD)
    return world


def test_behind_a_thousand_that_wait_longer_it_sees_no_case_at_all_and_the_audit_sees_each(
    crowded: Stack, method: OldMethod, planted_at: datetime, ours: Audited
) -> None:
    assert crowded.database == method.database
    swept = method.sweep(planted_at)
    assert swept.ways == {case.video_id: Way.STARTS for case in CROWD}
    again = audited(crowded, with_offers=False)
    assert again.verdicts == ours.verdicts
    assert again.listed == ours.listed
    assert {verdicts(dict(again.report))["video", case.video_id] for case in CROWD} == {"deleted"}
