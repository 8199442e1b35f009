"""A piece of the second look, as it is kept."""

import pytest

from activities.look_again import look
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.screened import Screening
from tests.activities.audits import Audit, audit_of, folder, named, request
from tests.activities.memory import FORBIDDEN, MemoryStorage
from tests.profiles.pre_capture_sessions.world import AS_OF, MINUTE, encode, session, uuid_of

NAME = str(uuid_of("recording"))
STUCK = session(status="PROCESSING")


async def screened() -> tuple[Audit, Screening]:
    audit = audit_of(STUCK, account=named(recording=encode()))
    await audit.planned()
    await audit.scanned()
    screening = await audit.screened()
    audit.outside.storage.listed.clear()
    return audit, screening


async def test_what_was_seen_is_kept_for_each_doubt_in_its_order() -> None:
    audit, _ = await screened()
    audit.outside.ingest = MemoryStorage({STUCK.booking_id: FORBIDDEN})
    assert await look({**request(), "shard": 0}, audit.services) == {"ok": True}
    unread = {"unread": ["", "403 Forbidden", True]}
    assert await audit.store.attempts.again(f"{folder()}/0.0", 0) == [
        ["names", NAME, "as before", []],
        ["sessions", STUCK.session_id, None, [unread]],
    ]


async def test_doing_it_again_asks_for_nothing_and_changes_nothing() -> None:
    audit, _ = await screened()
    await look({**request(), "shard": 0}, audit.services)
    stored = dict(audit.files)
    assert audit.outside.storage.listed == [NAME]
    audit.outside.now = AS_OF + 60 * MINUTE
    assert await look({**request(), "shard": 0}, audit.services) == {"ok": True}
    assert audit.outside.storage.listed == [NAME]
    assert audit.files == stored


async def test_what_was_lost_is_looked_up_anew_in_the_same_words() -> None:
    audit, _ = await screened()
    await look({**request(), "shard": 0}, audit.services)
    stored = dict(audit.files)
    del audit.files[f"{folder()}/0.0/again/0000.jsonl.gz"]
    await look({**request(), "shard": 0}, audit.services)
    assert audit.files == stored


async def test_every_doubt_is_in_one_piece() -> None:
    names = [f"recording {number}" for number in range(1120)]
    audit = audit_of(account=named(**{name: encode(name) for name in names}), sizes=(500, 100_000))
    await audit.planned()
    await audit.scanned()
    await audit.looked_again()
    pieces = [await audit.store.attempts.again(f"{folder()}/0.0", shard) for shard in range(3)]
    assert [len(piece or []) for piece in pieces] == [1000, 1000, 240]
    keys = [(join, key) for piece in pieces for join, key, _, _ in piece or []]
    assert len(set(keys)) == len(keys) == 2 * len(names)


async def test_nothing_more_is_looked_up_for_an_audit_that_has_ended() -> None:
    audit, _ = await screened()
    record = await audit.record()
    ended = record.ended(State.CANCELLED, AS_OF, outcome=Outcome.FAILED, reached=None)
    await audit.outside.records.end(ended)
    with pytest.raises(RunStoreError, match="nothing more is done for it"):
        await look({**request(), "shard": 0}, audit.services)
    assert audit.outside.storage.listed == []
