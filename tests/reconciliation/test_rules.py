from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.rules import Judgement, Kind, Rule, Severity, counted, judge


def rule(verdict: str, at_least: int) -> Rule[int]:
    return Rule(
        verdict=verdict,
        severity=Severity.INFO,
        means="what it means",
        holds=lambda number: number >= at_least,
        why=lambda number: f"{number} is at least {at_least}.",
        next_step="Nothing.",
    )


TABLE = (rule("large", 10), rule("small", 0))


def test_the_first_rule_that_holds_gives_the_verdict_and_its_reason() -> None:
    assert judge(TABLE, 12) == Judgement(TABLE[0], Severity.INFO)
    assert judge(TABLE, 12).rule.why(12) == "12 is at least 10."
    assert judge(TABLE, 3).verdict == "small"


@given(st.integers(0, 20))
def test_a_subject_gets_one_verdict_whatever_rules_come_behind_it(number: int) -> None:
    [given_by] = [rule for rule in TABLE if judge(TABLE, number).rule is rule]
    assert given_by.holds(number)
    assert judge((*TABLE, rule("never", 0)), number).rule is given_by


def test_the_facts_may_move_the_severity() -> None:
    def urgency(number: int) -> Severity:
        return Severity.HIGH if number > 100 else Severity.LOW

    moved = (replace(TABLE[0], urgency=urgency), TABLE[1])
    assert [judge(moved, number).severity for number in (101, 100, 1)] == [Severity.HIGH, Severity.LOW, Severity.INFO]


def test_what_is_only_counted_asks_nothing_of_anybody() -> None:
    fine: Rule[int] = counted("fine", "It is in order.", lambda number: number > 0)
    assert judge([fine], 1) == Judgement(fine, Severity.INFO)
    assert (fine.counted, fine.alarm, fine.next_step, fine.why(1)) == (True, False, "", "")


def test_a_table_that_leaves_a_subject_without_a_verdict_is_an_error() -> None:
    with pytest.raises(AssertionError, match="last rule must always hold"):
        judge(TABLE, -1)


# --- what a verdict needs -----------------------------------------------------------------------------------------

UNSURE = replace(rule("unverified", 0), severity=Severity.UNKNOWN)
NEEDING = (replace(TABLE[0], needs=("rows", "units")), TABLE[1])
NUMBERS = Kind("number", "number", NEEDING, lambda number: {"number": number}, unverified=UNSURE)


@given(st.integers(0, 20), st.frozensets(st.sampled_from(["rows", "units", "another source"])))
def test_where_what_a_verdict_needs_was_lost_it_is_unverified_and_no_other_is(
    number: int, lost: frozenset[str]
) -> None:
    judgement = NUMBERS.judged(number, lost)
    usual = judge(NEEDING, number)
    spoiled = usual.verdict == "large" and bool(lost & {"rows", "units"})
    assert judgement == (Judgement(UNSURE, Severity.UNKNOWN) if spoiled else usual)


def test_a_kind_without_such_a_verdict_is_an_error_only_where_one_is_needed() -> None:
    careless = replace(NUMBERS, unverified=None)
    assert careless.judged(12).verdict == "large"
    with pytest.raises(AssertionError, match="large needs something, and number has no unverified"):
        careless.judged(12, {"rows"})


def test_the_verdict_of_what_is_unverified_is_told_with_the_others_once() -> None:
    assert [one.verdict for one in NUMBERS.verdicts()] == ["large", "small", "unverified"]
    known = replace(NUMBERS, rules=(*NEEDING, UNSURE))
    assert [one.verdict for one in known.verdicts()] == ["large", "small", "unverified"]
