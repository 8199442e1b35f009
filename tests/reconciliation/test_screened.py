"""What the first look counts, and what it keeps to be read again."""

import json
from collections import Counter
from collections.abc import Hashable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.coverage import Coverage, Gap
from reconciliation.evidence import Read, Unread
from reconciliation.looks import MISSING, PLACED, UNITS, Again, Audit, Group, Screened, Sighting
from reconciliation.rules import Judgement
from reconciliation.screened import FirstLook, Screening, judged_with, verdicts_of
from tests.profiles.pre_capture_sessions.strategies import moments, texts
from tests.profiles.pre_capture_sessions.world import AS_OF, MINUTE
from tests.reconciliation.shelves import BOOKS, SHELVES, Shelves, audit, book, shelf

LOST = Unread("shelf", "403", failed=True)
COUNTS = st.dictionaries(texts(), st.dictionaries(texts(), st.integers(0, 10**9), max_size=3), max_size=3)
COVERAGES = st.builds(
    Coverage,
    st.integers(0, 99),
    st.frozensets(texts(), max_size=3),
    st.integers(0, 99),
    st.integers(0, 99),
    st.dictionaries(texts(), st.integers(1, 9), max_size=3).map(Counter),
    st.lists(st.builds(Unread, texts(), texts(), st.just(True)), max_size=3),
    st.lists(st.builds(Gap, texts(), texts()), max_size=3),
)
BLOCKS = st.lists(st.integers(1, 50), max_size=60).map(
    lambda numbers: [(number, 10 * at, 10) for at, number in enumerate(numbers)]
)
SCREENINGS = st.builds(
    Screening,
    moments(),
    st.dictionaries(texts(), COUNTS, max_size=3),
    COVERAGES,
    st.dictionaries(texts(), st.builds(Sighting, st.integers(0, 99), st.none() | moments()), max_size=3),
    st.frozensets(texts(), max_size=3),
    BLOCKS,
    st.integers(0, 99),
)


def screened(look: FirstLook) -> Screening:
    return look.screening(AS_OF, [], 0)


# --- what is in order ---------------------------------------------------------------------------------------------


def test_what_is_in_order_is_counted_and_its_ids_are_kept() -> None:
    look = FirstLook(SHELVES, audit())
    assert [look.take("books", book(key, *facts)) for key, facts in (("a", ["fine"]), ("b", []), ("c", ["new"]))] == [
        None,
        None,
        None,
    ]
    assert screened(look).verdicts == {"books": {"book": {"fine": 2, "absent": 1}}}
    assert look.counted == {("books", "book", "fine"): ["a", "c"], ("books", "book", "absent"): ["b"]}


class Alike(Shelves):
    """Books of which the same is known are alike. Notes which were screened."""

    def __init__(self) -> None:
        self.screened = list[str]()

    def alike(self, join: str, group: Group, audit: Audit) -> Hashable | None:
        return group.rows

    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        self.screened.append(group.key)
        return super().screen(join, group, audit)


def test_of_groups_that_are_alike_only_the_first_is_screened_and_each_is_counted() -> None:
    profile = Alike()
    look = FirstLook(profile, audit())
    groups = [book(key, facts) for key, facts in (("a", "fine"), ("b", "fine"), ("c", "new"), ("d", "fine"))]
    assert [look.take("books", group) for group in groups] == [None] * 4
    assert profile.screened == ["a", "c"]
    assert screened(look).verdicts == {"books": {"book": {"fine": 4}}}
    assert look.counted == {("books", "book", "fine"): ["a", "b", "c", "d"]}, "their ids are kept, too"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sightings": [("late", AS_OF)]}, "the moment of each may be the furthest"),
        ({"links": [("books", "b")]}, "each links with its own evidence"),
        ({"in_doubt": True}, "each is read again"),
        ({"in_order": []}, None),
    ],
)
def test_what_is_more_than_counted_is_screened_each_time(changes: dict[str, Any], why: str | None) -> None:
    class Telling(Alike):
        def screen(self, join: str, group: Group, audit: Audit) -> Screened:
            return super().screen(join, group, audit)._replace(**changes)

    profile = Telling()
    look = FirstLook(profile, audit())
    for key in ("a", "b"):
        look.take("books", book(key, "fine"))
    assert profile.screened == (["a", "b"] if why else ["a"])


def test_what_may_turn_out_to_be_lost_and_what_was_requested_is_screened_each_time() -> None:
    profile = Alike()
    look = FirstLook(profile, audit())
    for key in ("a", "b"):
        look.take("books", book(key))  # absent, which needs the catalogue and all units
        look.take("books", book(f"asked {key}", "fine"), requested=True)
    assert profile.screened == ["a", "asked a", "b", "asked b"]
    assert look.spoiled == frozenset()


