"""The first look: everything is taken in as it streams by; what is in order is counted and forgotten, the rest is kept.

So memory grows with what is in doubt, not with the account. What is kept is read again (see ``conclusion``).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.facts import ContainerFacts, RecordingFacts, SessionFacts
from profiles.pre_capture_sessions.gaps import NO_CONTAINER
from profiles.pre_capture_sessions.keys import ContainerKind, is_canonical_id, session_id_of
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING, SESSION
from profiles.pre_capture_sessions.options import FAST, asks_for_all
from profiles.pre_capture_sessions.selection import HARMLESS_SKIPS
from reconciliation.clock import Clock
from reconciliation.coverage import Coverage
from reconciliation.evidence import Unread, has_failed, is_gone
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Profile
from reconciliation.rules import Judgement
from reconciliation.tally import Tally

# Rows of whose container nothing can be said yet, or never.
_NOT_EXPECTED_IN_STORAGE = frozenset({"deleted", "recent", "legacy", "unreadable"})
_LISTED_AND_GONE = "storage lists it, and answers that it is not there"


class OneName(NamedTuple):
    """All that is known of one name.

    ``listed``: it was in the listing that the audit rests on; ``listed_again``: in the second one (None: there is
    none). ``record`` is what a scan made of its container, None if it was not opened; ``row`` the recording of that id.
    """

    name: str
    listed: bool
    listed_again: bool | None = None
    record: Record | None = None
    row: RegisteredRecording | None = None

    @property
    def is_gone(self) -> bool:
        """True if it was not there when it was opened."""
        return is_gone(self.record)

    @property
    def is_disputed(self) -> bool:
        """True if two listings, or a listing and an answer, say different things of it."""
        if self.listed_again is None:
            return False
        return self.listed is not self.listed_again or (self.listed_again and self.is_gone)

    @property
    def is_expected(self) -> bool:
        """True if its row says that there should be such a container."""
        return self.row is not None and not _NOT_EXPECTED_IN_STORAGE.intersection(self.row.marks)


class FirstLook:
    """Takes in names with all that is known of them, then what was empty among them and was read again, then sessions.

    Everything must be taken exactly once, all names before ``take_again``, and that before the first session. Of rows
    that tell whether this is the account of this database, ``placed`` counts those whose container is listed, and
    ``missing`` are the names of those that should have one and have none in any listing. ``future_containers`` counts
    containers with blobs from the future, of which ``furthest`` is the furthest.
    """

    def __init__(
        self, profile: Profile, parameters: AuditParameters, clock: Clock, *, listed: int, skipped: Mapping[str, int]
    ) -> None:
        self.profile = profile
        self.parameters = parameters
        self.clock = clock
        self.coverage = Coverage(listed=listed, harmless=HARMLESS_SKIPS, skipped=Counter(skipped))
        if not listed and not profile.may_be_empty:
            self.coverage.gaps.append(NO_CONTAINER)
        self.tally = Tally()
        self.placed = 0
        self.missing: set[str] = set()
        self.disputed: dict[str, bool] = {}
        """The names that are disputed; False if it proves nothing that such a container is gone when it is opened."""
        self.relied_on: set[str] = set()
        """Those of the disputed and missing names whose row says that there should be such a container."""
        self.listed_again: set[str] = set()
        """Those of the empty containers that the second listing has."""
        self._listed: set[str] = set()
        self.empty: dict[str, ContainerEvidence] = {}
        """Containers without a row that can be a recording and have no media."""
        self.future_containers = 0
        self.furthest: datetime | None = None
        self.containers: dict[str, Record] = {}
        self.rows: dict[str, RecordingFacts] = {}
        self.sessions: dict[str, Candidate] = {}
        self.nameless: list[Candidate] = []
        """Sessions in doubt whose own id cannot be read: they cannot be asked for again."""
        self._judges_rows = asks_for_all(parameters)
        self._unopened: dict[tuple[str | bool, ...], Judgement[RecordingFacts]] = {}
        self._by_key: defaultdict[str, list[str]] = defaultdict(list)

    @property
    def fast(self) -> bool:
        """True if registered containers were not opened."""
        return self.parameters.mode == FAST

    def take(self, known: OneName) -> None:
        """Account for one name: its container, if it was to be opened, and its row."""
        if known.record is not None:
            self._take_container(known.record, known.row)
        if known.row is not None:
            self._take_row(known, known.row)
        if known.is_disputed and not (known.row is not None and known.is_gone):
            # What a row misses is that row's finding.
            self.disputed[known.name] = bool(known.listed_again) and known.row is None
            if known.is_expected:
                self.relied_on.add(known.name)
        if known.listed_again and known.name in self.empty:
            self.listed_again.add(known.name)
        if (known.listed or known.listed_again) and (known.name in self.containers or known.name in self.rows):
            self._listed.add(known.name)

    def _take_container(self, record: Record, row: RegisteredRecording | None) -> None:
        self.coverage.count(record)
        if isinstance(record, Unread):
            if record.failed:
                self.containers[record.unit] = record
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
        self.tally.count(CONTAINER, CONTAINER.judged(ContainerFacts(record, row, self.clock)))

    def _doubt(self, record: ContainerEvidence) -> None:
        self.containers[record.container] = record
        for key in record.keys:
            self._by_key[key].append(record.container)

    def _take_row(self, known: OneName, row: RegisteredRecording) -> None:
        if known.listed or known.listed_again:
            self.placed += 1
        elif known.is_expected:
            self.missing.add(known.name)
            self.relied_on.add(known.name)
        # A container that is gone, or left out of a listing, is harmless only where no row relies on it.
        exists = known.listed and known.listed_again is not False and not known.is_gone
        seen = None if isinstance(known.record, Unread) else known.record
        facts = RecordingFacts(row, self.clock, exists, seen, self._judges_rows, gone=known.is_gone)
        judgement = RECORDING.judged(facts) if seen is not None else self._judged_unopened(facts)
        if judgement.rule.counted:
            self.tally.count(RECORDING, judgement)
        else:
            self.rows[row.recording_id] = facts

    def _judged_unopened(self, facts: RecordingFacts) -> Judgement[RecordingFacts]:
        # Nothing else tells such rows apart, and there may be a million of them.
        known = (*facts.row.marks, facts.listed)
        if known not in self._unopened:
            self._unopened[known] = RECORDING.judged(facts)
        return self._unopened[known]

    def take_again(self, records: Mapping[str, Record]) -> None:
        """Judge the ``empty`` containers, by what a second reading of them gave: one empty answer proves no absence.

        A container that is not among the records was empty, and so was one that is gone by now from the listing, too.
        """
        for name, empty in self.empty.items():
            record = records.get(name, empty)
            if is_gone(record) and name in self.listed_again:
                record = Unread(name, _LISTED_AND_GONE, failed=True)
            if has_failed(record):
                self.coverage.recount(empty, record)
                self.containers[name] = record
            elif isinstance(record, ContainerEvidence) and record.tracks:
                self.coverage.recount(empty, record)
                self._doubt(record)
            else:
                facts = ContainerFacts(empty, None, self.clock)
                self.tally.count(CONTAINER, CONTAINER.judged(facts))
        self.coverage.check()

    def take_session(self, candidate: Candidate) -> str | None:
        """Account for one candidate; its verdict if it is only counted, None if it is in doubt."""
        if not candidate.has_id:
            self.nameless.append(candidate)
            return None
        if candidate.key not in self._by_key:
            known = candidate.without_future(self.clock.latest)
            facts = SessionFacts(known, self.clock, self.coverage.is_complete, self.fast)
            judgement = SESSION.judged(facts)
            if judgement.rule.counted:
                self.tally.count(SESSION, judgement)
                return judgement.verdict
        self.sessions[candidate.session_id] = candidate
        return None

    # --- what has to be read again --------------------------------------------------------------------------------

    @property
    def session_ids(self) -> list[str]:
        """The doubted sessions, those that unregistered containers name, and those that were asked for; ascending."""
        named = {session_id_of(key) for key in self._by_key}
        return sorted(named | self.sessions.keys() | set(self.parameters.only))

    def names_session(self, key: str) -> bool:
        """True if a container without a row has a track of that session's key."""
        return key in self._by_key

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
    def believed(self) -> set[str]:
        """Those of them that a listing has, or that were read: one answer that they are gone does not undo that."""
        return self._listed | {name for name, record in self.containers.items() if not isinstance(record, Unread)}
