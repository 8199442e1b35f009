import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.api_connection import ApiConnection
from adapters.connections import StorageConnection, by_connection_string
from adapters.services import open_services
from adapters.settings import VARIABLES, Settings, load_settings
from adapters.unattended import SCHEDULES
from reconciliation.errors import SettingsError

SECRET = "c2VjcmV0LXNlY3JldA=="
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={SECRET};EndpointSuffix=core.windows.net"
DATABASE = "postgresql://reader:pa55word@db.example:5432/pre"
USABLE = {"SOURCE_STORAGE": CONNECTION, "AzureWebJobsStorage": CONNECTION, "PRE_DATABASE": DATABASE}
OTHER, NEEDING = ("tests.adapters.other_profile:OTHER", "tests.adapters.other_profile:NEEDING")
TEXTS = {
    "report_storage",
    "report_container",
    "profiles",
    "scheduled_profile",
    "scheduled_mode",
    "schedules_paused",
    "policies_paused",
    "webhook_url",
    "webhook_outcomes",
    "allow_mostly_missing",
    "environment",
    "public_url",
    "runbook_url",
    "repair_one_person",
    "repair_closed_hours",
    "repair_declared_names",
    "ledger_days",
}
NUMBERS = sorted(set(VARIABLES) - TEXTS)
WEBHOOK = "https://chat.example/hooks/T0/B0/s3cr3t-path"