def test_a_group_with_another_subject_is_like_no_other() -> None:
    class Wrong(Alike):
        def screen(self, join: str, group: Group, audit: Audit) -> Screened:
            screened = super().screen(join, group, audit)
            return screened._replace(in_order=[(kind, "another", judged) for kind, _, judged in screened.in_order])

    with pytest.raises(AssertionError, match="'a' is like no other"):
        FirstLook(Wrong(), audit()).take("books", book("a", "fine"))


def test_a_look_at_a_few_keeps_the_ids_of_every_kind() -> None:
    class Forgetful(Shelves):
        def screen(self, join: str, group: Group, audit: Audit) -> Screened:
            screened = super().screen(join, group, audit)
            return screened._replace(
                in_order=[(replace(kind, keeps_ids=False), one, judged) for kind, one, judged in screened.in_order]
            )

    for is_look in (True, False):
        look = FirstLook(Forgetful(), replace(audit(), is_look=is_look))
        look.take("books", book("a", "fine"))
        assert look.counted == ({("books", "book", "fine"): ["a"]} if is_look else {})


def test_what_is_in_doubt_is_kept_and_not_counted() -> None:
    look = FirstLook(SHELVES, audit())
    doubt = look.take("books", book("a", "outside"))
    assert doubt is not None
    assert (doubt.join, doubt.group, doubt.again) == ("books", book("a", "outside"), Again())
    assert screened(look).verdicts == {}
    assert look.counted == {}


def test_a_unit_that_was_opened_is_looked_up_again() -> None:
    look = FirstLook(SHELVES, audit(listed=1))
    doubt = look.take("shelves", shelf("shelf", look.covered(LOST)))
    assert doubt is not None
    assert doubt.again == Again(unit=True)


def test_a_key_that_was_asked_for_is_in_doubt_if_there_is_no_row_of_it_and_no_other_is() -> None:
    look = FirstLook(SHELVES, audit())
    assert look.take("books", book("there", "fine"), requested=True) is None
    assert look.take("books", book("nowhere"), requested=True) is not None
    assert look.take("books", book("not asked for")) is None
    assert look.counted == {("books", "book", "fine"): ["there"], ("books", "book", "absent"): ["not asked for"]}


def test_a_verdict_that_asks_for_something_is_never_given_at_first_sight() -> None:
    class Hasty(Shelves):
        def screen(self, join: str, group: Group, audit: Any) -> Screened:
            judgement: Judgement[Any] = BOOKS.judged("outside")
            return Screened([(BOOKS, group.key, judgement)])

    with pytest.raises(AssertionError, match="outside is given at first sight"):
        FirstLook(Hasty(), audit()).take("books", book("a"))


# --- what is told, linked and covered -----------------------------------------------------------------------------


def test_what_evidence_names_is_linked_to_the_later_join() -> None:
    look = FirstLook(SHELVES, audit(listed=2))
    for name, books in (("one", ["a", "b"]), ("two", ["b"])):
        look.take("shelves", shelf(name, look.covered(Read(name, 2, books))))
    assert look.links["books"] == {"a": [("one", ["a", "b"])], "b": [("one", ["a", "b"]), ("two", ["b"])]}
    assert (look.audit.coverage.scanned, look.audit.coverage.blobs) == (2, 4)


def test_what_was_told_is_added_up_with_the_furthest_moment() -> None:
    class Dated(Shelves):
        def screen(self, join: str, group: Group, audit: Any) -> Screened:
            days = [None if fact == "never" else AS_OF + timedelta(days=int(fact)) for fact in group.rows[0]]
            return Screened(sightings=[("seen", day) for day in days])

    look = FirstLook(Dated(), audit())
    for group in (book("a", "1", "never"), book("b", "3"), book("c", "2")):
        look.take("books", group)
    assert look.sightings == {"seen": Sighting(4, AS_OF + timedelta(days=3))}


def test_placed_and_missing_units_are_told_apart() -> None:
    look = FirstLook(SHELVES, audit(listed=2))
    look.take("shelves", shelf("a", look.covered(Read("a", 0, []))))
    look.take("shelves", shelf("b", look.covered(LOST)))
    assert look.sightings == {PLACED: Sighting(1, AS_OF), MISSING: Sighting(1, None)}
    assert look.audit.coverage.failed == [LOST]


# --- what was lost ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "kept"), [("catalogue", True), ("loans", False), (UNITS, True)])
def test_what_needs_what_was_lost_is_in_doubt(lost: str, *, kept: bool) -> None:
    look = FirstLook(SHELVES, audit(lost=frozenset({lost})))
    assert (look.take("books", book("a")) is not None) is kept
    assert look.take("books", book("b", "fine")) is None, "it needs nothing"
    assert look.spoiled == frozenset()


