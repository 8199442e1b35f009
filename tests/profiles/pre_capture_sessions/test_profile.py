"""What PRE declares, and what its reports say of the rows and the blobs that they rest on."""

from datetime import datetime

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.conclusion import DATABASE
from profiles.pre_capture_sessions.names import CONTAINERS, CONTAINERS_AGAIN, REGISTERED
from profiles.pre_capture_sessions.profile import CANDIDATES
from reconciliation.database import DatabaseState
from reconciliation.looks import Audit
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    LONG_AGO,
    PARAMETERS,
    World,
    encoded,
    first_look,
    row,
    session,
)

FAR = LONG_AGO.replace(year=2099)


def audit_of(*far: str, state: tuple[bool, datetime | None] | None = None) -> Audit:
    """An audit of containers of these names with blobs of the future, and of a database that says this of itself."""
    look, _ = first_look(World([], [encoded(name, at=FAR) for name in far]))
    servers = {DATABASE: DatabaseState(AS_OF, *state)} if state else {}
    return Audit(PARAMETERS, look.audit.clock, look.audit.coverage, sightings=look.sightings, databases=servers)


def notes(*far: str, state: tuple[bool, datetime | None] | None = None) -> list[str]:
    return list(PROFILE.notes(audit_of(*far, state=state)))


def test_where_all_is_well_there_is_nothing_to_say() -> None:
    assert notes() == []
    assert notes(state=(False, None)) == []


def test_blobs_of_the_future_are_counted_and_the_furthest_is_told() -> None:
    [note] = notes("one")
    assert note.startswith("1 container holds blobs whose last change lies in the future, up to 2099-01-31T09:30:00Z.")
    [note] = notes("one", "two")
    assert note.startswith("2 containers hold blobs")


def test_a_replica_is_named_with_how_far_it_has_read() -> None:
    [note] = notes(state=(True, LONG_AGO))
    assert "a read replica that has replayed what happened until 2026-01-31T09:30:00Z" in note
    [note] = notes(state=(True, None))
    assert "until an unknown moment" in note


def test_containers_are_listed_before_the_rows_are_read_and_again_after_the_scan() -> None:
    """What is registered in between looks registered, never lost."""
    assert [[source.name for source in run] for run in PROFILE.pulls()] == [[CONTAINERS], [REGISTERED, CANDIDATES]]
    assert [source.name for source in PROFILE.sources if source.after_scan] == [CONTAINERS_AGAIN]


def test_rows_without_an_id_that_can_be_read_have_no_key() -> None:
    [(_, key)] = PROFILE.join("sessions").of
    assert key(session()) == session().session_id
    assert key(session(session_id="7", unreadable=("session_id",))) == ""
    assert [key_of(row()) for name, key_of in PROFILE.join("names").of if name == REGISTERED] == [row().recording_id]
