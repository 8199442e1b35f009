from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from adapters.services import Services, open_services
from adapters.settings import load_settings
from profiles.pre_capture_sessions import PROFILE
from reconciliation.audited import Audited
from reconciliation.errors import RunStoreError, SettingsError
from reconciliation.lifecycle import State
from reconciliation.queries import Moments
from reconciliation.run_record import RunRecord
from tests.adapters.api_profile import TALKING
from tests.adapters.other_profile import OTHER

OTHER_NAME = "tests.adapters.other_profile:OTHER"
API_PROFILE = "tests.adapters.api_profile:TALKING"

SETTINGS = {
    "SOURCE_STORAGE": "AccountName=finalsa;AccountKey=c2VjcmV0",
    "REPORT_STORAGE": "AccountName=reportsa;AccountKey=c2VjcmV0",
    "PRE_DATABASE": "postgresql://app:secret@db.example/pre",
}


AT = datetime(2026, 1, 31, tzinfo=UTC)
RECORD = RunRecord("20260131-000000-1a2b3c4d", State.QUEUED, PROFILE.parameters(), created_at=AT, updated_at=AT)


def services(**more: str) -> Services:
    nothing = cast("Any", None)
    return Services(load_settings({**SETTINGS, **more}), nothing, nothing, nothing)


def audited(**more: str) -> Audited:
    return services(**more).audited(PROFILE)


def test_what_is_audited_is_told_without_anything_that_opens_it() -> None:
    address = "https://ingestsa.blob.core.windows.net"
    told = audited(INGEST_STORAGE__blobServiceUri=address, AUDIT_ENVIRONMENT="staging")
    places = {
        "storage_account": "finalsa",
        "ingest_account": "ingestsa",
        "database": {"host": "db.example", "name": "pre"},
    }
    assert told == Audited(places, "staging", frozenset({"ingest_account"}))
    assert "secret" not in str(told.to_json())


def test_without_a_name_and_an_ingest_account_the_storage_account_tells() -> None:
    assert (audited().environment, audited().places["ingest_account"]) == ("finalsa", None)


def test_each_profile_is_of_its_own_places() -> None:
    world = services(AUDIT_PROFILES=f"pre-capture-sessions,{OTHER_NAME}", LEDGER_DATABASE="postgresql://a@books/l")
    places = {"ledger": {"host": "books", "name": "l"}, "vault": None}
    assert world.audited(OTHER) == Audited(places, optional=frozenset({"vault"}))
    assert world.audited(PROFILE) == audited()


async def test_an_api_is_told_by_its_host_and_path_and_has_a_session_that_others_do_not_need() -> None:
    environment = {
        **SETTINGS,
        "AUDIT_PROFILES": f"{API_PROFILE},{OTHER_NAME}",
        "LEDGER_DATABASE": "postgresql://a@books/l",
        "JOBS_API": "https://jobs.example/prefect/api/",
        "JOBS_API__basicAuth": "reader:secret",
    }
    world = open_services(load_settings(environment))
    assert list(world.apis) == ["JOBS_API"]
    told = world.audited(TALKING)
    assert told == Audited({"storage_account": "finalsa", "jobs": "jobs.example/prefect/api"})
    assert "secret" not in str(told.to_json())
    await close(world)
    without = open_services(load_settings(SETTINGS))
    assert without.apis == {}
    await close(without)


async def close(world: Services) -> None:
    await world.records._blobs.close()
    for api in world.apis.values():
        await api._session.close()
    world.listers["SOURCE_STORAGE"].close()


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


def test_a_database_is_had_by_its_setting_with_the_apps_patience() -> None:
    database = services(AUDIT_STATEMENT_TIMEOUT_SECONDS="7").database("PRE_DATABASE")
    assert (database.setting, database.url) == ("PRE_DATABASE", SETTINGS["PRE_DATABASE"])
    assert database.statement_timeout_seconds == 7


@pytest.mark.parametrize("setting", ["SOURCE_STORAGE", "LEDGER_DATABASE", "REPORT_STORAGE"])
def test_a_setting_that_names_no_database_is_none(setting: str) -> None:
    with pytest.raises(SettingsError, match=f"{setting} is not the setting of a database"):
        services().database(setting)


async def test_each_setting_has_a_lister_and_each_account_one_gate_for_all_who_ask_it() -> None:
    same, other = SETTINGS["SOURCE_STORAGE"], SETTINGS["SOURCE_STORAGE"].replace("finalsa", "ingestsa")
    for more, accounts in (({}, 1), ({"INGEST_STORAGE": other}, 2), ({"INGEST_STORAGE": same}, 1)):
        world = open_services(load_settings({**SETTINGS, **more}))
        assert world.listers.keys() == {"SOURCE_STORAGE", *more}
        assert len({id(lister._account) for lister in world.listers.values()}) == accounts
        for lister in world.listers.values():
            lister.close()


async def test_the_worker_processes_of_an_instance_share_the_account() -> None:
    given = {**SETTINGS, "FUNCTIONS_WORKER_PROCESS_COUNT": "4", "AUDIT_MAX_REQUESTS_PER_SECOND": "1000"}
    world = open_services(load_settings(given))
    gate = world.listers["SOURCE_STORAGE"]._account._gate
    assert (gate._throttle.per_second, gate._connections._most) == (250, 32)
    world.listers["SOURCE_STORAGE"].close()


def test_just_now_is_what_the_grace_and_the_clocks_leave_open() -> None:
    world = replace(services(AUDIT_CLOCK_TOLERANCE_MINUTES="3"), now=lambda: AT)
    moments = world.moments(replace(RECORD.parameters, grace_minutes=90))
    assert moments == Moments(AT - timedelta(minutes=90), AT + timedelta(minutes=3))


def test_a_notice_names_the_first_place_of_the_first_profile_where_nobody_gave_a_name() -> None:
    assert services().signposts().environment == "finalsa"
    assert services(AUDIT_ENVIRONMENT="staging").signposts().environment == "staging"
    only_other = {"AUDIT_PROFILES": OTHER_NAME, "LEDGER_DATABASE": "postgresql://a@books/l"}
    assert services(**only_other).signposts().environment == "unnamed"
