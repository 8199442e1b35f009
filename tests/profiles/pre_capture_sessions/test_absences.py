"""What two listings of an account, and opening what they disagree about, say of the coverage."""

from dataclasses import replace

import pytest

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.absences import gaps_in_listing, refuse_wrong_account, to_be_opened
from profiles.pre_capture_sessions.candidates import RegisteredRecording
from profiles.pre_capture_sessions.conclusion import Conclusion
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.first_look import FirstLook, OneName
from profiles.pre_capture_sessions.gaps import NO_CONTAINER, no_sessions
from profiles.pre_capture_sessions.kinds import RECORDING
from reconciliation.coverage import Coverage
from reconciliation.errors import WrongAccountError
from reconciliation.evidence import Unread
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    IN_FAST_MODE,
    LONG_AGO,
    MINUTE,
    PARAMETERS,
    SMALL,
    World,
    audited,
    container,
    encode,
    encoded,
    gone,
    row,
    session,
    unread,
    uuid_of,
)

ONE_SESSION = replace(PARAMETERS, only=(session().session_id,))
HIDDEN, OTHER = encoded("hidden", of="session"), encoded("other", of="other")
YOUNG = container("young", *encode("other", at=AS_OF - 59 * MINUTE))
FAR = container("far", *encode("other", at=LONG_AGO.replace(year=2099)))


def looked() -> FirstLook:
    return FirstLook(SMALL, PARAMETERS, CLOCK, listed=0, skipped={})


def named(
    name: str, listed: bool, again: bool | None = None, *, gone: bool = False, row: RegisteredRecording | None = None
) -> OneName:
    """A name that is or is not in the two listings."""
    return OneName(name, listed, again, Unread(name, "It was deleted.", failed=False) if gone else None, row)


def gaps(one: OneName, *opened: Record) -> list[str]:
    """What is said when opening a disputed container gives this record; without one, it is gone by then."""
    first = looked()
    first.take(one)
    known = {record.unit: record for record in opened}
    records = {name: known.get(name, Unread(name, "gone", failed=False)) for name in to_be_opened(first)}
    return [gap.what for gap in gaps_in_listing(first, records)]


@pytest.mark.parametrize("listings", [(True, True), (False, False), (True,)])
def test_two_listings_that_agree_are_no_dispute(listings: tuple[bool, ...]) -> None:
    assert gaps(named(HIDDEN.container, *listings), HIDDEN) == []


@pytest.mark.parametrize("listings", [(False, True), (True, False)], ids=["the first", "the second"])
def test_an_old_container_that_one_listing_left_out_is_a_gap_that_names_it(listings: tuple[bool, bool]) -> None:
    [what] = gaps(named(HIDDEN.container, *listings), HIDDEN)
    assert what == f"storage left out or called deleted a container ({HIDDEN.container}) although it is there"


@pytest.mark.parametrize(
    ("record", "is_gap"),
    [
        pytest.param(HIDDEN, True, id="older than the grace"),
        pytest.param(YOUNG, False, id="it may have come since the listing"),
        pytest.param(FAR, True, id="a moment that has not come yet does not make it young"),
        pytest.param(container("young"), False, id="empty: there is nothing in it to miss"),
        pytest.param(gone("young"), True, id="the last listing has it, and it cannot be opened"),
        pytest.param(unread("young"), True, id="it could not be read"),
    ],
)
def test_only_what_came_since_is_none(record: Record, is_gap: bool) -> None:
    assert bool(gaps(named(record.unit, False, True), record)) is is_gap


def test_a_container_that_was_deleted_since_the_listing_is_none() -> None:
    assert gaps(named(HIDDEN.container, True, False)) == []
    assert gaps(named(HIDDEN.container, True, False, gone=True)) == []


def test_a_container_that_is_listed_twice_and_called_deleted_is_believed_in() -> None:
    one = named(HIDDEN.container, True, True, gone=True)
    assert "although it is there" in gaps(one, HIDDEN)[0]
    assert gaps(one)[0] == f"storage lists a container ({HIDDEN.container}) and answers that it is not there"


def test_of_what_a_row_misses_the_row_itself_is_the_finding() -> None:
    assert gaps(named(HIDDEN.container, True, True, gone=True, row=row("hidden"))) == []
    assert gaps(named(HIDDEN.container, False, True, row=row("hidden"))) == []


