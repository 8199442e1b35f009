"""The fan-in: rows beside evidence, one verdict for every subject, and the sums that prove nothing fell out.

It is done in two looks. The first takes everything in as it is streamed by; what is in order is counted at once and
forgotten, the rest is doubted and kept. The doubted rows and containers are then read again, and only what stands up to
that second look is reported. So memory grows with what is in doubt, not with the account.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.coverage import NO_CONTAINER, Coverage
from reconciliation.database import DatabaseState
from reconciliation.evidence import ContainerEvidence, Record, Unread
from reconciliation.facts import Clock, ContainerFacts, RecordingFacts, SessionFacts
from reconciliation.finding import Finding
from reconciliation.keys import ContainerKind, is_canonical_id, session_id_of
from reconciliation.parameters import AuditParameters, Mode
from reconciliation.profiles.profile import Profile
from reconciliation.tally import Tally
from reconciliation.times import to_text
from reconciliation.verdicts import Judgement, Kind, Severity, judge

_DATABASE_NOT_READ_AGAIN = "whether it has a row by now could not be looked up in the database"
_LISTED_AND_GONE = "storage lists it, and answers that it is not there"
_NOT_THE_SAME = "it was read twice and is not the same, although nothing in it is newer"
# Rows of whose container nothing can be said yet, or never.
_NOT_EXPECTED_IN_STORAGE = frozenset({"deleted", "recent", "legacy", "unreadable"})


class FirstLook:
    """Takes in containers and rows, then what was empty among them and was read again, then sessions; keeps what is in
    doubt.

    Everything must be taken exactly once, the containers and rows in any order but all of them before ``take_again``,
    and that before the first session. ``live_rows`` counts the rows that should have a container, and
    ``rows_without_container`` those of them that have none in the listing; ``future_containers`` counts containers with
    blobs from the future, of which ``furthest`` is the furthest.
    """

    def __init__(
        self, profile: Profile, parameters: AuditParameters, clock: Clock, *, listed: int, skipped: Mapping[str, int]
    ) -> None:
        self.profile = profile
        self.parameters = parameters
        self.clock = clock
        self.coverage = Coverage(listed=listed, skipped=Counter(skipped))
        if not listed and not profile.may_be_empty:
            self.coverage.gaps.append(NO_CONTAINER)
        self.tally = Tally()
        self.live_rows = self.rows_without_container = 0
        self.gone: set[str] = set()
        """The names of containers that were listed, and gone when they were opened."""
        self.empty: dict[str, ContainerEvidence] = {}
        """Containers without a row that can be a recording and have no media."""
        self.listed_again: set[str] = set()
        """The containers in doubt, with a row or without one, that a second listing of the account has."""
        self.future_containers = 0
        self.furthest: datetime | None = None
        self.containers: dict[str, Record] = {}
        self.rows: dict[str, RecordingFacts] = {}
        self.sessions: dict[str, Candidate] = {}
        self._judges_rows = profile.asks_for_all(parameters)
        self._unopened: dict[tuple[str | bool, ...], Judgement[RecordingFacts]] = {}
        self._by_key: defaultdict[str, list[str]] = defaultdict(list)

    @property
    def fast(self) -> bool:
        """True if registered containers were not opened."""
        return self.parameters.mode is Mode.FAST

    def take_container(self, record: Record, row: RegisteredRecording | None) -> None:
        """Account for one container that was to be opened, beside the row of its id."""
        self.coverage.count(record)
        if isinstance(record, Unread):
            if record.failed:
                self.containers[record.container] = record
            else:
                self.gone.add(record.container)
            return
        if record.future is not None:
            self.future_containers += 1
            self.furthest = max(self.furthest or record.future, record.future)
        if row is None and record.kind is ContainerKind.RECORDING:
            if record.tracks:
                self._doubt(record)
            else:
                self.empty[record.container] = record
            return
        self.tally.count(Kind.CONTAINER, judge(self.profile.container_rules, ContainerFacts(record, row, self.clock)))

    def _doubt(self, record: ContainerEvidence) -> None:
        self.containers[record.container] = record
        for key in record.keys:
            self._by_key[key].append(record.container)

    def take_again(self, records: Mapping[str, Record]) -> None:
        """Judge the ``empty`` containers, by what a second reading of them gave: one empty answer proves no absence.

        A container that is not among the records, or gone by now, was empty.
        """
        for name, empty in self.empty.items():
            record = records.get(name, empty)
            if isinstance(record, Unread) and record.failed:
                self.coverage.recount(empty, record)
                self.containers[name] = record
            elif isinstance(record, ContainerEvidence) and record.tracks:
                self.coverage.recount(empty, record)
                self._doubt(record)
            else:
                facts = ContainerFacts(empty, None, self.clock)
                self.tally.count(Kind.CONTAINER, judge(self.profile.container_rules, facts))
        self.coverage.check()

    def take_row(self, row: RegisteredRecording, record: Record | None, *, listed: bool) -> None:
        """Account for one row in recordings; ``listed``: there is a container of its id, ``record``: it was opened."""
        if not _NOT_EXPECTED_IN_STORAGE.intersection(row.marks):
            self.live_rows += 1
            self.rows_without_container += not listed
        # A container that is gone is harmless only where no row relies on it.
        gone = isinstance(record, Unread) and not record.failed
        seen = None if isinstance(record, Unread) else record
        facts = RecordingFacts(row, listed and not gone, seen, self._judges_rows, gone=gone)
        judgement = judge(self.profile.recording_rules, facts) if seen is not None else self._judged_unopened(facts)
        if judgement.rule.counted:
            self.tally.count(Kind.RECORDING, judgement)
        else:
            self.rows[row.recording_id] = facts

    def _judged_unopened(self, facts: RecordingFacts) -> Judgement[RecordingFacts]:
        # Nothing else tells such rows apart, and there may be a million of them.
        known = (*facts.row.marks, facts.listed)
        if known not in self._unopened:
            self._unopened[known] = judge(self.profile.recording_rules, facts)
        return self._unopened[known]

    def take_session(self, candidate: Candidate) -> str | None:
        """Account for one candidate; its verdict if it is only counted, None if it is in doubt."""
        if candidate.key not in self._by_key:
            known = candidate.without_future(self.clock.latest)
            facts = SessionFacts(known, self.clock, self.coverage.is_complete, self.fast)
            judgement = judge(self.profile.session_rules, facts)
            if judgement.rule.counted:
                self.tally.count(Kind.SESSION, judgement)
                return judgement.verdict
        self.sessions[candidate.session_id] = candidate
        return None

    # --- what the second look has to read ------------------------------------------------------------------------

    @property
    def session_ids(self) -> list[str]:
        """The doubted sessions, and those that unregistered containers name; ascending."""
        doubted = {session_id for session_id, session in self.sessions.items() if session.has_id}
        return sorted({session_id_of(key) for key in self._by_key} | doubted)

    @property
    def recording_ids(self) -> list[str]:
        """The ids whose row may be there by now, or gone; ascending."""
        return sorted(filter(is_canonical_id, self.containers.keys() | self.rows.keys()))

    @property
    def container_names(self) -> list[str]:
        """The containers to list again; ascending. Those that could not be read were tried often enough."""
        unread = {name for name, record in self.containers.items() if isinstance(record, Unread)}
        return sorted((self.containers.keys() | set(filter(is_canonical_id, self.rows))) - unread)

    @property
    def disputed_rows(self) -> list[str]:
        """The ids of rows in doubt that have no container in the listing; ascending."""
        return sorted(
            name for name, facts in self.rows.items() if not facts.listed and not facts.gone and is_canonical_id(name)
        )


@dataclass(frozen=True)
class SecondLook:
    """What was read again: sessions by id, rows and containers by name, and the ingest account by booking.

    Of a container that is gone the record is an ``Unread`` that has not failed. ``database_read`` is False when the
    database could not be read again; ``sessions`` and ``rows`` are empty then. ``database`` tells what sort of server
    answered.
    """

    sessions: Mapping[str, Candidate]
    rows: Mapping[str, RegisteredRecording]
    records: Mapping[str, Record]
    ingest_blobs: Mapping[str, int] = field(default_factory=dict)
    database_read: bool = True
    database: DatabaseState | None = None

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
        return self.database_read and not any(isinstance(r, Unread) and r.failed for r in self.records.values())


class Conclusion:
    """The final verdicts: the first look's doubts, judged by what the second look saw."""

    def __init__(self, first: FirstLook, second: SecondLook) -> None:
        self._first = first
        self._second = second
        self._rules = first.profile.rules()
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

    def findings(self) -> Iterator[Finding]:
        """Judge everything that was in doubt and count it; gives what is to be listed: sessions by time of hearing,
        recordings and containers by name. To be used once.
        """
        yield from self._sessions()
        for row_id, facts in sorted(self._first.rows.items()):
            yield from self._listed(Kind.RECORDING, row_id, self._recording(row_id, facts))
        for name, container in self._containers.items():
            yield from self._listed(Kind.CONTAINER, name, container)

    # --- sessions ------------------------------------------------------------------------------------------------

    def _sessions(self) -> Iterator[Finding]:
        second, doubted = self._second, self._first.sessions
        judged = {session_id: second.sessions.get(session_id, session) for session_id, session in doubted.items()}
        judged |= {
            session_id: session
            for session_id, session in second.sessions.items()
            if session_id not in doubted and session.asked and session.key in self._by_key
        }
        latest = self._first.clock.latest
        for session in sorted((session.without_future(latest) for session in judged.values()), key=_by_hearing):
            yield from self._listed(Kind.SESSION, session.session_id, self._session(session))

    def _session(self, session: Candidate) -> SessionFacts:
        facts = self._as_seen(session)
        if self._second.replayed_until is not None and not session.live_recordings:
            judgement = judge(self._rules[Kind.SESSION], facts)
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
        row = second.rows.get(record.container)
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
        now = self._second.records.get(record.container, record)
        if isinstance(record, Unread):
            return now
        if isinstance(now, Unread):
            if now.failed:
                return now
            if record.container not in self._first.listed_again:
                return _emptied(now.container)
            self.unresolved += 1
            return Unread(record.container, _LISTED_AND_GONE, failed=True)
        if _may_follow(record, now):
            return now
        self.unresolved += 1
        return Unread(record.container, _NOT_THE_SAME, failed=True)

    def _judged(self, facts: ContainerFacts) -> Judgement[ContainerFacts]:
        return judge(self._rules[Kind.CONTAINER], facts)

    def _unread(self, facts: ContainerFacts, reason: str) -> ContainerFacts:
        """A container that was read and cannot be judged, for this reason."""
        self.unresolved += 1
        return facts._replace(record=Unread(facts.record.container, reason, failed=True))

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
            # One answer that it is gone, against two listings that have it, proves nothing.
            gone = not record.failed and (doubted.gone or row_id not in self._first.listed_again)
            self.unresolved += not record.failed and not gone
            return doubted._replace(row=row, seen=None, listed=not gone, seen_twice=gone)
        if doubted.seen is not None and record is not None and not _may_follow(doubted.seen, record):
            self.unresolved += 1
            return doubted._replace(row=row, seen_twice=False)
        # What the first look did not open (fast mode, prefixes) is not judged by what is in it, here as elsewhere.
        seen = None if doubted.seen is None and not doubted.gone else record
        return doubted._replace(row=row, listed=record is not None or doubted.listed, seen=seen)

    def _listed(
        self, kind: Kind, subject: str, facts: SessionFacts | ContainerFacts | RecordingFacts
    ) -> Iterator[Finding]:
        judgement = judge(self._rules[kind], facts)
        self._first.tally.count(kind, judgement)
        if judgement.rule.counted:
            if kind is Kind.SESSION:
                self.counted_sessions.append((judgement.verdict, subject))
            return
        session = facts.session if isinstance(facts, SessionFacts) else None
        row = facts.row if not isinstance(facts, SessionFacts) else None
        yield Finding(
            kind,
            subject,
            judgement,
            judgement.rule.reason(facts),
            self._first.clock,
            session,
            row,
            _evidence(facts),
            judgement.rule.due(facts),
        )


def _may_follow(before: ContainerEvidence, now: ContainerEvidence) -> bool:
    """True if a container may have come to be as it is ``now``: it is the same, or something in it is newer.

    What is gone from it without a trace may as well have been left out of an answer.
    """
    return now == before or (now.newest is not None and (before.newest is None or now.newest > before.newest))


def _evidence(facts: SessionFacts | ContainerFacts | RecordingFacts) -> tuple[ContainerEvidence, ...]:
    if isinstance(facts, SessionFacts):
        return (*facts.evidence, *facts.mixed)
    if isinstance(facts, RecordingFacts):
        return (facts.seen,) if facts.seen else ()
    return () if isinstance(facts.record, Unread) else (facts.record,)


def _by_hearing(session: Candidate) -> tuple[bool, str, str]:
    at = session.hearing_at
    return (at is not None, "" if at is None else at.isoformat(), session.session_id)


def _emptied(container: str) -> ContainerEvidence:
    return ContainerEvidence(container, 0, (), (), False, 0, None, None, None, None)
