"""What a report says of the clocks that it rests on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciliation.coverage import Coverage
from reconciliation.looks import Audit
from reconciliation.notes import notes_of
from tests.profiles.pre_capture_sessions.world import CLOCK, MINUTE, PARAMETERS


def notes(
    storage: timedelta = timedelta(), database: timedelta = timedelta(), api: timedelta = timedelta()
) -> list[str]:
    """Of clocks that are so far ahead of the app's."""
    clock = replace(CLOCK, storage_ahead=storage, database_ahead=database, api_ahead=api)
    return list(notes_of(Audit(PARAMETERS, clock, Coverage(0))))


def test_where_all_is_well_there_is_nothing_to_say() -> None:
    assert notes() == []


@pytest.mark.parametrize(("minutes", "words"), [(17, "17 minutes ahead of"), (-40, "40 minutes behind")])
def test_a_clock_that_differs_is_named_once(minutes: int, words: str) -> None:
    [note] = notes(minutes * MINUTE)
    assert note.startswith(f"Storage's clock is {words} the app's.")
    [note] = notes(database=minutes * MINUTE)
    assert note.startswith(f"The database's clock is {words} the app's.")
    [note] = notes(api=minutes * MINUTE)
    assert note.startswith(f"The API's clock is {words} the app's.")
    assert len(notes(*[minutes * MINUTE] * 3)) == 3
