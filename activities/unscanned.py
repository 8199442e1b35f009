"""The records of a plan's shards, including shards that could not be scanned."""

from adapters.services import Services
from reconciliation.evidence import Record, Unread
from reconciliation.plan import PlannedShard
from reconciliation.profile import Profile

_UNSCANNED = "its shard could not be scanned"


async def shard_records(services: Services, audit: str, planned: PlannedShard, profile: Profile) -> list[Record]:
    """The records of a shard, ascending by unit; if it has no result, its units are failed."""
    assert profile.scan is not None
    result = await services.store.shards.result(audit, planned.shard.index, profile.scan.unpack)
    if result is None:
        units = await services.store.plans.units(audit, planned)
        return [Unread(unit, _UNSCANNED, failed=True) for unit, _ in units]
    return result.records
