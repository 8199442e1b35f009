"""Where a policy is, in a real run store: of many who change it at once nobody's change is lost."""

import asyncio
from datetime import timedelta

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.folder import Folder
from adapters.store.policies import Policies
from reconciliation.errors import RunStoreError, UnreadableError
from reconciliation.people import Person, Sealed
from reconciliation.policy import PolicyState
from tests.reconciliation.repairs import AT

ANN = Sealed.of(Person.declared("Ann"), "5a17" * 8)
PATH = "things/policy.json"


@pytest.fixture
def policies(blobs: BlobStore) -> Policies:
    return Policies(Folder(blobs))


async def test_one_that_was_never_written_has_never_paused(policies: Policies) -> None:
    assert await policies.state("things") == PolicyState()


async def test_a_change_is_kept_for_its_profile_alone(policies: Policies) -> None:
    paused = await policies.change("things", lambda state: state.paused("why", AT))
    assert await policies.state("things") == paused == PolicyState(paused_at=AT, why="why")
    assert await policies.state("others") == PolicyState()
    resumed = await policies.change("things", lambda state: state.resumed(ANN, "Mended.", AT))
    assert await policies.state("things") == resumed


async def test_a_change_that_changes_nothing_writes_nothing(policies: Policies, blobs: BlobStore) -> None:
    await policies.change("things", lambda state: state)
    assert await blobs.read(PATH) is None
    await policies.change("things", lambda state: state.paused("why", AT))
    before = await blobs.read(PATH)
    await policies.change("things", lambda state: state.paused("another", AT + timedelta(hours=1)))
    assert await blobs.read(PATH) == before


async def test_of_changes_at_once_none_is_lost(policies: Policies) -> None:
    await asyncio.gather(
        policies.change("things", lambda state: state.paused("why", AT)),
        policies.change("things", lambda state: state.left_alone(["one"], AT)),
        policies.change("things", lambda state: state.left_alone(["two"], AT)),
    )
    state = await policies.state("things")
    assert (state.paused_at, set(state.waiting)) == (AT, {"one", "two"})


async def test_of_pauses_at_once_the_first_reason_stays(policies: Policies) -> None:
    async def pause(why: str) -> PolicyState:
        return await policies.change("things", lambda state: state.paused(why, AT))

    changed = await asyncio.gather(*(pause(str(number)) for number in range(4)))
    kept = await policies.state("things")
    assert {one.why for one in changed} == {kept.why}


async def test_one_that_pauses_while_a_person_lets_it_go_on_is_one_of_both_and_never_neither(
    policies: Policies,
) -> None:
    await policies.change("things", lambda state: state.paused("before", AT))

    def resumed(state: PolicyState) -> PolicyState:
        return state if state.paused_at is None else state.resumed(ANN, "Mended.", AT)

    await asyncio.gather(
        policies.change("things", resumed), policies.change("things", lambda state: state.paused("after", AT))
    )
    state = await policies.state("things")
    assert state.resumed_by == ANN
    assert state.why in {"", "after"}
    assert (state.paused_at is None) is (state.why == "")


async def test_one_that_is_changed_all_the_time_is_said_and_not_changed(policies: Policies, blobs: BlobStore) -> None:
    tries = 0

    async def faster(*_: object, **__: object) -> None:
        nonlocal tries
        tries += 1

    blobs.put = faster  # type: ignore[method-assign]
    with pytest.raises(RunStoreError, match="changed all the time"):
        await policies.change("things", lambda state: state.paused("why", AT))
    assert tries == 5
    assert await policies.state("things") == PolicyState()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"schema_version": 2}',
        b'{"schema_version": 1, "paused_at": null, "why": "", "resumed_at": null, "reason": "", "waiting": {"a": 7}}',
        b'{"schema_version": 1, "paused_at": "soon", "why": "", "resumed_at": null, "reason": "", "waiting": {}}',
    ],
)
async def test_one_that_cannot_be_read_is_never_one_that_has_not_paused(
    policies: Policies, blobs: BlobStore, data: bytes
) -> None:
    await blobs.write(PATH, data)
    with pytest.raises(UnreadableError, match=PATH):
        await policies.state("things")
    with pytest.raises(UnreadableError, match=PATH):
        await policies.change("things", lambda state: state.resumed(ANN, "Mended.", AT))
    stored = await blobs.read(PATH)
    assert stored is not None
    assert stored.data == data
