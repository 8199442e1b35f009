from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from adapters.services import Services
from adapters.settings import load_settings
from profiles.pre_capture_sessions import PROFILE
from reconciliation.audited import Audited
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord

SETTINGS = {
    "SOURCE_STORAGE": "AccountName=finalsa;AccountKey=c2VjcmV0",
    "REPORT_STORAGE": "AccountName=reportsa;AccountKey=c2VjcmV0",
    "PRE_DATABASE": "postgresql://app:secret@db.example/pre",
}


AT = datetime(2026, 1, 31, tzinfo=UTC)
RECORD = RunRecord("20260131-000000-1a2b3c4d", State.QUEUED, PROFILE.asked(), created_at=AT, updated_at=AT)


def services(**more: str) -> Services:
    nothing = cast("Any", None)
    return Services(load_settings({**SETTINGS, **more}), nothing, nothing, nothing)


def audited(**more: str) -> Audited:
    return services(**more).audited(PROFILE)


def test_what_is_audited_is_told_without_anything_that_opens_it() -> None:
    address = "https://ingestsa.blob.core.windows.net"
    told = audited(INGEST_STORAGE__blobServiceUri=address, AUDIT_ENVIRONMENT="staging")
    assert told == Audited("finalsa", "ingestsa", "db.example", "pre", "staging")
    assert "secret" not in str(told.to_json())


def test_without_a_name_and_an_ingest_account_the_storage_account_tells() -> None:
    assert (audited().environment, audited().ingest_account) == ("finalsa", None)


def test_an_audit_goes_on_only_by_a_profile_that_is_enabled_and_in_a_mode_that_it_has() -> None:
    world = services()
    assert world.profile_of(RECORD) is PROFILE
    asked = RECORD.parameters
    other = replace(RECORD, parameters=replace(asked, profile="other"))
    later = replace(RECORD, parameters=replace(asked, mode="deep"))
    with pytest.raises(RunStoreError, match="of the profile other, which is not enabled"):
        world.profile_of(other)
    with pytest.raises(RunStoreError, match="in deep mode, which this release of the profile pre-capture-sessions has"):
        world.profile_of(later)
