"""The record of a repair, as it is stored."""

from reconciliation.fields import Fields
from reconciliation.repair_plan import Named
from reconciliation.repair_record import Chosen


def test_findings_are_known_by_kind_and_id() -> None:
    chosen = Chosen((Named("chunk", "one"), Named("meeting", "one")), ("odd",), 3)
    assert Chosen.from_json(Fields(chosen.to_json())) == chosen


def test_what_an_earlier_release_kept_of_findings_stays_readable() -> None:
    kept = {"findings": ["one", "two"], "verdicts": [], "most": 5}
    assert Chosen.from_json(Fields(kept)) == Chosen((Named("", "one"), Named("", "two")), (), 5)
