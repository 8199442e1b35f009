"""What two listings of an account, and opening what they disagree about, say of the coverage."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.absences import MOST_OPENED, Disputed, gaps_in_listing, refuse_wrong_account
from reconciliation.coverage import NO_CONTAINER, Coverage
from reconciliation.errors import WrongAccountError
from reconciliation.evidence import ContainerEvidence, Record, Unread
from reconciliation.outcome import Outcome
from reconciliation.profiles.pre_capture_sessions import PROFILE
from reconciliation.reconcile import FirstLook
from reconciliation.verdicts import Kind
from tests.reconciliation.world import (
    AS_OF,
    CLOCK,
    FAST,
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
)

HIDDEN, OTHER = encoded("hidden", of="session"), encoded("other", of="other")
YOUNG = container("young", *encode("other", at=AS_OF - 59 * MINUTE))
FAR = container("far", *encode("other", at=LONG_AGO.replace(year=2099)))


def looked(*, listed: int = 0, rows: int = 0, missing: int = 0) -> FirstLook:
    first = FirstLook(SMALL, PARAMETERS, CLOCK, listed=listed, skipped={})
    first.live_rows, first.rows_without_container = rows, missing
    return first


def gaps(before: list[str], now: list[str], *records: Record, gone: tuple[str, ...] = ()) -> list[str]:
    """What is said of two listings when opening gives these records; anything else is gone by then."""
    first = looked()
    first.gone |= set(gone)
    disputed = Disputed(first)
    disputed.compare(before, now)
    known = {record.container: record for record in records}
    opened = {name: known.get(name, Unread(name, "gone", failed=False)) for name in disputed.names}
    return [gap.what for gap in gaps_in_listing(disputed, opened)]


def test_two_listings_that_agree_say_nothing() -> None:
    assert gaps(["a", "b"], ["a", "b"]) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param([], [HIDDEN.container], id="the first left it out"),
        pytest.param([HIDDEN.container], [], id="the second left it out"),
    ],
)
def test_an_old_container_that_one_listing_left_out_is_a_gap_that_names_it(before: list[str], now: list[str]) -> None:
    [what] = gaps(before, now, HIDDEN)
    assert what == f"storage left out or called deleted a container that exists ({HIDDEN.container})"


@pytest.mark.parametrize(
    ("record", "is_gap"),
    [
        pytest.param(HIDDEN, True, id="older than the grace"),
        pytest.param(YOUNG, False, id="it may have come since the listing"),
        pytest.param(FAR, True, id="a moment that has not come yet does not make it young"),
        pytest.param(container("young"), False, id="empty: there is nothing in it to miss"),
        pytest.param(gone("young"), False, id="gone by the time that it is opened"),
        pytest.param(unread("young"), True, id="it could not be read"),
    ],
)
def test_only_what_may_have_come_or_gone_meanwhile_is_none(record: Record, is_gap: bool) -> None:
    assert bool(gaps([], [record.container], record)) is is_gap


@pytest.mark.parametrize(("minutes", "is_gap"), [(1, True), (0, False), (-5, False)])
def test_the_container_of_an_old_row_need_only_have_been_there(minutes: int, is_gap: bool) -> None:
    """What came after the listing was restored since: that is no hole, and no finding any more."""
    there = container("lost", *encode("lost", at=AS_OF - minutes * MINUTE))
    disputed = Disputed(World([], [encoded("seen")], [row("seen"), row("lost", "lost")]).looked_at())
    disputed.add_rows()
    assert bool([*gaps_in_listing(disputed, {there.container: there})]) is is_gap


def test_a_container_that_was_called_deleted_and_is_listed_again_is_opened() -> None:
    name = HIDDEN.container
    assert gaps([name], [name], HIDDEN, gone=(name,)) != []
    assert gaps([name], [name], gone=(name,)) == []
    assert gaps([name], [], HIDDEN, gone=(name,)) == []


def test_of_many_only_the_first_are_opened_and_the_rest_is_a_gap() -> None:
    names = [f"{number:05}" for number in range(MOST_OPENED + 1)]
    assert gaps([], names) == [f"two listings differ in {MOST_OPENED + 1:,} containers, too many to look into"]
    assert gaps([], names[:-1]) == []


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")), st.integers(0, 6))
def test_where_the_listings_are_cut_into_parts_does_not_matter(before: set[str], now: set[str], at: int) -> None:
    whole, parts = Disputed(looked()), Disputed(looked())
    whole.compare(sorted(before), sorted(now))
    cut = "abcdef"[:at]
    for part in (set(cut), set("abcdef") - set(cut)):
        parts.compare(sorted(before & part), sorted(now & part))
    assert (
        (sorted(parts.names), parts.total)
        == (sorted(whole.names), whole.total)
        == (sorted(before ^ now), len(before ^ now))
    )


# --- over whole worlds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [PARAMETERS, FAST], ids=["full", "fast"])
def test_a_listing_that_lost_its_end_is_shown_by_a_row_whose_container_opens(parameters: object) -> None:
    """The hidden one is in neither listing; the month-old row's container is there all the same."""
    assert parameters in {PARAMETERS, FAST}
    seen = World([session()], [encoded("seen", of="seen")], [row("seen", "seen"), row("lost", "lost")])
    there = encoded("lost", of="lost")
    first = seen.looked_at()
    disputed = Disputed(first)
    disputed.add_rows()
    assert disputed.names == [there.container]
    [gap] = gaps_in_listing(disputed, {there.container: there})
    assert there.container in gap.what
    assert "find out what, then audit again" in gap.next_step


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
    assert audited(lost, then=World([], [encoded()], [row()])).counts(Kind.RECORDING) == {"sound": 1}
    unsure = audited(lost, then=World([], [unread("recording")], [row()]))
    assert unsure.counts(Kind.RECORDING) == {"unverified": 1}
    assert unsure.outcome is Outcome.INCOMPLETE


