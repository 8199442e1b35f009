"""The first look: what it keeps, what it leaves out, and when there is none."""

import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from activities.look_again import look
from activities.screen import screen_audit
from adapters import readers
from adapters.readers import Portion
from adapters.store.jsonl import pack, unpack
from profiles.pre_capture_sessions import queries, screening
from profiles.pre_capture_sessions.kinds import CONTAINER
from profiles.pre_capture_sessions.screening import NAMES, SESSIONS
from reconciliation.errors import RunStoreError, StorageUnavailableError, UnreadableError, WrongAccountError
from reconciliation.evidence import Read, Unread
from reconciliation.looks import MISSING, PLACED, UNITS
from reconciliation.parameters import AuditParameters
from reconciliation.rules import Rule, Severity
from tests.activities.audits import Audit, audit_of, by_id, folder, named, request
from tests.activities.memory import FORBIDDEN, MemoryStorage
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    IN_FAST_MODE,
    MINUTE,
    MOMENTS,
    PARAMETERS,
    encode,
    encoded,
    row,
    session,
    uuid_of,
)

SCREENED = f"{folder()}/0.0/screened.json"


async def scanned(audit: Audit) -> Audit:
    await audit.planned()
    await audit.scanned()
    return audit


# --- what is kept -------------------------------------------------------------------------------------------------


async def test_what_is_in_order_is_counted_and_what_is_not_is_kept_with_what_is_looked_up_again() -> None:
    stuck, unused = session(status="PROCESSING"), session("unused")
    audit = await scanned(
        audit_of(stuck, unused, account=named(a=encode("a"), hidden=encode(), broken=FORBIDDEN), rows=[row("a", "a")])
    )
    found = await audit.screened()
    assert found.verdicts == {NAMES: {"container": {"registered": 1}, "recording": {"sound": 1}}}
    assert (found.coverage.listed, found.coverage.scanned, len(found.coverage.failed)) == (3, 2, 1)
    assert {name: one.times for name, one in found.sightings.items()} == {PLACED: 1}
    assert found.now == AS_OF + MINUTE
    kept = [one for _, offset, length in found.blocks for one in await doubts(audit, offset, length)]
    assert [(join, key, unit, len(late)) for join, key, _, _, _, unit, late in kept] == [
        *sorted([(NAMES, str(uuid_of("hidden")), True, 0), (NAMES, str(uuid_of("broken")), False, 0)]),
        *sorted([(SESSIONS, stuck.session_id, False, 1), (SESSIONS, unused.session_id, False, 1)]),
    ]
    assert found.lookups == 3
    [links] = [links for join, key, _, _, links, _, _ in kept if key == stuck.session_id]
    assert [unit for unit, _ in links] == [str(uuid_of("hidden"))]


async def doubts(audit: Audit, offset: int, length: int) -> list[list[Any]]:
    look = audit.path("doubts.jsonl.gz").rpartition("/")[0]
    return await audit.store.attempts.doubts(look, offset, length)


async def test_the_ids_of_what_is_only_counted_are_kept_by_verdict() -> None:
    names_of = [f"session {number}" for number in range(1200)]
    audit = await scanned(audit_of(*map(session, names_of), account=named(empty=[]), rows=[row("empty")]))
    found = await audit.screened()
    assert found.verdicts[SESSIONS] == {"capture_session": {"expected_empty": 1200}}
    lines = unpack(audit.files[audit.path("counted.jsonl.gz")])
    assert {tuple(of) for *of, _ in lines} == {(SESSIONS, "capture_session", "expected_empty")}
    assert sorted(one for *_, ids in lines for one in ids) == sorted(str(uuid_of(name)) for name in names_of)


async def test_many_doubts_are_kept_in_blocks() -> None:
    stuck = [session(f"stuck {number}", status="PROCESSING") for number in range(120)]
    audit = await scanned(audit_of(*stuck, account=named(a=[]), rows=[row("a", "session", "deleted")]))
    found = await audit.screened()
    assert [number for number, _, _ in found.blocks] == [50, 50, 20]
    kept = [one[1] for _, offset, length in found.blocks for one in await doubts(audit, offset, length)]
    assert kept == sorted(one.session_id for one in stuck)


