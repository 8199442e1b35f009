"""The documents in the service's responses as frozen values: audits with their progress, profiles, health."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from auditctl.fields import Fields, printable
from auditctl.outcome import ACTIVE_STATES, ENDED_STATES, Outcome, outcome_of

AUDIT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:@+-]{0,199}")
_OPTION: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
NEEDS_NOBODY: Final = "info"
_NO_PLACES: Final = frozenset(
    {"headline", "notes", "environment", "counts", "asking", "findings", "hidden", "since_last", "units"}
)
"""What a summary tells besides the places that were audited."""
_DATABASE: Final = "database"
_USUAL_PLACES: Final = ("storage_account", "ingest_account", _DATABASE)
"""Those of an audit of accounts: they are told in this order, also where one was not configured."""
STATES: Final = ACTIVE_STATES | ENDED_STATES


@dataclass(frozen=True)
class Progress:
    """The progress of an audit. A number that the service does not know yet is None; percent is from 0 to 100.

    ``units`` is the plural noun for what is listed and scanned.
    """

    shards_done: int | None
    shards_total: int | None
    shards_failed: int | None
    listed: int | None
    scanned: int | None
    skipped: int | None
    failed: int | None
    blobs: int | None
    percent: float | None
    eta_seconds: float | None
    units: str = "units"


@dataclass(frozen=True)
class SinceLast:
    """What changed since the audit ``previous``; ``resolved`` is None if that is unknown."""

    previous: str
    new: int
    persisting: int
    resolved: int | None


@dataclass(frozen=True)
class Place:
    """One place that an audit was of, by its name in the service's words; a database has a host, too.

    None is what the service does not tell.
    """

    name: str
    value: str | None
    host: str | None = None
    is_database: bool = False


@dataclass(frozen=True)
class Audited:
    """The environment of an audit, and its places."""

    environment: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Given:
    """How often a verdict was given with a severity; None if the service does not say which."""

    verdict: str
    severity: str | None
    count: int

    @property
    def asks(self) -> bool:
        """Whether it needs a person; True if the severity is unknown."""
        return self.severity != NEEDS_NOBODY


@dataclass(frozen=True)
class Audit:
    """One audit as the service describes it; what it does not have yet is None or empty."""

    id: str
    profile: str
    state: str
    phase: str | None
    created_at: str | None
    updated_at: str | None
    progress: Progress
    outcome_code: int | None
    outcome_word: str | None
    headline: str | None
    audited: Audited | None
    given: tuple[Given, ...]
    since_last: SinceLast | None
    error: str | None
    resumes: int
    dead_letters: int
    page: str | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED_STATES

    @property
    def outcome(self) -> Outcome:
        """The outcome, for an audit that has ended or is no longer watched."""
        return outcome_of(self.state, self.outcome_code, self.outcome_word)

    @property
    def has_report(self) -> bool:
        return self.state in ("completed", "incomplete")


@dataclass(frozen=True)
class Discarded:
    """The decision that a dead letter stays unread."""

    reason: str
    by: str
    at: str | None


@dataclass(frozen=True)
class DeadLetter:
    """A shard of an audit that could not be read to its end: ``failed`` of its ``units`` are unread."""

    shard: int
    start: str
    units: int | None
    failed: int | None
    attempts: int | None
    first_at: str | None
    last_at: str | None
    first_error: str | None
    discarded: Discarded | None


@dataclass(frozen=True)
class Option:
    """A request parameter of a profile; without ``choices`` any value may be given."""

    name: str
    choices: tuple[str, ...]
    default: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """A verdict that a profile can give on subjects of a kind.

    ``repair`` is what mends it, None if nothing does. ``is_told`` is False for an older service that does not say so.
    """

    subject: str
    name: str
    repair: str | None
    alarm: bool
    is_told: bool


@dataclass(frozen=True)
class Profile:
    """One system that can be audited."""

    name: str
    title: str
    description: str
    options: tuple[Option, ...]
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Check:
    """One thing that the service needs, and whether it can be reached."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Health:
    """The health of the service, and its version and commit if it names them."""

    status: str
    checks: tuple[Check, ...]
    version: str | None = None
    commit: str | None = None

    @property
    def ok(self) -> bool:
        """Whether everything can be reached."""
        return self.status == "ok" and all(check.ok for check in self.checks)


