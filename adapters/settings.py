"""The app settings: one frozen dataclass, one loader, every problem told at once.

Connections follow the convention of Azure Functions: ``NAME`` holds a connection string, or ``NAME__blobServiceUri``
an address to be reached with the app's identity.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciliation.errors import SettingsError
from reconciliation.parameters import Mode
from reconciliation.profiles import PROFILES

_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    # The emulator's well-known key: public, and the same on every machine.
    # https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
)


@dataclass(frozen=True)
class StorageConnection:
    """How to reach one storage account: by connection string, or by address and identity."""

    setting: str
    connection_string: str | None = field(default=None, repr=False)
    service_uri: str | None = None


@dataclass(frozen=True)
class Settings:
    """Everything the app is configured with; the README's table documents the variables of these fields."""

    source_storage: StorageConnection
    report_storage: StorageConnection
    pre_database: str = field(repr=False)
    ingest_storage: StorageConnection | None = None
    report_container: str = "audits"
    scan_concurrency: int = 32
    shard_containers: int = 500
    max_passes: int = 3
    settle_minutes: int = 20
    list_page_size: int = 5000
    request_timeout_seconds: int = 30
    shard_timeout_seconds: int = 900
    statement_timeout_seconds: int = 300
    max_containers: int = 2_000_000
    max_resumes: int = 3
    retention_days: int = 90
    clock_tolerance_minutes: int = 5
    allow_mostly_missing: bool = False
    scheduled_profile: str | None = None
    scheduled_mode: str = "full"
    webhook_url: str | None = field(default=None, repr=False)
    webhook_outcomes: tuple[str, ...] = ("findings", "incomplete", "failed")
    environment: str | None = None
    public_url: str | None = None
    runbook_url: str | None = None
    app_address: str | None = None

    def notifies_of(self, outcome: str) -> bool:
        """True if people want to be told of an audit that ended with this outcome."""
        return self.webhook_url is not None and outcome in self.webhook_outcomes


VARIABLES: dict[str, str] = {
    "source_storage": "SOURCE_STORAGE",
    "report_storage": "REPORT_STORAGE",
    "pre_database": "PRE_DATABASE",
    "ingest_storage": "INGEST_STORAGE",
    "report_container": "AUDIT_REPORT_CONTAINER",
    "scan_concurrency": "AUDIT_SCAN_CONCURRENCY",
    "shard_containers": "AUDIT_SHARD_CONTAINERS",
    "max_passes": "AUDIT_MAX_PASSES",
    "settle_minutes": "AUDIT_SETTLE_MINUTES",
    "list_page_size": "AUDIT_LIST_PAGE_SIZE",
    "request_timeout_seconds": "AUDIT_REQUEST_TIMEOUT_SECONDS",
    "shard_timeout_seconds": "AUDIT_SHARD_TIMEOUT_SECONDS",
    "statement_timeout_seconds": "AUDIT_STATEMENT_TIMEOUT_SECONDS",
    "max_containers": "AUDIT_MAX_CONTAINERS",
    "max_resumes": "AUDIT_MAX_RESUMES",
    "retention_days": "AUDIT_RETENTION_DAYS",
    "clock_tolerance_minutes": "AUDIT_CLOCK_TOLERANCE_MINUTES",
    "allow_mostly_missing": "AUDIT_ALLOW_MOSTLY_MISSING",
    "scheduled_profile": "AUDIT_SCHEDULED_PROFILE",
    "scheduled_mode": "AUDIT_SCHEDULED_MODE",
    "webhook_url": "AUDIT_WEBHOOK_URL",
    "webhook_outcomes": "AUDIT_WEBHOOK_OUTCOMES",
    "environment": "AUDIT_ENVIRONMENT",
    "public_url": "AUDIT_PUBLIC_URL",
    "runbook_url": "AUDIT_RUNBOOK_URL",
}

# When timers fire, in NCRONTAB; read where they are registered, since the host must know before anything runs.
SCHEDULES: dict[str, str] = {"AUDIT_SCHEDULE": "", "AUDIT_WATCHDOG_SCHEDULE": "0 */5 * * * *"}