def problems(environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    return str(caught.value)


def test_three_connections_are_enough() -> None:
    settings = load_settings(USABLE)
    assert settings.connections == {
        "SOURCE_STORAGE": by_connection_string("SOURCE_STORAGE", CONNECTION),
        "PRE_DATABASE": DATABASE,
    }
    assert settings.report_container == "audits"


@pytest.mark.parametrize("blank", ["", "  "])
def test_the_ingest_account_is_optional_and_blank_means_none(blank: str) -> None:
    environment = {**USABLE, "INGEST_STORAGE": blank, "INGEST_STORAGE__blobServiceUri": blank}
    assert "INGEST_STORAGE" not in load_settings(environment).connections


def test_the_ingest_account_is_given_as_the_others_are() -> None:
    other = CONNECTION.replace("acct", "ingest")
    told = load_settings({**USABLE, "INGEST_STORAGE": other})
    assert told.connections["INGEST_STORAGE"] == by_connection_string("INGEST_STORAGE", other)
    assert SECRET not in repr(told)
    address = "https://ingest.blob.core.windows.net"
    by_identity = load_settings({**USABLE, "INGEST_STORAGE__blobServiceUri": f"{address}/"})
    assert by_identity.connections["INGEST_STORAGE"] == StorageConnection("INGEST_STORAGE", address, "ingest")


# --- connections belong to the profiles that are enabled --------------------------------------------------------------


def test_a_process_without_pres_settings_runs_another_profile() -> None:
    environment = {"AzureWebJobsStorage": CONNECTION, "AUDIT_PROFILES": OTHER, "LEDGER_DATABASE": DATABASE}
    settings = load_settings(environment)
    assert list(settings.profiles) == ["other"]
    assert settings.connections == {"LEDGER_DATABASE": DATABASE}


def test_what_no_enabled_profile_declares_is_not_even_read() -> None:
    odd = {"INGEST_STORAGE": "nonsense", "LEDGER_DATABASE": "mysql://u:pa55word@h/db", "VAULT_STORAGE": "nonsense"}
    assert load_settings({**USABLE, **{name: odd[name] for name in ("LEDGER_DATABASE", "VAULT_STORAGE")}})
    text = problems({**USABLE, **odd, "AUDIT_PROFILES": f"pre-capture-sessions,{OTHER}"})
    assert all(name in text for name in odd)
    assert "pa55word" not in text


def test_two_profiles_need_what_each_of_them_declares() -> None:
    both = {**USABLE, "AUDIT_PROFILES": f"pre-capture-sessions,{OTHER}"}
    assert "LEDGER_DATABASE is not set: give postgresql://" in problems(both)
    settings = load_settings({**both, "LEDGER_DATABASE": DATABASE, "VAULT_STORAGE": CONNECTION})
    assert list(settings.connections) == ["SOURCE_STORAGE", "PRE_DATABASE", "LEDGER_DATABASE", "VAULT_STORAGE"]
    assert settings.connections["VAULT_STORAGE"] == by_connection_string("VAULT_STORAGE", CONNECTION)


@pytest.mark.parametrize("order", [(OTHER, NEEDING), (NEEDING, OTHER)], ids=["needed later", "needed first"])
def test_what_one_profile_needs_is_needed_whatever_another_says_of_it(order: tuple[str, str]) -> None:
    environment = {"AzureWebJobsStorage": CONNECTION, "LEDGER_DATABASE": DATABASE, "AUDIT_PROFILES": ",".join(order)}
    text = problems(environment)
    assert text.count("VAULT_STORAGE is not set") == 1
    assert load_settings({**environment, "VAULT_STORAGE": CONNECTION})


TALKING, PERHAPS = ("tests.adapters.api_profile:TALKING", "tests.adapters.api_profile:PERHAPS")
JOBS = "https://jobs.example/prefect/api"


def test_an_api_is_given_by_its_address_with_its_credentials_beside_it() -> None:
    environment = {**USABLE, "AUDIT_PROFILES": TALKING, "JOBS_API": f"{JOBS}/"}
    plain = load_settings({**environment, "JOBS_API__bearerToken": " ", "JOBS_API__basicAuth": ""})
    assert plain.connections["JOBS_API"] == ApiConnection("JOBS_API", JOBS)
    by_token = load_settings({**environment, "JOBS_API__bearerToken": f" {SECRET} "})
    assert by_token.connections["JOBS_API"] == ApiConnection("JOBS_API", JOBS, SECRET)
    by_user = load_settings({**environment, "JOBS_API__basicAuth": f"me:{SECRET}"})
    assert by_user.connections["JOBS_API"] == ApiConnection("JOBS_API", JOBS, None, f"me:{SECRET}")
    assert SECRET not in repr([by_token, by_user, by_token.connections, by_user.connections])


def test_an_api_that_is_needed_is_asked_for_and_another_one_only_if_it_is_half_given() -> None:
    needing, perhaps = ({**USABLE, "AUDIT_PROFILES": profile} for profile in (TALKING, PERHAPS))
    assert "JOBS_API is not set: give https://<host>/..." in problems(needing)
    assert "JOBS_API" not in load_settings(perhaps).connections
    text = problems({**perhaps, "JOBS_API__bearerToken": SECRET})
    assert "JOBS_API is not set" in text
    assert SECRET not in text


def test_what_is_wrong_with_an_api_is_told_with_all_the_rest_and_without_its_secret() -> None:
    odd = {"JOBS_API": f"http://jobs.example/{SECRET[:8]}", "JOBS_API__bearerToken": SECRET, "AUDIT_MAX_PASSES": "many"}
    text = problems({**USABLE, "AUDIT_PROFILES": TALKING, **odd})
    assert "The address in JOBS_API is a plain http:// one, and the credentials would travel openly" in text
    assert "AUDIT_MAX_PASSES" in text
    assert SECRET[:8] not in text


def test_every_number_is_taken_from_its_variable() -> None:
    chosen = {name: number for number, name in enumerate(NUMBERS, start=5)} | {"worker_processes": 4}  # 10 at most
    given = {VARIABLES[name]: str(number) for name, number in chosen.items()}
    settings = load_settings({**USABLE, **given, "AUDIT_REPORT_CONTAINER": "elsewhere"})
    assert {name: getattr(settings, name) for name in NUMBERS} == chosen
    assert settings.report_container == "elsewhere"


@pytest.mark.parametrize("name", NUMBERS)
def test_a_blank_number_means_the_default(name: str) -> None:
    assert getattr(load_settings({**USABLE, VARIABLES[name]: "  "}), name) == getattr(load_settings(USABLE), name)


def test_reports_go_to_the_apps_own_storage_unless_told_otherwise() -> None:
    assert load_settings(USABLE).report_storage.setting == "AzureWebJobsStorage"
    other = CONNECTION.replace("acct", "reports")
    told = load_settings({**USABLE, "REPORT_STORAGE": other}).report_storage
    assert (told.setting, told.account) == ("REPORT_STORAGE", "reports")


def test_an_identity_needs_an_address_and_no_secret() -> None:
    settings = load_settings(
        {
            "SOURCE_STORAGE__blobServiceUri": "https://acct.blob.core.windows.net/",
            "AzureWebJobsStorage__blobServiceUri": "https://reports.blob.core.windows.net",
            "PRE_DATABASE": "postgresql://app@db.example/pre",
        }
    )
    address = "https://acct.blob.core.windows.net"
    assert settings.connections["SOURCE_STORAGE"] == StorageConnection("SOURCE_STORAGE", address, "acct")
    assert settings.report_storage.url == "https://reports.blob.core.windows.net"


def test_all_problems_are_told_at_once() -> None:
    wrong = {VARIABLES[name]: "x\n" * 30 for name in [*NUMBERS, *TEXTS - {"report_storage"}]}
    profiles = wrong.pop("AUDIT_PROFILES")
    text = problems({**wrong, "PRE_DATABASE": ""})
    for variable in ("SOURCE_STORAGE", "REPORT_STORAGE", "AzureWebJobsStorage", "PRE_DATABASE", *wrong):
        assert variable in text
    # What may be scheduled, and repaired by itself, depends on what is enabled.
    also = problems({**wrong, "AUDIT_PROFILES": profiles})
    assert all(variable in also for variable in wrong if "SCHEDULE" not in variable and "AUTO_REPAIR" not in variable)
    assert "AUDIT_PROFILES" in also


@pytest.mark.parametrize("value", ["0", "11", "-1", "2.5", "²", "9" * 5000, "two"])
def test_a_number_out_of_range_is_named_with_what_was_seen_and_what_is_allowed(value: str) -> None:
    text = problems({**USABLE, "AUDIT_MAX_PASSES": value})
    assert "AUDIT_MAX_PASSES" in text
    assert value[:40] in text
    assert "from 1 to 10" in text
    assert len(text) < 300


@pytest.mark.parametrize(
    "name", ["abc", "a-b", "a-b-c", "1st", "0-0", "a" * 63, "a-" * 31 + "a", "audits-2026", "  audits  "]
)
def test_a_report_container_is_named_as_storage_allows(name: str) -> None:
    assert load_settings({**USABLE, "AUDIT_REPORT_CONTAINER": name}).report_container == name.strip()


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "a-" * 31 + "aa",
        "a-" * 32 + "a",
        "Audits",
        "a_b",
        "a.b",
        "-abc",
        "abc-",
        "a--b",
        "a b",
        "../x",
        "$root",
        "ä" * 4,
        "a\nbc",
        "a/b",
        "x" * 5000,
    ],
)
def test_a_report_container_that_storage_would_refuse_is_named_with_what_is_allowed(name: str) -> None:
    text = problems({**USABLE, "AUDIT_REPORT_CONTAINER": name})
    assert "AUDIT_REPORT_CONTAINER" in text
    assert repr(name[:40]) in text
    assert "3 to 63 lower-case letters, digits and single hyphens" in text
    assert len(text) < 300


