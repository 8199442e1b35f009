"""What a profile declares about an audited system: what is read, how it is joined, and how it is judged.

A profile does no I/O: it names what is to be read (``queries``, ``lookups``) and decides about what was read.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from inspect import cleandoc
from itertools import groupby
from types import MappingProxyType
from typing import Any

from reconciliation.coverage import DELETED_DURING_SCAN, Gap
from reconciliation.effects import GuardedCalls, GuardedCopy, GuardedRemoval, GuardedSql, Statement
from reconciliation.looks import Again, Audit, Doubt, Group, Screened, Subject
from reconciliation.lookups import Lookup
from reconciliation.options import Option
from reconciliation.parameters import AuditParameters
from reconciliation.queries import Moments, Query
from reconciliation.repair import Repair
from reconciliation.repair_plan import Named
from reconciliation.rules import Kind, Rule
from reconciliation.showing import Showing, fields_of
from reconciliation.since_last import Known
from reconciliation.totals import Total
from reconciliation.wording import Wording


def _as_it_is(value: Any) -> Any:
    return value


class Technology(StrEnum):
    """What a setting connects to."""

    STORAGE = "storage"
    DATABASE = "database"
    BUCKET = "bucket"
    API = "api"


@dataclass(frozen=True)
class Connection:
    """A setting that a profile connects by. ``shown`` is the member of a report that names the place. If it is not
    ``needed`` it may be left unconfigured, and look-ups there give None.
    """

    setting: str
    of: Technology
    shown: str
    needed: bool = True


def storage(setting: str, shown: str = "storage_account", *, needed: bool = True) -> Connection:
    return Connection(setting, Technology.STORAGE, shown, needed)


def database(setting: str, shown: str = "database", *, needed: bool = True) -> Connection:
    return Connection(setting, Technology.DATABASE, shown, needed)


def bucket(setting: str, shown: str = "bucket", *, needed: bool = True) -> Connection:
    """A bucket of S3, or a container of Azure Storage that is used as one."""
    return Connection(setting, Technology.BUCKET, shown, needed)


def api(setting: str, shown: str = "api", *, needed: bool = True) -> Connection:
    """An HTTP API that speaks JSON."""
    return Connection(setting, Technology.API, shown, needed)


_CHANGED_BY: Mapping[type[Statement], Technology] = {
    GuardedSql: Technology.DATABASE,
    GuardedCalls: Technology.API,
    GuardedCopy: Technology.BUCKET,
    GuardedRemoval: Technology.BUCKET,
}


def changed_by(statement: Statement) -> Technology:
    """What a statement changes something in."""
    return _CHANGED_BY[type(statement)]


@dataclass(frozen=True)
class Setting:
    """A text that the app is configured with for a profile: the app setting ``name``. Its whole text matches ``form``,
    ``allowed`` says in words what may be given. Without a ``default`` it must be set. ``shown`` is the member of a
    report that holds it, if it says what is audited.
    """

    name: str
    means: str
    allowed: str
    form: str
    shown: str = ""
    default: str | None = None


@dataclass(frozen=True)
class Source:
    """A stream of rows that is read once, and again for the keys in doubt.

    ``setting`` names the connection. ``read`` gives the query, or None where the audit does not need the source: it has
    no rows then. ``again`` gives the query for some keys only, at a later moment: it may give more rows than those, and
    without it the rows of the first reading stay; ``all_again``: all of it is read again, for what has no such query.
    ``row`` makes a row of the JSON value on a line and must accept any value: one that it cannot interpret becomes a
    row that says so.

    ``whole``: it is small and in no join; all of it is in ``Audit.tables``, in both looks. ``dated`` gives the moment
    of a row, if it has one: sources of other settings that are read after it know the earliest (``Moments.earliest``).

    ``ascends``: its rows come in the order of its key, and one that does not is an error; the rows of any other source
    are sorted first. ``after_scan``: it is read at the beginning of the first look, and if it cannot be read that is a
    gap and does not end the audit. ``unique``: a key that comes twice is an error. ``if_empty`` is the gap if there are
    no rows at all; None: that is normal.
    """

    name: str
    setting: str
    read: Callable[[AuditParameters, Moments], Query | None]
    again: Callable[[AuditParameters, Moments, Sequence[str]], Query | None] | None = None
    row: Callable[[Any], Any] = _as_it_is
    all_again: bool = False
    whole: bool = False
    dated: Callable[[Any], datetime | None] | None = None
    ascends: bool = False
    after_scan: bool = False
    unique: bool = False
    if_empty: Gap | None = None


@dataclass(frozen=True)
class Join:
    """Sources side by side under one key, each with the function that gives a row's key: ``""`` if it has none."""

    name: str
    of: tuple[tuple[str, Callable[[Any], str]], ...]


