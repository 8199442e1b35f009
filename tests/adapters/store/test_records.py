import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.store.blobs import BlobStore, Stored
from adapters.store.records import ActiveAudit, AuditRecords, UnreadableAudit, UnreadableGuard
from profiles.pre_capture_sessions.options import FAST
from reconciliation.errors import AuditExistsError, RunStoreError, UnreadableError
from reconciliation.lifecycle import ENDED, State, may_become
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.run_record import RunRecord
from tests.activities.memory import MemoryBlobs

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
AUDIT = "20260131-093000-1a2b3c4d"
PROFILE = "pre-capture-sessions"
PARAMETERS = AuditParameters(
    PROFILE, FAST, 60, since=AT - timedelta(days=9), options={"statuses": ("NO_RECORDING", "NULL")}
)
RECORD = RunRecord(AUDIT, State.QUEUED, PARAMETERS, created_at=AT, updated_at=AT)
OTHER = replace(RECORD, parameters=replace(PARAMETERS, profile="other"))
FOLDER, GUARD = f"{PROFILE}/{AUDIT}", f"{PROFILE}/active.json"


# --- the guard --------------------------------------------------------------------------------------------------------


def numbered(number: int) -> str:
    """An audit's id."""
    return f"20260131-093000-{number:08x}"


async def active(records: AuditRecords) -> ActiveAudit:
    """The audit that the guard names, which must be there and tell."""
    guard = await records.active(PROFILE)
    assert isinstance(guard, ActiveAudit)
    return guard


async def test_of_twenty_claims_at_once_one_wins_and_is_named(records: AuditRecords) -> None:
    assert await records.active(PROFILE) is None
    won = await asyncio.gather(*(records.claim(PROFILE, numbered(n), AT, None) for n in range(20)))
    [number] = [n for n, held in enumerate(won) if held]
    guard = await active(records)
    assert (guard.audit_id, guard.since) == (numbered(number), AT)


async def test_of_twenty_successors_at_once_one_wins(records: AuditRecords) -> None:
    await records.claim(PROFILE, numbered(99), AT, None)
    ended = await records.active(PROFILE)
    won = await asyncio.gather(*(records.claim(PROFILE, numbered(n), AT, ended) for n in range(20)))
    [number] = [n for n, held in enumerate(won) if held]
    assert (await active(records)).audit_id == numbered(number)


async def test_profiles_do_not_stand_in_each_others_way(records: AuditRecords) -> None:
    assert await records.claim("one", numbered(1), AT, None)
    assert await records.claim("other", numbered(2), AT, None)
    assert not await records.claim("one", numbered(3), AT, None)


async def test_a_claim_whose_answer_was_lost_is_sent_again_and_finds_itself(records: AuditRecords) -> None:
    assert await records.claim(PROFILE, numbered(1), AT, None)
    assert await records.claim(PROFILE, numbered(1), AT, None)
    before = await records.active(PROFILE)
    assert await records.claim(PROFILE, numbered(2), AT, before)
    assert await records.claim(PROFILE, numbered(2), AT, before)
    assert not await records.claim(PROFILE, numbered(3), AT, before)