@pytest.mark.parametrize(("minutes", "is_gap"), [(1, True), (0, False), (-5, False)])
def test_the_container_of_an_old_row_need_only_have_been_there(minutes: int, is_gap: bool) -> None:
    """What came after the listing was restored since: that is no hole, and no finding any more."""
    there = container("lost", *encode("lost", at=AS_OF - minutes * MINUTE))
    assert bool(gaps(named(there.container, False, False, row=row("lost")), there)) is is_gap
    assert gaps(named(there.container, False, False, row=row("lost", "session", "recent")), there) == []


def test_what_came_in_the_same_second_may_have_come_after() -> None:
    clock = replace(CLOCK, as_of=AS_OF.replace(microsecond=900_000))
    assert not container("lost", *encode("lost", at=AS_OF)).was_there(clock)
    assert container("lost", *encode("lost", at=AS_OF - MINUTE)).was_there(clock)


def test_many_are_counted_and_a_few_are_named() -> None:
    first, there = looked(), [container(f"n{number}", *encode("n")) for number in range(7)]
    for one in there:
        first.take(named(one.container, False, True))
    [gap] = gaps_in_listing(first, {one.container: one for one in there})
    assert "7 containers (" in gap.what
    assert gap.what.endswith(" and 2 more) although they are there")


# --- over whole worlds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [PARAMETERS, IN_FAST_MODE, ONE_SESSION], ids=["full", "fast", "one session"])
def test_a_listing_that_always_loses_its_end_is_shown_by_a_row_whose_container_is_there(
    parameters: AuditParameters,
) -> None:
    """The hidden one is in neither listing; the month-old row's container is there all the same."""
    seen = World([session()], [encoded("seen", of="seen")], [row("seen", "seen"), row("lost", "lost")])
    there = encoded("lost", of="lost")
    first = seen.looked_at(parameters)
    assert to_be_opened(first) == [there.container]
    [gap] = gaps_in_listing(first, {there.container: there})
    assert there.container in gap.what
    assert "find out what, then audit again" in gap.next_step


def test_a_container_that_turns_up_only_at_the_second_look_leaves_the_audit_incomplete() -> None:
    """It was gone when the listing was checked, and is there all the same."""
    seen = World([session()], [encoded("seen", of="seen")], [row("seen", "seen"), row("lost", "lost")])
    first = seen.looked_at()
    second = replace(seen, records=[*seen.records, encoded("lost", of="lost")]).looked_at_again(first)
    conclusion = Conclusion(first, second)
    assert [found.judgement.verdict for found in conclusion.findings()] == []
    assert conclusion.unresolved == 1


@pytest.mark.parametrize("parameters", [PARAMETERS, IN_FAST_MODE], ids=["full", "fast"])
def test_a_live_rows_container_that_went_away_between_the_listings_is_missed(parameters: AuditParameters) -> None:
    before = World([], [encoded()], [row()])
    [found] = audited(before, parameters, then=World([], [], [row()])).findings
    assert found.judgement.verdict == "row_without_container"


def test_what_is_empty_is_read_twice_and_judged_by_what_is_in_it() -> None:
    emptied = World([session()], [container("recording")])
    whole = World([session()], [encoded("recording")])
    assert audited(emptied).verdicts() == {session().session_id: "expected_empty"}
    assert audited(emptied, then=whole).verdicts() == {session().session_id: "unregistered_recording"}
    done = audited(emptied, then=World([session()], [unread("recording")]))
    assert done.verdicts() == {session().session_id: "unverified"}
    assert done.coverage.to_json()["containers"] == {"listed": 1, "scanned": 0, "skipped": 0, "failed": 1}


def test_a_live_row_whose_container_is_gone_twice_has_none_and_otherwise_is_judged_by_what_is_there() -> None:
    lost = World([], [gone("recording")], [row()])
    [found] = audited(lost).findings
    assert found.judgement.verdict == "row_without_container"
    assert "its container was listed and is gone" in found.reason
    assert audited(lost, then=World([], [encoded()], [row()])).counts(RECORDING) == {"sound": 1}
    unsure = audited(lost, then=World([], [unread("recording")], [row()]))
    assert unsure.counts(RECORDING) == {"unverified": 1}
    assert unsure.outcome is Outcome.INCOMPLETE


def test_a_hidden_recording_that_was_deleted_meanwhile_is_none() -> None:
    before = World([session()], [encoded()])
    assert before.looked_at().believed == {encoded().container}
    deleted = audited(before, then=World([session()], []))
    assert deleted.verdicts() == {session().session_id: "expected_empty"}
    assert deleted.outcome is Outcome.CLEAN


