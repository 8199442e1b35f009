import pytest

from reconciliation.outcome import Outcome, outcome_of


@pytest.mark.parametrize(
    ("complete", "findings", "outcome"),
    [
        (True, 0, Outcome.CLEAN),
        (True, 1, Outcome.FINDINGS),
        (False, 0, Outcome.INCOMPLETE),
        (False, 7, Outcome.INCOMPLETE),
    ],
)
def test_a_gap_outweighs_findings(complete: bool, findings: int, outcome: Outcome) -> None:
    assert outcome_of(coverage_complete=complete, findings=findings) is outcome


def test_codes_and_words_are_those_of_the_command_line() -> None:
    assert [outcome.to_json() for outcome in Outcome] == [
        {"code": 0, "word": "clean"},
        {"code": 1, "word": "findings"},
        {"code": 3, "word": "incomplete"},
        {"code": 4, "word": "failed"},
    ]