@dataclass(frozen=True)
class Open:
    """The unit of a group is opened; ``hint`` is what its look-ups need besides its key, as JSON."""

    hint: Any = None


@dataclass(frozen=True)
class Skip:
    """The unit of a group is not opened, for this reason."""

    reason: str


def _if_the_first_has_it(group: Group, _asked: AuditParameters) -> Open | None:
    return Open() if group.rows[0] else None


@dataclass(frozen=True)
class Scan:
    """How units are opened one by one. ``join`` gives them: ``open`` says of each of its groups whether it has a unit
    that is opened or skipped; None: it has no unit. By default a group has one if its first source has a row.
    ``opens_by`` names the sources that ``open`` needs, where these are not all of the join.

    ``lookups`` gives the look-ups of a unit; ``reduce`` makes evidence of its name and their results, in the same
    order; moments after its third argument count as future. ``pack`` and ``unpack`` turn evidence into JSON and back.
    ``harmless`` are the reasons for skipping that leave no hole. ``together`` is how many units are held in memory at
    once at most, where their evidence is large; None: as many as the app is set up for. ``kind`` names the kind whose
    subjects the units are, if each of them gets a verdict.
    """

    join: str
    lookups: Callable[[str, Any], tuple[Lookup, ...]]
    reduce: Callable[[str, Sequence[Any], datetime], Any]
    open: Callable[[Group, AuditParameters], Open | Skip | None] = _if_the_first_has_it
    pack: Callable[[Any], Any] = _as_it_is
    unpack: Callable[[str, Any], Any] = lambda _unit, value: value
    opens_by: Callable[[AuditParameters], Sequence[str]] | None = None
    harmless: frozenset[str] = frozenset({DELETED_DURING_SCAN})
    together: int | None = None
    kind: str = ""

    def at_once(self, most: int) -> int:
        """How many of its units are held at once, where there may be ``most`` of any profile."""
        return most if self.together is None else min(most, self.together)


@dataclass(frozen=True)
class Keys:
    """The keys of a join that a request can be narrowed to (``only``): ``are`` says what they are, ``form`` is the
    pattern that each must match completely, and ``read`` turns a text into the key.
    """

    join: str
    are: str
    form: str = "[ -~]{1,200}"
    read: Callable[[str], str] = str


