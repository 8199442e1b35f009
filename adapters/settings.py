"""The app settings: one frozen dataclass, one loader, all problems in one error.

Connections follow the convention of Azure Functions: ``NAME`` holds a connection string, or ``NAME__blobServiceUri``
an address that is used with the app's identity; an API's ``NAME`` is its address, with its credentials beside it in
``NAME__bearerToken`` or ``NAME__basicAuth``.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from adapters.addresses import web_address
from adapters.api_connection import ApiConnection, api_connection
from adapters.buckets.connections import FORMS, BucketConnection, by_s3_address, in_container, is_of_s3
from adapters.connections import StorageConnection, by_connection_string, by_identity
from adapters.database_url import database_options
from adapters.enabled import VARIABLE, enabled_profiles
from adapters.redaction import redacted
from adapters.schedules import MODE, SCHEDULE, scheduled_words, word_of
from reconciliation.closed_hours import ClosedHours, closed_hours_in
from reconciliation.errors import SettingsError
from reconciliation.profile import Connection, Profile, Technology
from reconciliation.repair import Repair

Given = StorageConnection | BucketConnection | ApiConnection | str
"""What a setting connects to; a database by its URL."""


@dataclass(frozen=True)
class Settings:
    """Everything the app is configured with; the README's table documents the variables of these fields."""

    report_storage: StorageConnection
    profiles: Mapping[str, Profile] = field(default_factory=dict, repr=False)
    connections: Mapping[str, Given] = field(default_factory=dict, repr=False)
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
    scheduled_mode: str | None = None
    schedules_paused: tuple[str, ...] = ()
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
    "schedules_paused": "AUDIT_SCHEDULES_PAUSED",
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
    "clock_tolerance_minutes": (0, 24 * 60),
    "repair_plan_hours": (1, 7 * 24),
    "repair_start_hours": (1, 24),
    "repair_deadline_seconds": (5, 600),
    "repair_max_refusals": (1, 500),
    "repair_second_look_seconds": (1, 3600),
}
_OUTCOMES = ("clean", "findings", "incomplete", "failed", "repairs")
_MOST_DIGITS = 9
_MOST_RETENTION_DAYS, _MOST_LEDGER_DAYS = 3650, 36_500
_ALL = "all"
_LONGEST_NAME = 40
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
# NCRONTAB with its six fields, or five without seconds; a TimeSpan; the name of another setting.
_SCHEDULE = re.compile(r"[\w*/,?#-]+( +[\w*/,?#-]+){4,5}|[0-9.]+(:[0-9.]+){2}|%[^%]+%", re.ASCII)
_NCRONTAB = "six fields in NCRONTAB, such as 0 0 3 * * *"
ValueT = TypeVar("ValueT")


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; ``REPORT_STORAGE`` falls back to ``AzureWebJobsStorage``. Connects nothing; changes the
    process's environment as ``database_options`` does.

    Raises ``SettingsError`` with all problems: the variable, its value (connections and addresses are never quoted)
    and what is allowed.
    """
    read = _Reader(environment)
    profiles = read.checked(lambda: enabled_profiles(environment)) or {}
    read.settings_of(profiles.values())
    connections = read.connections(
        [one for profile in profiles.values() for one in (*profile.connections, *profile.repair_connections())]
    )
    report = read.storage("REPORT_STORAGE", "AzureWebJobsStorage", needed=True)
    container = read.like(
        "AUDIT_REPORT_CONTAINER",
        _CONTAINER.fullmatch,
        "a name of 3 to 63 lower-case letters, digits and single hyphens",
    )
    name = read.like("AUDIT_ENVIRONMENT", _is_name, f"at most {_LONGEST_NAME} printable characters")
    by_themselves = _by_themselves(read, profiles)
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
        **by_themselves,
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


def _by_themselves(read: "_Reader", profiles: Mapping[str, Profile]) -> dict[str, Any]:
    """The fields about what timers do: which audits they start, and which they clear away."""
    for variable in SCHEDULES:
        read.like(variable, _SCHEDULE.fullmatch, _NCRONTAB)
    scheduled = read.one_of("AUDIT_SCHEDULED_PROFILE", tuple(profiles)) if profiles else None
    audited = profiles.get(scheduled or "") or next(iter(profiles.values()), None)
    mode = read.one_of("AUDIT_SCHEDULED_MODE", audited.modes) if audited else None
    paused = read.some_of("AUDIT_SCHEDULES_PAUSED", (_ALL, *profiles)) if profiles else ()
    retention = read.days_of("AUDIT_RETENTION_DAYS", tuple(profiles), _MOST_RETENTION_DAYS)
    return {
        "scheduled_profile": scheduled,
        "scheduled_mode": mode,
        "schedules_paused": tuple(profiles) if _ALL in paused else paused,
        "own_schedules": read.own_schedules(profiles, audited),
        "retention_days": retention.pop("", Settings.retention_days),
        "own_retention_days": retention,
    }


class _Reader:
    """Reads variables one by one and collects their problems. A blank one counts as not set: None."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def text(self, variable: str) -> str | None:
        return self._environment.get(variable, "").strip() or None

    def checked(self, read: Callable[[], ValueT]) -> ValueT | None:
        """The result of ``read``; None, and a problem, if it raises ``SettingsError``."""
        try:
            return read()
        except SettingsError as error:
            self.problems.append(str(error))
            return None

    def storage(self, *names: str, needed: bool = False) -> StorageConnection | None:
        """The connection of the first of the names that is set."""
        for name in names:
            if (given := self.text(name)) is not None:
                return self.checked(partial(by_connection_string, name, given))
            if (given := self.text(f"{name}__blobServiceUri")) is not None:
                return self.checked(partial(by_identity, name, given))
        if needed:
            either = " (or ".join(names) + ")" * (len(names) - 1)
            self.problems.append(f"{either} is not set: give a connection string, or an address in ...__blobServiceUri")
        return None

    def database(self, variable: str, *, needed: bool) -> str | None:
        url = self.text(variable)
        if url is not None:
            self.checked(lambda: database_options(variable, url))
        elif needed:
            self.problems.append(f"{variable} is not set: give postgresql://user@host:5432/database")
        return url

    def api(self, variable: str, *, needed: bool) -> ApiConnection | None:
        token, basic = self.text(f"{variable}__bearerToken"), self.text(f"{variable}__basicAuth")
        url = self.text(variable)
        if url is not None:
            return self.checked(lambda: api_connection(variable, url, token, basic))
        if needed or token or basic:
            self.problems.append(f"{variable} is not set: give https://<host>/..., the address of an API")
        return None

    def bucket(self, name: str, *, needed: bool) -> BucketConnection | None:
        """A bucket of S3, or a container of an account, by how the setting begins."""
        given, container = self.text(name), self.text(f"{name}__container")
        if given is not None and is_of_s3(given):
            key_id, secret = self.text(f"{name}__accessKeyId"), self.text(f"{name}__secretAccessKey")
            if container is not None:
                self.problems.append(
                    f"{name}__container is for a container of Azure Storage: the bucket has its name in {name}"
                )
            return self.checked(partial(by_s3_address, name, given, key_id, secret))
        told = len(self.problems)
        storage = self.storage(name)
        if storage is not None and container is not None:
            return self.checked(partial(in_container, storage, container))
        if len(self.problems) > told:
            self.problems[-1] += f"; or {FORMS}"
        elif storage is not None:
            self.problems.append(f"{name}__container is not set: give the container's name")
        elif needed:
            self.problems.append(f"{name} is not set: give {FORMS}")
        return None

    def connections(self, declared: Sequence[Connection]) -> dict[str, Given]:
        """The declared connections that are set, by setting; one that several profiles declare is needed if any of them
        needs it.
        """
        found: dict[str, Given] = {}
        readers: dict[Technology, Callable[..., Given | None]] = {
            Technology.STORAGE: self.storage,
            Technology.DATABASE: self.database,
            Technology.BUCKET: self.bucket,
            Technology.API: self.api,
        }
        needed = {one.setting for one in declared if one.needed}
        for one in {one.setting: one for one in declared}.values():
            given = readers[one.of](one.setting, needed=one.setting in needed)
            if given is not None:
                found[one.setting] = given
        return found

    def settings_of(self, profiles: Iterable[Profile]) -> None:
        """Check the texts of the profiles' own settings."""
        for one in [one for profile in profiles for one in profile.settings]:
            if self.text(one.name) is None and one.default is None:
                self.problems.append(f"{one.name} is not set: give {one.allowed}")
            self.like(one.name, re.compile(one.form).fullmatch, one.allowed)

    def address(self, variable: str, *, query: bool = False) -> str | None:
        given = self.text(variable)
        return None if given is None else self.checked(lambda: web_address(variable, given, query=query))

    def like(self, variable: str, is_allowed: Callable[[str], object], allowed: str) -> str | None:
        given = self.text(variable)
        if given is not None and not is_allowed(given):
            self.problems.append(f"{variable} is {_shown(given)}: give {allowed}")
        return given

    def number(self, variable: str, low: int, high: int) -> int | None:
        given = self.text(variable)
        if given is None:
            return None
        if not given.isdecimal() or len(given) > _MOST_DIGITS or not low <= int(given) <= high:
            self.problems.append(f"{variable} is {_shown(given)}: give a whole number from {low} to {high}")
            return None
        return int(given)

    def own_schedules(self, profiles: Mapping[str, Profile], by_default: Profile | None) -> dict[str, str | None]:
        """The profiles with a schedule of their own, and the mode of their audits (None: the first). ``by_default`` is
        the profile of ``AUDIT_SCHEDULE``.
        """
        words, found = {word_of(name): profile for name, profile in profiles.items()}, dict[str, str | None]()
        for begins in (SCHEDULE, MODE):
            for word in scheduled_words(self._environment, begins):
                if profiles and word not in words:
                    allowed = ", ".join(f"{begins}{one}" for one in words)
                    self.problems.append(f"{begins}{word[:40]} names no profile that is enabled: give any of {allowed}")
        for word, profile in words.items():
            mode = self.one_of(f"{MODE}{word}", profile.modes)
            if self.like(f"{SCHEDULE}{word}", _SCHEDULE.fullmatch, _NCRONTAB) is not None:
                found[profile.name] = mode
        if by_default is not None and by_default.name in found and self.text("AUDIT_SCHEDULE") is not None:
            both = f"AUDIT_SCHEDULE and {SCHEDULE}{word_of(by_default.name)}"
            self.problems.append(
                f"{both} are both a schedule of {by_default.name}: give one of them, or another profile in "
                "AUDIT_SCHEDULED_PROFILE"
            )
        return found

    def days_of(self, variable: str, profiles: Sequence[str], most: int) -> dict[str, int]:
        """Days by profile, ``profile=number`` with commas between; or one number for all, under ``""``."""
        given = self.text(variable)
        if given is None:
            return {}
        pairs = [part.strip().rpartition("=") for part in given.split(",")]
        names = {name for name, _, _ in pairs}
        usable = len(names) == len(pairs) and all(
            number.isdecimal() and len(number) <= _MOST_DIGITS and int(number) <= most for _, _, number in pairs
        )
        if not usable or not ((names == {""} and len(pairs) == 1) or names <= set(profiles)):
            allowed = f"days from 0 to {most}, or profile=days with commas between, of {', '.join(profiles)}"
            self.problems.append(f"{variable} is {_shown(given)}: give {allowed}")
            return {}
        return {name: int(number) for name, _, number in pairs}

    def some_of(self, variable: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """Words of ``allowed``, separated by commas; empty if it is not set."""
        words = tuple(word.strip() for word in (self.text(variable) or "").split(",") if word.strip())
        if unknown := [word for word in words if word not in allowed]:
            self.problems.append(f"{variable} has {_shown(unknown[0])}: give any of {', '.join(allowed)}")
        return words

    def one_of(self, variable: str, allowed: Sequence[str]) -> str | None:
        given = self.text(variable)
        if given is not None and given not in allowed:
            self.problems.append(f"{variable} is {_shown(given)}: give one of {', '.join(allowed)}")
        return given


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


def _shown(text: str) -> str:
    """The beginning of a value for a message, redacted in case it holds a secret by mistake."""
    return repr(redacted(text)[:40])
