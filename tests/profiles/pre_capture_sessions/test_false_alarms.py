"""What must never be reported: each situation that looks like a lost recording and is none, by its name."""

from datetime import timedelta

import pytest

from profiles.pre_capture_sessions.candidates import RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING
from reconciliation.lookups import Blob
from reconciliation.outcome import Outcome
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    IN_FAST_MODE,
    LONG_AGO,
    MINUTE,
    PARAMETERS,
    REGISTERED,
    STOPPED,
    SWEPT,
    Audited,
    World,
    audited,
    container,
    encode,
    encoded,
    key_of,
    manifest,
    row,
    seen_in,
    session,
    track,
    uuid_of,
)

KEY = key_of()
ID = session().session_id
PROCESSING = session(status="PROCESSING", finished_at=AS_OF - 4 * MINUTE, **SWEPT)
EDIT = str(uuid_of("edit"))


def quiet(world: World, then: World | None = None) -> Audited:
    """The audit of a world in which nothing asks for anything, in either mode."""
    for parameters in (IN_FAST_MODE, PARAMETERS):
        done = audited(world, parameters, then=then)
        assert [found.judgement.verdict for found in done.findings if found.known is not None] == []
        assert done.outcome is Outcome.CLEAN
        assert done.tally.alarms == 0
    return done


def test_an_unused_session() -> None:
    assert quiet(World([session()])).verdicts() == {ID: "expected_empty"}


def test_a_session_that_was_stopped_without_content() -> None:
    assert quiet(World([session(**STOPPED)])).verdicts() == {ID: "expected_empty"}


def test_a_sibling_has_the_recording_and_no_media_of_this_session_is_anywhere() -> None:
    world = World(
        [session(sibling_recordings=1)],
        [encoded(of="sibling")],
        [row(of="sibling")],
        [session("sibling", **REGISTERED)],
    )
    assert quiet(world).verdicts() == {ID: "expected_empty"}


def test_a_session_that_is_registered_already() -> None:
    done = quiet(World([session(**REGISTERED)], [encoded()], [row()]))
    assert done.verdicts() == {ID: "already_registered"}
    assert done.counts(RECORDING) in ({"sound": 1}, {"not_opened": 1})


@pytest.mark.parametrize("origin", ["VODAFONE", "VODAFONE_VISIBLE"])
def test_an_imported_session_with_a_row_and_no_recording_status(origin: str) -> None:
    waiting = row("import", "session", "legacy", "no_duration")
    done = quiet(World([session(origin=origin, live_recordings=1)], [], [waiting]))
    assert done.verdicts() == {ID: "legacy"}
    assert done.counts(RECORDING) == {"legacy_row": 1}


def test_the_container_of_a_soft_deleted_recording() -> None:
    deleted = row("recording", "session", "deleted")
    done = quiet(World([session(deleted_recordings=1)], [encoded()], [deleted]))
    assert done.verdicts() == {ID: "deleted_elsewhere"}


def test_the_containers_of_edits_and_reencodes() -> None:
    seen = container("edit", track(EDIT[:32]), manifest(EDIT[:32]))
    done = quiet(World([session(**REGISTERED)], [encoded(), seen], [row(), edit_row(seen)]))
    assert done.counts(CONTAINER) in ({"registered": 2}, {})


def edit_row(seen: ContainerEvidence) -> RegisteredRecording:
    return row("edit", "session", "child", file_digest=seen.unkeyed[0])


def test_the_source_of_an_edit_whose_track_carries_a_sessions_id() -> None:
    assert quiet(World([session()], [seen_in(f"{uuid_of('source')}-input", encode())])).verdicts() == {
        ID: "expected_empty"
    }


def test_the_empty_container_of_a_running_encode() -> None:
    done = quiet(World([PROCESSING], [container("recording")]))
    assert done.verdicts() == {ID: "in_flight"}


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param([track(KEY, size=0, at=AS_OF)], id="a track of zero bytes"),
        pytest.param([track(KEY, at=AS_OF - CLOCK.settle + timedelta(seconds=1))], id="a growing track"),
        pytest.param([track(KEY), manifest(KEY, at=AS_OF)], id="the manifest came just now"),
    ],
)
def test_a_track_that_is_still_growing(listing: list[Blob]) -> None:
    done = quiet(World([session(status="FAILURE")], [container("recording", *listing)]))
    assert done.verdicts() == {ID: "in_flight"}


def test_four_minutes_of_processing() -> None:
    assert quiet(World([PROCESSING])).verdicts() == {ID: "in_flight"}


def test_a_legacy_name_of_32_hex_digits_that_is_no_session_hides_nothing_of_any_session() -> None:
    named = container("legacy", track("0" * 32), manifest("0"))
    done = audited(World([session()], [named]))
    assert done.verdicts() == {ID: "expected_empty"}
    assert done.tally.alarms == 0
    assert quiet(World([session()], [named], [row("legacy", "old", "legacy", file_digest=min(named.digests))]))


def test_two_tracks_of_one_session_in_one_container_are_one_finding() -> None:
    both = container("recording", track(KEY), track(f"{KEY}_2"), manifest(KEY))
    [found] = audited(World([session()], [both])).findings
    assert (found.id, found.judgement.verdict) == (ID, "unregistered_recording")


@pytest.mark.parametrize("name", [str(uuid_of("x")).upper(), f"{uuid_of('x')}-copy", f"{uuid_of('x')}0"])
def test_a_container_whose_name_is_almost_an_id(name: str) -> None:
    done = quiet(World([session()], [seen_in(name, encode())]))
    assert done.verdicts() == {ID: "expected_empty"}


def test_a_container_that_was_registered_between_the_listing_and_the_report() -> None:
    then = World([session(**REGISTERED)], [encoded()], [row("recording", "session", "recent")])
    assert quiet(World([PROCESSING], [encoded()]), then).verdicts() == {ID: "already_registered"}


def test_a_recording_that_was_made_and_registered_after_the_listing() -> None:
    # The rows are read after the names: its row is there, and its container was never listed.
    world = World([session(**REGISTERED)], [], [row("recording", "session", "recent")])
    assert quiet(world).verdicts() == {ID: "already_registered"}


def test_a_container_that_was_made_after_the_listing() -> None:
    assert quiet(World([PROCESSING]), World([PROCESSING], [encoded(at=AS_OF + MINUTE)])).verdicts() == {ID: "in_flight"}


def test_a_second_encode_of_a_registered_take() -> None:
    done = quiet(World([], [encoded(), encoded("second")], [row()], [session(**REGISTERED)]))
    assert done.verdicts() == {ID: "extra_output"}


def test_a_row_that_was_made_a_moment_ago_for_a_container_that_is_not_whole_yet() -> None:
    fresh = row("recording", "session", "recent", "no_duration")
    quiet(World([session(**REGISTERED)], [container("recording", track(KEY, at=LONG_AGO))], [fresh]))