async def test_what_holds_a_guard_can_hold_it_on_without_looking(
    records: AuditRecords, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await records.claim(PROFILE, numbered(1), AT, None)
    assert first == await active(records)
    with monkeypatch.context() as patch:
        patch.setattr(blobs, "read", None)
        later = await records.claim(PROFILE, numbered(1), AT + timedelta(seconds=1), first)
    assert later == await active(records)
    assert later != first
    assert await records.claim(PROFILE, numbered(2), AT, first) is None, "it is not the guard that was seen any more"
    assert await records.claim(PROFILE, numbered(1), AT, None) == later, "its answer was lost, so it finds itself"


# --- the record -------------------------------------------------------------------------------------------------------


async def test_a_record_comes_back_as_it_was(records: AuditRecords) -> None:
    assert await records.record(AUDIT) is None
    await records.create_record(RECORD)
    assert await records.record(AUDIT) == RECORD


async def test_an_audit_is_never_created_twice(records: AuditRecords) -> None:
    rivals = [replace(RECORD, updated_at=AT + timedelta(seconds=number)) for number in range(10)]
    results = await asyncio.gather(*(records.create_record(rival) for rival in rivals), return_exceptions=True)
    assert results.count(None) == 1
    assert all(isinstance(result, AuditExistsError) for result in results if result is not None)


async def test_a_request_that_is_sent_again_because_its_answer_was_lost_finds_its_own_work(
    records: AuditRecords,
) -> None:
    await records.create_record(RECORD)
    await records.create_record(RECORD)


async def test_the_first_of_many_ends_stays_and_everybody_is_told_it(records: AuditRecords) -> None:
    await records.create_record(RECORD)
    states = [State.COMPLETED, State.INCOMPLETE, State.FAILED, State.CANCELLED] * 5
    ends = [
        RECORD.ended(state, AT, outcome=Outcome.FAILED, reached=None, error=str(n)) for n, state in enumerate(states)
    ]
    told = await asyncio.gather(*(records.end(end) for end in ends))
    stored = await records.record(AUDIT)
    assert stored in ends
    assert all(record == stored for record in told)
    later = RECORD.ended(State.COMPLETED, AT + timedelta(hours=1), outcome=Outcome.CLEAN, reached=None)
    assert await records.end(later) == stored
    assert await records.record(AUDIT) == stored


@pytest.mark.parametrize("now", [State.QUEUED, *sorted(ENDED)])
@pytest.mark.parametrize("then", sorted(ENDED))
async def test_a_record_ends_as_the_table_of_states_allows_and_in_no_other_way(
    records: AuditRecords, now: State, then: State
) -> None:
    record = replace(RECORD, state=now)
    await records.create_record(record)
    asked = record.ended(then, AT + timedelta(hours=1), outcome=Outcome.FAILED, reached=None)
    told = await records.end(asked)
    assert told == await records.record(AUDIT) == (asked if may_become(now, then) else record)


async def seen_now(records: AuditRecords) -> RunRecord:
    """The record as it is read, with the version that it was read at."""
    record = await records.record(AUDIT)
    assert record is not None
    assert record.etag
    return record


async def test_an_end_is_written_over_the_record_that_was_seen_without_reading_it_again(
    records: AuditRecords, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await records.create_record(RECORD)
    seen = await seen_now(records)
    own = seen.ended(State.COMPLETED, AT, outcome=Outcome.CLEAN, reached=None)
    with monkeypatch.context() as patch:
        patch.setattr(blobs, "read", None)
        assert await records.end(own, seen) == own
    assert await records.record(AUDIT) == own


async def test_where_the_record_has_ended_since_it_was_seen_the_first_end_stays(records: AuditRecords) -> None:
    await records.create_record(RECORD)
    seen = await seen_now(records)
    first = await records.end(RECORD.ended(State.CANCELLED, AT, outcome=Outcome.FAILED, reached=None))
    late = seen.ended(State.COMPLETED, AT, outcome=Outcome.CLEAN, reached=None)
    for as_seen in (seen, await seen_now(records)):
        assert await records.end(late, as_seen) == first
    assert await records.record(AUDIT) == first


async def test_where_the_audit_was_begun_again_since_it_was_seen_its_end_does_not_count(records: AuditRecords) -> None:
    await records.create_record(RECORD)
    seen = await seen_now(records)
    reopened = await records.reopen(seen, AT, resumed=True)
    late = seen.ended(State.COMPLETED, AT, outcome=Outcome.CLEAN, reached=None)
    assert await records.end(late, seen) == reopened == await records.record(AUDIT)


async def test_an_audit_that_was_never_started_cannot_end(records: AuditRecords) -> None:
    with pytest.raises(RunStoreError, match=f"no audit {AUDIT}"):
        await records.end(RECORD.ended(State.FAILED, AT, outcome=Outcome.FAILED, reached=None))


# --- beginning again --------------------------------------------------------------------------------------------------


async def ended(records: AuditRecords, state: State) -> RunRecord:
    """An audit that has ended so."""
    await records.create_record(RECORD)
    return await records.end(RECORD.ended(state, AT, outcome=Outcome.FAILED, reached=None, error="No."))


async def test_of_twenty_who_begin_again_at_once_one_gets_the_record(records: AuditRecords) -> None:
    seen = await ended(records, State.FAILED)
    moments = [AT + timedelta(seconds=number) for number in range(20)]
    told = await asyncio.gather(*(records.reopen(seen, moment, resumed=True) for moment in moments))
    [won] = [record for record in told if record is not None]
    assert await records.record(AUDIT) == won
    assert (won.state, won.resumes, won.rounds, won.error) == (State.QUEUED, 1, 0, None)


async def test_an_audit_that_broke_off_is_begun_again_by_one_of_two_although_its_state_stays(
    records: AuditRecords,
) -> None:
    await records.create_record(RECORD)
    assert await records.reopen(RECORD, AT, resumed=True) is not None
    assert await records.reopen(RECORD, AT + timedelta(minutes=5), resumed=True) is None


@pytest.mark.parametrize(
    ("state", "may"),
    [
        pytest.param(State.FAILED, True, id="failed: what stood in its way may be gone"),
        pytest.param(State.INCOMPLETE, True, id="incomplete: its dead letters may be replayed"),
        pytest.param(State.COMPLETED, False, id="completed: there is nothing to do"),
        pytest.param(State.CANCELLED, False, id="cancelled: a person said so"),
    ],
)
async def test_only_some_ends_may_be_undone(records: AuditRecords, state: State, may: bool) -> None:
    seen = await ended(records, state)
    assert (await records.reopen(seen, AT, resumed=True) is not None) is may


async def test_what_changed_since_it_was_seen_is_not_begun_again(records: AuditRecords) -> None:
    await ended(records, State.FAILED)
    assert await records.reopen(RECORD, AT, resumed=True) is None


@pytest.mark.parametrize("resumed", [True, False], ids=["resumed", "replayed"])
async def test_an_end_that_was_decided_before_the_audit_was_begun_again_does_not_count(
    records: AuditRecords, resumed: bool
) -> None:
    seen = await ended(records, State.INCOMPLETE)
    reopened = await records.reopen(seen, AT, resumed=resumed)
    assert reopened is not None
    late = RECORD.ended(State.COMPLETED, AT, outcome=Outcome.CLEAN, reached=None)
    assert await records.end(late) == reopened
    assert await records.record(AUDIT) == reopened
    own = reopened.ended(State.COMPLETED, AT, outcome=Outcome.CLEAN, reached=None)
    assert await records.end(own) == own


async def test_a_guard_is_taken_away_only_as_it_was_seen(records: AuditRecords) -> None:
    await records.claim(PROFILE, numbered(1), AT, None)
    seen = await active(records)
    assert await records.claim(PROFILE, numbered(2), AT, seen)
    assert not await records.release(seen, PROFILE)
    now = await active(records)
    assert now.audit_id == numbered(2)
    assert await records.release(now, PROFILE)
    assert await records.active(PROFILE) is None
    assert not await records.release(now, PROFILE)


async def test_a_guard_that_is_written_anew_is_not_the_one_that_was_seen(records: AuditRecords) -> None:
    await records.claim(PROFILE, AUDIT, AT, None)
    seen = await records.active(PROFILE)
    assert await records.claim(PROFILE, AUDIT, AT, seen)
    assert not await records.claim(PROFILE, numbered(2), AT, seen)


# --- all of them ------------------------------------------------------------------------------------------------------


async def test_folders_are_listed_newest_first_without_the_guards(records: AuditRecords, blobs: BlobStore) -> None:
    assert await records.folders() == []
    ids = ["20260131-093000-00000000", "20251231-235959-ffffffff", "20260131-093001-00000000"]
    await asyncio.gather(*(blobs.write(f"{PROFILE}/{audit_id}/run.json", b"{}") for audit_id in ids))
    await records.claim(PROFILE, ids[0], AT, None)
    for folder in ("active", "20260131-093000-0000000G", "20260131-093000-00000000-copy", "old", "$web"):
        await blobs.write(f"{PROFILE}/{folder}/run.json", b"{}")
        await blobs.write(f"{folder}/run.json", b"{}")
    await blobs.write(f"{PROFILE}/older/{ids[0]}/run.json", b"{}")
    assert await records.folders() == [f"{PROFILE}/{audit_id}" for audit_id in sorted(ids, reverse=True)]


async def test_folders_of_all_profiles_and_of_the_old_layout_are_one_row_by_time(
    records: AuditRecords, blobs: BlobStore
) -> None:
    folders = [
        "disabled/20260131-093004-00000000",
        f"{PROFILE}/20260131-093003-00000000",
        "20260131-093002-00000000",
        "other/20260131-093001-00000000",
        f"{PROFILE}/20260131-093000-00000000",
    ]
    for folder in (*folders, "active/20260131-093005-00000000"):
        await blobs.write(f"{folder}/run.json", b"{}")
    assert await records.folders() == folders
    assert await records.folders(PROFILE) == [folders[1], folders[2], folders[4]]
    assert await records.folders("other") == [folders[2], folders[3]]


@given(
    st.sets(
        st.builds(
            lambda profile, day, minute: f"{profile}202601{day:02}-09{minute:02}00-00000000",
            st.sampled_from(["", f"{PROFILE}/", "other/", "third/"]),
            st.integers(1, 6),
            st.integers(0, 3),
        ),
        max_size=25,
    ),
    st.sampled_from([None, PROFILE, "other"]),
)
async def test_whatever_days_audits_are_of_all_are_given_once_and_newest_first(
    folders: set[str], profile: str | None
) -> None:
    kept = MemoryBlobs()
    for folder in (*folders, "other/questions/a-b", f"{PROFILE}/repairs/20260101-090000-00000000"):
        await kept.write(f"{folder}/run.json", b"{}")
    records = AuditRecords(kept, [PROFILE])
    found = [one.folder async for one in records.newest_first(profile) if isinstance(one, UnreadableAudit)]
    assert sorted(found) == sorted(await records.folders(profile))
    moments = [folder.rpartition("/")[2] for folder in found]
    assert moments == sorted(moments, reverse=True)


async def test_of_a_month_of_audits_only_the_last_days_are_listed_as_long_as_no_more_are_wanted() -> None:
    class Counting(MemoryBlobs):
        listed = 0

        async def folders(self, prefix: str = "", delimiter: str = "/") -> AsyncIterator[str]:
            async for one in super().folders(prefix, delimiter):
                self.listed += 1
                yield one

    kept = Counting()
    for day, hour in product(range(1, 31), range(24)):
        await kept.write(f"{PROFILE}/202604{day:02}-{hour:02}0000-00000000/run.json", b"{}")
    newest = aiter(AuditRecords(kept, [PROFILE]).newest_first(None, 20))
    for _ in range(40):
        await anext(newest)
    assert kept.listed == 1 + 30 + 2 * 24, "the profile, the days, and the audits of two of them"


async def test_records_come_newest_first_also_those_of_one_second(records: AuditRecords) -> None:
    later = timedelta(milliseconds=1)
    ids = {"20260131-093000-ffffffff": AT, "20260131-093000-00000000": AT + later, "20260131-093001-11111111": AT}
    for audit_id, at in ids.items():
        await records.create_record(replace(RECORD, audit_id=audit_id, created_at=at))
    found = [one.audit_id async for one in records.newest_first()]
    assert found == ["20260131-093001-11111111", "20260131-093000-00000000", "20260131-093000-ffffffff"]


async def test_records_are_read_only_as_they_are_taken(
    records: AuditRecords, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for second in range(5):
        await records.create_record(replace(RECORD, audit_id=f"20260131-09300{second}-00000000"))
    asked = []
    read = blobs.read

    async def noted(path: str) -> Stored | None:
        asked.append(path)
        return await read(path)

    monkeypatch.setattr(blobs, "read", noted)
    newest = await anext(records.newest_first())
    assert newest.audit_id == "20260131-093004-00000000"
    assert len(asked) == 1


# --- two profiles -----------------------------------------------------------------------------------------------------


async def test_audits_of_two_profiles_are_apart(records: AuditRecords) -> None:
    await records.create_record(RECORD)
    mine = replace(OTHER, audit_id=numbered(7))
    await records.create_record(mine)
    assert await records.record(AUDIT) == await records.record_in(FOLDER) == RECORD
    assert await records.record(mine.audit_id) == await records.record_in(f"other/{mine.audit_id}") == mine
    assert await records.record_in(f"other/{AUDIT}") is None
    assert {one.audit_id async for one in records.newest_first()} == {AUDIT, mine.audit_id}
    assert [one async for one in records.newest_first(PROFILE)] == [RECORD]
    assert [one async for one in records.newest_first("other")] == [mine]


async def test_an_end_is_of_the_audit_of_its_own_profile_also_where_the_ids_are_the_same(records: AuditRecords) -> None:
    await records.create_record(RECORD)
    await records.create_record(OTHER)
    ended = await records.end(OTHER.ended(State.FAILED, AT, outcome=Outcome.FAILED, reached=None))
    assert await records.record_in(FOLDER) == RECORD
    assert await records.record_in(f"other/{AUDIT}") == ended
    assert await records.reopen(ended, AT, resumed=True) is not None
    assert await records.record_in(FOLDER) == RECORD


async def test_audits_of_a_profile_that_is_not_enabled_any_more_are_found_too(
    records: AuditRecords, blobs: BlobStore
) -> None:
    await records.create_record(RECORD)
    only_other = AuditRecords(blobs, ["other"])
    assert await only_other.record(AUDIT) == RECORD
    assert [one async for one in only_other.newest_first()] == [RECORD]
    assert await only_other.profiles() == [PROFILE]
    assert await only_other.record("20260131-093000-ffffffff") is None


# --- as earlier releases laid it out ----------------------------------------------------------------------------------


async def of_old_layout(blobs: BlobStore, record: RunRecord) -> RunRecord:
    """An audit as an earlier release left it."""
    await blobs.write(f"{record.audit_id}/run.json", json.dumps(record.to_json()).encode())
    return replace(record, is_of_old_layout=True)


async def test_an_audit_of_the_old_layout_is_shown_and_says_so(records: AuditRecords, blobs: BlobStore) -> None:
    older = await of_old_layout(blobs, RECORD)
    assert await records.record(AUDIT) == older
    assert (older.folder, older.attempt_folder) == (AUDIT, f"{AUDIT}/0.0")
    assert not RECORD.is_of_old_layout
    newer = replace(OTHER, audit_id="20260131-093001-00000000")
    await records.create_record(newer)
    assert [one async for one in records.newest_first()] == [newer, older]
    assert [one async for one in records.newest_first(PROFILE)] == [older]


async def test_where_an_id_is_in_both_layouts_the_new_one_counts(records: AuditRecords, blobs: BlobStore) -> None:
    await of_old_layout(blobs, RECORD)
    newer = replace(RECORD, updated_at=AT + timedelta(days=1))
    await records.create_record(newer)
    assert await records.record(AUDIT) == newer


async def test_an_audit_of_the_old_layout_can_still_be_given_up(records: AuditRecords, blobs: BlobStore) -> None:
    older = await of_old_layout(blobs, RECORD)
    ended = await records.end(older.ended(State.FAILED, AT, outcome=Outcome.FAILED, reached=None, error="Gone."))
    assert ended.is_of_old_layout
    assert await records.record(AUDIT) == ended
    assert [blob.path async for blob in blobs.listing("")] == [f"{AUDIT}/run.json"]


async def test_an_audit_of_the_old_layout_is_not_begun_again(records: AuditRecords, blobs: BlobStore) -> None:
    ended = RECORD.ended(State.FAILED, AT, outcome=Outcome.FAILED, reached=None)
    for left in (ended, RECORD):
        older = await of_old_layout(blobs, left)
        for resumed in (True, False):
            assert await records.reopen(older, AT, resumed=resumed) is None
        assert await records.record(AUDIT) == older


async def guarded_by_old_layout(blobs: BlobStore, audit_id: str) -> None:
    """The guard of the profile as an earlier release wrote it."""
    guard = {"schema_version": 1, "complete": True, "audit_id": audit_id, "since": "2026-01-31T09:30:00Z"}
    await blobs.write(f"active/{PROFILE}.json", json.dumps(guard).encode())


async def test_the_guard_of_an_earlier_release_names_its_audit_until_it_is_taken_away(
    records: AuditRecords, blobs: BlobStore
) -> None:
    assert await records.left_active(PROFILE) is None
    await guarded_by_old_layout(blobs, AUDIT)
    assert await records.left_active(PROFILE) is None, "there is no such audit"
    older = await of_old_layout(blobs, RECORD)
    assert await records.left_active(PROFILE) == older
    assert (await records.left_active("other"), await records.active(PROFILE)) == (None, None)
    for _ in range(2):
        await records.release_old_layout(PROFILE)
        assert await records.left_active(PROFILE) is None
    assert await records.record(AUDIT) == older


async def test_it_names_no_audit_of_this_release(records: AuditRecords, blobs: BlobStore) -> None:
    await records.create_record(RECORD)
    await guarded_by_old_layout(blobs, AUDIT)
    assert await records.left_active(PROFILE) is None


@pytest.mark.parametrize("damaged", [f"active/{PROFILE}.json", f"{AUDIT}/run.json"])
async def test_what_an_earlier_release_left_and_cannot_be_read_is_named(
    records: AuditRecords, blobs: BlobStore, damaged: str
) -> None:
    await guarded_by_old_layout(blobs, AUDIT)
    await of_old_layout(blobs, RECORD)
    await blobs.write(damaged, b"{")
    with pytest.raises(UnreadableError, match=f"^{damaged} in container .* cannot be read"):
        await records.left_active(PROFILE)


# --- how it is written ------------------------------------------------------------------------------------------------


async def test_guard_and_record_have_a_schema_version_and_only_an_ended_record_is_complete(
    records: AuditRecords, blobs: BlobStore
) -> None:
    async def completeness() -> dict[str, bool]:
        found = {}
        async for blob in blobs.listing(""):
            stored = await blobs.read(blob.path)
            assert stored is not None
            document = json.loads(stored.data)
            assert document["schema_version"] == 1
            found[blob.path] = document["complete"]
        return found

    await records.claim(PROFILE, AUDIT, AT, None)
    await records.create_record(RECORD)
    assert await completeness() == {GUARD: True, f"{FOLDER}/run.json": False}
    await records.end(RECORD.ended(State.COMPLETED, AT, outcome=Outcome.CLEAN, reached=None))
    assert await completeness() == {GUARD: True, f"{FOLDER}/run.json": True}


def test_messages_can_say_where_the_records_are(records: AuditRecords, blobs: BlobStore) -> None:
    assert records.where == blobs.where
    assert "REPORT_STORAGE" in records.where


# --- what somebody, or a later release, has touched -------------------------------------------------------------------

WRITTEN = RECORD.to_json()
FOREIGN: dict[str, bytes] = {
    "nothing": b"",
    "cut": b"{",
    "another kind": b"[]",
    "no text": b"\xff\xfe",
    "half a character": json.dumps(WRITTEN | {"error": "\ud800"}).encode(),
    "beyond all numbers": json.dumps(WRITTEN | {"summary": {"findings": float("inf")}}).encode(),
    "deep": b"[" * 100_000,
    "a later schema": json.dumps(WRITTEN | {"schema_version": 2}).encode(),
    "a schema that is no number": json.dumps(WRITTEN | {"schema_version": True}).encode(),
    "no schema": json.dumps({name: value for name, value in WRITTEN.items() if name != "schema_version"}).encode(),
    "a later state": json.dumps(WRITTEN | {"state": "paused"}).encode(),
    "a state that is seen and never written": json.dumps(WRITTEN | {"state": "running"}).encode(),
    "another such state": json.dumps(WRITTEN | {"state": "interrupted"}).encode(),
    "a number for how far it came": json.dumps(WRITTEN | {"progress": 7}).encode(),
    "a text for how many are open": json.dumps(WRITTEN | {"dead_letters": "7"}).encode(),
    "a mode that is no text": json.dumps(WRITTEN | {"parameters": WRITTEN["parameters"] | {"mode": 7}}).encode(),
    "a number for an option": json.dumps(WRITTEN | {"parameters": WRITTEN["parameters"] | {"statuses": 7.5}}).encode(),
    "another outcome": json.dumps(WRITTEN | {"outcome": {"code": 5, "word": "great"}}).encode(),
    "no parameters": json.dumps(WRITTEN | {"parameters": None}).encode(),
    "a moment without a zone": json.dumps(WRITTEN | {"created_at": "2026-01-31T09:30:00"}).encode(),
    "a moment before all others": json.dumps(WRITTEN | {"created_at": "0001-01-01T00:00:00+14:00"}).encode(),
    "a number for a moment": json.dumps(WRITTEN | {"updated_at": 7}).encode(),
    "a text for a number": json.dumps(WRITTEN | {"resumes": "7"}).encode(),
    "a list for a summary": json.dumps(WRITTEN | {"summary": []}).encode(),
    "another audit's": json.dumps(WRITTEN | {"id": "20260131-093000-00000000"}).encode(),
    "another profile's": json.dumps(OTHER.to_json()).encode(),
    "a folder for an id": json.dumps(WRITTEN | {"id": "active"}).encode(),
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_record_that_cannot_be_read_is_named_and_hides_no_other(
    records: AuditRecords, blobs: BlobStore, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = (replace(RECORD, audit_id=audit_id) for audit_id in ("20260131-092959-00000000", numbered(1)))
    for record in (before, after):
        await records.create_record(record)
    await blobs.write(f"{FOLDER}/run.json", data)
    ended = RECORD.ended(State.FAILED, AT, outcome=Outcome.FAILED, reached=None)
    for use in (records.record(AUDIT), records.end(ended), records.reopen(ended, AT, resumed=True)):
        with pytest.raises(UnreadableError, match=rf"^{FOLDER}/run\.json in container .* cannot be read: .+ new audit"):
            await use
    found = [one async for one in records.newest_first()]
    assert [one for one in found if not isinstance(one, UnreadableAudit)] == [after, before]
    [unreadable] = [one for one in found if isinstance(one, UnreadableAudit)]
    assert (unreadable.audit_id, unreadable.folder, unreadable.error.path) == (AUDIT, FOLDER, f"{FOLDER}/run.json")
    assert f"{FOLDER}/run.json" in caplog.text
    stored = await blobs.read(f"{FOLDER}/run.json")
    assert stored is not None
    assert stored.data == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema_version": 2}',
        json.dumps({"schema_version": 1, "audit_id": "../other", "since": "2026-01-31T09:30:00Z"}).encode(),
        json.dumps({"schema_version": 1, "audit_id": AUDIT, "since": "now"}).encode(),
    ],
)
async def test_a_guard_that_cannot_be_read_is_no_free_guard_and_is_replaced_only_as_it_was_seen(
    records: AuditRecords, blobs: BlobStore, data: bytes
) -> None:
    await blobs.write(GUARD, data)
    seen = await records.active(PROFILE)
    assert isinstance(seen, UnreadableGuard)
    assert seen.error.path == GUARD
    assert not await records.claim(PROFILE, AUDIT, AT, None)
    won = await asyncio.gather(*(records.claim(PROFILE, numbered(n), AT, seen) for n in range(5)))
    [number] = [n for n, held in enumerate(won) if held]
    assert not await records.release(seen, PROFILE)
    assert (await active(records)).audit_id == numbered(number)


async def test_the_check_of_the_run_store_leaves_one_blob_that_no_list_shows(
    records: AuditRecords, blobs: BlobStore
) -> None:
    for _ in range(2):
        await records.check()
    assert [blob.path async for blob in blobs.listing("")] == ["health.json"]
    assert await records.folders() == []
    assert [one async for one in records.newest_first()] == []
