"""What is known of one name, and what its row alone comes to."""

from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import MARKS, RegisteredRecording
from profiles.pre_capture_sessions.kinds import RECORDING
from profiles.pre_capture_sessions.names import Name, judged_row, row_facts
from reconciliation.coverage import DELETED_DURING_SCAN, Coverage
from reconciliation.evidence import Unread
from reconciliation.looks import Audit
from reconciliation.parameters import AuditParameters
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
