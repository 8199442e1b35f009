import pytest

from adapters.settings import VARIABLES, Settings, StorageConnection, load_settings
from reconciliation.errors import SettingsError

SECRET = "c2VjcmV0LXNlY3JldA=="
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={SECRET};EndpointSuffix=core.windows.net"
DATABASE = "postgresql://reader:pa55word@db.example:5432/pre"
USABLE = {"SOURCE_STORAGE": CONNECTION, "AzureWebJobsStorage": CONNECTION, "PRE_DATABASE": DATABASE}
NUMBERS = sorted(
    set(VARIABLES) - {"source_storage", "report_storage", "ingest_storage", "pre_database", "report_container"}
)


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
    wrong = {VARIABLES[name]: "x" for name in [*NUMBERS, "report_container"]}
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
