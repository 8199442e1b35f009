"""What is read again, and what becomes of it when it cannot be."""

from dataclasses import dataclass, field, replace

import pytest

from activities import second_look
from activities.second_look import look_again
from profiles.pre_capture_sessions.candidates import Candidate
from profiles.pre_capture_sessions.evidence import Record
from profiles.pre_capture_sessions.first_look import FirstLook
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.errors import AuditError
from reconciliation.evidence import Unread
from reconciliation.lookups import ALL, Blob, BlobPage, Suffixes
from tests.activities.memory import FORBIDDEN, GONE, MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    MINUTE,
    REGISTERED,
    World,
    encode,
    encoded,
    row,
    session,
    unread,
    uuid_of,
)

STUCK = session(status="PROCESSING")
OTHER = session("other", **REGISTERED)
NAME = str(uuid_of("recording"))


@dataclass
class FlickeringStorage(MemoryStorage):
    """Gives what stands in ``once`` at the first reading of a container."""

    once: dict[str, AuditError | list[Blob]] = field(default_factory=dict)

    async def blobs(self, container: str, keep: Suffixes = ALL) -> list[BlobPage]:
        if container not in self.once:
            return await super().blobs(container)
        return await MemoryStorage({container: self.once.pop(container)}).blobs(container)


def doubting(*candidates: Candidate, records: tuple[Record, ...] = (encoded(),)) -> FirstLook:
    first = World([], list(records)).looked_at()
    for candidate in candidates:
        first.take_session(candidate)
    return first


def outside(database: MemoryDatabase | None = None) -> Outside:
    return Outside(MemoryStorage({NAME: encode()}), database or MemoryDatabase([STUCK], others=[OTHER]))


async def test_what_is_in_doubt_is_read_again_and_nothing_else() -> None:
    world = outside(MemoryDatabase([STUCK, session("in order")], [row("elsewhere")], [OTHER]))
    world.storage.account = {**world.storage.account, str(uuid_of("elsewhere")): encode()}
    seen = await look_again(doubting(STUCK, session("in order")), world.services)
    assert dict(seen.sessions) == {STUCK.session_id: STUCK}
    assert dict(seen.rows) == {}
    assert dict(seen.records) == {NAME: encoded()}
    assert world.storage.listed == [NAME]
    assert seen.complete


async def test_a_session_that_a_container_names_is_looked_up_though_it_is_no_candidate() -> None:
    records = (encoded(of="other"),)
    seen = await look_again(doubting(records=records), outside().services)
    assert dict(seen.sessions) == {OTHER.session_id: OTHER}


async def test_a_row_that_came_in_between_is_found() -> None:
    world = outside(MemoryDatabase([STUCK], [row()]))
    seen = await look_again(doubting(STUCK), world.services)
    assert dict(seen.rows) == {NAME: row()}


async def test_what_counts_as_recent_is_measured_from_the_second_look() -> None:
    world = outside()
    world.now = AS_OF + 180 * MINUTE
    await look_again(doubting(STUCK), world.services)
    assert world.database.asked[-1].values["recent"] == AS_OF + 120 * MINUTE


@pytest.mark.parametrize(
    ("trouble", "record", "complete"),
    [
        (FORBIDDEN, Unread(NAME, "403 Forbidden", failed=True), False),
        (GONE, Unread(NAME, DELETED_DURING_SCAN, failed=False), True),
    ],
)
async def test_a_container_that_cannot_be_read_again_is_part_of_the_answer(
    trouble: Exception, record: Unread, complete: bool
) -> None:
    world = outside()
    world.storage.account = {NAME: trouble}  # type: ignore[dict-item]
    seen = await look_again(doubting(STUCK), world.services)
    assert dict(seen.records) == {NAME: record}
    assert seen.complete is complete


async def test_what_could_not_be_read_was_tried_often_enough() -> None:
    world = outside()
    await look_again(doubting(STUCK, records=(unread("recording"),)), world.services)
    assert world.storage.listed == []


async def test_a_database_that_fails_once_is_asked_again() -> None:
    world = outside()
    world.database.failures = 1
    seen = await look_again(doubting(STUCK), world.services)
    assert seen.complete
    assert dict(seen.sessions) == {STUCK.session_id: STUCK}


async def test_a_database_that_keeps_failing_is_part_of_the_answer_and_storage_is_read_all_the_same() -> None:
    world = outside()
    world.database.failures = 2
    seen = await look_again(doubting(STUCK), world.services)
    assert not seen.database_read
    assert not seen.complete
    assert (dict(seen.sessions), dict(seen.rows), dict(seen.ingest_blobs)) == ({}, {}, {})
    assert dict(seen.records) == {NAME: encoded()}


async def test_many_ids_are_asked_for_in_portions() -> None:
    count = second_look._IDS_IN_ONE_QUERY * 2 + 1
    first = doubting()
    for number in range(count):
        first.take_session(session(f"stuck {number}", status="PROCESSING"))
    world = outside(MemoryDatabase())
    await look_again(first, world.services)
    asked = [one for query in world.database.asked for one in query.values["ids"]]
    assert sorted(asked) == sorted([*first.session_ids, *first.recording_ids])
    assert max(len(query.values["ids"]) for query in world.database.asked) == second_look._IDS_IN_ONE_QUERY


# --- the ingest account -------------------------------------------------------------------------------------------


async def test_the_ingest_account_is_asked_for_bookings_of_sessions_in_doubt() -> None:
    unknown = replace(STUCK, session_id=str(uuid_of("unknown")), booking_id="unknown")
    empty = replace(STUCK, session_id=str(uuid_of("empty")), booking_id="gone")
    never = session("never", status=None)
    behind = session("behind", live_recordings=1)
    world = outside(MemoryDatabase([STUCK, unknown, empty, never, behind]))
    world.ingest = MemoryStorage({STUCK.booking_id: encode(), "unknown": FORBIDDEN, never.booking_id: encode()})
    seen = await look_again(doubting(STUCK, unknown, empty, never, behind), world.services)
    assert dict(seen.ingest_blobs) == {STUCK.booking_id: 2, "gone": 0}
    assert set(world.ingest.listed) == {STUCK.booking_id, "unknown", "gone"}
    assert seen.complete, "it tells more where it can be read, and proves nothing where it cannot"


@pytest.mark.parametrize("first_answer", [GONE, []], ids=["gone", "empty"])
async def test_one_answer_that_the_ingest_account_has_nothing_is_not_believed(
    first_answer: AuditError | list[Blob],
) -> None:
    world = outside()
    world.ingest = FlickeringStorage({STUCK.booking_id: encode()}, once={STUCK.booking_id: first_answer})
    seen = await look_again(doubting(STUCK), world.services)
    assert dict(seen.ingest_blobs) == {STUCK.booking_id: 2}


async def test_without_an_ingest_account_nothing_is_said_of_it() -> None:
    assert dict((await look_again(doubting(STUCK), outside().services)).ingest_blobs) == {}


async def test_where_nothing_is_in_doubt_nothing_is_asked() -> None:
    world = outside(MemoryDatabase())
    seen = await look_again(doubting(records=()), world.services)
    assert (world.storage.listed, world.database.asked) == ([], [])
    assert seen.complete
