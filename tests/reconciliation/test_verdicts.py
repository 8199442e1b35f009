import pytest

from reconciliation.verdicts import Judgement, Rule, Severity, judge


def rule(verdict: str, at_least: int) -> Rule[int]:
    return Rule(
        verdict,
        Severity.INFO,
        "what it means",
        lambda number: number >= at_least,
        lambda number: f"{number} is at least {at_least}.",
        "Nothing.",
    )


TABLE = (rule("large", 10), rule("small", 0))


def test_the_first_rule_that_holds_gives_the_verdict_and_its_reason() -> None:
    assert judge(TABLE, 12) == Judgement("large", Severity.INFO, "12 is at least 10.", "Nothing.")
    assert judge(TABLE, 3).verdict == "small"


def test_a_table_that_leaves_a_subject_without_a_verdict_is_an_error() -> None:
    with pytest.raises(AssertionError, match="last rule must always hold"):
        judge(TABLE, -1)
