import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.clock import Clock
from reconciliation.plan import Listing, Plan, PlannedShard
from reconciliation.shards import Shard
from tests.profiles.pre_capture_sessions.strategies import moments, texts
from tests.profiles.pre_capture_sessions.world import AS_OF, PARAMETERS

COUNTS = st.integers(0, 10**9)
PLANNED = st.builds(PlannedShard, st.builds(Shard, st.just(0), texts(), COUNTS), COUNTS, COUNTS)


def adding_up(plan: Plan) -> Plan:
    """The same plan with its shards numbered in order, and as many containers listed as it accounts for."""
    shards = tuple(
        replace(planned, shard=replace(planned.shard, index=index)) for index, planned in enumerate(plan.shards)
    )
    listed = sum(planned.shard.containers for planned in shards) + sum(plan.skipped.values())
    return replace(plan, shards=shards, listed=listed)


PLANS = st.builds(
    Plan,
    as_of=moments(),
    settle_minutes=st.integers(0, 10_080),
    max_passes=st.integers(1, 9),
    listed=st.just(0),
    skipped=st.dictionaries(texts(), st.integers(1, 10**9)),
    shards=st.lists(PLANNED, max_size=4).map(tuple),
).map(adding_up)


@given(PLANS)
def test_a_plan_survives_the_run_store(plan: Plan) -> None:
    written = json.loads(json.dumps(plan.to_json()))
    assert Plan.from_json(written) == plan
    assert written["schema_version"] == 1
    assert written["complete"] is True


@given(st.builds(Listing, moments(), COUNTS, st.integers(-10_000, 10_000)))
def test_a_listing_survives_the_run_store(listing: Listing) -> None:
    written = json.loads(json.dumps(listing.to_json()))
    assert Listing.from_json(written) == listing
    assert written["schema_version"] == 1
    assert written["complete"] is True


def test_verdicts_are_given_by_the_frozen_moment_and_the_requests_grace() -> None:
    plan = Plan(AS_OF, settle_minutes=20, max_passes=3, listed=0, skipped={}, shards=(), storage_ahead_seconds=600)
    hour, settle, ahead = timedelta(minutes=60), timedelta(minutes=20), timedelta(minutes=10)
    assert plan.clock(PARAMETERS, AS_OF + hour, settle) == Clock(AS_OF, hour, settle, AS_OF + hour, settle, ahead)