@pytest.mark.parametrize("name", ["", "  "])
def test_a_blank_report_container_means_the_default(name: str) -> None:
    assert load_settings({**USABLE, "AUDIT_REPORT_CONTAINER": name}).report_container == "audits"


@pytest.mark.parametrize("url", ["mysql://u:pa55word@h/db", "host=h password=pa55word", "pa55word"])
def test_a_wrong_database_address_is_not_quoted(url: str) -> None:
    text = problems({**USABLE, "PRE_DATABASE": url})
    assert "PRE_DATABASE is not a Postgres URL" in text
    assert "postgresql://user@host:5432/database" in text
    assert "pa55word" not in text


@pytest.mark.parametrize("name", ["SOURCE_STORAGE", "REPORT_STORAGE", "AzureWebJobsStorage", "INGEST_STORAGE"])
def test_an_address_that_is_none_names_its_variable(name: str) -> None:
    environment = {key: value for key, value in USABLE.items() if key != name}
    text = problems({**environment, f"{name}__blobServiceUri": "acct.blob.core.windows.net?sig=abc"})
    assert f"The address in {name}__blobServiceUri is not an address" in text
    assert "sig=" not in text


def test_no_problem_quotes_a_connection() -> None:
    text = problems({**USABLE, "AUDIT_SCAN_CONCURRENCY": "many", "PRE_DATABASE": "nonsense pa55word"})
    assert SECRET not in text
    assert "pa55word" not in text


