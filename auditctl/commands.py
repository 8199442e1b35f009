"""The commands with their options, as frozen values."""

from dataclasses import dataclass
from pathlib import Path

STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True, kw_only=True)
class Command:
    """``url`` is the address given with ``--url``, if any."""

    url: str | None

    @property
    def fault(self) -> str | None:
        """What is wrong with how its options are combined; None if nothing is."""
        return None


@dataclass(frozen=True, kw_only=True)
class Following(Command):
    """A command that may watch an audit; ``patience`` is how long lost connections and interruptions are waited out, in
    seconds.
    """

    patience: float
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class Run(Following):
    """Start an audit; with ``wait``, watch it to its end."""

    profile: str | None
    mode: str | None
    since: str | None
    until: str | None
    statuses: tuple[str, ...]
    grace_minutes: int | None
    container_prefixes: tuple[str, ...]
    only: tuple[str, ...]
    ingest_address_contains: str | None
    options: tuple[tuple[str, str], ...]
    wait: bool

    def body(self) -> dict[str, object]:
        """The request's body: only what was given, since the service has the defaults.

        An option that was given once is a text, which the service reads as a list of one if it needs a list.
        """
        options: dict[str, list[str]] = {}
        for name, value in self.options:
            options.setdefault(name, []).append(value)
        wanted: dict[str, object] = {
            "profile": self.profile,
            "mode": self.mode,
            "since": self.since,
            "until": self.until,
            "statuses": list(self.statuses) or None,
            "grace_minutes": self.grace_minutes,
            "container_prefixes": list(self.container_prefixes) or None,
            "only": list(self.only) or None,
            "ingest_address_contains": self.ingest_address_contains,
            "options": {name: given if len(given) > 1 else given[0] for name, given in options.items()} or None,
        }
        return {name: value for name, value in wanted.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Watch(Following):
    audit_id: str


@dataclass(frozen=True, kw_only=True)
class Resume(Following):
    """Start an interrupted or failed audit again; with ``wait``, watch it to its end."""

    audit_id: str
    wait: bool


@dataclass(frozen=True, kw_only=True)
class DeadLetters(Following):
    """Show an audit's dead letters, or replay the open ones, or discard them with a ``reason`` and a name (``by``)."""

    audit_id: str
    replay: bool
    discard: bool
    reason: str | None
    by: str | None
    wait: bool

    @property
    def fault(self) -> str | None:
        """What is wrong with how its options are combined; None if nothing is."""
        if self.discard and not (self.reason and self.by):
            return "--discard needs --reason TEXT and --by NAME; both are kept in the report"
        if not self.discard and (self.reason is not None or self.by is not None):
            return "--reason and --by belong to --discard"
        if self.wait and not self.replay:
            return "--wait belongs to --replay"
        return None


@dataclass(frozen=True, kw_only=True)
class ListAudits(Command):
    profile: str | None
    limit: int | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class Report(Command):
    """Fetch an audit's report, or with ``latest`` that of the newest audit (of ``profile``) that has one."""

    audit_id: str | None
    latest: bool
    profile: str | None
    report_format: str
    output: Path

    @property
    def fault(self) -> str | None:
        """What is wrong with how its options are combined; None if nothing is."""
        if (self.audit_id is None) != self.latest:
            return "give an audit's ID or --latest" + (", not both" if self.latest else "")
        if self.profile is not None and not self.latest:
            return "--profile belongs to --latest"
        return None


@dataclass(frozen=True, kw_only=True)
class Cancel(Command):
    audit_id: str


@dataclass(frozen=True, kw_only=True)
class Profiles(Command):
    """Show what can be audited."""


@dataclass(frozen=True, kw_only=True)
class Health(Command):
    """Show whether the service can do its work."""