def test_a_hole_in_the_coverage_is_as_if_a_source_was_lost() -> None:
    look = FirstLook(SHELVES, audit(listed=1))
    look.covered(LOST)
    assert look.audit.all_lost == {UNITS}
    assert look.take("books", book("a")) is not None


def test_what_is_found_to_be_lost_only_after_something_was_counted_that_needs_it_spoils_the_look() -> None:
    look = FirstLook(SHELVES, audit(listed=1))
    look.take("books", book("b", "fine"))
    look.covered(LOST)
    assert look.spoiled == frozenset(), "nothing that was counted needs it"
    look = FirstLook(SHELVES, audit(listed=1))
    look.take("books", book("a"))
    assert look.spoiled == frozenset()
    look.covered(LOST)
    assert look.spoiled == {UNITS}


# --- what later steps get -----------------------------------------------------------------------------------------


@given(SCREENINGS)
def test_a_screening_survives_the_run_store(screening: Screening) -> None:
    written = json.loads(json.dumps(screening.to_json()))
    assert Screening.from_json(written) == screening
    assert (written["schema_version"], written["complete"]) == (1, True)


@given(BLOCKS, st.integers(0, 5))
def test_the_second_look_takes_every_block_once_in_few_pieces(blocks: list[tuple[int, int, int]], lookups: int) -> None:
    screening = Screening(AS_OF, {}, Coverage(0), {}, frozenset(), blocks, lookups)
    if not lookups:
        assert screening.shards == []
        return
    assert [at for offset, length in screening.shards for at in range(offset, offset + length)] == [
        at for _, offset, length in blocks for at in range(offset, offset + length)
    ]
    assert len(screening.shards) <= 256
    numbers = {offset: number for number, offset, _ in blocks}
    for offset, length in screening.shards:
        held = [numbers[at] for at in range(offset, offset + length, 10)]
        assert sum(held[:-1]) < 500, "no block more than it takes"


def test_very_many_doubts_are_larger_pieces_instead_of_more() -> None:
    blocks = [(50, 10 * at, 10) for at in range(20_000)]
    shards = Screening(AS_OF, {}, Coverage(0), {}, frozenset(), blocks, 1).shards
    assert len(shards) <= 256
    assert sum(length for _, length in shards) == 200_000


def test_doubts_of_many_rows_are_looked_at_in_smaller_pieces() -> None:
    """Their number tells little: a single meeting may have thousands of files."""
    large = 2 * 1024 * 1024
    blocks = [(50, large * at, large) for at in range(20)]
    assert Screening(AS_OF, {}, Coverage(0), {}, frozenset(), blocks, 1).shards == [
        (large * at, large) for at in range(20)
    ]
    blocks = [(50, large * at, large) for at in range(2000)] + [(50, large * 2000 + at, 1) for at in range(20_000)]
    assert len(Screening(AS_OF, {}, Coverage(0), {}, frozenset(), blocks, 1).shards) <= 256


@pytest.mark.parametrize("blocks", [10, 100, 400])
def test_a_piece_of_large_doubts_is_as_large_of_many_as_of_few(blocks: int) -> None:
    large, enough = 36 * 1024, 128 * 1024
    shards = Screening(
        AS_OF, {}, Coverage(0), {}, frozenset(), [(1, large * at, large) for at in range(blocks)], 1
    ).shards
    assert {length for _, length in shards[:-1]} == {4 * large}
    assert 4 * large < enough + large


def test_the_verdicts_of_all_joins_are_told_apart() -> None:
    verdicts = {"books": {"book": {"fine": 2, "absent": 1}}, "shelves": {"book": {"fine": 3}}}
    assert verdicts_of(Screening(AS_OF, verdicts, Coverage(0), {}, frozenset()), SHELVES) == verdicts


@pytest.mark.parametrize("verdicts", [{"book": {"lost": 1}}, {"loan": {"fine": 1}}], ids=["verdict", "kind"])
def test_verdicts_of_another_release_are_refused(verdicts: dict[str, dict[str, int]]) -> None:
    screening = Screening(AS_OF, {"books": verdicts}, Coverage(0), {}, frozenset())
    with pytest.raises(ValueError, match="this release does not give"):
        verdicts_of(screening, SHELVES)


def test_the_audit_that_is_judged_is_the_one_that_was_screened() -> None:
    coverage, sightings = Coverage(3), {"seen": Sighting(1, None)}
    judged = judged_with(audit(), Screening(AS_OF - MINUTE, {}, coverage, sightings, frozenset({"loans"})))
    assert (judged.coverage, judged.sightings) == (coverage, sightings)
    assert judged.lost == {"loans"}
    assert judged.clock == replace(audit().clock, now=AS_OF - MINUTE)