def test_the_repr_of_settings_holds_no_secret() -> None:
    settings: Settings = load_settings(USABLE)
    assert "AzureWebJobsStorage" in repr(settings)
    assert SECRET not in repr(settings)
    assert "pa55word" not in repr(settings)


# --- schedule and notices ---------------------------------------------------------------------------------------------


def test_without_a_word_nobody_is_told_of_anything() -> None:
    settings = load_settings(USABLE)
    assert settings.webhook_url is None
    assert not any(settings.notifies_of(outcome) for outcome in ("clean", "findings", "incomplete", "failed"))


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        pytest.param("", {"findings", "incomplete", "failed"}, id="a clean audit is no news"),
        pytest.param("clean, findings,incomplete,failed", {"clean", "findings", "incomplete", "failed"}, id="all"),
        pytest.param("failed", {"failed"}, id="only what needs an operator"),
    ],
)
def test_people_are_told_of_the_outcomes_they_chose(chosen: str, told: set[str]) -> None:
    settings = load_settings({**USABLE, "AUDIT_WEBHOOK_URL": WEBHOOK, "AUDIT_WEBHOOK_OUTCOMES": chosen})
    assert {
        outcome for outcome in ("clean", "findings", "incomplete", "failed") if settings.notifies_of(outcome)
    } == told


def test_an_unknown_outcome_is_not_told() -> None:
    assert not load_settings({**USABLE, "AUDIT_WEBHOOK_URL": WEBHOOK}).notifies_of("unknown")


@pytest.mark.parametrize(
    ("variable", "value", "told", "allowed"),
    [
        ("AUDIT_WEBHOOK_OUTCOMES", "findings,success", "has 'success'", "any of clean, findings, incomplete, failed"),
        ("AUDIT_SCHEDULED_MODE", "quick", "is 'quick'", "one of full, fast"),
        ("AUDIT_SCHEDULED_MODE", "full,fast", "is 'full,fast'", "one of full, fast"),
        ("AUDIT_SCHEDULED_PROFILE", "vh", "is 'vh'", "one of pre-capture-sessions"),
        ("AUDIT_ALLOW_MOSTLY_MISSING", "yes", "is 'yes'", "one of true, false"),
    ],
)
def test_a_word_that_is_not_known_is_named_with_those_that_are(
    variable: str, value: str, told: str, allowed: str
) -> None:
    text = problems({**USABLE, variable: value})
    assert f"{variable} {told}: give {allowed}" in text


def test_the_scheduled_audit_is_of_the_profile_and_mode_that_were_chosen() -> None:
    chosen = {"AUDIT_SCHEDULED_PROFILE": "pre-capture-sessions", "AUDIT_SCHEDULED_MODE": "fast"}
    settings = load_settings({**USABLE, **chosen})
    assert (settings.scheduled_profile, settings.scheduled_mode) == ("pre-capture-sessions", "fast")
    assert load_settings(USABLE).scheduled_mode is None, "the profile's first"


def test_the_address_of_a_webhook_is_used_as_it_is() -> None:
    assert load_settings({**USABLE, "AUDIT_WEBHOOK_URL": f"{WEBHOOK}/"}).webhook_url == f"{WEBHOOK}/"