async def test_doubts_of_much_evidence_are_few_in_a_block_and_in_a_shard_however_many_there_are() -> None:
    """Blocks and shards of a fixed number of doubts would take as much memory as their largest evidence makes them."""
    large = random.Random(0)
    account = named(**{f"r{n:02}": StorageUnavailableError(large.randbytes(30_000).hex()) for n in range(40)})
    audit = await scanned(audit_of(session(status="PROCESSING"), account=account, sizes=(100, 100_000)))
    found = await audit.screened()
    assert [number for number, _, _ in found.blocks] == [5] * 8 + [1], "60,000 bytes each, and 256 KiB are enough"
    assert found.shards == [(offset, length) for _, offset, length in found.blocks], "packed, each is still 150,000"


async def test_a_session_that_was_asked_for_is_kept_though_there_is_none() -> None:
    nobody = str(uuid_of("nobody"))
    asked = replace(PARAMETERS, only=(nobody, session().session_id))
    audit = await scanned(audit_of(session(), account=named(a=encode("other")), parameters=asked))
    found = await audit.screened()
    kept = [one[1] for _, offset, length in found.blocks for one in await doubts(audit, offset, length)]
    assert nobody in kept
    assert session().session_id not in kept, "there is a row of it, and it is in order"


@pytest.mark.parametrize("parameters", [PARAMETERS, IN_FAST_MODE], ids=["full", "fast"])
async def test_a_shard_without_a_result_is_a_gap_and_its_containers_are_named(parameters: AuditParameters) -> None:
    account = named(**{f"r{number}": encode("other") for number in range(4)})
    audit = audit_of(session(), account=account, parameters=parameters)
    await audit.planned()
    await audit.scanned(without=frozenset({1}))
    failed = (await audit.screened()).coverage.failed
    assert [(one.unit, one.reason) for one in failed] == [
        (name, "its shard could not be scanned") for name in sorted(account)[2:]
    ]


async def test_what_the_plan_skipped_is_part_of_the_coverage() -> None:
    audit = await scanned(audit_of(account=named(a=[], b=[], c=encode()), rows=[row("a")], parameters=IN_FAST_MODE))
    coverage = (await audit.screened()).coverage
    assert coverage.skipped == {"registered": 1}
    assert (coverage.listed, coverage.scanned, coverage.is_complete) == (3, 2, True)


# --- doing it again -----------------------------------------------------------------------------------------------


async def test_a_screening_is_done_again_in_its_attempt_and_says_the_same() -> None:
    audit = await scanned(audit_of(session(status="PROCESSING"), account=named(a=encode()), rows=[row("b")]))
    await audit.looked_again()
    stored = dict(audit.files)
    audit.outside.storage.listed.clear()
    audit.database.asked.clear()
    assert await screen_audit(request(), audit.services) == {"ok": True, "shards": 1}
    assert await look({**request(), "shard": 0}, audit.services) == {"ok": True}
    assert audit.files == stored
    assert (audit.outside.storage.listed, audit.database.asked) == ([], []), "what was looked up again is kept"


async def test_another_attempt_screens_anew_beside_the_first_one() -> None:
    audit = await scanned(audit_of(session(status="PROCESSING"), account=named(a=encode()), rows=[row("b")]))
    first = await audit.screened()
    stored = dict(audit.files)
    await audit.resumed()
    second = await audit.screened()
    assert second == replace(first, folder=second.folder)
    added = audit.files.keys() - stored.keys()
    assert {path.removeprefix(f"{folder()}/").replace(second.folder, "*") for path in added} == {
        "1.0/screened.json",
        "*/doubts.jsonl.gz",
        "*/containers_again.jsonl.gz",
    }
    assert {path: audit.files[path] for path in stored if path.startswith(f"{folder()}/0.0/")} == {
        path: data for path, data in stored.items() if path.startswith(f"{folder()}/0.0/")
    }


async def test_a_screening_that_was_not_said_to_be_done_is_done_anew_in_the_same_words() -> None:
    audit = await scanned(audit_of(session(status="PROCESSING"), account=named(a=encode()), rows=[row("b")]))
    await audit.screened()
    stored = dict(audit.files)
    del audit.files[SCREENED]
    await audit.screened()
    assert audit.files == stored


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"schema_version": 2}', b'{"schema_version": 1}'],
    ids=["empty", "cut", "no object", "of a later release", "without its members"],
)
async def test_a_damaged_or_foreign_screening_is_an_error_that_names_it(data: bytes) -> None:
    audit = await scanned(audit_of(session(status="PROCESSING"), account=named(a=encode())))
    await audit.looked_again()
    audit.files[SCREENED] = data
    del audit.files[f"{folder()}/0.0/again/0000.jsonl.gz"]
    audit.outside.restart()
    with pytest.raises(UnreadableError, match=r"0\.0/screened\.json"):
        await look({**request(), "shard": 0}, audit.services)


