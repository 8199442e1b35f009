import pytest

from reconciliation.audited import Audited

PLACES = {"storage_account": "finalsa", "ingest_account": None, "database": {"host": None, "name": None}}


def test_an_environment_without_a_name_is_called_by_its_account() -> None:
    assert Audited(PLACES, named="production").environment == "production"
    assert Audited(PLACES).environment == "finalsa"
    assert Audited({"database": {"host": None, "name": None}}).environment == "unnamed"
    assert Audited(PLACES).to_json() == {
        "environment": "finalsa",
        "storage_account": "finalsa",
        "ingest_account": None,
        "database": {"host": None, "name": None},
    }


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"environment": "as it was called then"}, True),
        ({"ingest_account": "ingestsa"}, True),  # not given now
        ({"storage_account": "stagingsa"}, False),
        ({"database": {"host": "db.example", "name": None}}, False),
    ],
)
def test_two_audits_are_of_the_same_where_all_that_is_given_is(changes: dict[str, object], *, same: bool) -> None:
    assert Audited(PLACES, named="production").is_in(Audited(PLACES).to_json() | changes) is same


def test_without_a_summary_nothing_says_that_it_was_of_the_same() -> None:
    assert not Audited(PLACES).is_in(None)