_RANGES: dict[str, tuple[int, int]] = {
    "scan_concurrency": (1, 1000),
    "shard_containers": (1, 100_000),
    "max_passes": (1, 10),
    "settle_minutes": (0, 7 * 24 * 60),
    "list_page_size": (1, 5000),
    "request_timeout_seconds": (1, 600),
    "shard_timeout_seconds": (1, 3600),
    "statement_timeout_seconds": (1, 3600),
    "max_containers": (1, 100_000_000),
    "max_resumes": (0, 100),
    "retention_days": (0, 3650),
    "clock_tolerance_minutes": (0, 24 * 60),
}
_OUTCOMES = ("clean", "findings", "incomplete", "failed")
_MOST_DIGITS = 9
_LONGEST_NAME = 40


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; ``REPORT_STORAGE`` falls back to ``AzureWebJobsStorage``.

    Raises ``SettingsError`` with one line per problem: the variable, the value seen (connections are never quoted) and
    what is allowed.
    """
    problems: list[str] = []
    source = _storage(environment, "SOURCE_STORAGE")
    report = _storage(environment, "REPORT_STORAGE") or _storage(environment, "AzureWebJobsStorage")
    ingest = _storage(environment, "INGEST_STORAGE")
    for connection, names in ((source, "SOURCE_STORAGE"), (report, "REPORT_STORAGE (or AzureWebJobsStorage)")):
        if connection is None:
            problems.append(f"{names} is not set: give a connection string, or an address in ...__blobServiceUri")
    for connection in (source, report, ingest):
        uri = connection.service_uri if connection else None
        if connection and uri is not None and not uri.startswith(("https://", "http://")):
            problems.append(f"{connection.setting}__blobServiceUri is not an address: give https://...")
    database = environment.get("PRE_DATABASE", "").strip()
    if not database.startswith(("postgresql://", "postgres://")):
        seen = "is not a Postgres URL" if database else "is not set"
        problems.append(f"PRE_DATABASE {seen}: give postgresql://user@host:5432/database")
    container = environment.get("AUDIT_REPORT_CONTAINER", "").strip() or "audits"
    if not re.fullmatch(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*", container):
        problems.append(
            f"AUDIT_REPORT_CONTAINER is {container[:40]!r}: give a name of 3 to 63 lower-case letters, digits and "
            "single hyphens"
        )
    numbers = {name: _number(environment, name, problems.append) for name in _RANGES}
    webhook = environment.get("AUDIT_WEBHOOK_URL", "").strip() or None
    if webhook is not None and not webhook.startswith(("https://", "http://")):
        problems.append("AUDIT_WEBHOOK_URL is not an address: give https://...")
    outcomes = _words(environment, "AUDIT_WEBHOOK_OUTCOMES", _OUTCOMES, problems.append)
    modes = _words(environment, "AUDIT_SCHEDULED_MODE", tuple(Mode), problems.append)
    profiles = _words(environment, "AUDIT_SCHEDULED_PROFILE", tuple(PROFILES), problems.append)
    allowed = _words(environment, "AUDIT_ALLOW_MOSTLY_MISSING", ("true", "false"), problems.append)
    name = environment.get("AUDIT_ENVIRONMENT", "").strip() or None
    if name is not None and not (name.isprintable() and len(name) <= _LONGEST_NAME):
        problems.append(f"AUDIT_ENVIRONMENT is {name[:40]!r}: give at most {_LONGEST_NAME} printable characters")
    public, runbook = (
        _address(environment, variable, problems.append) for variable in ("AUDIT_PUBLIC_URL", "AUDIT_RUNBOOK_URL")
    )
    if problems or source is None or report is None:
        raise SettingsError("The app's settings are not usable. " + "; ".join(problems))
    chosen = {name: number for name, number in numbers.items() if number is not None}
    return Settings(
        source,
        report,
        database,
        ingest,
        container,
        **chosen,
        scheduled_profile=profiles[0] if profiles else None,
        scheduled_mode=modes[0] if modes else Settings.scheduled_mode,
        webhook_url=webhook,
        webhook_outcomes=outcomes or Settings.webhook_outcomes,
        allow_mostly_missing=allowed == ("true",),
        environment=name,
        public_url=public,
        runbook_url=runbook,
        app_address=_app_address(environment.get("WEBSITE_HOSTNAME", "").strip()),
    )


def _storage(environment: Mapping[str, str], name: str) -> StorageConnection | None:
    connection_string = environment.get(name, "").strip()
    if connection_string:
        if connection_string.rstrip(";").lower() == "usedevelopmentstorage=true":
            connection_string = _EMULATOR
        return StorageConnection(name, connection_string=connection_string)
    service_uri = environment.get(f"{name}__blobServiceUri", "").strip()
    return StorageConnection(name, service_uri=service_uri.rstrip("/")) if service_uri else None


def _app_address(hostname: str) -> str | None:
    """Azure gives every app its own address; Core Tools give it that of this machine, where there is no TLS."""
    local = re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", hostname)
    return f"{'http' if local else 'https'}://{hostname}" if hostname else None


def _address(environment: Mapping[str, str], variable: str, complain: Callable[[str], None]) -> str | None:
    """An address for people to open, without a slash at its end; None if it is not set."""
    address = environment.get(variable, "").strip().rstrip("/") or None
    if address is not None and not address.startswith(("https://", "http://")):
        complain(f"{variable} is not an address: give https://...")
    return address


def _number(environment: Mapping[str, str], name: str, complain: Callable[[str], None]) -> int | None:
    variable, (low, high) = VARIABLES[name], _RANGES[name]
    text = environment.get(variable, "").strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS or not low <= int(text) <= high:
        complain(f"{variable} is {text[:40]!r}: give a whole number from {low} to {high}")
        return None
    return int(text)


def _words(
    environment: Mapping[str, str], variable: str, allowed: Sequence[str], complain: Callable[[str], None]
) -> tuple[str, ...]:
    """The words of a setting, with commas between; empty if it is not set."""
    words = tuple(word.strip() for word in environment.get(variable, "").split(",") if word.strip())
    if unknown := [word for word in words if word not in allowed]:
        complain(f"{variable} has {unknown[0][:40]!r}: give any of {', '.join(allowed)}")
    return words
