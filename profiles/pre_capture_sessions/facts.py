"""Everything that rules decide by, joined from rows and storage: of a session, a container, a registered recording."""

from collections.abc import Set
from dataclasses import dataclass
from typing import NamedTuple

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.keys import usual_track_name
from reconciliation.clock import Clock
from reconciliation.evidence import Unread

# Marks of rows in whose media's names a key means nothing.
_NAMED_OTHERWISE = frozenset({"child", "legacy"})


@dataclass(slots=True)
class SessionFacts:
    """One session and the unregistered containers whose tracks name it.

    Moments of its row in the future count as not given (``Candidate.future``). The containers in ``evidence`` name no
    other session of the database, those in ``mixed`` do. ``coverage_complete`` is False when a relevant container was
    not read; ``read_twice`` is False when the session's row or containers could not be read a second time.
    ``replayed_until`` is set if the database is a replica, and a registration that it had not replayed by then would
    explain what is missing. ``ingest_blobs`` counts the blobs of its booking in the ingest account (None: not looked
    up). ``fast``: registered containers were not opened.
    """

    session: Candidate
    clock: Clock
    coverage_complete: bool
    fast: bool
    read_twice: bool = True
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
    """One container that was to be opened, its row (if any) and the sessions that its tracks name.

    ``sessions`` are the keys of its tracks that belong to a session in the database, ``in_question`` those of them that
    the audit's question includes.
    """

    record: Record
    row: RegisteredRecording | None
    clock: Clock
    sessions: Set[str] = frozenset()
    in_question: Set[str] = frozenset()

    @property
    def evidence(self) -> ContainerEvidence:
        """Raises ``AssertionError`` for a container that was not read."""
        assert not isinstance(self.record, Unread)
        return self.record

    @property
    def complete(self) -> bool:
        """True when it could be registered as it is. Raises as ``evidence``."""
        return self.evidence.is_complete(self.clock)


class RecordingFacts(NamedTuple):
    """One row in ``recordings`` and its container.

    ``exists``: there is such a container; ``gone``: it was listed, but no longer existed when it was opened.
    ``evidence`` is what was read of it, None if it was not opened. ``judged`` is False when the audit's question is
    about some sessions only, ``read_twice`` when the row or its container could not be read a second time.
    ``vanished``: the row is no longer in the table.
    """

    row: RegisteredRecording
    clock: Clock
    exists: bool
    evidence: ContainerEvidence | None
    judged: bool = True
    read_twice: bool = True
    gone: bool = False
    vanished: bool = False

    @property
    def opened(self) -> tuple[bool, ...]:
        """All in its evidence that a verdict depends on."""
        assert self.evidence is not None
        media, key = self.evidence.media, self.row.key
        if self.row.file_digest is None and len(media) == 1 and media[0].name == usual_track_name(key):
            return True, bool(self.evidence.manifest_bytes), True, False  # as nearly all are
        tracks, manifest = bool(self.evidence.tracks), bool(self.evidence.manifest_bytes)
        return tracks, manifest, self.has_its_file, self.names_others_only

    @property
    def has_its_file(self) -> bool:
        """True when the row's file is in the container."""
        assert self.evidence is not None
        if self.row.file_digest is not None:
            return self.row.file_digest in self.evidence.digests
        usual = usual_track_name(self.row.key)
        return usual in [file.name for file in self.evidence.media]

    @property
    def names_others_only(self) -> bool:
        """True when the tracks of an original take have session keys, and none of them is its session's.

        False for edits and imports, in whose names a key means nothing.
        """
        if self.evidence is None or not self.evidence.media or not _NAMED_OTHERWISE.isdisjoint(self.row.marks):
            return False
        return self.row.key not in [file.key for file in self.evidence.media]
