"""The second look and what follows from it: the final verdict of everything that was in doubt.

Only what stands up to being read again is reported; what cannot be read again, or not be believed, is unverified.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.facts import ContainerFacts, RecordingFacts, SessionFacts
from profiles.pre_capture_sessions.first_look import FirstLook
from profiles.pre_capture_sessions.gaps import no_sessions
from profiles.pre_capture_sessions.keys import is_canonical_id, session_id_of
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING, SESSION
from reconciliation.coverage import Gap
from reconciliation.database import DatabaseState
from reconciliation.evidence import Unread, has_failed
from reconciliation.finding import Finding
from reconciliation.rules import FactsT, Judgement, Kind, Severity
from reconciliation.times import to_text

_DATABASE_NOT_READ_AGAIN = "whether it has a row by now could not be looked up in the database"
_NOT_THE_SAME = "it was read twice and is not the same, although nothing in it is newer"


@dataclass(frozen=True)
class SecondLook:
    """What was read again: sessions by id, rows and containers by name, and the ingest account by booking.

    Of a container that is gone the record is an ``Unread`` that has not failed. ``database_read`` is False when the
    database could not be read again; ``sessions`` and ``rows`` are empty then. ``database`` tells what sort of server
    answered, ``database_ahead`` how far its clock is ahead of the app's.
    """

    sessions: Mapping[str, Candidate]
    rows: Mapping[str, RegisteredRecording]
    records: Mapping[str, Record]
    ingest_blobs: Mapping[str, int] = field(default_factory=dict)
    database_read: bool = True
    database: DatabaseState | None = None
    database_ahead: timedelta = timedelta()

    @property
    def replayed_until(self) -> str | None:
        """Up to when the rows tell, if they come from a replica: what was registered since then is not among them."""
        if self.database is None or not self.database.is_replica:
            return None
        at = self.database.replayed_until
        return "an unknown moment" if at is None else to_text(at)

    @property
    def complete(self) -> bool:
        """True if everything in doubt could be read again."""
        return self.database_read and not any(map(has_failed, self.records.values()))


class Conclusion:
    """The final verdicts: the first look's doubts, judged by what the second look saw."""

    def __init__(self, first: FirstLook, second: SecondLook) -> None:
        self._first = first
        self._second = second
        self.unresolved = 0
        """How many subjects stay in doubt although they were read twice; complete once ``findings`` is used up."""
        self.counted_sessions: list[tuple[str, str]] = []
        """Verdict and id of sessions that were in doubt and turned out to be in order; filled by ``findings``."""
        self._containers = {name: self._container(record) for name, record in sorted(first.containers.items())}
        self._by_key: defaultdict[str, list[ContainerFacts]] = defaultdict(list)
        for facts in self._containers.values():
            for key in facts.known if self._is_evidence(facts) else ():
                self._by_key[key].append(facts)
        # Of a container that can be read no more, the first look still tells whose it was.
        self._doubtful = {
            key
            for name, facts in self._containers.items()
            if isinstance(facts.record, Unread) and isinstance(seen := first.containers[name], ContainerEvidence)
            for key in seen.keys
        }

    @property
    def gaps(self) -> list[Gap]:
        """What was asked for as a session's id and is none, if anything was."""
        asked = self._first.parameters.only if self._second.database_read else ()
        unknown = sorted(set(asked) - self._second.sessions.keys())
        return [no_sessions(unknown)] if unknown else []

    def findings(self) -> Iterator[Finding[Any]]:
        """Judge everything that was in doubt and count it; gives what is to be listed: sessions by time of hearing,
        recordings and containers by name. To be used once.
        """
        yield from self._sessions()
        for row_id, facts in sorted(self._first.rows.items()):
            yield from self._listed(RECORDING, row_id, self._recording(row_id, facts))
        for name, container in self._containers.items():
            yield from self._listed(CONTAINER, name, container)

    # --- sessions ------------------------------------------------------------------------------------------------

    def _sessions(self) -> Iterator[Finding[Any]]:
        second, doubted = self._second, self._first.sessions
        judged = {session_id: second.sessions.get(session_id, session) for session_id, session in doubted.items()}
        judged |= {
            session_id: session
            for session_id, session in second.sessions.items()
            if session_id not in doubted and session.asked and self._first.names_session(session.key)
        }
        latest = self._first.clock.latest
        known = (session.without_future(latest) for session in (*judged.values(), *self._first.nameless))
        for session in sorted(known, key=_by_hearing):
            yield from self._listed(SESSION, session.session_id, self._session(session))

    def _session(self, session: Candidate) -> SessionFacts:
        facts = self._as_seen(session)
        if self._second.replayed_until is not None and not session.live_recordings:
            judgement = SESSION.judged(facts)
            if judgement.severity is not Severity.INFO:
                self.unresolved += 1
                return replace(facts, seen_twice=False, replayed_until=self._second.replayed_until)
        return facts

    def _as_seen(self, session: Candidate) -> SessionFacts:
        named = self._by_key.get(session.key, ())
        # A row whose id cannot be read cannot be asked for again; its first reading is all there is.
        read = session.session_id in self._second.sessions or not session.has_id
        return SessionFacts(
            session,
            self._first.clock,
            self._first.coverage.is_complete,
            self._first.fast,
            seen_twice=read and session.key not in self._doubtful,
            evidence=tuple(facts.seen for facts in named if len(facts.known) == 1),
            mixed=tuple(facts.seen for facts in named if len(facts.known) > 1),
            ingest_blobs=self._second.ingest_blobs.get(session.booking_id),
        )

    # --- containers and recordings -------------------------------------------------------------------------------

    def _container(self, record: Record) -> ContainerFacts:
        second = self._second
        now = self._now(record)
        row = second.rows.get(record.unit)
        if isinstance(now, Unread):
            return ContainerFacts(now, row, self._first.clock)
        doubted = {key for key in now.keys if session_id_of(key) in self._first.sessions}
        if not second.database_read:
            facts = ContainerFacts(now, row, self._first.clock, doubted, doubted)
            return facts if self._judged(facts).rule.counted else self._unread(facts, _DATABASE_NOT_READ_AGAIN)
        named = [session for key in now.keys if (session := second.sessions.get(session_id_of(key)))]
        known = frozenset(session.key for session in named)
        asked = frozenset(session.key for session in named if session.asked)
        facts = ContainerFacts(now, row, self._first.clock, known, asked | (known & doubted))
        if second.replayed_until is None or row is not None or self._judged(facts).severity is Severity.INFO:
            return facts
        return self._unread(facts, f"the database is a replica that has replayed until {second.replayed_until}")

    def _now(self, record: Record) -> Record:
        """A container in doubt as the second look saw it; one that was deleted since the scan is empty."""
        now = self._second.records.get(record.unit, record)
        if isinstance(record, Unread):
            return now
        if isinstance(now, Unread):
            return now if now.failed else _emptied(now.unit)
        # A session that is named only now was judged without it.
        named = now.keys <= record.keys or not now.is_settled(self._first.clock)
        if named and _may_follow(record, now):
            return now
        self.unresolved += 1
        return Unread(record.container, _NOT_THE_SAME, failed=True)

    def _judged(self, facts: ContainerFacts) -> Judgement[ContainerFacts]:
        return CONTAINER.judged(facts)

    def _unread(self, facts: ContainerFacts, reason: str) -> ContainerFacts:
        """A container that was read and cannot be judged, for this reason."""
        self.unresolved += 1
        return facts._replace(record=Unread(facts.record.unit, reason, failed=True))

    @staticmethod
    def _is_evidence(facts: ContainerFacts) -> bool:
        return facts.row is None and not isinstance(facts.record, Unread) and not facts.seen.edit_output

    def _recording(self, row_id: str, doubted: RecordingFacts) -> RecordingFacts:
        second = self._second
        if not doubted.row.readable and not is_canonical_id(row_id):
            return doubted
        if not second.database_read:
            return doubted._replace(seen_twice=False)
        row = second.rows.get(row_id)
        if row is None:  # somebody took it out of the table
            row = doubted.row._replace(marks=("deleted",))
        record = second.records.get(row_id)
        if isinstance(record, Unread):
            return doubted._replace(row=row, seen=None, listed=record.failed, seen_twice=not record.failed)
        if row_id in self._first.missing and record is not None and record.was_there(self._first.clock):
            self.unresolved += 1  # it was there all the time, and no listing has it
        if doubted.seen is not None and record is not None and not _may_follow(doubted.seen, record):
            self.unresolved += 1
            return doubted._replace(row=row, seen_twice=False)
        # What the first look did not open (fast mode, prefixes) is not judged by what is in it, here as elsewhere.
        seen = None if doubted.seen is None and not doubted.gone else record
        return doubted._replace(row=row, listed=record is not None or doubted.listed, seen=seen)

    def _listed(self, kind: Kind[FactsT], subject: str, facts: FactsT) -> Iterator[Finding[FactsT]]:
        judgement = kind.judged(facts)
        self._first.tally.count(kind, judgement)
        if not judgement.rule.counted:
            yield Finding(kind, subject, facts, judgement)
        elif kind.keeps_ids:
            self.counted_sessions.append((judgement.verdict, subject))


def _may_follow(before: ContainerEvidence, now: ContainerEvidence) -> bool:
    """True if a container may have come to be as it is ``now``: it is the same, or something in it is newer.

    What is gone from it without a trace may as well have been left out of an answer.
    """
    return now == before or (now.newest is not None and (before.newest is None or now.newest > before.newest))


def _by_hearing(session: Candidate) -> tuple[bool, str, str]:
    at = session.hearing_at
    return (at is not None, "" if at is None else at.isoformat(), session.session_id)


def _emptied(container: str) -> ContainerEvidence:
    return ContainerEvidence(container, 0, (), (), False, 0, None, None, None, None)
