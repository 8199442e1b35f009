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
