"""What PRE's repairs would change, and when they do not."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.facts import SessionFacts
from profiles.pre_capture_sessions.repairs import Details, duration_in, length_of
from reconciliation.evidence import Unread
from reconciliation.lookups import Contained, Contents, VersionedBlob
from reconciliation.repair import Change, Repairable
from tests.profiles.pre_capture_sessions.test_sessions import BROKEN, facts
from tests.profiles.pre_capture_sessions.world import AS_OF, encoded, key_of, session

KEY = key_of("session")
TRACK, ISM, MPD = f"{KEY}_1280x720_4500k.mp4", f"{KEY}.ism", f"{KEY}.mpd"
MANIFEST = '<MPD mediaPresentationDuration="PT1H2M3.5S" type="static"/>'
REGISTER, STATUS, RESTORE = map(PROFILE.repair, ("register_recording", "set_status", "restore_recording"))


def contained(*names: str, text: str | None = MANIFEST, etag: str = "1") -> Contained:
    blobs = tuple(VersionedBlob(name, 10, AS_OF, etag) for name in sorted(names or (TRACK, ISM, MPD)))
    return Contained(blobs, {MPD: text} if text is not None else {})


def repairable(given: SessionFacts, results: Sequence[Any] = (), **changes: Any) -> Repairable[SessionFacts]:
    row = Details(given.session.session_id, 2, None, None)
    made = Repairable(given.session.session_id, "verdict", given, results, row, all_read=True)
    return made._replace(**changes)


def registered(**changes: Any) -> Change | str:
    given = facts(session(**changes.pop("of", {})), *changes.pop("evidence", (encoded(),)))
    return REGISTER.change(repairable(given, changes.pop("results", [contained()]), **changes))


def test_a_registration_says_what_it_does_and_what_it_rests_on() -> None:
    change = registered()
    assert isinstance(change, Change)
    container, given = encoded().container, session()
    assert change.says == (
        f"Insert recording {container} of session {given.session_id}, set its status NO_RECORDING -> "
        "RECORDING_AVAILABLE, write 3 audit rows."
    )
    assert change.seen["session_token"] == given.row_token
    assert change.seen["container"] == container
    [effect] = change.do
    assert effect.statement == "register_recording"
    assert effect.values["filename"] == TRACK
    assert effect.values["duration"] == "PT1H2M3.5S"
    assert change.undo is not None
    assert (change.undo.statement, change.undo.values["status"]) == ("withdraw_recording", "NO_RECORDING")
    assert (change.shown["duration_seconds"], change.shown["live_shares"]) == (3724, 2)
    assert [one["name"] for one in change.shown["files"]] == [ISM, TRACK]


@pytest.mark.parametrize(
    "results",
    [
        [contained(etag="2")],
        [contained(TRACK, ISM)],
        [contained(TRACK, ISM, MPD, "another.bin")],
    ],
)
def test_whatever_changes_in_the_container_makes_it_another_change(results: Sequence[Any]) -> None:
    before, after = registered(), registered(results=results)
    assert isinstance(before, Change)
    assert isinstance(after, Change)
    assert before.seen["contents"] != after.seen["contents"]


def test_the_order_of_a_listing_makes_no_difference() -> None:
    found = contained()
    turned = found._replace(blobs=tuple(reversed(found.blobs)))
    one, other = registered(), registered(results=[turned])
    assert isinstance(one, Change)
    assert isinstance(other, Change)
    assert one.seen == other.seen


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"of": {"status": None}}, "status is empty"),
        ({"of": {"status": "RECORDING"}}, "status is RECORDING"),
        ({"evidence": (encoded("one"), encoded("other"))}, "There are 2 complete containers"),
        ({"evidence": (BROKEN,)}, "There are 0 complete containers"),
        ({"all_read": False}, "Not all containers could be read"),
        ({"results": [None]}, "could not be read just now"),
        ({"results": [Unread("", "busy", failed=True)]}, "could not be read just now"),
        ({"results": [contained(ISM)]}, "does not carry the session's id"),
        ({"results": [contained("000_first.mp4", TRACK, ISM)]}, "does not carry the session's id"),
        ({"results": [contained(f"{KEY}_{'x' * 240}.mp4", ISM)]}, "too long"),
    ],
)
def test_what_is_not_certain_is_left_to_people(changes: dict[str, Any], why: str) -> None:
    change = registered(**changes)
    assert isinstance(change, str)
    assert why in change


@pytest.mark.parametrize("text", [None, "", "<MPD/>", '<MPD mediaPresentationDuration="PT0S"/>'])
def test_a_manifest_without_a_length_leaves_the_duration_empty(text: str | None) -> None:
    change = registered(results=[contained(text=text)])
    assert isinstance(change, Change)
    assert change.do[0].values["duration"] is None
    assert change.shown["duration_seconds"] is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("PT20M34.5S", timedelta(minutes=20, seconds=34.5)),
        ("PT1H", timedelta(hours=1)),
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("PT0.04S", timedelta(milliseconds=40)),
    ],
)
def test_durations_are_read_as_manifests_write_them(written: str, read: timedelta) -> None:
    assert duration_in(f"<MPD a='1' mediaPresentationDuration = '{written}'>") == written
    assert length_of(written) == read


@pytest.mark.parametrize("written", ["P1Y", "P1M", "PT-3S", "PT1e9S", "PT99999999999S", "1:02", "PTS; drop table"])
def test_what_is_no_duration_is_none(written: str) -> None:
    assert duration_in(f'<MPD mediaPresentationDuration="{written}"/>') is None


def test_a_status_is_set_where_there_is_one_recording() -> None:
    change = STATUS.change(repairable(facts(session(status="FAILURE", live_recordings=1))))
    assert isinstance(change, Change)
    assert "FAILURE -> RECORDING_AVAILABLE" in change.says
    assert change.undo is not None
    assert change.undo.values["status"] == "FAILURE"
    for odd in ({"live_recordings": 2}, {"live_recordings": 1, "status": None}):
        assert isinstance(STATUS.change(repairable(facts(session(**odd)))), str)


def test_what_was_withdrawn_is_restored_if_its_media_is_still_there() -> None:
    given = facts(session(deleted_recordings=1, withdrawn_recordings=1))
    row = Details(given.session.session_id, 0, "r", "12")
    [lookup] = RESTORE.lookups(given, row)
    assert isinstance(lookup, Contents)
    assert lookup.container == "r"
    change = RESTORE.change(repairable(given, [contained()], row=row))
    assert isinstance(change, Change)
    assert change.seen["recording_token"] == "12"
    for results in ([contained(ISM)], [None], [Unread("", "busy", failed=True)]):
        assert isinstance(RESTORE.change(repairable(given, results, row=row)), str)
    assert isinstance(RESTORE.change(repairable(given)), str)
    assert RESTORE.lookups(given, None) == ()


def test_names_that_may_be_of_people_are_not_shown() -> None:
    change = registered(results=[contained(TRACK, ISM, "zz Doe v Roe.mp4")])
    assert isinstance(change, Change)
    assert "Doe" not in str(change.shown)
    assert change.shown["other_files"] == 1


def test_every_verdict_that_names_a_repair_has_one() -> None:
    named = {rule.repair for _, rule in PROFILE.verdicts() if rule.repair}
    assert named == {repair.name for repair in PROFILE.repairs}
    for repair in PROFILE.repairs:
        assert repair.expects <= {rule.verdict for _, rule in PROFILE.verdicts()}
