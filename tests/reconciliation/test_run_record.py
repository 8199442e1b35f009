import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.progress import Reached
from reconciliation.run_record import RunRecord
from tests.profiles.pre_capture_sessions.strategies import moments, parameters, texts
from tests.profiles.pre_capture_sessions.world import AS_OF, MINUTE, PARAMETERS

SUMMARIES: st.SearchStrategy[dict[str, Any]] = st.dictionaries(texts(), texts() | st.integers(0, 99))


@given(
    st.builds(
        RunRecord,
        audit_id=texts(),
        state=st.sampled_from(State),
        parameters=parameters(),
        created_at=moments(),
        updated_at=moments(),
        ended_at=st.none() | moments(),
        outcome=st.none() | st.sampled_from(Outcome),
        summary=st.none() | SUMMARIES,
        error=st.none() | texts(),
        resumes=st.integers(0, 9),
        rounds=st.integers(0, 9),
        progress=st.none() | SUMMARIES,
        dead_letters=st.none() | st.integers(0, 256),
    )
)
def test_a_record_survives_the_run_store(record: RunRecord) -> None:
    written = json.loads(json.dumps(record.to_json()))
    assert RunRecord.from_json(written) == record
    assert written["schema_version"] == 1
    assert written["complete"] is record.state.has_ended


def test_an_ended_record_says_when_how_and_why_and_keeps_the_question() -> None:
    queued = RunRecord("a", State.QUEUED, PARAMETERS, created_at=AS_OF, updated_at=AS_OF)
    reached = Reached({"shards": 3}, 2)
    error = "The database refused the login."
    ended = queued.ended(State.FAILED, AS_OF + MINUTE, outcome=Outcome.FAILED, reached=reached, error=error)
    assert (ended.audit_id, ended.parameters, ended.created_at) == ("a", PARAMETERS, AS_OF)
    assert ended.updated_at == ended.ended_at == AS_OF + MINUTE
    assert (ended.outcome, ended.error, ended.summary) == (Outcome.FAILED, "The database refused the login.", None)
    assert (ended.progress, ended.dead_letters) == ({"shards": 3}, 2)
    assert queued.ended_at is None


def test_a_record_of_before_there_were_resumes_is_read_as_never_resumed() -> None:
    old = RunRecord("a", State.QUEUED, PARAMETERS, created_at=AS_OF, updated_at=AS_OF).to_json()
    del old["resumes"], old["rounds"]
    record = RunRecord.from_json(old)
    assert (record.resumes, record.rounds) == (0, 0)


def test_a_record_of_before_units_had_a_noun_is_shown_in_todays_words() -> None:
    counts = {"listed": 8, "scanned": 7, "skipped": 1, "failed": 0}
    queued = RunRecord("a", State.QUEUED, PARAMETERS, created_at=AS_OF, updated_at=AS_OF)
    reached, summary = Reached({"shards": 3, "units": counts, "blobs": 7}, 0), {"units": counts, "hidden": 1}
    ended = queued.ended(State.COMPLETED, AS_OF, outcome=Outcome.CLEAN, reached=reached, summary=summary)
    old = ended.to_json()
    old["progress"] = {"shards": 3, "containers": counts, "blobs": 7}
    old["summary"] = {"containers": counts, "hidden": 1}
    record = RunRecord.from_json(json.loads(json.dumps(old)))
    told = {"noun": "container", **counts}
    assert (record.progress, record.summary) == ({"shards": 3, "units": told, "blobs": 7}, {"units": told, "hidden": 1})
    assert list(record.progress or ()) == ["shards", "units", "blobs"]
    assert RunRecord.from_json(record.to_json()) == record


def test_a_resumed_audit_and_one_with_another_round_are_counted_apart_and_nothing_of_their_end_is_left() -> None:
    queued = RunRecord("a", State.QUEUED, PARAMETERS, created_at=AS_OF, updated_at=AS_OF)
    failed = queued.ended(State.FAILED, AS_OF, outcome=Outcome.FAILED, reached=Reached({}, 1), error="No.")
    resumed = failed.reopened(AS_OF + MINUTE, resumed=True)
    assert resumed == replace(queued, updated_at=AS_OF + MINUTE, resumes=1)
    incomplete = resumed.ended(
        State.INCOMPLETE, AS_OF, outcome=Outcome.INCOMPLETE, reached=None, summary={"headline": "A gap."}
    )
    replayed = incomplete.reopened(AS_OF + 2 * MINUTE, resumed=False)
    assert replayed == replace(queued, updated_at=AS_OF + 2 * MINUTE, resumes=1, rounds=1)


def test_every_beginning_of_an_audit_has_a_name_of_its_own() -> None:
    first = RunRecord("a", State.QUEUED, PARAMETERS, created_at=AS_OF, updated_at=AS_OF)
    second = first.reopened(AS_OF, resumed=True)
    third = second.reopened(AS_OF, resumed=False)
    assert [first.attempt, second.attempt, third.attempt] == ["0.0", "1.0", "1.1"]
