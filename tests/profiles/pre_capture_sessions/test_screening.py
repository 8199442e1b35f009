"""That groups which are alike are counted as if each were screened by itself."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import Candidate
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.names import CONTAINERS_AGAIN
from profiles.pre_capture_sessions.profile import PreCaptureSessions
from profiles.pre_capture_sessions.screening import NAMES, SESSIONS
from reconciliation.coverage import DELETED_DURING_SCAN, Coverage, Gap
from reconciliation.evidence import Unread
from reconciliation.looks import Audit, Group
from reconciliation.parameters import AuditParameters
from reconciliation.screened import FirstLook
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import AS_OF, CLOCK, IN_FAST_MODE, PARAMETERS, asking, session

QUESTIONS = st.sampled_from([PARAMETERS, IN_FAST_MODE, asking(PARAMETERS, statuses=("FAILURE",))])
UNREAD = (Unread("x", "403", failed=True), Unread("x", DELETED_DURING_SCAN, failed=False))


class OneByOne(PreCaptureSessions):
    """Screens every name by itself."""

    def alike(self, join: str, group: Group, audit: Audit) -> Hashable | None:
        return None


def looked_at(profile: PreCaptureSessions, audit: Audit, join: str, groups: Sequence[Group]) -> tuple[object, ...]:
    """All that the first look makes of these groups."""
    look = FirstLook(profile, audit)
    doubts = [look.take(join, group) for group in groups]
    return doubts, look.screening(AS_OF, [], 0), look.counted, look.links, look.spoiled


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
    audit = Audit(asked, CLOCK, Coverage(len(names)), lost, is_look=is_look)
    assert looked_at(PreCaptureSessions(), audit, NAMES, names) == looked_at(OneByOne(), audit, NAMES, names)


ODD: st.SearchStrategy[Mapping[str, str]] = st.sampled_from([{}, {}, {"started_at": "infinity"}, {"origin": "?"}])


@given(
    st.lists(st.tuples(strategies.candidates(), ODD), max_size=30),
    st.sampled_from([PARAMETERS, IN_FAST_MODE]),
    st.booleans(),
)
def test_sessions_that_are_alike_come_to_the_same_as_one_by_one(
    rows: Sequence[tuple[Candidate, Mapping[str, str]]], asked: AuditParameters, is_whole: bool
) -> None:
    sessions = [replace(row, unreadable=odd) for row, odd in rows]
    groups = [Group(row.session_id, ((row,),)) for row in sessions]
    audit = Audit(asked, CLOCK, Coverage(0, gaps=[] if is_whole else [Gap("a page was lost", "Audit again.")]))
    assert looked_at(PreCaptureSessions(), audit, SESSIONS, groups) == looked_at(OneByOne(), audit, SESSIONS, groups)


def test_sessions_that_were_never_used_are_alike_whenever_they_were_heard() -> None:
    """Otherwise each booking's unused session would be judged by itself."""
    first, second = session("a"), session("b")
    moved = {name: getattr(second, name) - CLOCK.grace for name in ("started_at", "finished_at", "scheduled_for")}
    audit = Audit(PARAMETERS, CLOCK, Coverage(0))
    found = {
        PreCaptureSessions().alike(SESSIONS, Group(row.session_id, ((row,),)), audit)
        for row in (first, replace(second, **moved))
    }
    assert len(found) == 1
    assert found != {None}
