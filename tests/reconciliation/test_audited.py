from reconciliation.audited import Audited


def test_an_environment_without_a_name_is_called_by_its_account() -> None:
    assert Audited("finalsa", named="production").environment == "production"
    assert Audited("finalsa").environment == "finalsa"
    assert Audited("finalsa").to_json() == {
        "environment": "finalsa",
        "storage_account": "finalsa",
        "ingest_account": None,
        "database": {"host": None, "name": None},
    }