# --- what could not be read ---------------------------------------------------------------------------------------


class ListedOnce(MemoryStorage):
    """Cannot be listed (again)."""

    def containers(self) -> object:  # type: ignore[override]  # it raises
        raise StorageUnavailableError("Storage cannot be reached.")


async def test_a_second_listing_that_cannot_be_had_is_a_gap_and_no_end() -> None:
    audit = await scanned(audit_of(session(), account=named(hidden=encode())))
    audit.outside.storage = ListedOnce(audit.outside.storage.account)
    found = await audit.screened()
    assert found.lost == {"containers_again"}
    [gap] = found.coverage.gaps
    assert gap == ("the source containers again could not be read", "Storage cannot be reached.")
    report = json.loads(await audit.judged())
    assert report["outcome"]["word"] == "incomplete"
    assert report["coverage"]["gaps"] == [gap._asdict()]
    assert [one["verdict"] for one in report["findings"]] == ["unregistered_recording"]


@pytest.mark.parametrize("source", ["registered", "candidates"])
async def test_a_source_that_could_not_be_read_to_its_end_is_a_gap_and_what_was_read_of_it_counts(source: str) -> None:
    """What it lacks is read again before it is called missing."""
    stuck = [session(name, status="PROCESSING") for name in ("one", "two", "three")]
    rows = sorted([row("a", "x"), row("b", "y")], key=lambda one: one.recording_id)
    audit = audit_of(*stuck, account=named(a=encode("x"), b=encode("y"), hidden=encode("two")), rows=rows)
    whole = (await audit.whole())["findings"]
    audit = audit_of(*stuck, account=audit.outside.storage.account, rows=rows)
    statements = {"registered": queries.registered(MOMENTS), "candidates": queries.candidates(PARAMETERS, MOMENTS)}
    audit.database.cut = frozenset({statements[source].sql})
    report = await audit.whole()
    assert report["outcome"]["word"] == "incomplete"
    [gap] = report["coverage"]["gaps"]
    assert gap == {"what": f"the source {source} could not be read to the end", "next_step": "row 2: It broke off."}
    found = {one["subject"]["id"]: one["verdict"] for one in report["findings"]}
    expected = {one["subject"]["id"]: one["verdict"].replace("stuck_empty", "unverified") for one in whole}
    assert expected[session("two").session_id] == "unregistered_recording"
    unread = [one.session_id for one in by_id(stuck)[1:]] if source == "candidates" else []
    for one in {*unread} - {session("two").session_id}:  # of that one its container tells
        del expected[one]
    assert found == expected


async def test_a_second_listing_that_broke_off_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = await scanned(audit_of(session(), account=named(hidden=encode())))

    async def broken_off(*_: object) -> AsyncIterator[Portion]:
        yield [json.dumps(str(uuid_of("hidden")))]
        yield Unread("page 2", "It was refused.", failed=True)

    monkeypatch.setattr(readers._Account, "lines", broken_off)
    found = await audit.screened()
    assert found.lost == {"containers_again"}
    assert found.rows == {"containers_again": 1}
    [gap] = found.coverage.gaps
    assert gap == ("the source containers again could not be read to the end", "page 2: It was refused.")


