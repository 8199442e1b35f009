from datetime import UTC, datetime

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.run_store import RunStore
from reconciliation.dead_letters import DeadLetter
from reconciliation.plan import Plan, PlannedShard
from reconciliation.progress import Reached
from reconciliation.shards import Shard
from tests.adapters.store.portions import AUDIT
from tests.adapters.store.test_shards import LOST, SCAN, SEEN

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
SHARDS = tuple(PlannedShard(Shard(index, "", 2), index, 1) for index in range(3))
PLAN = Plan(AT, settle_minutes=20, max_passes=3, listed=8, skipped={"registered": 2}, shards=SHARDS)
NOTHING = Reached(
    {
        "shards": {"total": None, "done": 0, "failed": 0},
        "units": {"noun": "container", "listed": None, "scanned": 0, "skipped": 0, "failed": 0},
        "blobs": 0,
        "percent": None,
        "eta_seconds": None,
    },
    0,
)


async def test_an_audit_that_ends_before_its_plan_has_reached_nothing_yet(store: RunStore) -> None:
    assert await store.reached(AUDIT, "container") == NOTHING


async def test_how_far_an_audit_has_come_is_what_its_shards_and_dead_letters_say(store: RunStore) -> None:
    await store.plans.first(AUDIT, PLAN)
    await store.shards.mend(AUDIT, 0, [SEEN], SCAN, attempt=1, before=None)
    await store.shards.mend(AUDIT, 1, [SEEN, LOST], SCAN, attempt=1, before=None)
    letter = DeadLetter(1, "", 2, 1, (("d", "403"),), attempts=3, first_at=AT, last_at=AT)
    await store.letters.write(AUDIT, letter)
    assert await store.reached(AUDIT, "container") == Reached(
        {
            "shards": {"total": 3, "done": 1, "failed": 1},
            "units": {"noun": "container", "listed": 8, "scanned": 2, "skipped": 2, "failed": 1},
            "blobs": 6,
            "percent": 50,
            "eta_seconds": None,
        },
        1,
    )


@pytest.mark.parametrize(
    ("path", "told"),
    [("plan.json", {}), ("shards/0000.jsonl.gz", {"scanned": "many"}), ("0.0/screened.json", {"shards": "many"})],
)
async def test_an_audit_ends_also_where_it_cannot_be_read_how_far_it_has_come(
    store: RunStore, blobs: BlobStore, path: str, told: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    await blobs.write(f"{AUDIT}/{path}", b"{", told)
    assert await store.reached(AUDIT, "container") is None
    assert f"How far an audit has come is not known: {AUDIT}/{path} in container" in caplog.text
