"""Everything a rule may look at for one candidate, joined from rows and storage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.evidence import ContainerEvidence


@dataclass(frozen=True)
class Clock:
    """The moment an audit speaks about, and the two waiting times that keep it from crying wolf."""

    as_of: datetime
    grace: timedelta
    settle: timedelta


@dataclass(frozen=True)
class Facts:
    """One candidate beside the containers whose tracks carry its key.

    ``unregistered`` can be a recording and has no row; ``registered`` has one (its row is in ``rows``); ``elsewhere``
    cannot be a recording by its name. ``coverage_complete`` is False when any container that could matter was not read.
    A ``fast`` audit opens unregistered containers only, so the other two are empty then.
    """

    candidate: Candidate
    unregistered: tuple[ContainerEvidence, ...]
    registered: tuple[ContainerEvidence, ...]
    elsewhere: tuple[ContainerEvidence, ...]
    rows: Mapping[str, RegisteredRecording]
    clock: Clock
    coverage_complete: bool
    fast: bool = False

    @cached_property
    def complete(self) -> tuple[ContainerEvidence, ...]:
        """The unregistered containers that could be registered as they are."""
        return tuple(
            container
            for container in self.unregistered
            if container.is_complete(as_of=self.clock.as_of, settle=self.clock.settle)
        )

    @cached_property
    def moving(self) -> tuple[ContainerEvidence, ...]:
        """The unregistered containers in which something changed a moment ago."""
        return tuple(
            container
            for container in self.unregistered
            if not container.is_settled(as_of=self.clock.as_of, settle=self.clock.settle)
        )

    @property
    def within_grace(self) -> bool:
        """True while the session may simply not be ready yet."""
        last = self.candidate.last_clock
        return last is not None and self.clock.as_of - last < self.clock.grace
