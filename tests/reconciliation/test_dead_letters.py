import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.dead_letters import MOST_ERRORS_KEPT, DeadLetter, Discard, dead_letter
from reconciliation.evidence import Read, Record, Unread
from reconciliation.shards import Shard
from tests.profiles.pre_capture_sessions.strategies import moments, texts
from tests.profiles.pre_capture_sessions.world import AS_OF

SHARD = Shard(7, "7f", 3)
READ = Read("7f-read", 0, None)
GONE = Unread("7f-gone", "deleted during the scan", failed=False)
LOST = Unread("7f-lost", "Cannot list container '7f-lost': storage answered 403.", failed=True)
HOUR = timedelta(hours=1)

discards = st.builds(Discard, reason=texts(), by=texts(), at=moments())
letters = st.builds(
    DeadLetter,
    shard=st.integers(0, 255),
    start=texts(),
    units=st.integers(0, 10_000),
    failed=st.integers(0, 10_000),
    errors=st.lists(st.tuples(texts(), texts()), max_size=3).map(tuple),
    attempts=st.integers(1, 30),
    first_at=moments(),
    last_at=moments(),
    discarded=st.none() | discards,
)


def kept(*records: Record, attempts: int = 3, before: DeadLetter | None = None, hours: int = 0) -> DeadLetter:
    letter = dead_letter(SHARD, records, attempts, AS_OF + hours * HOUR, before)
    assert letter is not None
    return letter


@given(letters)
def test_a_dead_letter_survives_the_run_store(letter: DeadLetter) -> None:
    written: dict[str, Any] = json.loads(json.dumps(letter.to_json()))
    assert DeadLetter.from_json(written) == letter
    assert (written["schema_version"], written["complete"]) == (2, True)


@given(letters)
def test_one_of_an_earlier_release_is_read_in_todays_words(letter: DeadLetter) -> None:
    written = letter.to_json() | {"schema_version": 1}
    written["containers"] = written.pop("units")
    for error in written["errors"]:
        error["container"] = error.pop("unit")
    assert DeadLetter.from_json(json.loads(json.dumps(written))) == letter


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([], id="nothing was planned"),
        pytest.param([READ], id="all was read"),
        pytest.param([READ, GONE], id="a container that was deleted is a skip, not a gap"),
    ],
)
def test_a_shard_without_a_gap_is_no_dead_letter(records: list[Record]) -> None:
    assert dead_letter(SHARD, records, 3, AS_OF, None) is None
    assert dead_letter(SHARD, records, 3, AS_OF, kept(LOST)) is None


def test_a_dead_letter_names_what_was_not_read_and_why() -> None:
    letter = kept(READ, GONE, LOST)
    assert (letter.shard, letter.start, letter.units, letter.failed) == (7, "7f", 3, 1)
    assert letter.errors == ((LOST.unit, LOST.reason),)
    assert (letter.attempts, letter.first_at, letter.last_at, letter.discarded) == (3, AS_OF, AS_OF, None)


def test_all_failures_are_counted_and_the_first_of_them_kept() -> None:
    lost = [Unread(f"7f-{number:04}", "403", failed=True) for number in range(MOST_ERRORS_KEPT + 50)]
    letter = kept(*lost)
    assert letter.failed == len(lost)
    assert [container for container, _ in letter.errors] == [record.unit for record in lost[:MOST_ERRORS_KEPT]]


def test_a_replay_in_vain_adds_up_and_keeps_the_beginning_and_the_decision() -> None:
    first = kept(LOST)
    decided = DeadLetter(**{**vars(first), "discarded": Discard("The case is closed.", "A. Officer", AS_OF)})
    again = kept(LOST, before=decided, hours=2)
    assert (again.attempts, again.first_at, again.last_at) == (6, AS_OF, AS_OF + 2 * HOUR)
    assert again.discarded == decided.discarded
