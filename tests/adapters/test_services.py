from typing import Any, cast

from adapters.services import Services
from adapters.settings import load_settings
from profiles.pre_capture_sessions import PROFILE
from reconciliation.audited import Audited

SETTINGS = {
    "SOURCE_STORAGE": "AccountName=finalsa;AccountKey=c2VjcmV0",
    "REPORT_STORAGE": "AccountName=reportsa;AccountKey=c2VjcmV0",
    "PRE_DATABASE": "postgresql://app:secret@db.example/pre",
}


def audited(**more: str) -> Audited:
    nothing = cast("Any", None)
    return Services(load_settings({**SETTINGS, **more}), nothing, nothing, nothing).audited(PROFILE)


def test_what_is_audited_is_told_without_anything_that_opens_it() -> None:
    address = "https://ingestsa.blob.core.windows.net"
    told = audited(INGEST_STORAGE__blobServiceUri=address, AUDIT_ENVIRONMENT="staging")
    assert told == Audited("finalsa", "ingestsa", "db.example", "pre", "staging")
    assert "secret" not in str(told.to_json())


def test_without_a_name_and_an_ingest_account_the_storage_account_tells() -> None:
    assert (audited().environment, audited().ingest_account) == ("finalsa", None)
