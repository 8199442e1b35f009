"""The app settings: one frozen dataclass, one loader, all problems in one error.

Connections follow the convention of Azure Functions: ``NAME`` holds a connection string, or ``NAME__blobServiceUri``
an address that is used with the app's identity; an API's ``NAME`` is its address, with its credentials beside it in
``NAME__bearerToken`` or ``NAME__basicAuth``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from adapters.connections import StorageConnection
from adapters.enabled import VARIABLE, enabled_profiles
from adapters.listing.account import Limits
from adapters.settings_reader import Given, SettingsReader
from adapters.unattended import DEFAULT_RETENTION_DAYS, unattended
from reconciliation.closed_hours import ClosedHours, closed_hours_in
from reconciliation.errors import SettingsError
from reconciliation.policy import NamedPolicy, Policy
from reconciliation.profile import Profile
from reconciliation.repair import Repair


@dataclass(frozen=True)
class Settings:
    """Everything the app is configured with; the README's table documents the variables of these fields."""

    report_storage: StorageConnection
    profiles: Mapping[str, Profile] = field(default_factory=dict, repr=False)
    connections: Mapping[str, Given] = field(default_factory=dict, repr=False)
    report_container: str = "audits"
    scan_concurrency: int = 32
    worker_processes: int = 1
    shard_containers: int = 2000
    max_passes: int = 3
    settle_minutes: int = 20
    list_page_size: int = 5000
    max_requests_per_second: int = Limits.per_second
    max_connections: int = Limits.connections
    request_timeout_seconds: int = 30
    shard_timeout_seconds: int = 900
    statement_timeout_seconds: int = 300
    max_containers: int = 2_000_000
    max_resumes: int = 3
    retention_days: int = DEFAULT_RETENTION_DAYS
    clock_tolerance_minutes: int = 5
    allow_mostly_missing: bool = False
    scheduled_profile: str | None = None
    scheduled_mode: str | None = None
    schedules_paused: tuple[str, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    policies_paused: tuple[str, ...] = ()
    webhook_url: str | None = field(default=None, repr=False)
    webhook_outcomes: tuple[str, ...] = ("findings", "incomplete", "failed", "repairs")
    environment: str | None = None
    public_url: str | None = None
    runbook_url: str | None = None
    repair_plan_hours: int = 24
    repair_start_hours: int = 4
    repair_deadline_seconds: int = 60
    repair_max_refusals: int = 5
    repair_second_look_seconds: int = 300
    repair_closed_hours: tuple[ClosedHours, ...] | None = None
    repair_one_person: tuple[str, ...] = ()
    repair_declared_names: bool = False
    ledger_days: Mapping[str, int] = field(default_factory=dict)
    own_retention_days: Mapping[str, int] = field(default_factory=dict)
    own_schedules: Mapping[str, str | None] = field(default_factory=dict)
    app_address: str | None = None
    is_on_platform: bool = False
    platform_authenticates: bool = False

    def policy_of(self, profile: str) -> Policy | None:
        """The policy of a profile, unless a setting pauses it, or its audits with all that follows from them."""
        is_paused = profile in self.policies_paused or profile in self.schedules_paused
        return None if is_paused else self.policies.get(profile)

    def still_approves(self, profile: str, policy: NamedPolicy) -> bool:
        """True if the policy that a plan rests on is still that of its profile, to the letter."""
        now = self.policy_of(profile)
        return now is not None and now.named() == policy

    def kept_days(self, profile: str) -> int:
        """How many days the audits of a profile are kept, enabled or not; 0: for ever."""
        return self.own_retention_days.get(profile, self.retention_days)

    @property
    def clock_tolerance(self) -> timedelta:
        """How far the clocks of the app, the database and storage may differ."""
        return timedelta(minutes=self.clock_tolerance_minutes)

    def closed_hours(self, repair: Repair[Any]) -> tuple[ClosedHours, ...]:
        """The hours in which a repair changes nothing: those of the setting, or else its own."""
        return repair.closed if self.repair_closed_hours is None else self.repair_closed_hours

    def notifies_of(self, outcome: str) -> bool:
        """True if a notice is sent for this outcome of an audit, or for ``repairs``."""
        return self.webhook_url is not None and outcome in self.webhook_outcomes


VARIABLES: dict[str, str] = {
    "report_storage": "REPORT_STORAGE",
    "profiles": VARIABLE,
    "report_container": "AUDIT_REPORT_CONTAINER",
    "scan_concurrency": "AUDIT_SCAN_CONCURRENCY",
    "worker_processes": "FUNCTIONS_WORKER_PROCESS_COUNT",
    "shard_containers": "AUDIT_SHARD_CONTAINERS",
    "max_passes": "AUDIT_MAX_PASSES",
    "settle_minutes": "AUDIT_SETTLE_MINUTES",
    "list_page_size": "AUDIT_LIST_PAGE_SIZE",
    "max_requests_per_second": "AUDIT_MAX_REQUESTS_PER_SECOND",
    "max_connections": "AUDIT_MAX_CONNECTIONS",
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
    "schedules_paused": "AUDIT_SCHEDULES_PAUSED",
    "policies_paused": "AUDIT_AUTO_REPAIRS_PAUSED",
    "webhook_url": "AUDIT_WEBHOOK_URL",
    "webhook_outcomes": "AUDIT_WEBHOOK_OUTCOMES",
    "environment": "AUDIT_ENVIRONMENT",
    "public_url": "AUDIT_PUBLIC_URL",
    "runbook_url": "AUDIT_RUNBOOK_URL",
    "repair_plan_hours": "AUDIT_REPAIR_PLAN_HOURS",
    "repair_start_hours": "AUDIT_REPAIR_START_HOURS",
    "repair_deadline_seconds": "AUDIT_REPAIR_DEADLINE_SECONDS",
    "repair_max_refusals": "AUDIT_REPAIR_MAX_REFUSALS",
    "repair_second_look_seconds": "AUDIT_REPAIR_SECOND_LOOK_SECONDS",
    "repair_closed_hours": "AUDIT_REPAIR_CLOSED_HOURS",
    "repair_one_person": "AUDIT_REPAIR_ONE_PERSON",
    "repair_declared_names": "AUDIT_REPAIR_DECLARED_NAMES",
    "ledger_days": "AUDIT_LEDGER_RETENTION_DAYS",
}

_RANGES: dict[str, tuple[int, int]] = {
    "scan_concurrency": (1, 1000),
    "worker_processes": (1, 10),
    "shard_containers": (1, 100_000),
    "max_passes": (1, 10),
    "settle_minutes": (0, 7 * 24 * 60),
    "list_page_size": (1, 5000),
    "max_requests_per_second": (0, 100_000),
    "max_connections": (1, 1000),
    "request_timeout_seconds": (1, 600),
    "shard_timeout_seconds": (1, 3600),
    "statement_timeout_seconds": (1, 3600),
    "max_containers": (1, 100_000_000),
    "max_resumes": (0, 100),
    "clock_tolerance_minutes": (0, 24 * 60),
    "repair_plan_hours": (1, 7 * 24),
    "repair_start_hours": (1, 24),
    "repair_deadline_seconds": (5, 600),
    "repair_max_refusals": (1, 500),
    "repair_second_look_seconds": (1, 3600),
}
_OUTCOMES = ("clean", "findings", "incomplete", "failed", "repairs")
_MOST_LEDGER_DAYS = 36_500
_LONGEST_NAME = 40
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; ``REPORT_STORAGE`` falls back to ``AzureWebJobsStorage``. Connects nothing; changes the
    process's environment as ``database_options`` does.

    Raises ``SettingsError`` with all problems: the variable, its value (connections and addresses are never quoted)
    and what is allowed.
    """
    read = SettingsReader(environment)
    profiles = read.checked(lambda: enabled_profiles(environment)) or {}
    read.settings_of(profiles.values())
    connections = read.connections(
        [one for profile in profiles.values() for one in (*profile.connections, *profile.repair_connections())]
    )
    by_itself = unattended(read, profiles, tuple(connections))
    report = read.storage("REPORT_STORAGE", "AzureWebJobsStorage", needed=True)
    container = read.like(
        "AUDIT_REPORT_CONTAINER",
        _CONTAINER.fullmatch,
        "a name of 3 to 63 lower-case letters, digits and single hyphens",
    )
    name = read.like("AUDIT_ENVIRONMENT", _is_name, f"at most {_LONGEST_NAME} printable characters")
    numbers: dict[str, Any] = {name: read.number(VARIABLES[name], *bounds) for name, bounds in _RANGES.items()}
    allowed = read.one_of("AUDIT_ALLOW_MOSTLY_MISSING", ("true", "false"))
    outcomes = read.some_of("AUDIT_WEBHOOK_OUTCOMES", _OUTCOMES)
    repairs = [f"{profile.name}/{repair.name}" for profile in profiles.values() for repair in profile.repairs]
    one_person = read.some_of("AUDIT_REPAIR_ONE_PERSON", repairs)
    closed = read.like("AUDIT_REPAIR_CLOSED_HOURS", _are_closed_hours, "spans such as 17:45-19:30,06:00-06:30, or none")
    declared_names = read.one_of("AUDIT_REPAIR_DECLARED_NAMES", ("true", "false"))
    ledgers = read.days_of("AUDIT_LEDGER_RETENTION_DAYS", tuple(profiles), _MOST_LEDGER_DAYS)
    webhook = read.address("AUDIT_WEBHOOK_URL", query=True)
    public = read.address("AUDIT_PUBLIC_URL")
    runbook = read.address("AUDIT_RUNBOOK_URL", query=True)
    if read.problems or report is None:
        raise SettingsError("The app's settings are not usable. " + "; ".join(read.problems))
    return Settings(
        report,
        profiles,
        connections,
        container or Settings.report_container,
        **{name: number for name, number in numbers.items() if number is not None},
        **by_itself,
        webhook_url=webhook,
        webhook_outcomes=outcomes or Settings.webhook_outcomes,
        allow_mostly_missing=allowed == "true",
        environment=name,
        public_url=public.rstrip("/") if public else None,
        runbook_url=runbook.rstrip("/") if runbook else None,
        repair_closed_hours=None if closed is None else closed_hours_in(closed),
        repair_one_person=one_person,
        repair_declared_names=declared_names == "true",
        ledger_days=dict.fromkeys(profiles, ledgers[""]) if "" in ledgers else ledgers,
        app_address=_app_address(read.text("WEBSITE_HOSTNAME")),
        is_on_platform=read.text("WEBSITE_INSTANCE_ID") is not None,
        platform_authenticates=(read.text("WEBSITE_AUTH_ENABLED") or "").casefold() == "true",
    )


def _app_address(hostname: str | None) -> str | None:
    """Azure gives every app its own address; Core Tools give it that of this machine, where there is no TLS."""
    if hostname is None:
        return None
    local = re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", hostname)
    return f"{'http' if local else 'https'}://{hostname}"


def _are_closed_hours(text: str) -> bool:
    try:
        closed_hours_in(text)
    except ValueError:
        return False
    return True


def _is_name(text: str) -> bool:
    return text.isprintable() and len(text) <= _LONGEST_NAME
