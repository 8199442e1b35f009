"""What the second look adds to the first one, and what the verdicts come to."""

import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciliation.coverage import Gap
from reconciliation.evidence import Unread
from reconciliation.finding import Finding
from reconciliation.judging import judge_doubts, link_again, names_more, summed, with_gaps
from reconciliation.looks import UNITS, Audit, Doubt, Group
from reconciliation.screened import FirstLook
from reconciliation.since_last import Change, Known, Previous
from reconciliation.tally import Result, Tally
from tests.profiles.pre_capture_sessions.world import AS_OF
from tests.reconciliation.shelves import SHELVES, Shelves, audit, book, shelf

LOST = Unread("one", "403", failed=True)
GAP = Gap("a shelf may have been left out", "Look for it.")


class Plain(Shelves):
    """Says nothing of what was seen before."""

    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:
        return super().facts(join, group, None, audit)


@dataclass
class Judged:
    """What was judged, as it was given: findings with their changes, and verdicts with ids of what is only counted."""

    findings: list[tuple[Finding[Any], Change | None]] = field(default_factory=list)
    counted: list[tuple[str, str]] = field(default_factory=list)

    def add(self, finding: Finding[Any], change: Change | None) -> None:
        self.findings.append((finding, change))

    def count(self, _kind: str, verdict: str, subjects: Iterable[str]) -> None:
        self.counted += [(verdict, one) for one in subjects]


def judged_of(
    doubts: Sequence[Doubt],
    in_order: Tally | None = None,
    previous: Previous | None = None,
    *,
    known: Audit | None = None,
    complete: bool = True,
) -> tuple[Judged, Result]:
    judged = Judged()
    given = Plain(), known or audit(), iter(doubts), in_order or Tally(), previous
    return judged, judge_doubts(*given, takes=judged, complete=complete)


def seen(first: object, again: object) -> Doubt:
    """A shelf that held these books at first, and those when it was looked up again."""
    return Doubt("shelves", shelf("one", first), shelf("one", again))


# --- what evidence names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "again", "more"),
    [
        pytest.param([], ["a"], True, id="a book where there was none"),
        pytest.param(["a"], ["a", "b"], True, id="one more"),
        pytest.param(["a"], ["b"], True, id="another one"),
        pytest.param(LOST, ["a"], True, id="it could not be read at first"),
        pytest.param(["a", "b"], ["b", "a"], False, id="the same"),
        pytest.param(["a", "b"], ["b"], False, id="fewer"),
        pytest.param(["a"], LOST, False, id="it could not be read again"),
    ],
)
def test_the_second_look_names_more_if_any_key_is_new(first: object, again: object, *, more: bool) -> None:
    assert names_more(SHELVES, [seen([], []), seen(first, again)], audit()) is more


def test_only_what_is_opened_names_anything() -> None:
    assert not names_more(SHELVES, [Doubt("books", book("a"), book("a", links=(("one", ["b"]),)))], audit())
    assert not names_more(SHELVES, [], audit())


def test_a_look_learns_what_only_the_second_look_named() -> None:
    look = FirstLook(SHELVES, audit())
    link_again(look, [seen(["a", "b"], ["c", "b"]), Doubt("books", book("a"), book("a"))])
    assert look.links["books"] == {"c": [("one", ["c", "b"])]}, "the rest it is told when it takes the shelf in"
    assert look.verdicts == {}, "nothing is counted a second time"


# --- what it comes to -----------------------------------------------------------------------------------------------


def test_gaps_that_are_found_late_join_those_that_are_known() -> None:
    before = audit()
    before.coverage.gaps.append(GAP)
    after = with_gaps(before, [GAP._replace(what="another")])
    assert [gap.what for gap in after.coverage.gaps] == [GAP.what, "another"]
    assert before.coverage.gaps == [GAP], "the audit that was screened stays as it was"
    assert with_gaps(audit(), []).all_lost == frozenset()
    assert with_gaps(audit(), [GAP]).all_lost == {UNITS}


def test_the_verdicts_of_several_joins_are_added_up() -> None:
    tally = summed([{"book": {"fine": 2}}, {"book": {"fine": 3, "absent": 1}, "loan": {"late": 1}}])
    assert tally.verdicts == {"book": {"fine": 5, "absent": 1}, "loan": {"late": 1}}


def test_what_is_in_doubt_is_listed_or_counted_beside_what_was_in_order() -> None:
    in_order = summed([{"book": {"fine": 2}}])
    doubts = [
        Doubt("books", book(key, "outside"), book(key, *facts)) for key, facts in (("a", ["outside"]), ("b", ["new"]))
    ]
    judged, result = judged_of(doubts, in_order)
    [(finding, change)] = judged.findings
    assert (finding.id, finding.judgement.verdict, change) == ("a", "outside", None)
    assert judged.counted == [("fine", "b")]
    assert result.tally.verdicts == {"book": {"fine": 3, "outside": 1}}
    assert result.is_complete


def test_nothing_of_what_was_judged_is_kept() -> None:
    class Dropped:
        """Takes everything and keeps nothing."""

        findings = 0

        def add(self, _finding: Finding[Any], _change: Change | None) -> None:
            self.findings += 1

        def count(self, _kind: str, _verdict: str, _subjects: Iterable[str]) -> None:
            raise AssertionError

    def doubts(number: int) -> Iterator[Doubt]:
        for one in range(number):
            key = f"{one:0100}"
            yield Doubt("books", book(key, "outside"), book(key, "outside"))

    def peak_of(number: int) -> int:
        dropped = Dropped()
        tracemalloc.start()
        judge_doubts(Plain(), audit(), doubts(number), Tally(), None, takes=dropped, complete=True)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert dropped.findings == number
        return peak

    peak_of(10)
    assert peak_of(3000) < peak_of(30) + 50_000


def test_a_finding_that_was_known_persists_and_another_is_new() -> None:
    doubts = [Doubt("books", book(key, "outside"), book(key, "outside")) for key in ("a", "b")]
    previous = Previous(
        "earlier", AS_OF, "deep", frozenset({Known("book", "a", "outside"), Known("book", "c", "inside")})
    )
    judged, result = judged_of(doubts, previous=previous)
    assert [(finding.id, change) for finding, change in judged.findings] == [("a", "persisting"), ("b", "new")]
    assert result.since_last.resolved == (Known("book", "c", "inside"),)
    _, broken = judged_of(doubts, previous=previous, complete=False)
    assert broken.since_last.resolved is None, "nothing is resolved as long as anything could not be read again"
    assert not broken.is_complete


@pytest.mark.parametrize("lost", ["catalogue", UNITS])
def test_what_needs_what_was_lost_is_unverified(lost: str) -> None:
    absent = Doubt("books", book("a", "outside"), book("a"))
    fine = Doubt("books", book("b", "outside"), book("b", "new"))
    known = audit(lost=frozenset({lost}))
    judged, _ = judged_of([absent, fine], known=known)
    assert [(finding.id, finding.judgement.verdict) for finding, _ in judged.findings] == [("a", "unverified")]
    again = absent.again._replace(lost=frozenset({lost}))
    judged, _ = judged_of([absent._replace(again=again), absent])
    assert [finding.judgement.verdict for finding, _ in judged.findings] == ["unverified"]
    assert judged.counted == [("absent", "a")], "it is lost for that one only"
