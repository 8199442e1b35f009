"""What two listings of an account, and opening what they disagree about, say of the coverage."""

from dataclasses import replace

import pytest

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.candidates import RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.gaps import NO_CONTAINER, gaps, no_sessions
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING
from profiles.pre_capture_sessions.names import CONTAINERS, CONTAINERS_AGAIN
from profiles.pre_capture_sessions.screening import NAMES
from reconciliation.coverage import DELETED_DURING_SCAN, Coverage, Gap
from reconciliation.evidence import Unread
from reconciliation.looks import MISSING, PLACED, Audit, Doubt, Group
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.screened import FirstLook
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    IN_FAST_MODE,
    LONG_AGO,
    MINUTE,
    PARAMETERS,
    World,
    audited,
    container,
    encode,
    encoded,
    first_look,
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
AUDIT = Audit(PARAMETERS, CLOCK, Coverage(listed=0))


def named(
    name: str, listed: bool, again: bool | None = None, *, gone: bool = False, row: RegisteredRecording | None = None
) -> Group:
    """A name that is or is not in the two listings; None: there was no second one."""
    record = Unread(name, "It was deleted.", failed=False) if gone else None
    return Group(name, ([name] * listed, [row] if row else [], [name] * bool(again)), record)


def gaps_in(groups: list[Group], *opened: Record, audit: Audit = AUDIT) -> list[Gap]:
    """What is said when opening doubted containers gives these records; without one, it is gone by then."""
    look, known = FirstLook(PROFILE, audit), {record.unit: record for record in opened}
    doubts = [doubt for group in groups if (doubt := look.take(NAMES, group)) is not None]
    again = [
        doubt.group._replace(
            evidence=known.get(doubt.group.key, Unread(doubt.group.key, DELETED_DURING_SCAN, failed=False))
        )
        for doubt in doubts
    ]
    return list(gaps([Doubt(NAMES, one.group, now) for one, now in zip(doubts, again, strict=True)], audit))


def what(group: Group, *opened: Record) -> list[str]:
    """What is said of one name."""
    return [gap.what for gap in gaps_in([group], *opened)]


@pytest.mark.parametrize("listings", [(True, True), (False, False)])
def test_two_listings_that_agree_are_no_dispute(listings: tuple[bool, bool]) -> None:
    assert what(named(HIDDEN.container, *listings), HIDDEN) == []


def test_without_a_second_listing_there_is_none() -> None:
    alone = replace(AUDIT, lost=frozenset({CONTAINERS_AGAIN}))
    assert gaps_in([named(HIDDEN.container, True)], HIDDEN, audit=alone) == []
    assert gaps_in([named(HIDDEN.container, False, row=row("hidden"))], HIDDEN, audit=alone), "a row needs no other"


@pytest.mark.parametrize("listings", [(False, True), (True, False)], ids=["the first", "the second"])
def test_an_old_container_that_one_listing_left_out_is_a_gap_that_names_it(listings: tuple[bool, bool]) -> None:
    [said] = what(named(HIDDEN.container, *listings), HIDDEN)
    assert said == f"storage left out or called deleted a container ({HIDDEN.container}) although it is there"


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
    assert bool(what(named(record.unit, False, True), record)) is is_gap


def test_a_container_that_was_deleted_since_the_listing_is_none() -> None:
    assert what(named(HIDDEN.container, True, False)) == []
    assert what(named(HIDDEN.container, True, False, gone=True)) == []


def test_a_container_that_is_listed_twice_and_called_deleted_is_believed_in() -> None:
    one = named(HIDDEN.container, True, True, gone=True)
    assert "although it is there" in what(one, HIDDEN)[0]
    assert what(one)[0] == f"storage lists a container ({HIDDEN.container}) and answers that it is not there"


def test_of_what_a_row_misses_the_row_itself_is_the_finding() -> None:
    assert what(named(HIDDEN.container, True, True, gone=True, row=row("hidden"))) == []
    assert what(named(HIDDEN.container, False, True, row=row("hidden"))) == []


@pytest.mark.parametrize(("minutes", "is_gap"), [(1, True), (0, False), (-5, False)])
def test_the_container_of_an_old_row_need_only_have_been_there(minutes: int, is_gap: bool) -> None:
    """What came after the listing was restored since: that is no hole, and no finding any more."""
    there = container("lost", *encode("lost", at=AS_OF - minutes * MINUTE))
    assert bool(what(named(there.container, False, False, row=row("lost")), there)) is is_gap
    assert what(named(there.container, False, False, row=row("lost", "session", "recent")), there) == []


