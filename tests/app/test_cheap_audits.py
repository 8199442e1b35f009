"""An audit that is made every quarter of an hour is cheap: in what it asks of the run store, and in its history."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dev.demo.stuck_uploads.cases import CASES, Case
from tests.app.hosting import fire, settled
from tests.app.uploads import TIMER, Servers, Uploads, uploads

MOST_REQUESTS, MOST_ACTIVITIES = 30, 12
PROCESSED = next(case for case in CASES if case.expected == "healthy")
LONG_MISSING = Case(6, "nobody ever uploaded it", "source_missing", age=timedelta(days=240), files={})
WORLDS = {"nothing is stuck": (PROCESSED,), "missing for months": (PROCESSED, LONG_MISSING)}
EXPECTED = {"nothing is stuck": "clean", "missing for months": "findings"}
POLICIES: dict[str, dict[str, str]] = {
    "no policy": {},
    "a policy": {"AUDIT_AUTO_REPAIR__STUCK_UPLOADS": "start_run"},
}


def audited(world: Uploads, start: Callable[[], object]) -> tuple[dict[str, Any], list[str]]:
    """An audit from its start to the end of its orchestration, and what it asked of the run store."""
    world.store.asked.clear()
    start()
    records = {one.blob.split("/")[1] for one in world.store.asked if one.blob.endswith("/run.json")}
    [audit_id] = records
    settled(world.api, audit_id)
    asked = [f"{one.method} {one.blob or one.query}".replace(audit_id, "*") for one in world.store.asked]
    return world.api.view(audit_id), asked


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("world", WORLDS)
def test_a_scheduled_audit_asks_little_of_the_run_store_and_has_a_short_history(
    world: str, policy: str, servers: Servers
) -> None:
    with uploads(WORLDS[world], servers, POLICIES[policy]) as measured:
        before, first = audited(measured, lambda: measured.api.start(mode="fast"))
        view, asked = audited(measured, lambda: fire(measured.api, TIMER))
        report = measured.api.get(f"/audits/{view['id']}/report").json()
        activities = measured.activities(view["id"])
    assert (view["state"], view["outcome"]["word"]) == ("completed", EXPECTED[world])
    assert report["since_last"]["previous"]["id"] == before["id"], "what is asked includes the comparison"
    for requests in (first, asked):
        assert len(requests) <= MOST_REQUESTS, "\n".join([f"{len(requests)} requests:", *requests])
        assert requests.count("DELETE stuck-uploads/active.json") == 1, "its profile is free at its end"
    reads = asked.count("GET stuck-uploads/*/run.json")
    assert reads == len(activities), "each step looks whether the audit was cancelled"
    assert 7 <= len(activities) <= MOST_ACTIVITIES, activities
