"""Repairs in the run store: what is written once stays, and of many who race one wins."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.repairs import Repairs
from reconciliation.canonical import digest_of
from reconciliation.effects import Ended, Ending
from reconciliation.errors import RunStoreError, UnreadableError
from reconciliation.ledger import Entry, Intended
from reconciliation.people import Person, Sealed
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import Named
from reconciliation.repair_record import Chosen, Decision, RepairRecord
from tests.reconciliation.repairs import AT, plan_of, planned

REPAIR = "20260131-093000-1a2b3c4d"
CHOSEN = Chosen((Named("thing", "id-1"),), (), 5)
RECORD = RepairRecord(REPAIR, "things", "20260131-090000-1a2b3c4d", CHOSEN, "a" * 64, RepairState.PROPOSING, AT, AT)
INTENDED = Intended("d" * 64, AT, AT + timedelta(seconds=60), "token")


@pytest.fixture
def repairs(blobs: BlobStore) -> Repairs:
    return Repairs(blobs)


async def created(repairs: Repairs, record: RepairRecord = RECORD) -> RepairRecord:
    await repairs.create(record)
    kept = await repairs.record(record.profile, record.repair_id)
    assert kept is not None
    assert kept == record
    return kept


async def test_a_record_survives_and_is_of_one_repair(repairs: Repairs, blobs: BlobStore) -> None:
    assert await repairs.record("things", REPAIR) is None
    await created(repairs)
    await repairs.create(RECORD)  # its answer was lost
    with pytest.raises(RunStoreError, match="already a repair"):
        await repairs.create(replace(RECORD, proposer="b" * 64))
    stored = await blobs.read(f"{RECORD.folder}/repair.json")
    assert stored is not None
    await blobs.write("things/repairs/20260131-093000-00000000/repair.json", stored.data)
    with pytest.raises(UnreadableError, match="another repair"):
        await repairs.record("things", "20260131-093000-00000000")


async def test_it_moves_by_the_table_and_the_first_ending_stays(repairs: Repairs) -> None:
    record = await created(repairs)
    assert (await repairs.move(record, RepairState.APPLIED, AT)).state is RepairState.PROPOSING
    proposed = await repairs.move(record, RepairState.PROPOSED, AT, digest="d" * 64)
    assert (proposed.state, proposed.digest) == (RepairState.PROPOSED, "d" * 64)
    # One that was read before moves what is there now, or nothing.
    rejected = await repairs.move(proposed, RepairState.REJECTED, AT)
    assert (await repairs.move(proposed, RepairState.APPROVED, AT)) == rejected
    assert rejected.ended_at == AT


async def test_of_many_moves_at_once_each_is_made_once(repairs: Repairs) -> None:
    record = await repairs.move(await created(repairs), RepairState.PROPOSED, AT)
    states = [RepairState.APPROVED, RepairState.REJECTED, RepairState.EXPIRED] * 5
    moved = await asyncio.gather(*(repairs.move(record, state, AT) for state in states))
    kept = await repairs.record("things", REPAIR)
    assert kept is not None
    assert {one.state for one in moved if one.state is not RepairState.APPROVED} <= {kept.state, RepairState.EXPIRED}
    assert kept.state in states


async def test_the_newest_come_first_and_one_that_is_damaged_takes_none_along(
    repairs: Repairs, blobs: BlobStore
) -> None:
    ids = ["20260131-093000-00000001", "20260131-093001-00000002", "20260130-093000-00000003"]
    for repair_id in ids:
        await repairs.create(replace(RECORD, repair_id=repair_id))
    await blobs.write(f"things/repairs/{ids[0]}/repair.json", b"{")
    await blobs.write("things/repairs/elsewhere/repair.json", b"{")
    found = [one async for one in repairs.newest_first("things")]
    assert [getattr(one, "repair_id", "damaged") for one in found] == [ids[1], "damaged", ids[2]]
    assert [one async for one in repairs.newest_first("others")] == []


async def test_of_many_claims_one_wins(repairs: Repairs) -> None:
    ids = [f"20260131-093000-{number:08x}" for number in range(20)]
    won = await asyncio.gather(*(repairs.claim("things", one, AT, None) for one in ids))
    [first] = [one for one in won if one]
    assert await repairs.active("things") == first
    assert await repairs.claim("others", ids[0], AT, None), "each profile has its own"
    won = await asyncio.gather(*(repairs.claim("things", one, AT, first) for one in ids if one != first.repair_id))
    [second] = [one for one in won if one]
    assert not await repairs.release(first, "things")
    assert await repairs.release(second, "things")
    assert await repairs.active("things") is None


async def test_a_guard_that_cannot_be_read_is_no_free_place(repairs: Repairs, blobs: BlobStore) -> None:
    await blobs.write("things/repairing.json", b'{"schema_version": 1, "repair_id": "x"}')
    with pytest.raises(UnreadableError):
        await repairs.active("things")
    with pytest.raises(UnreadableError):
        await repairs.claim("things", REPAIR, AT, None)


async def test_a_plan_is_written_once_and_its_digest_is_of_its_bytes(repairs: Repairs, blobs: BlobStore) -> None:
    record = await created(repairs)
    assert await repairs.plan(record) is None
    plan = plan_of(repair_id=REPAIR, profile="things")
    first = await repairs.create_plan(record, plan)
    again = await repairs.create_plan(record, plan_of(planned(says="Another."), repair_id=REPAIR, profile="things"))
    assert first.digest == again.digest == plan.digest
    stored = await blobs.read(f"{RECORD.folder}/plan.json")
    assert stored is not None
    assert digest_of(stored.data) == plan.digest
    # Whoever changes a byte of it changes what is approved.
    await blobs.write(f"{RECORD.folder}/plan.json", stored.data.replace(b"Do it.", b"Do no."))
    changed = await repairs.plan(record)
    assert changed is not None
    assert changed.digest != plan.digest


async def test_a_plan_of_another_repair_is_not_taken(repairs: Repairs, blobs: BlobStore) -> None:
    record = await created(repairs)
    await blobs.write(f"{RECORD.folder}/plan.json", plan_of(repair_id="20260131-093000-00000009").data())
    with pytest.raises(UnreadableError, match="another repair"):
        await repairs.plan(record)


async def test_of_a_hundred_decisions_one_counts(repairs: Repairs) -> None:
    record = await created(repairs)
    decisions = [Decision(number % 2 == 0, "d" * 64, f"{number:064}", "why", AT) for number in range(100)]
    kept = await asyncio.gather(*(repairs.decide(record, one) for one in decisions))
    [first] = set(kept)
    assert first in decisions
    assert await repairs.decision(record) == first


async def test_asking_to_stop_is_kept(repairs: Repairs) -> None:
    record = await created(repairs)
    assert not await repairs.is_to_stop(record)
    await repairs.ask_to_stop(record, "a" * 64, AT)
    await repairs.ask_to_stop(record, "b" * 64, AT)
    assert await repairs.is_to_stop(record)


async def test_a_name_becomes_a_pseudonym(repairs: Repairs) -> None:
    record, sealed = await created(repairs), Sealed.of(Person.declared("Ann Lee"), "salt")
    await repairs.seal(record, sealed)
    assert await repairs.person(record, sealed.seal) == sealed
    await repairs.seal(record, sealed.called("person 1"))
    assert await repairs.person(record, sealed.seal) == sealed.called("person 1")
    assert await repairs.person(record, "b" * 64) is None


async def test_of_many_who_intend_an_effect_one_goes_on(repairs: Repairs) -> None:
    record = await created(repairs)
    many = [INTENDED._replace(token=str(number)) for number in range(20)]
    answers = await asyncio.gather(*(repairs.intend(record, "0001-1", one) for one in many))
    [(mine, _)] = [answer for answer in answers if answer[1]]
    assert {intended for intended, _ in answers} == {mine}


async def test_the_first_ending_counts_and_another_one_is_kept_beside_it(repairs: Repairs) -> None:
    record = await created(repairs)
    await repairs.intend(record, "0001-1", INTENDED)
    failed, done = Entry(AT, Ended(Ending.FAILED, "why")), Entry(AT + timedelta(1), Ended(Ending.DONE, "", {"t": "1"}))
    assert await repairs.end(record, "0001-1", failed) == failed
    assert await repairs.end(record, "0001-1", failed._replace(at=AT + timedelta(2))) == failed
    assert await repairs.end(record, "0001-1", done) == failed
    assert await repairs.end(record, "0001-1", done) == failed
    await repairs.end(record, "0002-1", done)
    ledger = await repairs.ledger(record)
    assert ledger.of("0001-1").intended == INTENDED
    assert [entry.ended.ending for entry in ledger.of("0001-1").endings] == [Ending.FAILED, Ending.DONE]
    assert ledger.of("0002-1").endings == (done,)
    assert ledger.of("0003-1").endings == ()


async def test_what_a_look_after_the_changes_found_is_kept(repairs: Repairs) -> None:
    record = await created(repairs)
    assert await repairs.verified(record, 1) is None
    found = [{"id": "id-1", "before": "broken", "now": "fine"}]
    await repairs.write_verified(record, 1, found)
    assert await repairs.verified(record, 1) == found


async def test_an_entry_that_is_damaged_is_an_error_that_names_it(repairs: Repairs, blobs: BlobStore) -> None:
    record = await created(repairs)
    await blobs.write(f"{RECORD.folder}/ledger/0001-1.ended.json", b'{"schema_version": 1, "ending": "perhaps"}')
    with pytest.raises(UnreadableError, match=r"0001-1\.ended\.json"):
        await repairs.ledger(record)
