"""What is known of one name, and what its row alone comes to."""

from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import MARKS, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.facts import ContainerFacts
from profiles.pre_capture_sessions.keys import is_canonical_id
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING
from profiles.pre_capture_sessions.names import Name, judged_container, judged_row, row_facts
from reconciliation.coverage import DELETED_DURING_SCAN, Coverage
from reconciliation.evidence import Unread
from reconciliation.looks import Audit
from reconciliation.parameters import AuditParameters
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import CLOCK, IN_FAST_MODE, PARAMETERS, asking, uuid_of

marks = st.lists(st.sampled_from(MARKS), unique=True).map(tuple)
records = st.sampled_from(
    [None, Unread("x", "403", failed=True), Unread("x", DELETED_DURING_SCAN, failed=False)],
)
questions = st.sampled_from([PARAMETERS, IN_FAST_MODE, asking(PARAMETERS, statuses=("FAILURE",))])


@given(marks, st.integers(), st.tuples(st.booleans(), st.sampled_from([True, False, None])), records, questions)
def test_a_row_whose_container_was_not_opened_is_judged_as_the_table_judges_it(
    marks: tuple[str, ...],
    number: int,
    listed: tuple[bool, bool | None],
    record: Unread | None,
    asked: AuditParameters,
) -> None:
    """Whatever other rows were judged before it."""
    audit = Audit(asked, CLOCK, Coverage(1))
    identifier = str(uuid_of(str(number)))
    row = RegisteredRecording(identifier, str(uuid_of("session")), marks, None)
    name = Name(identifier, *listed, record, row)
    assert judged_row(name, audit) == RECORDING.judged(row_facts(name, audit))


@given(strategies.recordings(), strategies.evidence(), st.sampled_from([True, False, None]), questions)
def test_a_registered_container_that_was_read_is_judged_as_the_tables_judge_it(
    row: RegisteredRecording, record: ContainerEvidence, listed_again: bool | None, asked: AuditParameters
) -> None:
    """Whatever others were judged before it: its row, and the container itself."""
    audit = Audit(asked, CLOCK, Coverage(1))
    marks = (*row.marks, *([] if is_canonical_id(record.container) else ["unreadable"]))  # as any other id is read
    row = row._replace(recording_id=record.container, marks=marks)
    name = Name(record.container, True, listed_again, record, row)
    assert judged_row(name, audit) == RECORDING.judged(row_facts(name, audit))
    assert judged_container(name, audit) == CONTAINER.judged(ContainerFacts(record, name.row, CLOCK))


@given(strategies.evidence(), st.sampled_from(["unreadable", "deleted"]))
def test_a_row_without_a_readable_session_is_judged_beside_whatever_was_read(
    record: ContainerEvidence, mark: str
) -> None:
    row = RegisteredRecording(record.container, "", ("unreadable", mark), None)
    name = Name(record.container, True, True, record, row)
    audit = Audit(PARAMETERS, CLOCK, Coverage(1))
    assert judged_row(name, audit) == RECORDING.judged(row_facts(name, audit))