def test_the_address_of_a_webhook_is_a_secret() -> None:
    assert WEBHOOK not in repr(load_settings({**USABLE, "AUDIT_WEBHOOK_URL": WEBHOOK}))
    text = problems({**USABLE, "AUDIT_WEBHOOK_URL": WEBHOOK.removeprefix("https://")})
    assert "The address in AUDIT_WEBHOOK_URL is not an address" in text
    assert "s3cr3t" not in text


def test_the_apps_own_address_is_what_azure_says() -> None:
    assert load_settings(USABLE).app_address is None
    for hostname, address in {
        "audit.example": "https://audit.example",
        "localhost.example": "https://localhost.example",
        "localhost:7071": "http://localhost:7071",  # as Core Tools say it
        "[::1]:7071": "http://[::1]:7071",
    }.items():
        assert load_settings({**USABLE, "WEBSITE_HOSTNAME": hostname}).app_address == address


@pytest.mark.parametrize("schedule", ["0 0 3 * * *", "0 */5 8-17 * * MON-FRI", "*/5 * * * *", "00:05:00", "%OTHER%"])
def test_a_schedule_is_given_in_any_form_that_a_host_takes(schedule: str) -> None:
    assert load_settings({**USABLE, "AUDIT_SCHEDULE": schedule})


@pytest.mark.parametrize("variable", SCHEDULES)
@pytest.mark.parametrize("schedule", ["daily", "0 3 * *", "0 0 3 * * * *", "0 0 3 * * ;"])
def test_a_schedule_that_no_host_understands_is_named_with_what_is_allowed(variable: str, schedule: str) -> None:
    assert f"{variable} is {schedule!r}: give six fields in NCRONTAB" in problems({**USABLE, variable: schedule})


@pytest.mark.parametrize(("variable", "default"), SCHEDULES.items())
def test_a_schedule_is_one_that_a_host_understands(variable: str, default: str) -> None:
    assert (len(default.split()) == 6) is (variable != "AUDIT_SCHEDULE")


def test_who_reads_the_report_is_told_where_it_is_from_and_where_to_go() -> None:
    chosen = {
        "AUDIT_ENVIRONMENT": " production ",
        "AUDIT_PUBLIC_URL": "https://audits.example/",
        "AUDIT_RUNBOOK_URL": "https://wiki.example/recordings",
        "AUDIT_ALLOW_MOSTLY_MISSING": "true",
    }
    settings = load_settings({**USABLE, **chosen})
    assert (settings.environment, settings.public_url) == ("production", "https://audits.example")
    assert settings.runbook_url == "https://wiki.example/recordings"
    assert settings.allow_mostly_missing
    assert not load_settings({**USABLE, "AUDIT_ALLOW_MOSTLY_MISSING": "false"}).allow_mostly_missing


# --- whatever is in them ----------------------------------------------------------------------------------------------

ADDRESSES = ("AUDIT_WEBHOOK_URL", "AUDIT_PUBLIC_URL", "AUDIT_RUNBOOK_URL", "SOURCE_STORAGE__blobServiceUri")


@pytest.mark.parametrize("variable", ADDRESSES)
@pytest.mark.parametrize(
    "address", ["https://user:pa55word@host.example/", "https://pa55word@host.example", "https://["]
)
def test_an_address_with_a_user_or_none_at_all_is_refused_and_not_quoted(variable: str, address: str) -> None:
    environment = USABLE | ({"SOURCE_STORAGE": ""} if variable.startswith("SOURCE") else {})
    text = problems({**environment, variable: address})
    assert f"The address in {variable} " in text
    assert "pa55word" not in text


def test_a_key_that_is_none_and_a_database_that_is_none_are_told_together() -> None:
    text = problems(
        {**USABLE, "SOURCE_STORAGE": "AccountName=acct;AccountKey=pa55word!", "PRE_DATABASE": "postgresql://h"}
    )
    assert "SOURCE_STORAGE is not usable: its AccountKey is not base64" in text
    assert "PRE_DATABASE has no database name" in text
    assert "pa55word" not in text


