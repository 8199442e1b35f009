"""The second look: the final verdict on everything that was in doubt.

Only what is confirmed by reading it again is reported; what cannot be read again, or contradicts itself, is unverified.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.facts import ContainerFacts, RecordingFacts, SessionFacts
from profiles.pre_capture_sessions.keys import is_canonical_id, session_id_of
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING, SESSION
from profiles.pre_capture_sessions.names import Name, judged_row, name_of, row_facts
from profiles.pre_capture_sessions.options import FAST
from profiles.pre_capture_sessions.screening import NAMES
from reconciliation.evidence import Unread, is_gone
from reconciliation.looks import Audit, Doubt, Subject
from reconciliation.rules import Severity
from reconciliation.times import to_text

DATABASE = "PRE_DATABASE"
_DATABASE_NOT_READ_AGAIN = "whether it has a row by now could not be looked up in the database"
_NOT_THE_SAME = "it was read twice and is not the same, although nothing in it is newer"
_LISTED_AND_GONE = "storage lists it, and answers that it is not there"


def conclude(doubts: Iterable[Doubt], audit: Audit) -> Iterator[Subject]:
    """The subjects in doubt: sessions by time of hearing, then recordings and containers by name."""
    yield from _Conclusion(doubts, audit).subjects()


def replayed_until(audit: Audit) -> str | None:
    """How far a replica has replayed its primary, as a text; None if the database is a primary or was not read again.

    Recordings that were registered later are not among the rows.
    """
    state = audit.databases.get(DATABASE)
    if state is None or not state.is_replica:
        return None
    at = state.replayed_until
    return "an unknown moment" if at is None else to_text(at)


class _Conclusion:
    """All that is in doubt by subject, with both readings: what the doubts hold besides is not kept."""

    def __init__(self, doubts: Iterable[Doubt], audit: Audit) -> None:
        self._audit = audit
        self._replayed_until = replayed_until(audit)
        self._database_read = True
        self._names: dict[str, Name] = {}
        self._records: dict[str, Record | None] = {}
        self._rows: dict[str, RegisteredRecording] = {}
        self._sessions: dict[str, Candidate] = {}
        self._nameless: list[Candidate] = []
        self._sessions_again: dict[str, Candidate] = {}
        self._named: set[str] = set()
        self._ingest: dict[str, int] = {}
        for doubt in doubts:
            self._database_read = self._database_read and not doubt.again.lost
            if doubt.join == NAMES:
                self._take_name(doubt)
            else:
                self._take_session(doubt)
        if not self._database_read:
            # Nothing is concluded from the first reading of what could not be read again.
            self._rows.clear()
            self._sessions_again.clear()
        self._doubtful_containers: set[str] = set()
        self._containers = {
            name: self._container(of_name) for name, of_name in sorted(self._names.items()) if self._waits(of_name)
        }
        self._by_key: defaultdict[str, list[ContainerFacts]] = defaultdict(list)
        for facts in self._containers.values():
            for key in facts.sessions if _is_evidence(facts) else ():
                self._by_key[key].append(facts)
        # If a container can no longer be read, the first look still says which sessions its tracks name.
        self._doubtful_keys = {
            key
            for name, facts in self._containers.items()
            if isinstance(facts.record, Unread) and isinstance(evidence := self._names[name].record, ContainerEvidence)
            for key in evidence.keys
        }

    def _take_name(self, doubt: Doubt) -> None:
        name = name_of(doubt.first, self._audit)
        self._names[name.name], self._records[name.name] = name, doubt.again.evidence
        for row in doubt.again.rows[1]:
            self._rows[name.name] = row

    def _take_session(self, doubt: Doubt) -> None:
        late = doubt.again.late
        for row in doubt.first.rows[0]:
            if row.has_id:
                self._sessions[row.session_id] = row
            else:
                self._nameless.append(row)
            if late and isinstance(late[0], int):
                self._ingest[row.booking_id] = late[0]
        for row in doubt.again.rows[0]:
            if row.has_id:
                self._sessions_again[row.session_id] = row
        if doubt.first.links:
            self._named.add(doubt.first.key)

    def subjects(self) -> Iterator[Subject]:
        latest = self._audit.clock.latest
        judged = {one: self._sessions_again.get(one, session) for one, session in self._sessions.items()}
        judged |= {
            one: session
            for one, session in self._sessions_again.items()
            if one not in self._sessions and session.in_question and one in self._named
        }
        sessions = (session.without_future(latest) for session in (*judged.values(), *self._nameless))
        for session in sorted(sessions, key=_by_hearing):
            yield self._session(session)
        for name, of_name in sorted(self._names.items()):
            if of_name.row is not None and not judged_row(of_name, self._audit).rule.counted:
                yield self._recording(name, row_facts(of_name, self._audit))
        for name, container in self._containers.items():
            yield Subject(CONTAINER, name, container, doubtful=name in self._doubtful_containers)

    # --- sessions ------------------------------------------------------------------------------------------------

    def _session(self, session: Candidate) -> Subject:
        facts = self._facts(session)
        may_be_registered_since = self._replayed_until is not None and not session.live_recordings
        if may_be_registered_since and SESSION.judged(facts).severity is not Severity.INFO:
            facts = replace(facts, read_twice=False, replayed_until=self._replayed_until)
            return Subject(SESSION, session.session_id, facts, doubtful=True)
        return Subject(SESSION, session.session_id, facts)

    def _facts(self, session: Candidate) -> SessionFacts:
        named = self._by_key.get(session.key, ())
        # A row whose id cannot be read cannot be looked up again; its first reading is all there is.
        read = session.session_id in self._sessions_again or not session.has_id
        return SessionFacts(
            session,
            self._audit.clock,
            self._audit.coverage.is_complete,
            self._audit.asked.mode == FAST,
            read_twice=read and session.key not in self._doubtful_keys,
            evidence=tuple(facts.evidence for facts in named if len(facts.sessions) == 1),
            mixed=tuple(facts.evidence for facts in named if len(facts.sessions) > 1),
            ingest_blobs=self._ingest.get(session.booking_id),
        )

    # --- containers and recordings -------------------------------------------------------------------------------

    @staticmethod
    def _waits(of_name: Name) -> bool:
        return of_name.container_in_doubt

    def _container(self, of_name: Name) -> ContainerFacts:
        now, clock = self._now(of_name), self._audit.clock
        row = self._rows.get(of_name.name)
        if isinstance(now, Unread):
            return ContainerFacts(now, row, clock)
        if not self._database_read:
            doubted = {key for key in now.keys if session_id_of(key) in self._sessions}
            facts = ContainerFacts(now, row, clock, doubted, doubted)
            return facts if CONTAINER.judged(facts).rule.counted else self._unread(facts, _DATABASE_NOT_READ_AGAIN)
        in_database = frozenset(key for key in now.keys if session_id_of(key) in self._sessions_again)
        excluded = {key for key in in_database if not self._is_in_question(session_id_of(key))}
        facts = ContainerFacts(now, row, clock, in_database, in_database - excluded if excluded else in_database)
        if self._replayed_until is None or row is not None or CONTAINER.judged(facts).severity is Severity.INFO:
            return facts
        return self._unread(facts, f"the database is a replica that has replayed until {self._replayed_until}")

    def _is_in_question(self, session: str) -> bool:
        return session in self._sessions or self._sessions_again[session].in_question

    def _now(self, of_name: Name) -> Record:
        """A container in doubt as the second look read it; one that was deleted since the scan is empty."""
        record = of_name.record
        assert record is not None
        now = self._records[of_name.name] or record
        if isinstance(record, Unread):
            return now
        if isinstance(now, Unread):
            if is_gone(now) and of_name.listed_again and not record.tracks:
                return Unread(of_name.name, _LISTED_AND_GONE, failed=True)
            return now if now.failed else _emptied(of_name.name)
        if not record.tracks:  # a single empty listing proves nothing; this is the second
            return now
        # A session that only the second reading names was judged without this container.
        named = now.keys <= record.keys or not now.is_settled(self._audit.clock)
        if named and _may_follow(record, now):
            return now
        self._doubtful_containers.add(of_name.name)
        return Unread(of_name.name, _NOT_THE_SAME, failed=True)

    def _unread(self, facts: ContainerFacts, reason: str) -> ContainerFacts:
        """A container that was read but cannot be judged, for this reason."""
        self._doubtful_containers.add(facts.record.unit)
        return facts._replace(record=Unread(facts.record.unit, reason, failed=True))

    def _recording(self, name: str, doubted: RecordingFacts) -> Subject:
        if not doubted.row.readable and not is_canonical_id(name):
            return Subject(RECORDING, name, doubted)
        if not self._database_read:
            return Subject(RECORDING, name, doubted._replace(read_twice=False))
        doubted = doubted._replace(row=self._rows.get(name, doubted.row), vanished=name not in self._rows)
        record = self._records[name]
        if isinstance(record, Unread):
            facts = doubted._replace(evidence=None, exists=record.failed, read_twice=not record.failed)
            return Subject(RECORDING, name, facts)
        # It existed all the time, but no listing has it.
        doubtful = self._names[name].is_missing and record is not None and record.was_there(self._audit.clock)
        if doubted.evidence is not None and record is not None and not _may_follow(doubted.evidence, record):
            return Subject(RECORDING, name, doubted._replace(read_twice=False), doubtful=True)
        # A container that the first look did not open (fast mode, prefixes) is not judged by its content.
        evidence = None if doubted.evidence is None and not doubted.gone else record
        facts = doubted._replace(exists=record is not None or doubted.exists, evidence=evidence)
        return Subject(RECORDING, name, facts, doubtful=doubtful)


def _is_evidence(facts: ContainerFacts) -> bool:
    return facts.row is None and not isinstance(facts.record, Unread) and not facts.evidence.edit_output


def _may_follow(before: ContainerEvidence, now: ContainerEvidence) -> bool:
    """True if the container is unchanged, or something in it is newer.

    Otherwise a difference may come from an incomplete response rather than from a change.
    """
    return now == before or (now.newest is not None and (before.newest is None or now.newest > before.newest))


def _by_hearing(session: Candidate) -> tuple[bool, str, str]:
    at = session.hearing_at
    return (at is not None, "" if at is None else at.isoformat(), session.session_id)


def _emptied(container: str) -> ContainerEvidence:
    return ContainerEvidence(container, 0, (), (), False, 0, None, None, None, None)
