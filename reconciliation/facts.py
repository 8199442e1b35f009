"""Everything a rule may look at, joined from rows and storage: of a session, a container, a registered recording."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.evidence import ContainerEvidence, Record, Unread
from reconciliation.keys import session_key, usual_track_name


@dataclass(frozen=True)
class Clock:
    """The moment an audit speaks about, and the two waiting times that keep it from crying wolf.

    ``now`` is when rows and containers are judged: minutes after ``as_of`` or, when an audit is resumed, days. What
    lies further ahead of it than clocks may differ (``tolerance``) is in the future and no reason to wait.
    ``storage_ahead`` is how far storage's clock is ahead of the app's; zero as long as the two agree well enough.
    """

    as_of: datetime
    grace: timedelta
    settle: timedelta
    now: datetime
    tolerance: timedelta
    storage_ahead: timedelta = timedelta()

    @property
    def latest(self) -> datetime:
        """The last moment that a row can tell of."""
        return self.now + self.tolerance

    def is_complete(self, container: ContainerEvidence) -> bool:
        """True when the container could be registered as it is."""
        return container.is_whole and self.is_settled(container)

    def is_settled(self, container: ContainerEvidence) -> bool:
        """True when nothing in the container changed a moment ago."""
        newest = container.newest
        return newest is None or not self.is_recent(newest - self.storage_ahead, self.settle)

    def is_old(self, container: ContainerEvidence) -> bool:
        """True unless all that is in the container came later than the grace before the audit's moment.

        One with nothing in it is not old; one whose blobs tell no time is: nothing says that it is not.
        """
        return self.was_there(container, self.grace)

    def was_there(self, container: ContainerEvidence, before: timedelta = timedelta()) -> bool:
        """True unless all that is in the container came after the audit's moment, or less than ``before`` before it.

        As ``is_old`` where there is nothing, or no time, to tell by.
        """
        if container.oldest is None:
            return container.blobs > 0
        # Storage tells whole seconds: what came in the same second may have come after.
        return self.as_of.replace(microsecond=0) + self.storage_ahead - container.oldest > before

    def is_recent(self, moment: datetime | None, span: timedelta) -> bool:
        """True when ``moment`` is known and lies less than ``span`` before the audit's moment, or, if it came since, as
        close to now; nothing is closer than clocks may differ.
        """
        if moment is None or moment > self.latest:
            return False
        return self.age(moment) < (span if moment <= self.as_of else max(span, self.tolerance))

    def age(self, moment: datetime) -> timedelta:
        """How long before the audit's moment it was; of what came since, how long ago. Never negative."""
        return max((self.as_of if moment <= self.as_of else self.now) - moment, timedelta())


@dataclass(slots=True)
class SessionFacts:
    """One session beside the unregistered containers that carry its key.

    Moments of its row that had not come yet count as not given (``Candidate.future``). ``evidence`` carries no other
    known session's key, ``mixed`` does. ``coverage_complete`` is False when a container that could matter was not read;
    ``seen_twice`` is False when the session's own rows or containers could not be read a second time.
    ``replayed_until`` is set if the database is a replica, and a registration that it had not replayed by then would
    explain what is missing. ``ingest_blobs`` counts the blobs of its booking in the ingest account (None: it was not
    looked at). ``fast``: registered containers were not opened.
    """

    session: Candidate
    clock: Clock
    coverage_complete: bool
    fast: bool
    seen_twice: bool = True
    replayed_until: str | None = None
    evidence: tuple[ContainerEvidence, ...] = ()
    mixed: tuple[ContainerEvidence, ...] = ()
    ingest_blobs: int | None = None

    @property
    def complete(self) -> tuple[ContainerEvidence, ...]:
        """The containers that could be registered as they are."""
        return tuple([c for c in self.evidence if self.clock.is_complete(c)]) if self.evidence else ()

    @property
    def moving(self) -> tuple[ContainerEvidence, ...]:
        """The containers in which something changed a moment ago."""
        return tuple([c for c in self.evidence if not self.clock.is_settled(c)]) if self.evidence else ()

    @property
    def within_grace(self) -> bool:
        """True while the session may simply not be ready yet."""
        return self.clock.is_recent(self.session.last_clock, self.clock.grace)


class ContainerFacts(NamedTuple):
    """One container that was to be opened, beside its row (if any) and the sessions that its tracks name.

    ``known`` are the keys of its tracks that belong to a session in the database, ``asked`` those of them that the
    audit's question takes in.
    """

    record: Record
    row: RegisteredRecording | None
    clock: Clock
    known: Set[str] = frozenset()
    asked: Set[str] = frozenset()

    @property
    def seen(self) -> ContainerEvidence:
        """What was read of it. Only for a container that was read."""
        assert not isinstance(self.record, Unread)
        return self.record

    @property
    def complete(self) -> bool:
        """True when it could be registered as it is."""
        return self.clock.is_complete(self.seen)


class RecordingFacts(NamedTuple):
    """One row in ``recordings`` beside its container.

    ``listed`` tells whether there is such a container; ``gone``: it was listed, and was not there when it was opened.
    ``seen`` is what was read of it, None if it was not opened.
    ``judged`` is False when the audit's question is about some sessions only, ``seen_twice`` when the row or its
    container could not be read a second time.
    """

    row: RegisteredRecording
    listed: bool
    seen: ContainerEvidence | None
    judged: bool = True
    seen_twice: bool = True
    gone: bool = False

    @property
    def has_its_file(self) -> bool:
        """True when the row's file stands in the container."""
        assert self.seen is not None
        if self.row.file_digest is not None:
            return self.row.file_digest in self.seen.digests
        usual = usual_track_name(session_key(self.row.session_id))
        return any(file.name == usual for file in self.seen.media)

    @property
    def names_others_only(self) -> bool:
        """True when the tracks of an original take carry keys, and none of them is its session's.

        What stands in the names of edits and imports is no session's key, whatever it looks like.
        """
        if self.seen is None or not self.seen.media or not {"child", "legacy"}.isdisjoint(self.row.marks):
            return False
        return session_key(self.row.session_id) not in self.seen.keys
