"""One name: the containers of that name in either listing, what is in them, and the row of that id."""

from typing import NamedTuple

from profiles.pre_capture_sessions.candidates import RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.facts import RecordingFacts
from profiles.pre_capture_sessions.keys import ContainerKind
from profiles.pre_capture_sessions.kinds import RECORDING
from profiles.pre_capture_sessions.options import asks_for_all
from reconciliation.evidence import Unread, has_failed, is_gone
from reconciliation.looks import Audit, Group
from reconciliation.rules import Judgement

CONTAINERS, REGISTERED, CONTAINERS_AGAIN = "containers", "registered", "containers_again"
# Marks of rows that need not have a container, or not yet.
_NOT_EXPECTED_IN_STORAGE = frozenset({"deleted", "recent", "legacy", "unreadable"})


class Name(NamedTuple):
    """``listed``: it was in the first listing; ``listed_again``: in the second one (None: that could not be read).
    ``record`` is what a scan made of its container, None if it was not opened; ``row`` the recording of that id.
    """

    name: str
    listed: bool
    listed_again: bool | None
    record: Record | None
    row: RegisteredRecording | None

    @property
    def exists(self) -> bool:
        """True if there is such a container according to all responses: both listings and the scan."""
        return self.listed and self.listed_again is not False and not is_gone(self.record)

    @property
    def is_disputed(self) -> bool:
        """True if two listings, or a listing and the scan, contradict each other. Not for a container that is gone but
        has a row: that is the row's finding.
        """
        if self.listed_again is None or (self.row is not None and is_gone(self.record)):
            return False
        return self.listed is not self.listed_again or (self.listed_again and is_gone(self.record))

    @property
    def is_expected(self) -> bool:
        """True if its row says that there should be such a container."""
        return self.row is not None and _NOT_EXPECTED_IN_STORAGE.isdisjoint(self.row.marks)

    @property
    def is_placed(self) -> bool:
        """True if a listing has it."""
        return self.listed or bool(self.listed_again)

    @property
    def is_missing(self) -> bool:
        """True if its row says that there should be such a container, but no listing has it."""
        return not self.is_placed and self.is_expected

    @property
    def unregistered(self) -> ContainerEvidence | None:
        """The evidence of a container without a row that can be a recording; None for any other, or if not read."""
        if self.row is not None or self.record is None or isinstance(self.record, Unread):
            return None
        return self.record if self.record.kind is ContainerKind.RECORDING else None

    @property
    def container_in_doubt(self) -> bool:
        """True if the container's verdict waits for the second look."""
        return self.record is not None and (has_failed(self.record) or self.unregistered is not None)


def name_of(group: Group, audit: Audit) -> Name:
    listed, rows, again = group.rows
    listed_again = None if CONTAINERS_AGAIN in audit.lost else bool(again)
    return Name(group.key, bool(listed), listed_again, group.evidence, rows[0] if rows else None)


def row_facts(name: Name, audit: Audit) -> RecordingFacts:
    """The facts of a name that has a row, in the first look."""
    assert name.row is not None
    evidence = None if isinstance(name.record, Unread) else name.record
    judged = asks_for_all(audit.asked)
    return RecordingFacts(name.row, audit.clock, name.exists, evidence, judged, True, is_gone(name.record))


def judged_row(name: Name, audit: Audit) -> Judgement[RecordingFacts]:
    """The verdict on its row in the first look."""
    return RECORDING.judged(row_facts(name, audit))


def alike(group: Group, audit: Audit) -> tuple[object, ...] | None:
    """For ``Profile.alike``: of a container in both listings that has a row, which nearly all are, what verdicts depend
    on. None for any other name.
    """
    listed, rows, again = group.rows
    if not (listed and again and rows and rows[0].readable):
        return None
    row, record = rows[0], group.evidence
    if record is None:
        return tuple(row.marks)
    if isinstance(record, Unread) or record.future is not None:
        return None
    return *row.marks, RecordingFacts(row, audit.clock, True, record).opened