def test_a_secret_in_a_setting_of_another_kind_is_not_quoted() -> None:
    text = problems({**USABLE, "AUDIT_MAX_PASSES": CONNECTION[-95:], "AUDIT_REPORT_CONTAINER": DATABASE})
    assert SECRET not in text
    assert "pa55word" not in text


SECRETS = (
    "SOURCE_STORAGE", "REPORT_STORAGE", "AzureWebJobsStorage", "INGEST_STORAGE", "PRE_DATABASE", *ADDRESSES,
    "REPORT_STORAGE__blobServiceUri",
)  # fmt: skip
pieces = st.sampled_from(
    ["pa55word", SECRET, "AccountName=acct", "AccountKey=", "BlobEndpoint=", "SharedAccessSignature=sig=", ";", "=",
     "&", "EndpointSuffix=", "https://", "http://", "postgresql://", "u", ":", "@", "/", "?", "#", "[", "]", "%", "%2f",
     "h", "sslmode=", "8", " ", "\n", "\0", "\udc80", "é", "٣", "²", "UseDevelopmentStorage=true"]
)  # fmt: skip
odd_texts = st.text(max_size=30) | st.lists(pieces, max_size=10).map("".join)
odd_settings = st.dictionaries(
    st.sampled_from([*VARIABLES.values(), *SCHEDULES, *SECRETS, "WEBSITE_HOSTNAME"]), odd_texts, max_size=4
)


def judged(environment: dict[str, str]) -> Settings | SettingsError:
    try:
        return load_settings(environment)
    except SettingsError as error:
        return error


@given(odd_settings)
def test_any_text_in_any_setting_gives_settings_or_says_what_is_wrong(odd: dict[str, str]) -> None:
    result = judged(USABLE | odd)
    assert isinstance(result, Settings) or any(variable in str(result) for variable in odd)


@given(st.dictionaries(st.sampled_from(SECRETS), odd_texts, min_size=1, max_size=3))
def test_what_is_wrong_with_a_secret_is_told_without_it(odd: dict[str, str]) -> None:
    result = judged(USABLE | odd)
    if isinstance(result, SettingsError):
        assert "pa55word" not in str(result)
        assert SECRET not in str(result)


@given(odd=odd_settings)
async def test_with_settings_that_were_taken_the_services_can_be_opened(odd: dict[str, str]) -> None:
    settings = judged(USABLE | odd)
    if isinstance(settings, Settings):
        services = open_services(settings)
        services.listers["SOURCE_STORAGE"].close()


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0", {"pre-capture-sessions": 0}),
        ("3650", {"pre-capture-sessions": 3650}),
        ("pre-capture-sessions=30", {"pre-capture-sessions": 30}),
    ],
)
def test_ledgers_are_kept_for_days_of_each_profile(text: str, days: dict[str, int]) -> None:
    assert load_settings({**USABLE, "AUDIT_LEDGER_RETENTION_DAYS": text}).ledger_days == days


@pytest.mark.parametrize(
    "text", ["-1", "ever", "other=3", "1,2", "pre-capture-sessions=", "99999999999", "00000000099999", "=3,=4"]
)
def test_days_that_are_none_are_refused_with_what_is_allowed(text: str) -> None:
    told = problems({**USABLE, "AUDIT_LEDGER_RETENTION_DAYS": text})
    assert "AUDIT_LEDGER_RETENTION_DAYS" in told
    assert "days from 0 to 36500" in told


# --- schedules of single profiles, pauses, and how long audits are kept -----------------------------------------------

BOTH = {**USABLE, "AUDIT_PROFILES": f"pre-capture-sessions,{OTHER}", "LEDGER_DATABASE": DATABASE}
QUARTERLY = "0 */15 * * * *"


