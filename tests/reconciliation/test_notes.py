"""What a report says of the clocks that it rests on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciliation.coverage import Coverage
from reconciliation.database import DatabaseState
from reconciliation.looks import Audit, Server
from reconciliation.notes import notes_of
from tests.profiles.pre_capture_sessions.world import AS_OF, CLOCK, MINUTE, PARAMETERS

STATE = DatabaseState(AS_OF, is_replica=False, replayed_until=None)


def notes(storage: timedelta = timedelta(), *databases: timedelta) -> list[str]:
    """Of clocks that are so far ahead of the app's."""
    servers = {f"DATABASE_{number}": Server(STATE, ahead) for number, ahead in enumerate(databases)}
    clock = replace(CLOCK, storage_ahead=storage)
    return list(notes_of(Audit(PARAMETERS, clock, Coverage(0), databases=servers)))


def test_where_all_is_well_there_is_nothing_to_say() -> None:
    assert notes() == []
    assert notes(timedelta(), timedelta()) == []
    assert notes(timedelta(), CLOCK.tolerance, -CLOCK.tolerance) == []


@pytest.mark.parametrize(("minutes", "words"), [(17, "17 minutes ahead of"), (-40, "40 minutes behind")])
def test_a_clock_that_differs_is_named_once(minutes: int, words: str) -> None:
    [note] = notes(minutes * MINUTE)
    assert note.startswith(f"Storage's clock is {words} the app's.")
    [note] = notes(timedelta(), minutes * MINUTE)
    assert note.startswith(f"The database's clock is {words} the app's.")
    [note] = notes(timedelta(), MINUTE, minutes * MINUTE, -MINUTE)
    assert note.startswith(f"The database's clock is {words} the app's."), "the one that differs most"