async def test_a_look_that_was_spoiled_is_taken_anew_with_all_its_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs that everything was read is in doubt as soon as something was not, be it only found out later."""
    unsure: Rule[Any] = Rule(
        verdict="unverified",
        severity=Severity.UNKNOWN,
        means="It is not known.",
        holds=lambda _facts: True,
        why=lambda _facts: "It is not known.",
        next_step="Look.",
    )
    rules = tuple(replace(rule, needs=(UNITS,)) if rule.verdict == "registered" else rule for rule in CONTAINER.rules)
    needy = replace(CONTAINER, rules=rules, unverified=unsure)
    monkeypatch.setattr(screening, "CONTAINER", needy)
    ids = sorted(str(uuid_of(name)) for name in ("a", "b"))
    audit = audit_of(account={ids[0]: encode("a"), ids[1]: encode("b")}, rows=[])
    audit.outside.database.rows = [row()._replace(recording_id=ids[0])]
    await scanned(audit)
    plain = await audit.screened()
    assert plain.verdicts[NAMES]["container"] == {"registered": 1}
    del audit.files[SCREENED]
    audit.outside.storage = ListedOnce(audit.outside.storage.account)
    again = await audit.screened()
    assert again.lost == {"containers_again"}, "a gap that is known from the beginning spoils nothing"
    assert again.verdicts == {}
    assert [what for what, _ in again.coverage.gaps] == ["the source containers again could not be read"]
    audit = audit_of(account={ids[0]: encode("a"), ids[1]: FORBIDDEN})
    audit.outside.database.rows = [row()._replace(recording_id=ids[0])]
    await scanned(audit)
    spoiled = await audit.screened()
    assert "container" not in spoiled.verdicts.get(NAMES, {})
    assert UNITS in spoiled.lost
    assert (spoiled.coverage.scanned, len(spoiled.coverage.failed)) == (1, 1), "each is counted once"


async def test_a_shard_that_lost_a_container_ends_in_no_screening() -> None:
    audit = audit_of(session(), account=named(a=encode(), b=encode()))
    await audit.planned()
    scan = audit.services.settings.profiles[PARAMETERS.profile].scan
    assert scan is not None
    seen = encoded("a")
    records = [Read(seen.container, seen.blobs, seen)]
    await audit.store.shards.mend(folder(), 0, records, scan, attempt=1, before=None)
    with pytest.raises(AssertionError, match="2 units listed, 1 accounted for"):
        await audit.screened()
    assert SCREENED not in audit.files


@pytest.mark.parametrize("source", ["containers", "registered", "candidates"])
async def test_rows_that_were_lost_between_the_plan_and_the_screening_end_in_no_screening(source: str) -> None:
    sessions, rows = [session(name) for name in "abc"], [row(name, name) for name in "abc"]
    audit = await scanned(audit_of(*sessions, account=named(a=[], b=[], c=[]), rows=rows))
    path = f"{folder()}/rows/{source}.jsonl.gz"
    whole = audit.files[path]
    audit.files[path] = pack(unpack(whole)[:2])
    with pytest.raises(UnreadableError, match=rf"{path} in memory cannot be read: it holds 2 of 3 rows"):
        await audit.screened()
    assert SCREENED not in audit.files
    audit.files[path] = whole
    await audit.screened()


# --- the wrong account --------------------------------------------------------------------------------------------


def mostly_missing(placed: int, missing: int) -> Audit:
    there, lost = [f"placed {at}" for at in range(placed)], [f"missing {at}" for at in range(missing)]
    audit = audit_of(
        account=named(**{name: encode(name) for name in there}), rows=[row(one) for one in [*there, *lost]]
    )
    audit.outside.strict = True
    return audit


@pytest.mark.parametrize(("placed", "missing", "refused"), [(0, 2, True), (1, 2, True), (2, 2, False), (0, 1, False)])
async def test_an_account_that_has_no_container_for_most_rows_is_hardly_the_right_one(
    placed: int, missing: int, *, refused: bool
) -> None:
    audit = await scanned(mostly_missing(placed, missing))
    if not refused:
        assert {name: one.times for name, one in (await audit.screened()).sightings.items()} == {
            name: times for name, times in ((PLACED, placed), (MISSING, missing)) if times
        }
        return
    with pytest.raises(WrongAccountError) as caught:
        await audit.screened()
    assert f"{missing} of {missing + placed} rows have no container" in str(caught.value)
    assert all(name in str(caught.value) for name in ("SOURCE_STORAGE", "PRE_DATABASE", "AUDIT_ALLOW_MOSTLY_MISSING"))
    assert SCREENED not in audit.files
    audit.outside.strict = False
    await audit.screened()


async def test_a_listing_that_could_not_be_had_explains_what_is_missing() -> None:
    audit = await scanned(mostly_missing(0, 2))
    audit.outside.storage = ListedOnce({})
    await audit.screened()


async def test_an_audit_that_was_not_screened_cannot_be_looked_at_again() -> None:
    audit = await scanned(audit_of(account=named(a=encode())))
    with pytest.raises(RunStoreError, match=r"was not screened\. Resume the audit"):
        await look({**request(), "shard": 0}, audit.services)
