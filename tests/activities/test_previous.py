"""Which earlier audit is compared with, and what is remembered of it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.previous import previous_audit, with_repairs
from activities.step import Job
from adapters.store.blobs import Stored
from adapters.store.run_store import RunStore
from profiles.pre_capture_sessions import PROFILE
from reconciliation.audited import Audited
from reconciliation.effects import Ending
from reconciliation.lifecycle import State
from reconciliation.parameters import AuditParameters
from reconciliation.question import question_of
from reconciliation.repair_plan import Named
from reconciliation.run_record import RunRecord
from reconciliation.since_last import Known, Previous, SinceLast
from reporting.document import opening
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.activities.policy_world import KIND, MENDED, PolicyWorld, VersionedBlobs
from tests.activities.policy_world import PROFILE as UPLOADS
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    AUDIT_ID,
    AUDITED,
    IN_FAST_MODE,
    MINUTE,
    PARAMETERS,
    REGISTERED,
    World,
    audited,
    document_of,
    encoded,
    session,
)

DONE = audited(
    World([session()], [encoded(), encoded("extra", of="available")], [], [session("available", **REGISTERED)])
)
HIDDEN = Known("capture_session", session().session_id, "unregistered_recording")
NOW = RunRecord(AUDIT_ID, State.QUEUED, PARAMETERS, AS_OF, AS_OF)
VERSION_1 = '{\n "schema_version": 1,\n "findings": [\n{"verdict":"no_media"}\n]}\n'


@pytest.fixture
def outside() -> Outside:
    return Outside(MemoryStorage({}), MemoryDatabase())


async def previous_of(outside: Outside) -> Previous | None:
    return await previous_audit(Job(outside.services, NOW, PROFILE))


async def add(
    outside: Outside,
    audit_id: str,
    text: str | None,
    parameters: AuditParameters = PARAMETERS,
    *,
    of: Audited = AUDITED,
) -> None:
    begun = datetime.strptime(audit_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    ended = RunRecord(audit_id, State.COMPLETED, parameters, begun, begun)
    await outside.store.questions.add(PROFILE.name, question_of(parameters, of), ended.begun, is_first=False)

    async def chunks() -> AsyncIterator[bytes]:
        yield (text or "").encode()

    if text is not None:
        await outside.store.reports.write(ended.folder, "json", chunks())


REPORT = document_of(DONE)


async def test_the_newest_completed_audit_of_the_same_question(outside: Outside) -> None:
    await add(outside, "20260228-000000-aaaaaaaa", document_of(audited(World())))
    await add(outside, "20260301-000000-aaaaaaaa", REPORT)
    previous = await previous_of(outside)
    assert previous is not None
    assert (previous.audit_id, previous.as_of) == ("20260301-000000-aaaaaaaa", AS_OF)
    assert previous.findings == {HIDDEN}, "what asks for nothing is not remembered"


async def test_one_that_opened_more_or_less_asks_the_same(outside: Outside) -> None:
    await add(outside, "20260301-000000-aaaaaaaa", document_of(DONE, IN_FAST_MODE), parameters=IN_FAST_MODE)
    previous = await previous_of(outside)
    assert previous is not None
    assert previous.mode == IN_FAST_MODE.mode


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="its report was deleted"),
        pytest.param(VERSION_1, id="an earlier release wrote it"),
        pytest.param(REPORT.replace('"schema_version": 3', '"schema_version": 4'), id="a later release wrote it"),
        pytest.param("", id="nothing in it"),
        pytest.param(REPORT[: len(REPORT) // 3], id="cut in its head"),
        pytest.param(REPORT[:-1], id="cut just before its end"),
        pytest.param("nonsense\n", id="no report at all"),
        pytest.param(REPORT.replace('"subject":{', '"subject":7,"other":{'), id="a subject of another kind"),
        pytest.param(REPORT.replace('"as_of": "', '"as_of": 7, "other": "'), id="a moment of another kind"),
        pytest.param(REPORT.replace('"verdict":"', '"verdict":[],"other":"'), id="a verdict of another kind"),
    ],
)
async def test_a_report_that_cannot_be_read_is_passed_over(outside: Outside, text: str | None) -> None:
    await add(outside, "20260228-000000-aaaaaaaa", REPORT)
    await add(outside, "20260301-000000-aaaaaaaa", text)
    previous = await previous_of(outside)
    assert previous is not None
    assert previous.audit_id == "20260228-000000-aaaaaaaa"


async def test_a_report_of_schema_2_is_compared_with(outside: Outside) -> None:
    today = json.loads(REPORT)
    head = {name: part for name, part in today.items() if name not in ("findings", "counted")}
    head |= {"schema_version": 2, "coverage": in_words_of_schema_2(head["coverage"])}
    await add(outside, "20260301-000000-aaaaaaaa", opening(head) + REPORT.partition(' "findings": [\n')[2])
    assert await previous_of(outside) == Previous("20260301-000000-aaaaaaaa", AS_OF, "full", frozenset({HIDDEN}))


def in_words_of_schema_2(coverage: dict[str, Any]) -> dict[str, Any]:
    words = {"units": "containers", "failed_units": "failed_containers"}
    earlier = {words.get(name, name): part for name, part in coverage.items()}
    del earlier["containers"]["noun"]
    return earlier


async def test_where_nothing_is_known_of_the_question_nothing_is_compared(outside: Outside) -> None:
    await add(outside, "20260301-000000-aaaaaaaa", REPORT)
    [path] = [path for path in outside.blobs.blobs if path.startswith(f"{PROFILE.name}/questions/")]
    outside.blobs.blobs[path] = b"{"
    assert await previous_of(outside) is None
    await add(outside, "20260301-000000-aaaaaaaa", REPORT)
    assert await previous_of(outside) is not None, "the next answer is written in its place"


async def test_later_ones_and_this_one_are_not_earlier(outside: Outside) -> None:
    await add(outside, AUDIT_ID, REPORT)
    await add(outside, "20270101-000000-aaaaaaaa", REPORT)
    assert await previous_of(outside) is None


async def test_the_order_in_which_they_ended_does_not_matter(outside: Outside) -> None:
    await add(outside, "20260301-000000-aaaaaaaa", REPORT)
    await add(outside, "20260228-000000-aaaaaaaa", REPORT)
    previous = await previous_of(outside)
    assert previous is not None
    assert previous.audit_id == "20260301-000000-aaaaaaaa"


async def test_another_question_is_not_compared(outside: Outside) -> None:
    await add(outside, "20260301-000000-aaaaaaaa", REPORT, parameters=replace(PARAMETERS, grace_minutes=61))
    await add(outside, "20260301-000001-aaaaaaaa", REPORT, parameters=replace(PARAMETERS, since=AS_OF - MINUTE))
    assert await previous_of(outside) is None


async def test_the_first_audit_of_all_has_none_before_it(outside: Outside) -> None:
    assert await previous_of(outside) is None


@pytest.mark.parametrize(
    ("changes", "compared"),
    [
        ({"storage_account": "stagingsa"}, False),
        ({"database": {"host": "staging.example", "name": "pre"}}, False),
        ({"database": {"host": "db.example", "name": "pre_copy"}}, False),
        ({"ingest_account": None}, True),
        ({}, True),
    ],
)
async def test_what_was_found_elsewhere_is_nothing_to_compare_with(
    outside: Outside, changes: dict[str, Any], *, compared: bool
) -> None:
    then = replace(AUDITED, places={**AUDITED.places, **changes}, named="as it was called then")
    await add(outside, "20260301-093000-1a2b3c4d", REPORT, of=then)
    assert (await previous_of(outside) is not None) is compared


# --- what repairs have changed ------------------------------------------------------------------------------------


async def test_of_a_repair_that_had_ended_before_nothing_but_its_record_is_read() -> None:
    """Of an audit every quarter of an hour, with a policy, there are hundreds within nine days."""
    world = PolicyWorld()
    before = await world.repaired(Ending.DONE, ago=timedelta(days=2))
    since = await world.repaired(Ending.DONE, ago=timedelta(minutes=5))
    audit = await world.audited()
    read: list[str] = []

    class Watched(VersionedBlobs):
        async def read(self, path: str, **given: Any) -> Stored | None:
            read.append(path)
            return await super().read(path, **given)

    watched = Watched()
    watched.blobs, watched.etags, watched.told = world.blobs.blobs, world.blobs.etags, world.blobs.told
    world.store = RunStore.of(watched)
    previous = Previous(AUDIT_ID, world.now - timedelta(minutes=15), "fast", frozenset())
    resolved = (Known(KIND, "video-1", MENDED),)
    compared = await with_repairs(Job(world.services, audit, UPLOADS), SinceLast(previous, resolved=resolved))
    assert compared.previous is not None
    assert compared.previous.repaired == {Named(KIND, "video-1"): since.repair_id}
    assert [path for path in read if path.startswith(before.folder)] == [f"{before.folder}/repair.json"]
    assert f"{since.folder}/plan.json" in read
