"""What a profile declares about an audited system."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from profiles.pre_capture_sessions.facts import ContainerFacts, RecordingFacts, SessionFacts
from reconciliation.parameters import AuditParameters
from reconciliation.verdicts import Kind, Rule


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

    ``database`` and ``storage`` name the app settings that connect to it; ``statuses`` are the statuses a request may
    ask for and ``default_statuses`` those it gets without asking. ``candidates`` gives the fields of ``Candidate`` as
    objects, by time of hearing; ``registered`` gives those of ``RegisteredRecording`` as arrays, ascending by recording
    id. The same for some ids only, of a later moment: ``sessions_again`` (also of sessions that are no candidates) and
    ``recordings_again``. ``look_up`` makes the statement that tells a person which cases these ids are. Each rule table
    is ordered, and its last rule always holds. ``may_be_empty``: an account without a single container is nothing to
    wonder at.
    """

    name: str
    title: str
    description: str
    database: str
    storage: str
    statuses: tuple[str, ...]
    default_statuses: tuple[str, ...]
    default_grace_minutes: int
    candidates: Callable[[AuditParameters, Moments], Query]
    registered: Callable[[Moments], Query]
    sessions_again: Callable[[AuditParameters, Moments, Sequence[str]], Query]
    recordings_again: Callable[[Moments, Sequence[str]], Query]
    look_up: Callable[[Sequence[str]], str]
    session_rules: tuple[Rule[SessionFacts], ...]
    container_rules: tuple[Rule[ContainerFacts], ...]
    recording_rules: tuple[Rule[RecordingFacts], ...]
    may_be_empty: bool = False

    def rules(self) -> dict[Kind, tuple[Rule[Any], ...]]:
        """The three tables."""
        return {
            Kind.SESSION: self.session_rules,
            Kind.RECORDING: self.recording_rules,
            Kind.CONTAINER: self.container_rules,
        }

    def verdicts(self) -> list[tuple[Kind, Rule[Any]]]:
        """Each verdict once, as the first rule that gives it; by kind of subject, in the order of the table."""
        found: list[tuple[Kind, Rule[Any]]] = []
        for kind, rules in self.rules().items():
            first = {rule.verdict: rule for rule in reversed(rules)}
            found += [(kind, rule) for rule in rules if first[rule.verdict] is rule]
        return found

    def asks_for_all(self, parameters: AuditParameters) -> bool:
        """True unless the request narrows the question to some sessions."""
        narrowed = (parameters.since, parameters.until, parameters.ingest_address_contains)
        return not any(narrowed) and not parameters.only and set(parameters.statuses) == set(self.default_statuses)
