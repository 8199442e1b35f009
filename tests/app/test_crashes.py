"""The host dies in the middle and starts again on what it left behind: the report is the one it would have been."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.demo.__main__ import verdicts
from dev.demo.cases import healthy_cases, other_containers, special_cases
from dev.devstack.azurite import AzuriteServer
from tests.app.conftest import PlantWorld
from tests.app.proxy import Asked, Held, Matches, StorageProxy, lists, replaces, second_look, storage_proxy, writes
from tests.app.world import Api, World, eventually, leaks, running


@pytest.fixture(scope="module")
def world(plant: PlantWorld) -> World:
    """Without the case whose reason counts minutes up to the audit: it may differ from one audit to the next."""
    cases = [case for case in special_cases() if case.name != "being encoded"]
    return plant(cases + healthy_cases(12), other_containers())


@dataclass(frozen=True)
class Scene:
    """A world whose app reaches both of its accounts through proxies."""

    world: World
    source: StorageProxy
    report: StorageProxy

    @property
    def settings(self) -> dict[str, str]:
        through = {"SOURCE_STORAGE": self.source.connection_string, "REPORT_STORAGE": self.report.connection_string}
        return self.world.settings(**through)

    def report_of(self, api: Api, audit_id: str) -> bytes:
        """report.json byte for byte, but for the ids and times of the audit and of the one before it."""
        report = api.report(audit_id)
        data = self.world.stored()[f"pre-capture-sessions/{audit_id}/report.json"]
        for whose in (report["audit"], report["since_last"]["previous"]):
            for name in ("id", "created_at", "as_of", "generated_at"):
                if name in whose:
                    data = data.replace(whose[name].encode(), f"<{name}>".encode())
        return data

    def kill(self, api: Api, held: Held) -> None:
        """Kill the host; what it had asked for and was held never reaches storage."""
        os.kill(api.app.pid, signal.SIGKILL)
        eventually(lambda: api.app.server.has_ended() or None, "the host ends", 10)
        held.drop()
        self.source.reset()
        self.report.reset()


@pytest.fixture(scope="module")
def scene(world: World, proxy: StorageProxy, azurite_server: AzuriteServer) -> Iterator[Scene]:
    with storage_proxy(azurite_server.port) as report_proxy:
        yield Scene(world, proxy, report_proxy)


@pytest.fixture(scope="module")
def undisturbed(scene: Scene) -> bytes:
    """The report of an audit that nothing happened to; it has an audit to compare with, as all that follow have."""
    with running(scene.settings) as api:
        api.audited()
        view, report = api.audited()
        assert view["state"] == "completed"
        assert verdicts(report) == scene.world.expected
        return scene.report_of(api, view["id"])


def account(asked: Asked) -> bool:
    return asked.lists_account


def blobs(asked: Asked) -> bool:
    return asked.lists_blobs


STEPS: tuple[tuple[str, bool, Matches], ...] = (
    ("while the containers are listed", True, account),
    ("before the listing is counted", False, writes("pulled/0.json")),
    ("before the rows are written", False, writes("rows/registered.jsonl.gz")),
    ("between the rows", False, writes("rows/candidates.jsonl.gz")),
    ("before the units are written", False, writes("work.jsonl.gz")),
    ("before the plan is written", False, writes("plan.json")),
    ("before any container is read", True, blobs),
    ("before the first shard is written", False, writes("shards/0000.jsonl.gz")),
    ("before the doubts are written", False, writes("doubts.jsonl.gz")),
    ("before the screening is written", False, writes("screened.json")),
    ("before the second look", True, second_look()),
    ("before a piece of it is written", False, writes("again/0000.jsonl.gz")),
    ("before the report is written", False, writes("report.json")),
    ("before the report is rendered", False, writes("findings.csv")),
    ("before the end is written", False, replaces("run.json")),
)


@pytest.mark.deep
def test_a_host_killed_in_every_step_gets_there_in_the_end(scene: Scene, undisturbed: bytes, tmp_path: Path) -> None:
    audit_id = ""
    for when, in_source, point in STEPS:
        held = (scene.source if in_source else scene.report).hold(point)
        with running(scene.settings, tmp_path) as api:
            audit_id = audit_id or api.start()
            assert held.reached.wait(30), f"the audit was not there again: {when}"
            assert api.view(audit_id)["state"] == "running"
            scene.kill(api, held)
    with running(scene.settings, tmp_path) as api:
        assert api.ended(audit_id)["state"] == "completed"
        assert scene.report_of(api, audit_id) == undisturbed
        assert leaks(api, scene.world) == []


def test_shards_that_were_done_before_the_crash_are_not_read_again(
    scene: Scene, undisturbed: bytes, tmp_path: Path
) -> None:
    names = sorted(container.name for container in scene.world.containers)
    held = scene.source.hold(lists(names[-1]))
    scanned: list[int] = []
    with running(scene.settings, tmp_path) as api:
        audit_id = api.start()

        def all_but_one() -> int | None:
            shards = api.view(audit_id)["progress"]["shards"]
            return int(shards["total"]) if shards["total"] and shards["done"] == shards["total"] - 1 else None

        shards = eventually(all_but_one, "all shards but the held one are done", 30)
        scene.kill(api, held)
    last = writes(f"shards/{shards - 1:04}.jsonl.gz")
    scene.report.before(last, lambda: scanned.append(len(scene.source.asked)))
    with running(scene.settings, tmp_path) as api:
        assert api.ended(audit_id)["state"] == "completed"
        in_scan, in_second_look = scene.source.asked[: scanned[0]], scene.source.asked[scanned[0] :]
        read = sorted({asked.container for asked in in_scan if asked.lists_blobs})
        assert {asked.container for asked in in_second_look if asked.lists_blobs} == set(scene.world.opened_again)
        assert 0 < len(read) <= -(-len(names) // shards)
        assert read == names[-len(read) :]
        assert scene.report_of(api, audit_id) == undisturbed
