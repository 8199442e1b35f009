"""A month of audits every quarter of an hour slows neither the list of audits nor the search for the previous one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient

from activities.previous import previous_audit
from activities.step import Job
from adapters.services import Services, open_services
from adapters.settings import load_settings
from dev.devstack.azurite import AzuriteServer
from profiles.pre_capture_sessions import PROFILE
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.question import question_of
from reconciliation.run_record import RunRecord, new_audit_id
from tests.app.proxy import StorageProxy, storage_proxy
from tests.app.world import Api, running
from tests.profiles.pre_capture_sessions.world import World, audited, document_of

FEW, MONTH = 20, 30 * 96
AT_ONCE = 50
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
PARAMETERS = PROFILE.parameters(mode="fast")


class Kept(NamedTuple):
    """A run store with so many completed audits, an app over it, and what is asked of it."""

    api: Api
    store: StorageProxy
    settings: dict[str, str]

    def asked(self, what: Callable[[], object]) -> int:
        """How many requests something makes."""
        self.store.asked.clear()
        what()
        return len(self.store.asked)

    def previous(self) -> str | None:
        """The audit that one of today is compared with."""

        async def search() -> str | None:
            now = datetime.now(UTC)
            record = RunRecord(new_audit_id(now, "0" * 8), State.QUEUED, PARAMETERS, now, now)
            async with asyncio.timeout(60):
                services = open_services(load_settings(self.settings))
                try:
                    found = await previous_audit(Job(services, record, PROFILE))
                finally:
                    await closed(services)
            return found.audit_id if found else None

        return asyncio.run(search())


async def closed(services: Services) -> None:
    for lister in services.listers.values():
        lister.close()
    await services.store.questions._folder.blobs.close()


async def keep(settings: dict[str, str], number: int) -> None:
    """Write completed audits of one question, a quarter of an hour apart, as the app leaves them."""
    services = open_services(load_settings(settings))
    question = question_of(PARAMETERS, services.audited(PROFILE))
    text = document_of(audited(World()), PARAMETERS).encode()
    limit = asyncio.Semaphore(AT_ONCE)

    async def report() -> AsyncIterator[bytes]:
        yield text

    async def one(count: int) -> RunRecord:
        at = BEGUN + count * timedelta(minutes=15)
        record = RunRecord(new_audit_id(at, f"{count:08x}"), State.QUEUED, PARAMETERS, at, at)
        ended = record.ended(State.COMPLETED, at + timedelta(minutes=1), outcome=Outcome.CLEAN, reached=None)
        async with limit:
            await services.records.create_record(ended)
            await services.store.reports.write(record.folder, "json", report())
        return record

    records = await asyncio.gather(*map(one, range(number)))
    for record in records[-25:]:  # the index holds the newest
        await services.store.questions.add(PROFILE.name, question, record.begun, is_first=False)
    await closed(services)


@pytest.fixture(scope="module")
def stores(azurite_server: AzuriteServer) -> Iterator[dict[int, Kept]]:
    """A run store with a few audits, and one with those of a month."""
    with ExitStack() as opened:
        found = {}
        for number in (FEW, MONTH):
            store = opened.enter_context(storage_proxy(azurite_server.port))
            container = f"audits-{uuid4().hex}"
            with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
                service.create_container(container)
            settings = {
                "SOURCE_STORAGE": azurite_server.connection_string,
                "REPORT_STORAGE": azurite_server.connection_string,
                "AUDIT_REPORT_CONTAINER": container,
                "PRE_DATABASE": "postgresql://nobody@127.0.0.1:9/pre",
            }
            asyncio.run(keep(settings, number))
            settings["REPORT_STORAGE"] = store.connection_string
            found[number] = Kept(opened.enter_context(running(settings)), store, settings)
        yield found


@pytest.mark.parametrize("query", ["?profile=pre-capture-sessions&limit=20", "?limit=20", ""])
def test_the_list_of_audits_asks_no_more_of_a_store_with_a_month_of_them(stores: dict[int, Kept], query: str) -> None:
    listed = {number: kept.api.get(f"/audits{query}").json()["audits"] for number, kept in stores.items()}
    of_few, of_many = (kept.asked(partial(kept.api.get, f"/audits{query}")) for kept in stores.values())
    shown = len(listed[MONTH])
    assert of_many - shown == of_few - len(listed[FEW]) + 1, "the few are of one day, of the many two days are listed"
    assert len(listed[FEW]) == FEW
    assert shown <= 50


def test_the_search_for_the_previous_audit_asks_no_more_of_a_store_with_a_month_of_them(
    stores: dict[int, Kept],
) -> None:
    for number, kept in stores.items():
        newest = new_audit_id(BEGUN + (number - 1) * timedelta(minutes=15), f"{number - 1:08x}")
        kept.store.asked.clear()
        assert kept.previous() == newest
        assert len(kept.store.asked) == 2, "the index of the question, and the report"
