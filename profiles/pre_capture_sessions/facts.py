"""Everything a rule may look at, joined from rows and storage: of a session, a container, a registered recording."""

from collections.abc import Set
from dataclasses import dataclass
from typing import NamedTuple

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.keys import session_key, usual_track_name
from reconciliation.clock import Clock
from reconciliation.evidence import Unread


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
        return tuple([c for c in self.evidence if c.is_complete(self.clock)]) if self.evidence else ()

    @property
    def moving(self) -> tuple[ContainerEvidence, ...]:
        """The containers in which something changed a moment ago."""
        return tuple([c for c in self.evidence if not c.is_settled(self.clock)]) if self.evidence else ()

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
        return self.seen.is_complete(self.clock)


class RecordingFacts(NamedTuple):
    """One row in ``recordings`` beside its container.

    ``listed`` tells whether there is such a container; ``gone``: it was listed, and was not there when it was opened.
    ``seen`` is what was read of it, None if it was not opened.
    ``judged`` is False when the audit's question is about some sessions only, ``seen_twice`` when the row or its
    container could not be read a second time. ``vanished``: the row is in the table no more.
    """

    row: RegisteredRecording
    clock: Clock
    listed: bool
    seen: ContainerEvidence | None
    judged: bool = True
    seen_twice: bool = True
    gone: bool = False
    vanished: bool = False

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
