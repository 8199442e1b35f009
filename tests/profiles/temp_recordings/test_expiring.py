"""The short audit of what is about to be deleted: whom it looks at, and what it never claims."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.demo.temp_recordings.cases import CASES, LATER
from profiles.temp_recordings.facts import ChunkFacts
from profiles.temp_recordings.options import EXPIRING, FULL
from profiles.temp_recordings.profile import CLEAN_UP, PROFILE, TIME_ZONE, TempRecordings
from profiles.temp_recordings.queries import CHUNKS, FILES, MEETINGS, RECORDINGS
from profiles.temp_recordings.rows import CHUNK_STATUSES, Chunk
from reconciliation.coverage import Coverage
from reconciliation.queries import Moments, SqlRows
from reconciliation.since_last import Known, Previous, compare
from reconciliation.tally import Result, Tally
from reporting.headline import headline
from reporting.proof import _words
from tests.profiles.temp_recordings.world import AS_OF, audit_of, groups_of, opened, profile_for

ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca", "Pacific/Apia"]
TOLERANCE = timedelta(minutes=5)


@given(
    zone=st.sampled_from(ZONES),
    clean_up=st.sampled_from(["ended", "all"]),
    status=st.sampled_from([*sorted(CHUNK_STATUSES), "DONE", "Failed", "odd"]),
    now=st.datetimes(datetime(2010, 1, 1), datetime(2027, 1, 1)).map(lambda one: one.replace(tzinfo=UTC)),
    minutes=st.integers(-30, 4_000),
    ttl_hours=st.integers(1, 48),
    has_zone=st.booleans(),
    takes=st.integers(0, 60),
)
def test_whatever_the_rules_call_expiring_was_read(
    *, zone: str, clean_up: str, status: str, now: datetime, minutes: int, ttl_hours: int, has_zone: bool, takes: int
) -> None:
    """The query gives a superset, also of what only gets old enough while the audit takes its time."""
    profile = TempRecordings({**PROFILE.given, TIME_ZONE: zone, CLEAN_UP: clean_up})
    asked = replace(profile.parameters(mode=EXPIRING), options={"ttl_hours": ttl_hours, "wait_seconds": 300})
    query = profile.source(CHUNKS).read(asked, Moments(now, now + TOLERANCE))
    assert isinstance(query, SqlRows)
    made = now - timedelta(minutes=minutes)
    wall = made.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    text = made.isoformat() if has_zone else wall.isoformat()
    row = {"id": "1", "meeting_id": "m", "user_id": "u", "transcode_status": status, "created_at": text}
    audit = audit_of(profile, now=now + timedelta(minutes=takes), mode=EXPIRING, ttl_hours=ttl_hours)
    [group, *_] = groups_of(CASES[0], profile, LATER, objects=[])
    facts = ChunkFacts(profile._scene(group, None, audit), Chunk.from_json(["1", row], profile.zone))
    values = query.values
    is_read = (values["deletes_all"] or status.lower() in {"done", "failed"}) and (
        made <= values["moment"] if has_zone else wall <= values["wall"]
    )
    assert is_read or not facts.is_expiring


def test_the_bucket_is_not_listed_and_no_other_meeting_is_read() -> None:
    profile = profile_for()
    moments = Moments(AS_OF, AS_OF)
    short, full = (profile.parameters(mode=mode) for mode in (EXPIRING, FULL))
    assert profile.source(FILES).read(short, moments) is None
    assert profile.source(FILES).read(full, moments) is not None
    for table in (MEETINGS, CHUNKS, RECORDINGS):
        queries = [profile.source(table).read(asked, moments) for asked in (short, full, replace(short, only=("m",)))]
        assert ["created_at" in one.sql for one in queries if isinstance(one, SqlRows)] == [True, False, False]


# --- what it may claim ------------------------------------------------------------------------------------------------

LOST = Known("chunk", "1", "chunk_lost")
EXPIRES = Known("chunk", "2", "expiring_unpromoted")
RESCUED = Known("chunk", "3", "rescued_unpromoted")
BAD_FILE = Known("file", "temp/4", "orphan_pcm")


@pytest.mark.parametrize("mode", [FULL, EXPIRING])
def test_it_calls_nothing_resolved_that_it_did_not_look_at(mode: str) -> None:
    previous = Previous("a", AS_OF, mode, frozenset({LOST, EXPIRES, RESCUED, BAD_FILE}))
    since = compare(previous, [], profile_for().shows, mode=EXPIRING, complete=True)
    assert since.resolved == (EXPIRES, RESCUED)


def test_what_it_saw_only_by_the_way_is_not_called_new_by_the_next() -> None:
    previous = Previous("a", AS_OF, EXPIRING, frozenset())
    for mode in (FULL, EXPIRING):
        since = compare(previous, [LOST, EXPIRES, BAD_FILE], profile_for().shows, mode=mode, complete=True)
        assert (since.new, since.persisting) == (1, 0)


def test_its_audits_are_compared_with_each_other() -> None:
    assert profile_for().compared_apart == (EXPIRING,)


@pytest.mark.parametrize("mode", [FULL, EXPIRING])
def test_its_report_says_where_it_looked_and_never_that_nothing_is_missing(mode: str) -> None:
    profile = profile_for()
    audit = audit_of(profile, mode=mode)
    result = Result(Coverage(3, scanned=3), Tally(), mode, compare(None, [], profile.shows, mode=mode, complete=True))
    told = headline(result, profile)
    coverage = {"complete": True, "gaps": [], "skipped_by_reason": {}}
    first, rest = _words({"coverage": coverage, "complete": True, "parameters": {"mode": mode}}, profile.wording)
    if mode == FULL:
        assert told == "Nothing is missing: none of 0 chunks is lost or about to be; 3 of 3 meetings read."
        assert first == "Yes."
        return
    assert told == (
        "No chunk that is the only copy is about to be deleted, in what was read; 3 of 3 meetings read (only meetings "
        "with a chunk that is about to be deleted, or that were asked for)."
    )
    assert first == "Of what is about to be deleted, yes."
    assert "No bucket was listed" in rest
    assert any("looked only at meetings with a chunk" in note for note in profile.notes(audit))


def test_a_chunk_that_is_lost_says_where_it_was_looked_for() -> None:
    profile = profile_for()
    case = next(case for case in CASES if case.number == 5)
    audit = audit_of(profile, mode=EXPIRING)
    [group] = groups_of(case, profile, LATER)
    facts = next(
        of for kind, _, of in profile.facts(MEETINGS, opened(group, audit, ()), None, audit) if kind == "chunk"
    )
    rule = profile.kinds[0].judged(facts).rule
    assert rule.verdict == "chunk_lost"
    assert "at the top of the bucket" in rule.why(facts)
