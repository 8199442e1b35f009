"""What a report says of the clocks and servers that it rests on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from profiles.pre_capture_sessions.first_look import FirstLook, OneName
from profiles.pre_capture_sessions.notes import notes_of

from profiles.pre_capture_sessions.conclusion import SecondLook
from reconciliation.database import DatabaseState
from tests.profiles.pre_capture_sessions.world import AS_OF, CLOCK, LONG_AGO, MINUTE, PARAMETERS, SMALL, encoded

FAR = LONG_AGO.replace(year=2099)


def notes(ahead: timedelta = timedelta(), *far: str, **second: object) -> list[str]:
    first = FirstLook(SMALL, PARAMETERS, replace(CLOCK, storage_ahead=ahead), listed=len(far), skipped={})
    for name in far:
        seen = encoded(name, at=FAR)
        first.take(OneName(seen.container, listed=True, record=seen))
    return list(notes_of(first, SecondLook({}, {}, {}, **second)))  # type: ignore[arg-type]


def test_where_all_is_well_there_is_nothing_to_say() -> None:
    assert notes() == []
    assert notes(database=DatabaseState(AS_OF, is_replica=False, replayed_until=None)) == []
    assert notes(database_ahead=CLOCK.tolerance) == []


@pytest.mark.parametrize(("minutes", "words"), [(17, "17 minutes ahead of"), (-40, "40 minutes behind")])
def test_a_clock_that_differs_is_named_once(minutes: int, words: str) -> None:
    [note] = notes(minutes * MINUTE)
    assert note.startswith(f"Storage's clock is {words} the app's.")
    [note] = notes(database_ahead=minutes * MINUTE)
    assert note.startswith(f"The database's clock is {words} the app's.")


def test_blobs_of_the_future_are_counted_and_the_furthest_is_told() -> None:
    [note] = notes(timedelta(), "one")
    assert note.startswith("1 container holds blobs whose last change lies in the future, up to 2099-01-31T09:30:00Z.")
    [note] = notes(timedelta(), "one", "two")
    assert note.startswith("2 containers hold blobs")


def test_a_replica_is_named_with_how_far_it_has_read() -> None:
    [note] = notes(database=DatabaseState(AS_OF, is_replica=True, replayed_until=LONG_AGO))
    assert "a read replica that has replayed what happened until 2026-01-31T09:30:00Z" in note
    [note] = notes(database=DatabaseState(AS_OF, is_replica=True, replayed_until=None))
    assert "until an unknown moment" in note
