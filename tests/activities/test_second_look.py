"""What is read again, and what becomes of it when it cannot be."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from activities import second_look as module
from activities.first_look import audit_of as audit_before
from activities.kept import RowsKept
from activities.look_again import look as look_up
from activities.second_look import doubts_of, looked_again, read_again
from activities.step import Job
from adapters.store.jsonl import pack, unpack
from profiles.pre_capture_sessions import queries
from profiles.pre_capture_sessions.candidates import Candidate
from profiles.pre_capture_sessions.screening import NAMES, SESSIONS
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.database import DatabaseState
from reconciliation.errors import AuditError, RunStoreError, UnreadableError
from reconciliation.evidence import Unread
from reconciliation.looks import Doubt, Group
from reconciliation.lookups import ALL, Blob, BlobPage, Suffixes
from reconciliation.queries import SqlRows
from reconciliation.screened import judged_with
from tests.activities.audits import Audit, audit_of, folder, named, request
from tests.activities.memory import FORBIDDEN, GONE, MemoryDatabase, MemoryStorage
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    MINUTE,
    MOMENTS,
    PARAMETERS,
    REGISTERED,
    encode,
    encoded,
    row,
    session,
    uuid_of,
)

STUCK = session(status="PROCESSING")
OTHER = session("other", **REGISTERED)
NAME = str(uuid_of("recording"))
SCREENED = f"{folder()}/0.0/screened.json"
AGAIN = f"{folder()}/0.0/again/0000.jsonl.gz"
DOUBTS = "doubts.jsonl.gz"


@dataclass
class FlickeringStorage(MemoryStorage):
    """Gives what stands in ``once`` at the first reading of a container."""

    once: dict[str, AuditError | list[Blob]] = field(default_factory=dict)

    async def blobs(self, container: str, keep: Suffixes = ALL, prefix: str = "") -> list[BlobPage]:
        if container not in self.once:
            return await super().blobs(container)
        return await MemoryStorage({container: self.once.pop(container)}).blobs(container)


async def doubting(*candidates: Candidate, of: str = "session", **changes: Any) -> Audit:
    """An audit of an account with a recording of nobody, scanned; and nothing read again by now."""
    audit = audit_of(*candidates, account=changes.pop("account", named(recording=encode(of))), **changes)
    await audit.planned()
    await audit.scanned()
    await audit.screened()
    audit.outside.storage.listed.clear()
    audit.database.asked.clear()
    return audit


@dataclass(frozen=True)
class SecondLook:
    """All doubts beside what was read again, ``before`` the rows were; and what there is to know of that reading."""

    doubts: Sequence[Doubt]
    before: Sequence[Doubt]
    databases: Mapping[str, DatabaseState]
    complete: bool


async def seen(audit: Audit) -> SecondLook:
    """All that was in doubt, looked up and read again."""
    await audit.looked_again()
    return await read(audit)


async def read(audit: Audit) -> SecondLook:
    """All that was in doubt and was looked up, read again."""
    record, services = await audit.record(), audit.services
    job = Job(services, record, services.profile_of(record))
    screening = await audit.store.attempts.screened(record.attempt_folder)
    assert screening is not None
    plan = await audit.store.plans.existing(folder())
    looked = await looked_again(job, screening)
    with RowsKept() as kept:
        rows = await read_again(job, judged_with(await audit_before(job, plan), screening), looked.keys, kept)
        before = [one.doubt(one.kept.group.rows) for one in looked]
        doubts = [*doubts_of(looked, job.profile, rows)]
    return SecondLook(doubts, before, rows.databases, looked.complete and not rows.lost)


def again(look: SecondLook, join: str) -> dict[str, Group]:
    """What was read again, by key."""
    return {doubt.first.key: doubt.again for doubt in look.doubts if doubt.join == join}


async def test_what_is_in_doubt_is_read_again_and_nothing_else() -> None:
    audit = await doubting(
        STUCK,
        session("in order"),
        account=named(recording=encode(), elsewhere=encode("elsewhere")),
        rows=[row("elsewhere", "elsewhere")],
        others=[OTHER],
    )
    look = await seen(audit)
    assert {key: group.rows for key, group in again(look, SESSIONS).items()} == {STUCK.session_id: ([STUCK],)}
    assert {key: (group.rows[1], group.evidence) for key, group in again(look, NAMES).items()} == {
        NAME: ((), encoded())
    }
    assert audit.outside.storage.listed == [NAME]
    assert [query.values["ids"] for query in audit.database.asked] == [[NAME], [STUCK.session_id]]
    assert look.complete
    assert list(look.databases) == ["PRE_DATABASE"]


async def test_what_is_the_same_when_it_is_read_again_is_in_memory_once() -> None:
    look = await seen(await doubting(STUCK))
    doubts = {doubt.first.key: doubt for doubt in look.doubts}
    of_session, of_name = doubts[STUCK.session_id], doubts[NAME]
    assert of_session.again.rows[0][0] is of_session.first.rows[0][0]
    assert of_name.again.evidence is of_name.first.evidence


async def test_a_session_that_a_container_names_is_looked_up_though_it_is_no_candidate() -> None:
    look = await seen(await doubting(of="other", others=[OTHER]))
    group = again(look, SESSIONS)[OTHER.session_id]
    assert (group.rows, group.links) == (([OTHER],), [encoded(of="other")])


async def test_a_row_that_came_in_between_is_found() -> None:
    audit = await doubting(STUCK)
    audit.outside.database = MemoryDatabase([STUCK], [row()])
    look = await seen(audit)
    assert again(look, NAMES)[NAME].rows[1] == [row()]
    [before] = [doubt for doubt in look.before if doubt.join == NAMES]
    assert (before.again.rows[1], before.again.evidence) == ((), encoded()), "looked up, and not read yet"


async def test_a_row_that_went_away_is_found_to_be_gone() -> None:
    audit = await doubting(STUCK)
    audit.outside.database = MemoryDatabase()
    assert again(await seen(audit), SESSIONS)[STUCK.session_id].rows == ((),)


async def test_what_counts_as_recent_is_measured_from_the_second_look() -> None:
    audit = await doubting(STUCK)
    await audit.looked_again()
    audit.outside.now = AS_OF + 180 * MINUTE
    await read(audit)
    assert audit.database.asked[0].values["recent"] == AS_OF + 120 * MINUTE


@pytest.mark.parametrize(
    ("trouble", "record", "complete"),
    [
        (FORBIDDEN, Unread(NAME, "403 Forbidden", failed=True), False),
        (GONE, Unread(NAME, DELETED_DURING_SCAN, failed=False), True),
    ],
)
async def test_a_container_that_cannot_be_read_again_is_part_of_the_answer(
    trouble: AuditError, record: Unread, *, complete: bool
) -> None:
    audit = await doubting(STUCK)
    audit.outside.storage.account = {NAME: trouble}
    look = await seen(audit)
    assert again(look, NAMES)[NAME].evidence == record
    assert look.complete is complete


async def test_what_could_not_be_read_was_tried_often_enough() -> None:
    audit = await doubting(STUCK, account=named(recording=FORBIDDEN))
    await seen(audit)
    assert audit.outside.storage.listed == []


async def test_what_a_piece_of_the_second_look_did_not_bring_was_not_looked_up() -> None:
    audit = await doubting(STUCK)
    await audit.looked_again()
    del audit.files[AGAIN]
    look = await read(audit)
    assert again(look, NAMES)[NAME].evidence == Unread(NAME, "it was not looked up again", failed=True)
    assert not look.complete


async def test_doubts_that_are_not_as_many_as_were_kept_are_an_error() -> None:
    audit = await doubting(STUCK)
    await audit.looked_again()
    lines = unpack(audit.files[audit.path(DOUBTS)])
    assert len(lines) == 2
    shorter = pack(lines[:1])
    audit.files[audit.path(DOUBTS)] = shorter.ljust(len(audit.files[audit.path(DOUBTS)]), b"\0")
    with pytest.raises(UnreadableError):
        await read(audit)
    screened = json.loads(audit.files[SCREENED])
    audit.files[audit.path(DOUBTS)] = shorter
    screened["blocks"][0][2] = len(shorter)
    audit.files[SCREENED] = json.dumps(screened).encode()
    audit.outside.restart()
    with pytest.raises(RunStoreError, match=r"holds 1 doubts, not as many as were kept\. Resume the audit\."):
        await read(audit)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param([], id="nothing"),
        pytest.param(7, id="a number"),
        pytest.param(["nowhere", NAME, [], None, [], False, []], id="of no join"),
        pytest.param([NAMES, 7, [[], [], []], None, [], False, []], id="a key of another kind"),
        pytest.param([NAMES, NAME, [[]], None, [], True, []], id="of too few sources"),
        pytest.param([NAMES, NAME, [["{"], [], []], None, [], True, []], id="a row that is no JSON"),
        pytest.param([NAMES, NAME, [[], [], []], {"evidence": 7}, [], False, []], id="evidence of another kind"),
        pytest.param([NAMES, NAME, [[], [], []], None, [], False, [7]], id="no look-up"),
    ],
)
async def test_a_doubt_that_this_release_does_not_write_is_named(line: Any) -> None:
    audit = await doubting(STUCK)
    await audit.looked_again()
    audit.files[audit.path(DOUBTS)] = pack([line])
    with pytest.raises(UnreadableError, match=rf"{DOUBTS} in memory cannot be read"):
        await read(audit)
    del audit.files[AGAIN]
    with pytest.raises(UnreadableError, match=rf"{DOUBTS} in memory cannot be read"):
        await look_up({**request(), "shard": 0}, audit.services)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param([NAMES, NAME], id="cut"),
        pytest.param([NAMES, ["a"], None, []], id="a key of another kind"),
        pytest.param([NAMES, NAME, 7, []], id="evidence of another kind"),
        pytest.param([NAMES, NAME, {"unread": ["a"]}, []], id="half an answer"),
        pytest.param([SESSIONS, NAME, None, [{}]], id="no answer"),
    ],
)
async def test_what_was_seen_and_this_release_does_not_write_is_named(line: Any) -> None:
    audit = await doubting(STUCK)
    await audit.looked_again()
    audit.files[AGAIN] = pack([line])
    with pytest.raises(UnreadableError, match=rf"{AGAIN} in memory cannot be read"):
        await read(audit)


async def test_a_database_that_fails_once_is_asked_again() -> None:
    audit = await doubting(STUCK)
    audit.database.failures = 1
    look = await seen(audit)
    assert look.complete
    assert again(look, SESSIONS)[STUCK.session_id].rows == ([STUCK],)


async def test_a_database_that_keeps_failing_is_part_of_the_answer_and_storage_is_read_all_the_same() -> None:
    audit = await doubting(STUCK)
    audit.database.failures = 2
    look = await seen(audit)
    assert not look.complete
    assert look.databases == {}
    assert again(look, NAMES)[NAME].lost == {"registered"}
    assert again(look, SESSIONS)[STUCK.session_id].lost == {"candidates"}
    assert again(look, NAMES)[NAME].evidence == encoded()


async def test_of_rows_that_could_not_be_read_again_to_the_end_the_first_reading_stands() -> None:
    other = session("another", status="PROCESSING")
    audit = await doubting(STUCK, other)
    audit.database.cut = frozenset({queries.sessions_again(PARAMETERS, MOMENTS, ()).sql})
    look = await seen(audit)
    assert not look.complete
    for one in (STUCK, other):
        assert [*map(list, again(look, SESSIONS)[one.session_id].rows)] == [[one]]
        assert again(look, SESSIONS)[one.session_id].lost == {"candidates"}
    assert again(look, NAMES)[NAME].lost == frozenset(), "what was read beside it is as good as ever"


async def test_many_ids_are_asked_for_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEYS_IN_ONE_QUERY", 10)
    stuck = [session(f"stuck {number}", status="PROCESSING") for number in range(21)]
    audit = await doubting(*stuck)
    look = await seen(audit)
    asked = [one for query in audit.database.asked for one in query.values["ids"]]
    assert sorted(asked) == sorted([NAME, session().session_id, *(one.session_id for one in stuck)])
    assert max(len(query.values["ids"]) for query in audit.database.asked) == 10
    assert all(again(look, SESSIONS)[one.session_id].rows == ([one],) for one in stuck)


async def test_rows_that_were_not_asked_for_are_left_out() -> None:
    class Generous(MemoryDatabase):
        async def lines(self, query: SqlRows) -> AsyncIterator[list[str]]:
            yield [json.dumps(one) for one in self.rows if "any_status" not in query.values]

    audit = await doubting(STUCK)
    audit.outside.database = Generous([STUCK], [row("another"), row()])
    assert again(await seen(audit), NAMES)[NAME].rows[1] == [row()]


async def test_where_nothing_is_in_doubt_nothing_is_asked() -> None:
    audit = await doubting(account=named(recording=encode()), rows=[row()])
    look = await seen(audit)
    assert (audit.outside.storage.listed, audit.database.asked) == ([], [])
    assert look == SecondLook([], [], {}, complete=True)


# --- the ingest account -------------------------------------------------------------------------------------------


def late(look: SecondLook) -> dict[str, Any]:
    """The answers of the ingest account, by session."""
    return {key: group.late for key, group in again(look, SESSIONS).items() if group.late}


async def test_the_ingest_account_is_asked_for_bookings_of_sessions_in_doubt() -> None:
    unknown, empty = (session(name, status="PROCESSING") for name in ("unknown", "empty"))
    never = session("never", status=None)
    behind = session("behind", live_recordings=1)
    audit = await doubting(STUCK, unknown, empty, never, behind)
    ingest = MemoryStorage({STUCK.booking_id: encode(), unknown.booking_id: FORBIDDEN, never.booking_id: encode()})
    audit.outside.ingest = ingest
    look = await seen(audit)
    assert late(look) == {
        STUCK.session_id: [2],
        empty.session_id: [0],
        unknown.session_id: [Unread("", "403 Forbidden", failed=True)],
    }
    assert set(ingest.listed) == {STUCK.booking_id, unknown.booking_id, empty.booking_id}
    assert look.complete, "it tells more where it can be read, and proves nothing where it cannot"


@pytest.mark.parametrize("first_answer", [GONE, []], ids=["gone", "empty"])
async def test_one_answer_that_the_ingest_account_has_nothing_is_not_believed(
    first_answer: AuditError | list[Blob],
) -> None:
    audit = await doubting(STUCK)
    audit.outside.ingest = FlickeringStorage({STUCK.booking_id: encode()}, once={STUCK.booking_id: first_answer})
    assert late(await seen(audit)) == {STUCK.session_id: [2]}


async def test_without_an_ingest_account_nothing_is_said_of_it() -> None:
    assert late(await seen(await doubting(STUCK))) == {STUCK.session_id: [None]}