def read_audit(fields: Fields) -> Audit:
    """An audit from its document, or from the shorter one that accepts it. Raises UnexpectedResponseError."""
    state = fields.text("state")
    if state not in STATES:
        raise fields.unexpected("state", f"one of {', '.join(sorted(STATES))}")
    if not AUDIT_ID.fullmatch(fields.text("id")):
        raise fields.unexpected("id", "an audit id")
    outcome, summary = fields.inner("outcome"), fields.inner("summary")
    return Audit(
        id=fields.text("id"),
        profile=fields.text("profile"),
        state=state,
        phase=fields.optional_text("phase"),
        created_at=fields.optional_text("created_at"),
        updated_at=fields.optional_text("updated_at"),
        progress=_read_progress(fields.inner("progress")),
        outcome_code=outcome.whole("code"),
        outcome_word=outcome.optional_text("word"),
        headline=summary.optional_text("headline"),
        audited=_read_audited(summary),
        given=tuple(_read_given(summary)),
        since_last=_read_since_last(summary.inner("since_last")),
        error=fields.optional_text("error"),
        resumes=fields.whole("resumes") or 0,
        dead_letters=fields.whole("dead_letters") or 0,
        page=fields.inner("links").optional_text("page"),
    )


def _read_audited(summary: Fields) -> Audited | None:
    """None from an older service without it."""
    environment = summary.optional_text("environment")
    if environment is None:
        return None
    usual = _USUAL_PLACES if _USUAL_PLACES[0] in summary.members else ()
    others = (name for name in summary.members if name not in _NO_PLACES and name not in usual)
    return Audited(environment, tuple(filter(None, (_read_place(summary, name) for name in (*usual, *others)))))


def _read_place(summary: Fields, name: str) -> Place | None:
    """None if a member is not a place but something that this program does not know."""
    value = summary.members.get(name)
    if name == _DATABASE or (isinstance(value, dict) and {"host", "name"} <= value.keys()):
        database = summary.inner(name)
        host, of_name = database.optional_text("host"), database.optional_text("name")
        return Place(printable(name), of_name, host, is_database=True)
    if value is None or isinstance(value, str):
        return Place(printable(name), summary.optional_text(name))
    return None


def _read_given(summary: Fields) -> Iterator[Given]:
    """The verdicts that were given: those that need a person by severity, then those that do not.

    From an older service that does not distinguish them, all have no severity.
    """
    counts, asking = summary.inner("counts"), summary.inner("asking")
    left = {name: counts.whole(name) or 0 for name in counts.members}
    for severity in asking.members:
        of_severity = asking.inner(severity)
        for name in of_severity.members:
            if number := of_severity.whole(name):
                left[name] = left.get(name, 0) - number
                yield Given(printable(name), printable(severity), number)
    others = NEEDS_NOBODY if summary.members.get("asking") is not None else None
    yield from (Given(printable(name), others, number) for name, number in left.items() if number > 0)


def _read_since_last(fields: Fields) -> SinceLast | None:
    previous = fields.inner("previous").optional_text("id")
    new, persisting = fields.whole("new"), fields.whole("persisting")
    if previous is None or new is None or persisting is None:
        return None
    return SinceLast(previous, new, persisting, fields.whole("resolved"))


def read_audits(fields: Fields) -> tuple[Audit, ...]:
    """The audits of a list, in the order given. Raises UnexpectedResponseError."""
    return tuple(read_audit(each) for each in fields.objects("audits"))


def read_unreadable(fields: Fields) -> tuple[str, ...]:
    """The blobs that kept other audits out of a list. Raises UnexpectedResponseError."""
    return fields.texts("unreadable")


