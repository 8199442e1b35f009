"""What is known of one name, and that names which are alike are judged alike."""

from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.kinds import RECORDING
from profiles.pre_capture_sessions.names import Name, alike, judged_row, row_facts
from reconciliation.coverage import Coverage
from reconciliation.looks import Audit, Group
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    CLOCK,
    PARAMETERS,
    encoded,
    row,
)


def test_whole_registered_recordings_are_alike_whosever_they_are() -> None:
    """Otherwise a million of them would be screened one by one."""
    audit = Audit(PARAMETERS, CLOCK, Coverage(2))
    opened, unopened = set(), set()
    for name in ("a", "b"):
        seen = encoded(name, of=name)
        sides = (seen.container,), (row(name, name),), (seen.container,)
        opened.add(alike(Group(seen.container, sides, seen), audit))
        unopened.add(alike(Group(seen.container, sides), audit))
    assert (len(opened), len(unopened)) == (1, 1)
    assert None not in opened | unopened
    assert opened.isdisjoint(unopened)


@given(strategies.evidence(), st.sampled_from(["unreadable", "deleted"]))
def test_a_row_without_a_readable_session_is_judged_beside_whatever_was_read(
    record: ContainerEvidence, mark: str
) -> None:
    unreadable = RegisteredRecording(record.container, "", ("unreadable", mark), None)
    name = Name(record.container, True, True, record, unreadable)
    audit = Audit(PARAMETERS, CLOCK, Coverage(1))
    assert judged_row(name, audit) == RECORDING.judged(row_facts(name, audit))