class Profile(ABC):
    """An audited system.

    ``modes`` say how much of it an audit opens, the default first; ``options`` are its further request parameters.
    ``narrowed_by`` names which of ``since`` and ``until`` its sources support, and ``only`` says which keys they can be
    narrowed to: nothing else is accepted. Of the sources that are read again, those of ``again_order`` come first, in
    that order. ``pause`` is how long the second look waits after the first, so that what was just on its way has
    arrived. ``settings`` are texts that it is configured with, and ``given`` their values by name. ``totals`` are what
    is added up over findings. ``compared_apart`` are the modes whose audits are compared only with those of the same
    mode: they look at a part that is another one each time.
    """

    name: str
    wording: Wording = Wording()
    connections: tuple[Connection, ...]
    sources: tuple[Source, ...]
    joins: tuple[Join, ...]
    kinds: tuple[Kind[Any], ...]
    scan: Scan | None = None
    modes: tuple[str, ...] = ("full",)
    options: tuple[Option, ...] = ()
    narrowed_by: tuple[str, ...] = ()
    only: Keys | None = None
    default_grace_minutes: int = 60
    again_order: tuple[str, ...] = ()
    pause: timedelta = timedelta()
    repairs: tuple[Repair[Any], ...] = ()
    settings: tuple[Setting, ...] = ()
    totals: tuple[Total[Any], ...] = ()
    compared_apart: tuple[str, ...] = ()
    given: Mapping[str, str] = MappingProxyType({})

    def configured(self, given: Mapping[str, str]) -> "Profile":  # noqa: ARG002 - for profiles with settings
        """The profile with a value for each of its settings, by name."""
        return self

    @cached_property
    def title(self) -> str:
        """Its name on a page."""
        return self.name.replace("-", " ").capitalize()

    @cached_property
    def description(self) -> str:
        """What it audits: the docstring of its class."""
        return cleandoc(type(self).__doc__ or self.name)

    @cached_property
    def showing(self) -> Showing:
        """What reports show of findings; by default the fields of its kinds."""
        return fields_of(dict.fromkeys(name for kind in self.kinds for name in kind.fields))

    # --- what it decides ----------------------------------------------------------------------------------------------

    @abstractmethod
    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        """The first look: judge what is in order. Groups come ascending by key, joins in their order."""

    def alike(self, join: str, group: Group, audit: Audit) -> Hashable | None:  # noqa: ARG002 - for profiles to say
        """All that the screening of a group depends on, where that is little enough for many groups to share it: of
        those for which it is equal only the first is screened. Each of their subjects must have the group's key as its
        id. None: the group is screened by itself.
        """
        return None

    def again(self, join: str, group: Group, audit: Audit) -> Again:  # noqa: ARG002 - for profiles to say
        """What the second look reads of a group in doubt."""
        return Again(unit=self.is_of_scan(join) and group.evidence is not None)

    def gaps(self, doubts: Iterable[Doubt], audit: Audit) -> Iterable[Gap]:  # noqa: ARG002 - for profiles to say
        """What the first look may have overlooked, by what the second one found of the scan's join."""
        return ()

    @abstractmethod
    def conclude(self, doubts: Iterable[Doubt], audit: Audit) -> Iterator[Subject | Gap]:
        """The subjects of the groups in doubt: each once, unless the first look judged it. A gap that is given here
        makes the audit incomplete but changes no verdict. ``doubts`` come as in the first look, and can be gone through
        several times: each time they may be read from disk anew.
        """

    def notes(self, audit: Audit) -> Iterable[str]:  # noqa: ARG002 - for profiles to say
        """Warnings for the reader about what the audit is based on, one sentence each."""
        return ()

    def look_at(self, subjects: Sequence[Named], found_by: AuditParameters) -> AuditParameters:  # noqa: ARG002 - for profiles to say
        """The parameters of an audit that judges these subjects again, before and after a repair. ``found_by`` are
        those of the audit that has found them.
        """
        return self.parameters(only=tuple(one.id for one in subjects))

    def look_up(self, ids: Sequence[str]) -> str:  # noqa: ARG002 - for profiles to say
        """A SQL statement with which a person looks these ids up (see ``Kind.named``)."""
        return ""

    # --- what follows from that ---------------------------------------------------------------------------------------

    @cached_property
    def _source_of(self) -> dict[str, Source]:
        return {source.name: source for source in self.sources}

    @cached_property
    def _join_of(self) -> dict[str, Join]:
        return {join.name: join for join in self.joins}

    def source(self, name: str) -> Source:
        """Raises ``LookupError`` if there is none of that name."""
        return self._source_of[name]

    def join(self, name: str) -> Join:
        """Raises ``LookupError`` if there is none of that name."""
        return self._join_of[name]

    def repair(self, name: str) -> Repair[Any]:
        """Raises ``LookupError`` if there is none of that name."""
        return {repair.name: repair for repair in self.repairs}[name]

    def mended_by(self, repairs: Collection[str]) -> frozenset[str]:
        """The verdicts that any of these repairs mends."""
        return frozenset(rule.verdict for _, rule in self.verdicts() if rule.repair in repairs)

    def approved_by(self, repairs: Collection[str]) -> frozenset[str]:
        """The verdicts that any of these repairs mends where a policy approves it."""
        asked = {verdict for repair in self.repairs for verdict in repair.asks_first}
        return self.mended_by(repairs) - asked

    def repair_connections(self) -> list[Connection]:
        """What repairs change; a repair whose connection is not set cannot be applied."""
        by_setting = {repair.setting_of(one): changed_by(one) for repair in self.repairs for one in repair.statements}
        return [Connection(setting, of, of.value, needed=False) for setting, of in by_setting.items()]

    def pulls(self) -> list[tuple[Source, ...]]:
        """The sources that are read before the scan, in runs of adjacent ones with the same setting. A run is read at
        one moment.
        """
        before = [source for source in self.sources if not source.after_scan]
        return [tuple(run) for _, run in groupby(before, key=lambda source: source.setting)]

    def chooses_by(self, asked: AuditParameters) -> list[Source]:
        """The sources that decide which units there are; the plan reads no other."""
        if self.scan is None:
            return []
        names: Sequence[str] = [name for name, _ in self.join(self.scan.join).of]
        if self.scan.opens_by is not None:
            names = self.scan.opens_by(asked)
        elif self.scan.open is _if_the_first_has_it:
            names = names[:1]
        return [source for run in self.pulls() for source in run if source.name in names]

    def is_of_scan(self, join: str) -> bool:
        """True for the join that gives the scan its units."""
        return self.scan is not None and self.scan.join == join

    def kind(self, name: str) -> Kind[Any] | None:
        """None if there is no kind of that name; an earlier release may have had it."""
        return next((kind for kind in self.kinds if kind.name == name), None)

    def verdicts(self) -> list[tuple[Kind[Any], Rule[Any]]]:
        """Each verdict once, as the first rule that gives it, in the order of kinds and of their tables."""
        return [(kind, rule) for kind in self.kinds for rule in kind.verdicts()]

    def shows(self, mode: str, known: Known) -> bool:
        """True if an audit of this mode can have this finding; also for a verdict that only an earlier release had."""
        kind = self.kind(known.kind)
        rules = [rule for rule in kind.rules if rule.verdict == known.verdict] if kind else []
        return all(rule.modes is None or mode in rule.modes for rule in rules)

    def parameters(self, **changes: Any) -> AuditParameters:
        """The default parameters of an audit, with these ``changes``."""
        options = {option.name: option.default for option in self.options}
        defaults = AuditParameters(self.name, self.modes[0], self.default_grace_minutes, options=options)
        return replace(defaults, **changes)