def test_a_profile_has_a_schedule_and_a_mode_of_its_own_beside_the_first() -> None:
    given = {"AUDIT_SCHEDULE": "0 0 3 * * *", "AUDIT_SCHEDULE__OTHER": QUARTERLY}
    assert load_settings({**BOTH, **given}).own_schedules == {"other": None}
    pre = {"AUDIT_SCHEDULE__PRE_CAPTURE_SESSIONS": QUARTERLY, "AUDIT_SCHEDULED_MODE__PRE_CAPTURE_SESSIONS": "fast"}
    assert load_settings({**BOTH, **pre}).own_schedules == {"pre-capture-sessions": "fast"}
    assert load_settings({**BOTH, "AUDIT_SCHEDULE__NOBODY": " "}).own_schedules == {}, "blank is not set"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"AUDIT_SCHEDULE__OTHERS": QUARTERLY},
            "AUDIT_SCHEDULE__OTHERS names no profile that is enabled: give any of AUDIT_SCHEDULE__PRE_CAPTURE_SESSIONS",
        ),
        ({"AUDIT_SCHEDULED_MODE__OTHERS": "full"}, "AUDIT_SCHEDULED_MODE__OTHERS names no profile that is enabled"),
        ({"AUDIT_SCHEDULE__other": QUARTERLY}, "AUDIT_SCHEDULE__other names no profile that is enabled"),
        ({"AUDIT_SCHEDULE__OTHER": "often"}, "AUDIT_SCHEDULE__OTHER is 'often': give six fields in NCRONTAB"),
        (
            {"AUDIT_SCHEDULED_MODE__PRE_CAPTURE_SESSIONS": "quick"},
            "AUDIT_SCHEDULED_MODE__PRE_CAPTURE_SESSIONS is 'quick': give one of full, fast",
        ),
        (
            {"AUDIT_SCHEDULE": QUARTERLY, "AUDIT_SCHEDULE__PRE_CAPTURE_SESSIONS": QUARTERLY},
            "AUDIT_SCHEDULE and AUDIT_SCHEDULE__PRE_CAPTURE_SESSIONS are both a schedule of pre-capture-sessions",
        ),
        (
            {
                "AUDIT_SCHEDULE": QUARTERLY,
                "AUDIT_SCHEDULED_PROFILE": "other",
                "AUDIT_SCHEDULE__OTHER": QUARTERLY,
            },
            "AUDIT_SCHEDULE and AUDIT_SCHEDULE__OTHER are both a schedule of other",
        ),
        (
            {"AUDIT_SCHEDULES_PAUSED": "others"},
            "AUDIT_SCHEDULES_PAUSED has 'others': give any of all, pre-capture-sessions, other",
        ),
        ({"AUDIT_RETENTION_DAYS": "others=3"}, "AUDIT_RETENTION_DAYS is 'others=3': give days from 0 to 3650, or"),
        ({"AUDIT_RETENTION_DAYS": "3651"}, "AUDIT_RETENTION_DAYS is '3651': give days from 0 to 3650, or"),
    ],
)
def test_a_schedule_of_nobody_or_of_somebody_twice_is_told(given: dict[str, str], told: str) -> None:
    assert told in problems({**BOTH, **given})


def test_profiles_are_paused_by_name_or_all_of_them() -> None:
    assert load_settings(BOTH).schedules_paused == ()
    assert load_settings({**BOTH, "AUDIT_SCHEDULES_PAUSED": "other"}).schedules_paused == ("other",)
    everybody = load_settings({**BOTH, "AUDIT_SCHEDULES_PAUSED": "all"})
    assert everybody.schedules_paused == ("pre-capture-sessions", "other")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("", {"pre-capture-sessions": 90, "other": 90, "of an earlier time": 90}),
        ("30", {"pre-capture-sessions": 30, "other": 30, "of an earlier time": 30}),
        ("other=3", {"pre-capture-sessions": 90, "other": 3, "of an earlier time": 90}),
        ("other=3, pre-capture-sessions=0", {"pre-capture-sessions": 0, "other": 3, "of an earlier time": 90}),
    ],
)
def test_audits_are_kept_for_the_days_of_their_profile(text: str, days: dict[str, int]) -> None:
    settings = load_settings({**BOTH, "AUDIT_RETENTION_DAYS": text})
    assert {profile: settings.kept_days(profile) for profile in days} == days
