import pytest

from adapters.settings import SCHEDULES, VARIABLES, Settings, StorageConnection, load_settings
from reconciliation.errors import SettingsError

SECRET = "c2VjcmV0LXNlY3JldA=="
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={SECRET};EndpointSuffix=core.windows.net"
DATABASE = "postgresql://reader:pa55word@db.example:5432/pre"
USABLE = {"SOURCE_STORAGE": CONNECTION, "AzureWebJobsStorage": CONNECTION, "PRE_DATABASE": DATABASE}
TEXTS = {
    "source_storage",
    "report_storage",
    "ingest_storage",
    "pre_database",
    "report_container",
    "scheduled_profile",
    "scheduled_mode",
    "webhook_url",
    "webhook_outcomes",
    "allow_mostly_missing",
    "environment",
    "public_url",
    "runbook_url",
}
NUMBERS = sorted(set(VARIABLES) - TEXTS)
WEBHOOK = "https://chat.example/hooks/T0/B0/s3cr3t-path"


def problems(environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    return str(caught.value)


def test_three_connections_are_enough() -> None:
    settings = load_settings(USABLE)
    assert settings.source_storage.connection_string == CONNECTION
    assert settings.pre_database == DATABASE
    assert settings.report_container == "audits"
    assert settings.ingest_storage is None


@pytest.mark.parametrize("blank", ["", "  "])
def test_the_ingest_account_is_optional_and_blank_means_none(blank: str) -> None:
    environment = {**USABLE, "INGEST_STORAGE": blank, "INGEST_STORAGE__blobServiceUri": blank}
    assert load_settings(environment).ingest_storage is None


def test_the_ingest_account_is_given_as_the_others_are() -> None:
    other = CONNECTION.replace("acct", "ingest")
    told = load_settings({**USABLE, "INGEST_STORAGE": other})
    assert told.ingest_storage == StorageConnection("INGEST_STORAGE", connection_string=other)
    assert SECRET not in repr(told)
    address = "https://ingest.blob.core.windows.net"
    by_identity = load_settings({**USABLE, "INGEST_STORAGE__blobServiceUri": f"{address}/"})
    assert by_identity.ingest_storage == StorageConnection("INGEST_STORAGE", service_uri=address)


def test_every_number_is_taken_from_its_variable() -> None:
    chosen = {VARIABLES[name]: str(number) for number, name in enumerate(NUMBERS, start=1)}
    settings = load_settings({**USABLE, **chosen, "AUDIT_REPORT_CONTAINER": "elsewhere"})
    assert [getattr(settings, name) for name in NUMBERS] == list(range(1, len(NUMBERS) + 1))
    assert settings.report_container == "elsewhere"


@pytest.mark.parametrize("name", NUMBERS)
def test_a_blank_number_means_the_default(name: str) -> None:
    assert getattr(load_settings({**USABLE, VARIABLES[name]: "  "}), name) == getattr(load_settings(USABLE), name)


def test_reports_go_to_the_apps_own_storage_unless_told_otherwise() -> None:
    assert load_settings(USABLE).report_storage.setting == "AzureWebJobsStorage"
    other = CONNECTION.replace("acct", "reports")
    told = load_settings({**USABLE, "REPORT_STORAGE": other}).report_storage
    assert (told.setting, told.connection_string) == ("REPORT_STORAGE", other)


def test_an_identity_needs_an_address_and_no_secret() -> None:
    settings = load_settings(
        {
            "SOURCE_STORAGE__blobServiceUri": "https://acct.blob.core.windows.net/",
            "AzureWebJobsStorage__blobServiceUri": "https://reports.blob.core.windows.net",
            "PRE_DATABASE": "postgresql://app@db.example/pre",
        }
    )
    assert settings.source_storage.service_uri == "https://acct.blob.core.windows.net"
    assert settings.source_storage.connection_string is None
    assert settings.report_storage.service_uri == "https://reports.blob.core.windows.net"


@pytest.mark.parametrize(
    "text", ["UseDevelopmentStorage=true", "UseDevelopmentStorage=true;", " usedevelopmentstorage=True "]
)
def test_the_emulators_short_form_stands_for_the_emulator(text: str) -> None:
    connection = load_settings({**USABLE, "SOURCE_STORAGE": text}).source_storage.connection_string
    assert connection is not None
    assert "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1" in connection


def test_all_problems_are_told_at_once() -> None:
    wrong = {
        VARIABLES[name]: "x\n" * 30
        for name in [*NUMBERS, *TEXTS - {"source_storage", "report_storage", "ingest_storage"}]
    }
    text = problems({**wrong, "PRE_DATABASE": ""})
    for variable in ("SOURCE_STORAGE", "REPORT_STORAGE", "AzureWebJobsStorage", "PRE_DATABASE", *wrong):
        assert variable in text


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
    assert f"{name}__blobServiceUri is not an address" in text
    assert "sig=" not in text


def test_no_problem_quotes_a_connection() -> None:
    text = problems({**USABLE, "AUDIT_SCAN_CONCURRENCY": "many", "PRE_DATABASE": "nonsense pa55word"})
    assert SECRET not in text
    assert "pa55word" not in text


def test_the_repr_of_settings_holds_no_secret() -> None:
    settings: Settings = load_settings(USABLE)
    assert "SOURCE_STORAGE" in repr(settings)
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
    ("variable", "value", "allowed"),
    [
        ("AUDIT_WEBHOOK_OUTCOMES", "findings,success", "clean, findings, incomplete, failed"),
        ("AUDIT_SCHEDULED_MODE", "quick", "full, fast"),
        ("AUDIT_SCHEDULED_PROFILE", "vh", "pre-capture-sessions"),
    ],
)
def test_a_word_that_is_not_known_is_named_with_those_that_are(variable: str, value: str, allowed: str) -> None:
    text = problems({**USABLE, variable: value})
    assert f"{variable} has {value.rpartition(',')[2]!r}: give any of {allowed}" in text


def test_the_scheduled_audit_is_of_the_profile_and_mode_that_were_chosen() -> None:
    chosen = {"AUDIT_SCHEDULED_PROFILE": "pre-capture-sessions", "AUDIT_SCHEDULED_MODE": "fast"}
    settings = load_settings({**USABLE, **chosen})
    assert (settings.scheduled_profile, settings.scheduled_mode) == ("pre-capture-sessions", "fast")
    assert load_settings(USABLE).scheduled_mode == "full"


def test_the_address_of_a_webhook_is_a_secret() -> None:
    assert WEBHOOK not in repr(load_settings({**USABLE, "AUDIT_WEBHOOK_URL": WEBHOOK}))
    text = problems({**USABLE, "AUDIT_WEBHOOK_URL": WEBHOOK.removeprefix("https://")})
    assert "AUDIT_WEBHOOK_URL is not an address" in text
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
