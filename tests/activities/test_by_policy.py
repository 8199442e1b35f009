"""What a policy has made lately, by the ledgers."""

from datetime import timedelta

import pytest

from activities.by_policy import Made, lately_made
from profiles.stuck_uploads.video_rules import START_RUN
from reconciliation.effects import Ending
from reconciliation.errors import UnreadableError
from reconciliation.ledger import Intended
from reconciliation.policy import LAST, OLDEST
from tests.activities.policy_world import NAME, PolicyWorld


@pytest.fixture
def world() -> PolicyWorld:
    return PolicyWorld()


async def made(world: PolicyWorld) -> list[Made]:
    return await lately_made(world.services, NAME)


async def test_nothing_was_made_where_there_is_no_repair(world: PolicyWorld) -> None:
    assert await made(world) == []


async def test_the_newest_come_first_with_what_they_left(world: PolicyWorld) -> None:
    first = await world.repaired(Ending.DONE, Ending.ALREADY_DONE, ago=timedelta(hours=3))
    second = await world.repaired(Ending.DONE, ago=timedelta(hours=1))
    assert [(one.repair, one.at, one.left["run_id"]) for one in await made(world)] == [
        (START_RUN, second.created_at, "run-1-1"),
        (START_RUN, first.created_at, "run-0-2"),
        (START_RUN, first.created_at, "run-0-1"),
    ]


@pytest.mark.parametrize("ending", [None, *Ending])
async def test_a_change_counts_unless_it_is_certain_that_nothing_was_changed(
    world: PolicyWorld, ending: Ending | None
) -> None:
    record = await world.repaired(ending)
    nothing = {Ending.SOMEONE_ELSE_MOVED, Ending.REFUSED, Ending.FAILED}
    assert [one.at for one in await made(world)] == ([] if ending in nothing else [record.created_at])


async def test_a_database_whose_clock_is_behind_does_not_hide_what_began_within_the_hour(world: PolicyWorld) -> None:
    """The ledger is dated by its clock, and the hour is the app's."""
    record = await world.proposed(1, at=world.now - timedelta(minutes=10))
    began = world.now - timedelta(hours=3)
    await world.store.repairs.intend(record, "0001-1", Intended(record.digest or "", began, began, "token"))
    assert [one.at for one in await made(world)] == [record.created_at]


async def test_it_is_told_how_much_each_copies(world: PolicyWorld) -> None:
    world.copies = 7
    await world.repaired(Ending.DONE, ago=timedelta(hours=3))
    world.copies = 9
    await world.repaired(Ending.DONE, None)
    assert [one.copies_bytes for one in await made(world)] == [9, 9, 7]


async def test_what_was_never_begun_or_a_person_did_is_not_made_by_policy(world: PolicyWorld) -> None:
    await world.proposed(1, 2)
    await world.repaired(Ending.DONE, by_policy=False)
    assert await made(world) == []


async def test_a_plan_that_was_not_made_has_begun_nothing(world: PolicyWorld) -> None:
    await world.proposing(at=world.now)
    assert await made(world) == []


async def test_the_last_ten_are_found_however_many_others_there_are_since(world: PolicyWorld) -> None:
    await world.repaired(*[Ending.DONE] * 4, ago=timedelta(days=20))
    await world.repaired(*[Ending.DONE] * 7, ago=timedelta(days=2))
    for hours in range(5):
        await world.repaired(Ending.DONE, ago=timedelta(hours=hours), by_policy=False)
    assert len(await made(world)) == 11


async def test_what_is_very_old_is_not_looked_for_nor_what_is_damaged_there(world: PolicyWorld) -> None:
    damaged = await world.repaired(Ending.DONE, ago=OLDEST + timedelta(days=2))
    await world.repaired(Ending.DONE, ago=OLDEST + timedelta(days=1))
    await world.blobs.write(f"{damaged.folder}/repair.json", b"{")
    assert await made(world) == []


async def test_once_ten_are_found_only_the_last_hours_are_read(world: PolicyWorld) -> None:
    damaged = await world.repaired(Ending.DONE, ago=timedelta(days=3))
    await world.repaired(Ending.DONE, ago=timedelta(days=2))
    await world.repaired(*[Ending.DONE] * LAST, ago=timedelta(days=1))
    await world.blobs.write(f"{damaged.folder}/repair.json", b"{")
    assert len(await made(world)) == LAST


async def test_one_that_began_its_changes_as_late_as_it_may_is_counted_within_the_hour(world: PolicyWorld) -> None:
    hours = world.services.settings.repair_start_hours
    late = await world.repaired(*[Ending.DONE], ago=timedelta(hours=hours + 1, minutes=50))
    begun = world.now - timedelta(minutes=50)
    path = f"{late.folder}/ledger/0001-1.intended.json"
    text = world.blobs.blobs[path].decode()
    await world.blobs.write(path, text.replace(f"{late.created_at:%Y-%m-%dT%H:%M}", f"{begun:%Y-%m-%dT%H:%M}").encode())
    await world.repaired(*[Ending.DONE] * LAST, ago=timedelta(minutes=70))
    assert begun in [one.at for one in await made(world)]


async def test_a_damaged_repair_is_never_counted_as_none(world: PolicyWorld) -> None:
    record = await world.repaired(Ending.DONE, by_policy=False)
    await world.blobs.write(f"{record.folder}/repair.json", b"{")
    with pytest.raises(UnreadableError):
        await made(world)