def test_an_id_that_was_asked_for_and_is_no_sessions_is_named() -> None:
    other = str(uuid_of("booking"))
    asked = replace(PARAMETERS, only=(session().session_id, other))
    world = World([session()], [])
    first = world.looked_at(asked)
    first.take_session(session())
    assert other in first.session_ids
    conclusion = Conclusion(first, world.looked_at_again(first))
    [gap] = conclusion.gaps
    assert gap.what == f"an id that was asked for is no session's ({other})"
    assert "6 ids" in no_sessions(list("abcdef")).what
    unread = Conclusion(first, replace(world, database=False).looked_at_again(first))
    assert unread.gaps == []


# --- the wrong account ------------------------------------------------------------------------------------------------


def test_an_account_without_a_container_is_a_gap_unless_the_profile_allows_it() -> None:
    strict = FirstLook(PROFILE, PARAMETERS, CLOCK, listed=0, skipped={})
    assert strict.coverage.gaps == [NO_CONTAINER]
    assert not strict.coverage.is_complete
    assert looked().coverage.is_complete
    assert Coverage(listed=0).is_complete


@pytest.mark.parametrize(("placed", "missing", "refused"), [(0, 2, True), (1, 2, True), (2, 2, False), (0, 1, False)])
def test_an_account_that_has_no_container_for_most_rows_is_hardly_the_right_one(
    placed: int, missing: int, refused: bool
) -> None:
    names = [f"placed {number}" for number in range(placed)]
    rows = [row(name) for name in (*names, *(f"missing {number}" for number in range(missing)))]
    first = World([], [encoded(name) for name in names], rows).looked_at()
    if not refused:
        refuse_wrong_account(first, "SOURCE_STORAGE", "PRE_DATABASE")
        return
    with pytest.raises(WrongAccountError) as caught:
        refuse_wrong_account(first, "SOURCE_STORAGE", "PRE_DATABASE")
    assert f"{missing} of {missing + placed} rows have no container" in str(caught.value)
    assert all(name in str(caught.value) for name in ("SOURCE_STORAGE", "PRE_DATABASE", "AUDIT_ALLOW_MOSTLY_MISSING"))
    first.coverage.gaps.append(NO_CONTAINER._replace(what="storage left out a container"))
    refuse_wrong_account(first, "SOURCE_STORAGE", "PRE_DATABASE")  # a cut listing explains it


def test_rows_without_a_container_count_unless_nothing_can_be_expected_of_them() -> None:
    rows = [row("a"), row("b", "session", "future"), row("c", "session", "child")]
    others = [row(mark, "session", mark) for mark in ("deleted", "recent", "legacy", "unreadable")]
    first = World([], [encoded("a")], [*rows, *others]).looked_at()
    assert (first.placed, first.missing) == (1, {str(uuid_of("b")), str(uuid_of("c"))})


def test_any_row_whose_container_is_there_speaks_for_the_account() -> None:
    imports = [row(f"import {number}", "session", "legacy") for number in range(3)]
    lost = [row("a"), row("b")]
    first = World([], [encoded(f"import {number}") for number in range(3)], [*imports, *lost]).looked_at()
    refuse_wrong_account(first, "SOURCE_STORAGE", "PRE_DATABASE")


# --- replicas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [HIDDEN, ContainerEvidence(*OTHER)], ids=["of a session", "of nobody"])
def test_what_a_registration_would_explain_is_unverified_on_a_replica(seen: ContainerEvidence) -> None:
    world = World([session()], [seen])
    primary, replica = audited(world), audited(replace(world, replayed_until=LONG_AGO))
    assert primary.outcome is Outcome.FINDINGS
    assert replica.outcome is Outcome.INCOMPLETE
    assert {found.judgement.verdict for found in replica.findings} <= {"unverified", "evidence_error"}
    assert replica.tally.alarms == 0
    assert "2026-01-31T09:30:00Z" in replica.findings[0].reason


def test_a_replica_takes_nothing_along_that_a_registration_would_not_explain() -> None:
    rows = [row("lost", "session")]
    done = audited(World([session(live_recordings=1)], [], rows, replayed_until=AS_OF))
    assert {found.judgement.verdict for found in done.findings} == {"status_behind", "row_without_container"}
    unused = audited(World([session()], replayed_until=AS_OF))
    assert unused.outcome is Outcome.CLEAN
