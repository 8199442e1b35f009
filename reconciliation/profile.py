"""What a profile declares about an audited system: what is read, how it is joined, and how it is judged.

A profile does no I/O: it names what is to be read (``queries``, ``lookups``) and decides about what was read.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from inspect import cleandoc
from itertools import groupby
from typing import Any

from reconciliation.coverage import DELETED_DURING_SCAN, Gap
from reconciliation.looks import Again, Audit, Doubt, Group, Screened, Subject
from reconciliation.lookups import Lookup
from reconciliation.options import Option
from reconciliation.parameters import AuditParameters
from reconciliation.queries import Moments, Query
from reconciliation.rules import Kind, Rule
from reconciliation.showing import Showing, fields_of
from reconciliation.since_last import Known
from reconciliation.wording import Wording


def _as_it_is(value: Any) -> Any:
    return value


class Technology(StrEnum):
    """What a setting connects to."""

    STORAGE = "storage"
    DATABASE = "database"


@dataclass(frozen=True)
class Connection:
    """A setting that a profile connects by. ``shown`` is the member of a report that tells what it leads to. What is
    not ``needed`` may be left out: what would be looked up there is then not known.
    """

    setting: str
    of: Technology
    shown: str
    needed: bool = True


def storage(setting: str, shown: str = "storage_account", *, needed: bool = True) -> Connection:
    """A storage account."""
    return Connection(setting, Technology.STORAGE, shown, needed)


def database(setting: str, shown: str = "database", *, needed: bool = True) -> Connection:
    """A database."""
    return Connection(setting, Technology.DATABASE, shown, needed)


@dataclass(frozen=True)
class Source:
    """A stream of rows that is read once, and again for the keys in doubt.

    ``setting`` names the connection. ``read`` says what is read; ``again`` the same for some keys only, of a later
    moment: it may give more than was asked for, and without it the first reading stands. ``row`` makes a row of the
    JSON value on a line, whatever that is: what cannot be understood becomes a row that says so.

    ``ascends``: its rows come in the order of its key, so that they are read as they come, and one that does not is an
    error; the rows of any other source are sorted first. ``after_scan``: it is read at the beginning of the first look,
    and where it cannot be read that is a gap and no end.
    ``unique``: no key comes twice, or the answer is not to be believed. ``if_empty`` is what no row at all means; None:
    nothing to wonder at.
    """

    name: str
    setting: str
    read: Callable[[AuditParameters, Moments], Query]
    again: Callable[[AuditParameters, Moments, Sequence[str]], Query] | None = None
    row: Callable[[Any], Any] = _as_it_is
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
    """The unit of a group is opened; ``hint`` is what its look-ups need beside its key, as JSON."""

    hint: Any = None


@dataclass(frozen=True)
class Skip:
    """The unit of a group is not opened, for this reason."""

    reason: str


def _if_the_first_has_it(group: Group, _asked: AuditParameters) -> Open | None:
    return Open() if group.rows[0] else None


@dataclass(frozen=True)
class Scan:
    """What is opened one by one. ``join`` gives the units: ``open`` says of each of its groups whether it has one that
    is opened, or is skipped; None: it has no unit. Unless it is given, a group has one if its first source has a row.
    ``opens_by`` names the sources that ``open`` looks at, where these are not all of the join.

    ``lookups`` is what is asked about a unit; ``reduce`` makes evidence of its name and the answers, in the same order,
    when ``latest`` is the last moment that they can tell of. ``pack`` and ``unpack`` turn evidence into JSON and back.
    ``harmless`` are the reasons for skipping that leave no hole. ``kind`` names the kind whose subjects the units are,
    if each of them gets a verdict.
    """

    join: str
    lookups: Callable[[str, Any], tuple[Lookup, ...]]
    reduce: Callable[[str, Sequence[Any], datetime], Any]
    open: Callable[[Group, AuditParameters], Open | Skip | None] = _if_the_first_has_it
    pack: Callable[[Any], Any] = _as_it_is
    unpack: Callable[[str, Any], Any] = lambda _unit, value: value
    opens_by: Callable[[AuditParameters], Sequence[str]] | None = None
    harmless: frozenset[str] = frozenset({DELETED_DURING_SCAN})
    kind: str = ""


@dataclass(frozen=True)
class Keys:
    """The keys of a join that a request can ask for (``only``): ``are`` says what they are, ``form`` is what each must
    match from end to end as it is written, and ``read`` gives the key that is meant.
    """

    join: str
    are: str
    form: str = "[ -~]{1,200}"
    read: Callable[[str], str] = str


class Profile(ABC):
    """An audited system.

    ``modes`` are how much of it an audit may open, the default first; ``options`` what else a request may ask.
    ``narrowed_by`` names which of ``since`` and ``until`` its sources heed, and ``only`` says which keys they can be
    narrowed to: nothing else is accepted. Of sources that are read again, those of ``again_order`` come first, in that
    order.
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

    @cached_property
    def title(self) -> str:
        """What a page calls it."""
        return self.name.replace("-", " ").capitalize()

    @cached_property
    def description(self) -> str:
        """What it audits: what its class says of itself."""
        return cleandoc(type(self).__doc__ or self.name)

    @cached_property
    def showing(self) -> Showing:
        """What reports show of findings: unless a profile says more, the fields of its kinds."""
        return fields_of(dict.fromkeys(name for kind in self.kinds for name in kind.fields))

    # --- what it decides ----------------------------------------------------------------------------------------------

    @abstractmethod
    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        """Judge at once what is in order at first sight. Groups come by key, joins in their order."""

    def again(self, join: str, group: Group, audit: Audit) -> Again:  # noqa: ARG002 - for profiles to say
        """What is looked up again of a group in doubt."""
        return Again(unit=self.is_of_scan(join) and group.evidence is not None)

    def gaps(self, doubts: Sequence[Doubt], audit: Audit) -> Iterable[Gap]:  # noqa: ARG002 - for profiles to say
        """What the second look proves that the first one may have overlooked."""
        return ()

    @abstractmethod
    def conclude(self, doubts: Sequence[Doubt], audit: Audit) -> Iterator[Subject | Gap]:
        """What is to be judged of the groups in doubt: each subject once, unless it was in order at first sight. A gap
        that is found here makes the audit incomplete, and no verdict less certain.
        """

    def notes(self, audit: Audit) -> Iterable[str]:  # noqa: ARG002 - for profiles to say
        """What a reader must know of what the audit rests on: one sentence for each thing."""
        return ()

    def look_up(self, ids: Sequence[str]) -> str:  # noqa: ARG002 - for profiles to say
        """A statement that tells a person what these ids are (see ``Kind.named``)."""
        return ""

    # --- what follows from that ---------------------------------------------------------------------------------------

    def source(self, name: str) -> Source:
        """The source of that name. Raises ``LookupError`` if there is none."""
        return {source.name: source for source in self.sources}[name]

    def join(self, name: str) -> Join:
        """The join of that name. Raises ``LookupError`` if there is none."""
        return {join.name: join for join in self.joins}[name]

    def pulls(self) -> list[tuple[Source, ...]]:
        """The sources that are read before the scan, in runs of neighbours of one setting: each run is one moment."""
        before = [source for source in self.sources if not source.after_scan]
        return [tuple(run) for _, run in groupby(before, key=lambda source: source.setting)]

    def chooses_by(self, asked: AuditParameters) -> list[Source]:
        """The sources that tell which units there are: no other is read for the plan."""
        if self.scan is None:
            return []
        names: Sequence[str] = [name for name, _ in self.join(self.scan.join).of]
        if self.scan.opens_by is not None:
            names = self.scan.opens_by(asked)
        elif self.scan.open is _if_the_first_has_it:
            names = names[:1]
        return [source for run in self.pulls() for source in run if source.name in names]

    def is_of_scan(self, join: str) -> bool:
        """True for the join that the scan opens the units of."""
        return self.scan is not None and self.scan.join == join

    def kind(self, name: str) -> Kind[Any] | None:
        """The kind of that name; None if there is none: an earlier release may have had it."""
        return next((kind for kind in self.kinds if kind.name == name), None)

    def verdicts(self) -> list[tuple[Kind[Any], Rule[Any]]]:
        """Each verdict once, as the first rule that gives it; by kind of subject, in the order of the table."""
        return [(kind, rule) for kind in self.kinds for rule in kind.verdicts()]

    def shows(self, mode: str, known: Known) -> bool:
        """True if an audit of a mode can have a finding; also of a verdict that only an earlier release had."""
        kind = self.kind(known.kind)
        rules = [rule for rule in kind.rules if rule.verdict == known.verdict] if kind else []
        return all(rule.modes is None or mode in rule.modes for rule in rules)

    def asked(self, **changes: Any) -> AuditParameters:
        """The parameters of an audit that is asked nothing but these ``changes``."""
        options = {option.name: option.default for option in self.options}
        defaults = AuditParameters(self.name, self.modes[0], self.default_grace_minutes, options=options)
        return replace(defaults, **changes)