def test_a_hidden_recording_that_was_deleted_meanwhile_is_none() -> None:
    before = World([session()], [encoded()])
    assert before.looked_at().containers_seen == {encoded().container}
    deleted = audited(before, then=World([session()], []))
    assert deleted.verdicts() == {session().session_id: "expected_empty"}
    assert deleted.outcome is Outcome.CLEAN


# --- the wrong account ------------------------------------------------------------------------------------------------


def test_an_account_without_a_container_is_a_gap_unless_the_profile_allows_it() -> None:
    strict = FirstLook(PROFILE, PARAMETERS, CLOCK, listed=0, skipped={})
    assert strict.coverage.gaps == [NO_CONTAINER]
    assert not strict.coverage.is_complete
    assert looked().coverage.is_complete
    assert Coverage(listed=0).is_complete


@pytest.mark.parametrize(("live", "missing", "refused"), [(2, 2, True), (3, 2, True), (4, 2, False), (1, 1, False)])
def test_an_account_that_has_no_container_for_most_rows_is_hardly_the_right_one(
    live: int, missing: int, refused: bool
) -> None:
    first = looked(rows=live, missing=missing)
    if not refused:
        refuse_wrong_account(first, "SOURCE_STORAGE", "PRE_DATABASE")
        return
    with pytest.raises(WrongAccountError) as caught:
        refuse_wrong_account(first, "SOURCE_STORAGE", "PRE_DATABASE")
    assert f"{missing} of {live} live rows have no container" in str(caught.value)
    assert all(name in str(caught.value) for name in ("SOURCE_STORAGE", "PRE_DATABASE", "AUDIT_ALLOW_MOSTLY_MISSING"))


def test_rows_count_as_live_unless_nothing_can_be_expected_of_them() -> None:
    rows = [row("a"), row("b", "session", "future"), row("c", "session", "child")]
    others = [row(mark, "session", mark) for mark in ("deleted", "recent", "legacy", "unreadable")]
    first = World([], [encoded("a")], [*rows, *others]).looked_at()
    assert (first.live_rows, first.rows_without_container) == (3, 2)


def test_a_listing_that_is_known_to_be_cut_explains_what_is_missing() -> None:
    first = looked(rows=10, missing=10)
    first.coverage.gaps.append(NO_CONTAINER._replace(what="storage left out a container"))
    refuse_wrong_account(first, "SOURCE_STORAGE", "PRE_DATABASE")


# --- replicas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [HIDDEN, ContainerEvidence(*OTHER)], ids=["of a session", "of nobody"])
def test_what_a_registration_would_explain_is_unverified_on_a_replica(seen: ContainerEvidence) -> None:
    world = World([session()], [seen])
    primary, replica = audited(world), audited(replace(world, replayed_until=LONG_AGO))
    assert primary.outcome is Outcome.FINDINGS
    assert replica.outcome is Outcome.INCOMPLETE
    assert {found.judgement.verdict for found in replica.findings} <= {"unverified", "evidence_error"}
    assert replica.tally.hidden == 0
    assert "2026-01-31T09:30:00Z" in replica.findings[0].reason


def test_a_replica_takes_nothing_along_that_a_registration_would_not_explain() -> None:
    rows = [row("lost", "session")]
    done = audited(World([session(live_recordings=1)], [], rows, replayed_until=AS_OF))
    assert {found.judgement.verdict for found in done.findings} == {"status_behind", "row_without_container"}
    unused = audited(World([session()], replayed_until=AS_OF))
    assert unused.outcome is Outcome.CLEAN