def read_dead_letters(fields: Fields) -> tuple[DeadLetter, ...]:
    """The dead letters, in the order given. Raises UnexpectedResponseError."""
    return tuple(_read_dead_letter(each) for each in fields.objects("dead_letters"))


def read_profiles(fields: Fields) -> tuple[Profile, ...]:
    """The profiles, in the order given. Raises UnexpectedResponseError."""
    return tuple(
        Profile(
            name=each.text("name"),
            title=each.optional_text("title") or "",
            description=each.optional_text("description") or "",
            options=_read_options(each),
            verdicts=tuple(map(_read_verdict, each.objects("verdicts"))) if each.members.get("verdicts") else (),
        )
        for each in fields.objects("profiles")
    )


def _read_verdict(fields: Fields) -> Verdict:
    return Verdict(
        subject=fields.optional_text("subject") or "",
        name=fields.text("verdict"),
        repair=fields.optional_text("repair"),
        alarm=fields.members.get("alarm") is True,
        is_told="repair" in fields.members,
    )


def _read_options(profile: Fields) -> tuple[Option, ...]:
    """The request parameters of a profile: its mode, the first of which is the default, and its own options."""
    modes, own = profile.texts("modes"), profile.objects("options") if profile.members.get("options") else ()
    mode = [Option("mode", modes, modes[:1])] if modes else []
    return (*mode, *map(_read_option, own))


def _read_option(fields: Fields) -> Option:
    name, default = fields.text("name"), fields.members.get("default")
    if not _OPTION.fullmatch(name):
        raise fields.unexpected("name", "the name of an option")
    if type(default) is int:
        return Option(name, fields.texts("choices"), (str(default),))
    one = isinstance(default, str)
    return Option(name, fields.texts("choices"), (fields.text("default"),) if one else fields.texts("default"))


def read_health(fields: Fields) -> Health:
    """The service's health. Raises UnexpectedResponseError."""
    checks = fields.inner("checks")
    inner = ((printable(name), checks.inner(name)) for name in checks.members)
    found = tuple(Check(name, each.flag("ok"), each.optional_text("detail") or "") for name, each in inner)
    return Health(fields.text("status"), found, fields.optional_text("version"), fields.optional_text("commit"))


def _read_dead_letter(fields: Fields) -> DeadLetter:
    shard = fields.whole("shard")
    if shard is None:
        raise fields.unexpected("shard", "a number from 0")
    errors = fields.objects("errors") if fields.members.get("errors") else ()
    return DeadLetter(
        shard=shard,
        start=fields.optional_text("start") or "",
        units=fields.whole(_units_in(fields)),
        failed=fields.whole("failed"),
        attempts=fields.whole("attempts"),
        first_at=fields.optional_text("first_at"),
        last_at=fields.optional_text("last_at"),
        first_error=errors[0].optional_text("error") if errors else None,
        discarded=_read_discarded(fields.inner("discarded")),
    )


def _read_discarded(fields: Fields) -> Discarded | None:
    if not fields.members:
        return None
    return Discarded(fields.text("reason"), fields.text("by"), fields.optional_text("at"))


def _read_progress(fields: Fields) -> Progress:
    shards, name = fields.inner("shards"), _units_in(fields)
    units = fields.inner(name)
    noun = units.optional_text("noun")
    return Progress(
        shards_done=shards.whole("done"),
        shards_total=shards.whole("total"),
        shards_failed=shards.whole("failed"),
        listed=units.whole("listed"),
        scanned=units.whole("scanned"),
        skipped=units.whole("skipped"),
        failed=units.whole("failed"),
        blobs=fields.whole("blobs"),
        percent=fields.number("percent"),
        eta_seconds=fields.number("eta_seconds"),
        units=f"{noun}s" if noun else name,
    )


def _units_in(fields: Fields) -> str:
    """The member with the units: an earlier release of the service called all of them containers."""
    return "containers" if "containers" in fields.members else "units"