class Grouped(Profile):
    """A system whose groups are judged independently of each other: only ``facts`` has to be implemented."""

    @abstractmethod
    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:
        """The subjects of a group, as kind, id and facts. ``before`` is the group of the first look, None in it."""

    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        """A subject is in order if its rule only counts; if one of a group is not, the whole group is read again."""
        judged = [
            (kind, subject, kind.judged(facts))
            for kind, subject, facts in self._of_kinds(self.facts(join, group, None, audit))
        ]
        if all(judgement.rule.counted for _, _, judgement in judged):
            return Screened(judged)
        return Screened(in_doubt=True)

    def conclude(self, doubts: Iterable[Doubt], audit: Audit) -> Iterator[Subject | Gap]:
        """The subjects as the second look read them."""
        for doubt in doubts:
            facts = self.facts(doubt.join, doubt.again, doubt.first, audit)
            for kind, subject, of_subject in self._of_kinds(facts):
                yield Subject(kind, subject, of_subject, doubt.again.lost)

    def _of_kinds(self, facts: Iterable[tuple[str, str, Any]]) -> Iterator[tuple[Kind[Any], str, Any]]:
        kinds: Mapping[str, Kind[Any]] = {kind.name: kind for kind in self.kinds}
        for kind, subject, of_subject in facts:
            yield kinds[kind], subject, of_subject
