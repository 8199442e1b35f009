"""The canonical report is written once, of all that adds up."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from activities.judge import judge_audit
from activities.scan_shard import scan
from adapters.store.blobs import Stored
from adapters.store.jsonl import pack, unpack
from profiles.pre_capture_sessions.candidates import Candidate
from reconciliation.errors import RunStoreError, UnreadableError
from reconciliation.lifecycle import State
from tests.activities.audits import Audit, audit_of, by_id, folder, named, request
from tests.activities.memory import FORBIDDEN, MemoryBlobs, MemoryDatabase, MemoryStorage
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    AUDIT_ID,
    MINUTE,
    REGISTERED,
    encode,
    encoded,
    row,
    session,
    uuid_of,
)


@dataclass
class Unlisted(MemoryStorage):
    """No listing has some of its containers."""

    hidden: frozenset[str] = frozenset()

    async def containers(self) -> AsyncIterator[list[str]]:
        yield [name for name in sorted(self.account) if name not in self.hidden]


REPORT = f"{folder()}/report.json"
SCREENED = f"{folder()}/0.0/screened.json"


async def looked_again(audit: Audit) -> Audit:
    await audit.planned()
    await audit.scanned()
    await audit.looked_again()
    return audit


async def test_doing_every_step_again_says_the_same() -> None:
    audit = audit_of(session(), account=named(recording=encode(), unread=FORBIDDEN), rows=[row("other")])
    first = await audit.planned()
    await audit.scanned()
    await audit.judged()
    stored = dict(audit.files)
    audit.outside.now = AS_OF
    assert await audit.planned() == first
    await audit.scanned()
    await audit.judged()
    assert audit.files == stored


async def test_what_an_earlier_attempt_read_and_planned_is_kept_and_its_conclusions_are_not() -> None:
    audit = audit_of(session(), account=named(recording=encode(), other=encode("other")), rows=[row("other", "other")])
    first = await audit.planned()
    await audit.scanned()
    await audit.judged()
    stored = dict(audit.files)
    audit.outside.now, audit.outside.storage = AS_OF + 60 * MINUTE, MemoryStorage({})
    audit.database.asked.clear()
    await audit.resumed()
    assert await audit.planned() == first
    await audit.scanned()
    assert (audit.outside.storage.listed, audit.database.asked) == ([], [])
    assert {path for path, data in audit.files.items() if data != stored.get(path)} == {f"{folder()}/run.json"}
    report = json.loads(await audit.judged())
    assert report["audit"]["resumes"] == 1
    assert [one["verdict"] for one in report["findings"]] == ["row_without_container"], "storage has nothing any more"


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_shard_that_was_read_whole_is_not_read_again(attempt: int) -> None:
    """By a later pass, or by the first one of a later attempt."""
    audit = audit_of(account=named(a=encode(), b=encode("b")))
    await audit.planned()
    await audit.scanned()
    if attempt == 1:
        await audit.resumed()
    stored = dict(audit.files)
    audit.outside.storage = MemoryStorage({})
    answer = await scan({**request(), "shard": 0, "attempt": attempt}, audit.services)
    assert answer == {"ok": True, "scanned": 2, "skipped": 0, "failed": 0}
    assert audit.files == stored
    assert audit.outside.storage.listed == []


async def test_a_first_attempt_does_not_ask_for_what_it_cannot_have_left_and_a_later_one_does() -> None:
    class Noting(MemoryBlobs):
        async def read(self, path: str, *, offset: int | None = None, length: int | None = None) -> Stored | None:
            asked.append(path.removeprefix(f"{folder()}/"))
            return await super().read(path, offset=offset, length=length)

    asked: list[str] = []
    audit = audit_of(account=named(a=encode()), rows=[row("a", "a")])
    audit.outside.blobs = Noting()
    audit.outside.restart()
    await audit.pulled()
    assert [path for path in asked if path.startswith("pulled/")] == []
    await audit.planned()
    await audit.scanned()
    kept = {"plan.json", "shards/0000.jsonl.gz"}
    assert kept <= {path.removeprefix(f"{folder()}/") for path in audit.files}
    assert kept.isdisjoint(asked)
    await audit.resumed()
    asked.clear()
    await audit.planned()
    await audit.scanned()
    assert {*kept, "pulled/0.json", "pulled/1.json"} <= set(asked)


async def test_of_two_first_passes_over_a_shard_the_result_of_the_first_one_stays() -> None:
    audit = audit_of(account=named(a=encode(), b=FORBIDDEN))
    await audit.planned()
    await audit.scanned()
    stored = dict(audit.files)
    audit.outside.storage = MemoryStorage(named(a=encode(), b=encode("b")))
    answer = await scan({**request(), "shard": 0, "attempt": 1}, audit.services)
    assert answer == {"ok": True, "scanned": 1, "skipped": 0, "failed": 1}, "it answers what counts"
    assert audit.files == stored


async def test_a_later_pass_reads_only_what_an_earlier_one_could_not() -> None:
    audit = audit_of(account=named(a=encode(), b=FORBIDDEN))
    await audit.planned()
    await audit.scanned()
    audit.outside.storage = MemoryStorage(named(a=FORBIDDEN, b=encode("b")))
    answer = await scan({**request(), "shard": 0, "attempt": 2}, audit.services)
    assert answer == {"ok": True, "scanned": 2, "skipped": 0, "failed": 0}
    assert audit.outside.storage.listed == [str(uuid_of("b"))]


async def test_what_is_judged_a_second_time_is_judged_by_the_moment_of_the_first_look() -> None:
    audit = await looked_again(audit_of(session(), account=named(recording=encode(), unread=FORBIDDEN)))
    text = await audit.judged()
    del audit.files[REPORT]
    audit.outside.now = AS_OF + MINUTE
    await judge_audit(request(), audit.services)
    assert audit.text("report.json") == text


async def test_an_audit_that_has_ended_is_reported_again_unchanged_and_judged_no_more() -> None:
    audit = audit_of(session(), account=named(recording=encode()))
    await audit.whole()
    record, stored = await audit.reported(), dict(audit.files)
    audit.outside.now, audit.outside.storage = AS_OF + 60 * MINUTE, MemoryStorage({})
    assert await audit.reported() == record
    with pytest.raises(RunStoreError, match="has ended"):
        await judge_audit(request(), audit.services)
    assert audit.files == stored


@pytest.mark.parametrize("gone", [False, True])
async def test_what_is_in_doubt_is_judged_alike_from_memory_and_from_disk(
    monkeypatch: pytest.MonkeyPatch, *, gone: bool
) -> None:
    names = ["first", "second", "third"]
    sessions = [session(name, status="PROCESSING") for name in names]
    audit = await looked_again(
        audit_of(
            *sessions,
            account=named(
                **{name: encode(name) for name in names}, shared=[*encode("first"), *encode("second")], no=[]
            ),
            rows=[row("missing"), row("no")],
            others=[session("other", **REGISTERED)],
        )
    )
    if gone:
        audit.outside.database = MemoryDatabase(sessions[1:], [row("no")])
    reports = []
    for in_memory in (1000, 2, 0):
        monkeypatch.setattr("activities.second_look._IN_MEMORY", in_memory)
        audit.files.pop(REPORT, None)
        audit.outside.restart()
        await judge_audit(request(), audit.services)
        reports.append(audit.files[REPORT])
    assert reports[1:] == reports[:1] * 2
    assert len(json.loads(reports[0])["findings"]) > len(names)


async def test_an_audit_that_was_not_screened_cannot_be_judged() -> None:
    audit = await looked_again(audit_of(session(), account=named(recording=encode())))
    del audit.files[SCREENED]
    audit.outside.restart()
    with pytest.raises(RunStoreError, match=r"was not screened\. Resume the audit"):
        await judge_audit(request(), audit.services)
    assert REPORT not in audit.files


@pytest.mark.parametrize("data", [b"", b"{", b'{"schema_version": 2}', b'{"schema_version": 1}'])
async def test_a_damaged_or_foreign_screening_is_an_error_that_names_it(data: bytes) -> None:
    audit = await looked_again(audit_of(session(), account=named(recording=encode())))
    audit.files[SCREENED] = data
    audit.outside.restart()
    with pytest.raises(UnreadableError, match=r"0\.0/screened\.json"):
        await judge_audit(request(), audit.services)
    assert REPORT not in audit.files


async def test_verdicts_that_this_release_does_not_give_are_an_error() -> None:
    audit = await looked_again(audit_of(session("in order"), account=named(recording=encode()), rows=[row()]))
    screened = json.loads(audit.files[SCREENED])
    screened["verdicts"]["sessions"]["capture_session"]["of another release"] = 1
    audit.files[SCREENED] = json.dumps(screened).encode()
    audit.outside.restart()
    told = rf"Audit {AUDIT_ID} was screened by another release: .* this release does not give\. Resume the audit\."
    with pytest.raises(RunStoreError, match=told):
        await judge_audit(request(), audit.services)
    assert REPORT not in audit.files


@pytest.mark.parametrize("name", ["doubts.jsonl.gz", "again/0000.jsonl.gz", "counted.jsonl.gz"])
async def test_damage_of_what_an_attempt_left_ends_in_no_report_and_names_it(name: str) -> None:
    audit = await looked_again(audit_of(session("in order"), session("hidden"), account=named(a=encode("hidden"))))
    path = audit.path(name)
    audit.files[path] = audit.files[path][:-3]
    with pytest.raises(UnreadableError, match=name):
        await judge_audit(request(), audit.services)
    assert REPORT not in audit.files


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["sessions", "capture_session", "expected_empty"],
        ["sessions", "capture_session", "expected_empty", "abc"],
        ["sessions", 7, "expected_empty", ["abc"]],
    ],
)
async def test_ids_that_this_release_does_not_write_end_in_no_report_and_name_their_file(line: list[object]) -> None:
    audit = await looked_again(audit_of(session("in order"), account=named(empty=[]), rows=[row("empty")]))
    path = audit.path("counted.jsonl.gz")
    assert unpack(audit.files[path]) == [
        ["sessions", "capture_session", "expected_empty", [session("in order").session_id]]
    ]
    audit.files[path] = pack([line])
    with pytest.raises(UnreadableError, match=rf"{path} in memory cannot be read"):
        await judge_audit(request(), audit.services)
    assert REPORT not in audit.files


@pytest.mark.parametrize("cut_off", ["\n", "}}}\n", "]\n}}}\n"])
async def test_a_report_that_was_cut_is_not_rendered_as_a_whole_one(cut_off: str) -> None:
    audit = audit_of(session(), session("hidden"), account=named(recording=encode("hidden")))
    await audit.planned()
    await audit.scanned()
    text = await audit.judged()
    assert text.endswith(cut_off)
    audit.files[REPORT] = text.removesuffix(cut_off).encode()
    with pytest.raises(RunStoreError, match="ends before its end"):
        await audit.reported()
    assert f"{folder()}/report.html" not in audit.files
    assert (await audit.record()).state is State.QUEUED


# --- what the second look proves ----------------------------------------------------------------------------------


async def test_a_gap_that_is_found_late_takes_certainty_from_what_was_counted_already() -> None:
    """The container of an old row is in no listing, and is there all the same."""
    hidden, lost = str(uuid_of("seen")), str(uuid_of("lost"))

    audit = audit_of(
        session("unused"),
        account={hidden: encode("seen"), lost: encode("lost")},
        rows=[row("seen", "seen"), row("lost")],
    )
    audit.outside.storage = Unlisted(audit.account, hidden=frozenset({lost}))
    await looked_again(audit)
    assert json.loads(audit.files[SCREENED])["verdicts"]["sessions"] == {"capture_session": {"expected_empty": 1}}
    report = json.loads(await audit.judged())
    assert lost in report["coverage"]["gaps"][0]["what"]
    assert report["counted"]["capture_session"] == {}
    assert {one["subject"]["id"]: one["verdict"] for one in report["findings"]} == {
        session("unused").session_id: "unverified"
    }
    assert report["counts"]["container"]["registered"] == 1, "what the scan saw stays as it was"


async def test_a_gap_leaves_what_a_container_proves() -> None:
    lost = str(uuid_of("lost"))
    audit = audit_of(session(), account=named(hidden=encode(), lost=encode("lost")), rows=[row("lost")])
    audit.outside.storage = Unlisted(audit.account, hidden=frozenset({lost}))
    await looked_again(audit)
    report = json.loads(await audit.judged())
    assert report["outcome"]["word"] == "incomplete"
    verdicts = {one["subject"]["id"]: one["verdict"] for one in report["findings"]}
    assert verdicts[session().session_id] == "unregistered_recording"
    [found] = [one for one in report["findings"] if one["verdict"] == "unregistered_recording"]
    assert [one["container"] for one in found["evidence"]] == [encoded("hidden").container]


async def test_what_a_gap_put_in_doubt_is_read_again_as_well() -> None:
    """The recording of a session that was in order is registered while units are looked up."""
    lost, unused = str(uuid_of("lost")), session("unused")
    audit = audit_of(unused, account=named(seen=encode("seen"), lost=encode("lost")), rows=[row("seen"), row("lost")])
    audit.outside.storage = Unlisted(audit.account, hidden=frozenset({lost}))
    await looked_again(audit)
    assert json.loads(audit.files[SCREENED])["verdicts"]["sessions"] == {"capture_session": {"expected_empty": 1}}
    audit.database.asked.clear()
    audit.outside.database = MemoryDatabase([session("unused", **REGISTERED)], audit.database.rows)
    await judge_audit(request(), audit.services)
    report = json.loads(audit.text("report.json"))
    assert lost in report["coverage"]["gaps"][0]["what"]
    assert report["counted"]["capture_session"] == {"already_registered": [unused.session_id]}
    assert [unused.session_id] in [query.values["ids"] for query in audit.outside.database.asked]


async def filled_in_between(*candidates: Candidate, of: str, others: tuple[Candidate, ...] = ()) -> Audit:
    """Looked at again: the container that was empty holds a recording by then. Another has its row."""
    audit = audit_of(
        *candidates, account=named(seen=encode("seen"), late=[]), rows=[row("seen", "seen")], others=others
    )
    await audit.planned()
    await audit.scanned()
    audit.outside.storage = MemoryStorage(named(seen=encode("seen"), late=encode(of)))
    await audit.looked_again()
    return audit


async def test_a_session_that_only_the_second_look_names_is_judged_by_what_is_there_and_not_counted_before() -> None:
    unused, other = session("unused"), session("other")
    audit = await filled_in_between(*by_id([unused, other]), of="unused")
    found = json.loads(audit.files[SCREENED])["verdicts"]["sessions"]
    assert found == {"capture_session": {"expected_empty": 2}}, "nothing names it at first"
    await judge_audit(request(), audit.services)
    report = json.loads(audit.text("report.json"))
    [hidden] = report["findings"]
    assert (hidden["subject"]["id"], hidden["verdict"]) == (unused.session_id, "unregistered_recording")
    assert [one["container"] for one in hidden["evidence"]] == [str(uuid_of("late"))]
    assert report["counted"]["capture_session"] == {"expected_empty": [other.session_id]}
    assert sum(report["counts"]["capture_session"].values()) == 2, "each session is counted once"
    assert report["outcome"]["word"] == "findings"


async def test_a_session_that_only_the_second_look_names_is_asked_for_though_it_is_no_candidate() -> None:
    known = session("known", **REGISTERED)
    audit = await filled_in_between(of="known", others=(known,))
    audit.database.asked.clear()
    await judge_audit(request(), audit.services)
    assert [known.session_id] in [query.values["ids"] for query in audit.database.asked]
    [found] = json.loads(audit.text("report.json"))["findings"]
    assert (found["subject"]["id"], found["verdict"]) == (known.session_id, "extra_output")


# --- the clocks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "words"), [(17, "17 minutes ahead of"), (-40, "40 minutes behind")])
async def test_a_clean_report_tells_that_the_clock_of_the_database_differs(minutes: int, words: str) -> None:
    audit = audit_of(session("unused"), account=named(seen=encode("seen")), rows=[row("seen", "seen")])
    audit.database.ahead = minutes * MINUTE
    report = await audit.until_judged()
    assert (await audit.store.plans.existing(folder())).database_ahead_seconds == 60 * minutes
    assert report["outcome"]["word"] == "clean"
    assert report["notes"] == [f"The database's clock is {words} the app's. Have both clocks set."]
    assert audit.outside.database.asked[2:] == [], "nothing was in doubt, so it was not read again"


async def test_clocks_that_agree_well_enough_are_not_told_of() -> None:
    audit = audit_of(session("unused"), account=named(seen=encode("seen")), rows=[row("seen", "seen")])
    audit.database.ahead = 4 * MINUTE
    assert (await audit.until_judged())["notes"] == []