def test_what_came_in_the_same_second_may_have_come_after() -> None:
    clock = replace(CLOCK, as_of=AS_OF.replace(microsecond=900_000))
    assert not container("lost", *encode("lost", at=AS_OF)).was_there(clock)
    assert container("lost", *encode("lost", at=AS_OF - MINUTE)).was_there(clock)


def test_many_are_counted_and_a_few_are_named() -> None:
    there = [container(f"n{number}", *encode("n")) for number in range(7)]
    [gap] = gaps_in([named(one.container, False, True) for one in there], *there)
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
    _, doubts = first_look(seen, parameters)
    assert [one.group.key for one in doubts if one.join == NAMES and one.again.unit] == [there.container]
    unlisted = replace(seen, records=[*seen.records, there], unlisted=frozenset({there.container}))
    [gap] = audited(seen, parameters, then=unlisted).coverage.gaps
    assert there.container in gap.what
    assert "find out what, then audit again" in gap.next_step
    done = audited(seen, parameters, then=unlisted)
    assert done.verdicts() == {session().session_id: "unverified"}
    assert done.verdicts(RECORDING) == {}, "its row misses nothing"
    assert done.outcome is Outcome.INCOMPLETE


@pytest.mark.parametrize("parameters", [PARAMETERS, IN_FAST_MODE], ids=["full", "fast"])
def test_a_live_rows_container_that_went_away_between_the_listings_is_missed(parameters: AuditParameters) -> None:
    before = World([], [encoded()], [row()])
    [found] = audited(before, parameters, then=World([], [], [row()])).findings
    assert found.judgement.verdict == "row_without_container"


def test_what_seemed_empty_and_is_not_is_judged_by_what_is_in_it() -> None:
    emptied = World([session()], [container("recording")])
    whole = World([session()], [encoded("recording")])
    assert audited(emptied, then=whole).verdicts() == {session().session_id: "unregistered_recording"}


def test_what_is_empty_is_read_twice() -> None:
    emptied = World([session()], [container("recording")])
    assert audited(emptied).verdicts() == {session().session_id: "expected_empty"}
    assert audited(emptied).counts(CONTAINER) == {"empty_container": 1}
    done = audited(emptied, then=World([session()], [unread("recording")]))
    assert done.verdicts() == {session().session_id: "unverified"}
    assert done.outcome is Outcome.INCOMPLETE
    [gap] = done.coverage.gaps
    assert gap.what == f"a container ({uuid_of('recording')}) seemed empty and could not be read again"


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
    deleted = audited(World([session()], [encoded()]), then=World([session()], []))
    assert deleted.verdicts() == {session().session_id: "expected_empty"}
    assert deleted.outcome is Outcome.CLEAN


def test_an_id_that_was_asked_for_and_is_no_sessions_is_named() -> None:
    other = str(uuid_of("booking"))
    asked = replace(PARAMETERS, only=(session().session_id, other))
    world = World([session()], [])
    assert other in [doubt.group.key for doubt in first_look(world, asked)[1]]
    done = audited(world, asked)
    [gap] = done.coverage.gaps
    assert gap.what == f"an id that was asked for is no session's ({other})"
    assert "6 ids" in no_sessions(list("abcdef")).what
    assert done.verdicts() == {session().session_id: "expected_empty"}, "it makes no other session less certain"
    assert audited(world, asked, then=replace(world, database=False)).coverage.gaps == []


# --- the wrong account ------------------------------------------------------------------------------------------------


def test_an_account_without_a_container_is_a_gap() -> None:
    assert PROFILE.source(CONTAINERS).if_empty is NO_CONTAINER
    assert [source.name for source in PROFILE.sources if source.if_empty] == [CONTAINERS]


def test_rows_without_a_container_count_unless_nothing_can_be_expected_of_them() -> None:
    rows = [row("a"), row("b", "session", "future"), row("c", "session", "child")]
    others = [row(mark, "session", mark) for mark in ("deleted", "recent", "legacy", "unreadable")]
    sightings = first_look(World([], [encoded("a")], [*rows, *others]))[0].sightings
    assert {name: sightings[name].times for name in (PLACED, MISSING)} == {PLACED: 1, MISSING: 2}


def test_any_row_whose_container_is_there_speaks_for_the_account() -> None:
    imports = [row(f"import {number}", "session", "legacy") for number in range(3)]
    world = World([], [encoded(f"import {number}") for number in range(3)], [*imports, row("a"), row("b")])
    sightings = first_look(world)[0].sightings
    assert (sightings[PLACED].times, sightings[MISSING].times) == (3, 2)


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
