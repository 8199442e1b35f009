"""What a profile declares about an audited system."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from reconciliation.evidence import Evidence
from reconciliation.options import Option
from reconciliation.parameters import AuditParameters
from reconciliation.rules import Kind, Rule
from reconciliation.showing import Showing
from reconciliation.since_last import Known
from reconciliation.wording import Wording


@dataclass(frozen=True)
class Query:
    """One read-only statement: its SQL is fixed in the code, its values travel as bound parameters.

    It gives one column: a JSON text for each row, made by the database, so that rows pass through us as they are.
    """

    sql: str
    values: dict[str, Any]


class Moments(NamedTuple):
    """What counts as just now when rows are read: anything from ``recent`` to ``latest``. What lies after ``latest`` is
    in the future and says nothing.
    """

    recent: datetime
    latest: datetime


@dataclass(frozen=True)
class Profile:
    """An audited system, declared.

    ``database`` and ``storage`` name the app settings that connect to it. ``modes`` are how much of it an audit may
    open, the default first; ``options`` what else a request may ask. ``candidates`` gives the rows in question, and
    ``registered`` all that are accounted for, ascending by their unit. The same for some ids only, of a later moment:
    ``sessions_again`` (also of sessions that are no candidates) and ``recordings_again``. ``look_up`` makes the
    statement that tells a person what these ids are. ``unpack`` makes evidence of what a shard keeps of it.
    ``may_be_empty``: an account without a single container is nothing to wonder at.
    """

    name: str
    title: str
    description: str
    wording: Wording
    showing: Showing
    database: str
    storage: str
    modes: tuple[str, ...]
    options: tuple[Option, ...]
    default_grace_minutes: int
    candidates: Callable[[AuditParameters, Moments], Query]
    registered: Callable[[Moments], Query]
    sessions_again: Callable[[AuditParameters, Moments, Sequence[str]], Query]
    recordings_again: Callable[[Moments, Sequence[str]], Query]
    look_up: Callable[[Sequence[str]], str]
    unpack: Callable[[list[Any]], Evidence]
    kinds: tuple[Kind[Any], ...]
    may_be_empty: bool = False

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