class Grouped(Profile):
    """A system whose groups are judged each by itself: only ``facts`` is left to say."""

    @abstractmethod
    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:
        """The subjects of a group, as kind, id and facts. ``before`` is the group at first sight; None if this is."""

    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        """In order is what its rule only counts; if anything of a group is not, all of it is read again."""
        judged = [
            (kind, subject, kind.judged(facts))
            for kind, subject, facts in self._of_kinds(self.facts(join, group, None, audit))
        ]
        if all(judgement.rule.counted for _, _, judgement in judged):
            return Screened(judged)
        return Screened(in_doubt=True)

    def conclude(self, doubts: Sequence[Doubt], audit: Audit) -> Iterator[Subject | Gap]:
        """The subjects as they are when they were read again."""
        for doubt in doubts:
            facts = self.facts(doubt.join, doubt.again, doubt.first, audit)
            for kind, subject, of_subject in self._of_kinds(facts):
                yield Subject(kind, subject, of_subject, doubt.again.lost)

    def _of_kinds(self, facts: Iterable[tuple[str, str, Any]]) -> Iterator[tuple[Kind[Any], str, Any]]:
        kinds: Mapping[str, Kind[Any]] = {kind.name: kind for kind in self.kinds}
        for kind, subject, of_subject in facts:
            yield kinds[kind], subject, of_subject
