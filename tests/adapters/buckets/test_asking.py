"""A bucket among the services of the app: what is read of it as a source, looked up in it, and checked of it."""

import gzip
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.buckets.opening import NotInstalled, open_bucket
from adapters.probers import Prober
from adapters.readers import Reading, reader
from adapters.services import Services, open_services
from adapters.settings import load_settings
from dev.devstack.azurite import AzuriteServer
from dev.devstack.moto import MotoServer
from reconciliation.errors import SettingsError, TooLargeError
from reconciliation.lookups import BlobCount, ObjectsUnder, SqliteRows
from reconciliation.queries import Containers, Prefixes
from tests.adapters.buckets.conftest import PATIENCE, SETTING, FolderServer, Kept, Server, connection_to
from triggers import service

KEYS = ["a/1", "b", "c/d/2", "c/e/3"]


def settings_of(server: Server, name: str) -> dict[str, str]:
    if isinstance(server, MotoServer):
        return server.settings(SETTING, name)
    if isinstance(server, FolderServer):
        return {f"{SETTING}__folder": str(server.path / name)}
    return {SETTING: server.connection_string, f"{SETTING}__container": name}


@pytest.fixture
async def world(server: Server, kept: Kept, azurite_server: AzuriteServer) -> AsyncIterator[Services]:
    """Services whose bucket holds four objects."""
    for key in KEYS:
        await kept.put(key, gzip.compress(key.encode()))
    found = open_services(
        load_settings(
            {
                "REPORT_STORAGE": azurite_server.connection_string,
                "AUDIT_PROFILES": "tests.adapters.other_profile:BUCKETS",
                "AUDIT_REPORT_CONTAINER": f"health-{uuid4().hex}",
                **settings_of(server, kept.connection.place.rpartition("/")[2]),
            }
        )
    )
    yield found
    await close(found)


async def close(found: Services) -> None:
    for bucket in found.buckets.values():
        await bucket.close()
    await found.records._blobs.close()


async def lines(world: Services, query: Prefixes | Containers) -> list[str]:
    async with reader(world, SETTING) as opened:
        assert opened.state is None
        assert await opened.ahead() == timedelta()
        return [json.loads(line) async for portion in Reading(opened.lines(query)).lines() for line in portion]


async def test_the_folders_of_a_bucket_are_read_as_lines_of_json(world: Services) -> None:
    assert await lines(world, Prefixes()) == ["a/", "b", "c/"]
    assert await lines(world, Prefixes(depth=2)) == ["a/1", "b", "c/d/", "c/e/"]
    assert await lines(world, Prefixes("none/")) == []
    with pytest.raises(SettingsError, match="A bucket cannot answer Containers"):
        await lines(world, Containers())


async def test_a_bucket_of_more_than_the_app_is_set_up_for_is_refused(world: Services) -> None:
    small = replace(world, settings=replace(world.settings, max_containers=2))
    with pytest.raises(TooLargeError, match=r"more than 2 folders.* Raise AUDIT_MAX_CONTAINERS"):
        await lines(small, Prefixes())


async def test_objects_and_databases_are_looked_up_by_the_setting(world: Services) -> None:
    prober = Prober(world)
    found = await prober.look(ObjectsUnder(SETTING, "c/"))
    assert [one.key for one in found] == KEYS[2:]
    assert (await prober.look(SqliteRows(SETTING, "b", ())))["state"] == "damaged"
    assert (await prober.look(SqliteRows(SETTING, "z", ())))["state"] == "missing"
    for lookup in (ObjectsUnder("OTHER", ""), SqliteRows("OTHER", "b", ()), BlobCount(SETTING, "a-b")):
        assert await prober.look(lookup) is None


async def test_the_services_health_tells_of_each_bucket(
    world: Services, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def checks() -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = json.loads((await service.health()).get_body())["checks"]
        return found

    monkeypatch.setattr(service, "services", lambda: world)
    well = {"ok": True, "detail": "reachable"}
    assert await checks() == {"storage:REPORT_STORAGE": well, f"bucket:{SETTING}": well}
    nobodys = open_bucket(connection_to(server, f"nobody-{uuid4()}"), PATIENCE)
    monkeypatch.setattr(service, "services", lambda: replace(world, buckets={SETTING: nobodys}))
    found = await checks()
    assert found["storage:REPORT_STORAGE"] == well
    assert "There is no such" in str(found[f"bucket:{SETTING}"]["detail"])
    await nobodys.close()


async def test_a_bucket_that_was_closed_is_opened_again_by_the_next_question(world: Services) -> None:
    bucket = world.buckets[SETTING]
    for _ in range(2):
        assert len(await Prober(world).look(ObjectsUnder(SETTING, ""))) == len(KEYS)
        await bucket.close()


async def test_without_its_packages_a_bucket_of_s3_says_what_to_install(
    s3_server: MotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "adapters.buckets.s3", raising=False)
    monkeypatch.setitem(sys.modules, "aiobotocore.config", None)
    bucket = open_bucket(connection_to(s3_server, "any-bucket"), PATIENCE)
    assert isinstance(bucket, NotInstalled)
    with pytest.raises(SettingsError, match=r"STUCK_UPLOADS_BUCKET.* Append requirements-aws\.txt"):
        await bucket.clock_ahead()
    with pytest.raises(SettingsError):
        await bucket.page("", by_folder=False, size=1)
    with pytest.raises(SettingsError):
        bucket.download("any")
    await bucket.close()
