"""What is known of one name, and that names which are alike are judged alike."""

from collections.abc import Hashable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.kinds import RECORDING
from profiles.pre_capture_sessions.names import CONTAINERS_AGAIN, Name, alike, judged_row, row_facts
from profiles.pre_capture_sessions.profile import PreCaptureSessions
from profiles.pre_capture_sessions.screening import NAMES
from reconciliation.coverage import DELETED_DURING_SCAN, Coverage
from reconciliation.evidence import Unread
from reconciliation.looks import Audit, Group
from reconciliation.parameters import AuditParameters
from reconciliation.screened import FirstLook
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    IN_FAST_MODE,
    PARAMETERS,
    asking,
    encoded,
    row,
)

QUESTIONS = st.sampled_from([PARAMETERS, IN_FAST_MODE, asking(PARAMETERS, statuses=("FAILURE",))])
UNREAD = (Unread("x", "403", failed=True), Unread("x", DELETED_DURING_SCAN, failed=False))


class OneByOne(PreCaptureSessions):
    """Screens every name by itself."""

    def alike(self, join: str, group: Group, audit: Audit) -> Hashable | None:
        return None


@st.composite
def groups(draw: st.DrawFn) -> Group:
    """A name that a row, a listing or both know, opened or not."""
    listed, again, rows = draw(st.booleans()), draw(st.booleans()), draw(st.lists(strategies.recordings(), max_size=1))
    seen = draw(strategies.evidence())
    record: Record | None = draw(st.sampled_from([None, seen, seen, *UNREAD]))
    key = rows[0].recording_id if rows else seen.container
    if isinstance(record, ContainerEvidence):
        record = record._replace(container=key)
    return Group(key, ((key,) * listed, tuple(rows), (key,) * again), record)


@given(st.lists(groups(), max_size=30), QUESTIONS, st.booleans(), st.booleans())
def test_names_that_are_alike_come_to_the_same_as_one_by_one(
    names: Sequence[Group], asked: AuditParameters, is_look: bool, listed_once: bool
) -> None:
    lost = frozenset({CONTAINERS_AGAIN} if listed_once else ())
    results = []
    for profile in (PreCaptureSessions(), OneByOne()):
        look = FirstLook(profile, Audit(asked, CLOCK, Coverage(len(names)), lost, is_look=is_look))
        doubts = [look.take(NAMES, group) for group in names]
        results.append((doubts, look.screening(AS_OF, [], 0), look.counted, look.links, look.spoiled))
    assert results[0] == results[1]


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
