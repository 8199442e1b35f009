"""What lies in rescue/: every file of it, whatever it is called, once; and how much that is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.demo.temp_recordings.cases import ANN, CASES, LATER, Case
from profiles.temp_recordings.kinds import FILE
from profiles.temp_recordings.names import DEPTH, RESCUE, masked
from profiles.temp_recordings.options import EXPIRING, FULL
from profiles.temp_recordings.queries import MEETINGS
from profiles.temp_recordings.rescued import IN_RESCUE
from reconciliation.looks import Audit
from reconciliation.lookups import StoredObject
from reconciliation.totals import Totals
from tests.profiles.temp_recordings.world import (
    AS_OF,
    OLD,
    audit_of,
    both_looks,
    groups_of,
    opened,
    profile_for,
    unread,
)

PROFILE = profile_for()
AUDIT = audit_of(PROFILE)
EMPTY = Case(77, "a meeting without anything", {})
M = EMPTY.meeting_id
NAMES = [f"{M}_user{ANN}_chunk0000.mp3", f"{M}_user{ANN}_final.mp3", "Talk with Ann.mp3", "tmpk3v9x2", "x"]
FOLDERS = ["", f"{M}/", "Ann/", f"{M}/kept/", f"{M}/{M}_old/", f"{M}/kept/again/", f"{M}/{M}_old/temp/"]


def listed(objects: Sequence[StoredObject]) -> list[StoredObject]:
    """What the listing shows: folders, where anything lies deeper than it goes."""
    shown = {"/".join(one.key.split("/")[:DEPTH]) + "/" if one.key.count("/") >= DEPTH else one.key for one in objects}
    return [StoredObject(key, 0, OLD, "1") for key in sorted(shown)]


def files_found(objects: Sequence[StoredObject], audit: Audit = AUDIT) -> list[tuple[str, str]]:
    found = list[tuple[str, str]]()
    for group in groups_of(EMPTY, PROFILE, LATER, objects=listed(objects)):
        subjects = both_looks(PROFILE, audit, opened(group, audit, objects))
        found += [(name, verdict) for (kind, name), verdict in subjects.items() if kind == FILE.name]
    return found


@given(st.sets(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)), max_size=12))
def test_every_file_below_it_is_listed_once_and_no_name_of_a_person_is_told(places: set[tuple[str, str]]) -> None:
    objects = [StoredObject(f"{RESCUE}{folder}{name}", 10, OLD, "1") for folder, name in sorted(places)]
    found = files_found(objects)
    assert sorted(name for name, _ in found) == sorted(
        one.key if one.key.rpartition("/")[2] in NAMES[:2] else masked(one.key) for one in objects
    )
    assert {verdict for _, verdict in found} <= {"in_rescue"}


@pytest.mark.parametrize("mode", [FULL, EXPIRING])
@pytest.mark.parametrize("folder", ["", "kept/", "kept/again/"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_copy_counts_however_deep_it_lies_in_the_folder_of_its_meeting(
    mode: str, folder: str, *, is_there: bool
) -> None:
    case = next(case for case in CASES if case.number == 42)
    [(copy, size)] = [("rescue/{m}/" + folder + "{m}_user{A}_chunk0000.mp3", size) for size in case.files.values()]
    chunk = case.chunks[0] if is_there else replace(case.chunks[0], mp3=None)
    case = replace(case, files={copy: size}, chunks=(chunk,))
    objects = sorted(StoredObject(key, size, OLD, "1") for key, size in case.objects(LATER))
    audit, seen = audit_of(PROFILE, mode=mode), listed(objects) if mode == FULL else []
    [group, *_] = groups_of(case, PROFILE, LATER, objects=seen)
    found = both_looks(PROFILE, audit, opened(group, audit, objects))
    assert found["chunk", case.chunk_id(chunk)] == ("rescued_unpromoted" if is_there else "file_misplaced")
    assert [verdict for (kind, _), verdict in found.items() if kind == "file"] == ["in_rescue"]


def test_a_folder_is_no_file() -> None:
    markers = [StoredObject(f"{RESCUE}{M}/kept/", 0, OLD, "1"), StoredObject(RESCUE, 0, OLD, "1")]
    assert files_found(markers) == []


def test_what_could_not_be_looked_up_is_unverified() -> None:
    [key] = keys = [f"{RESCUE}Talk with Ann.mp3"]
    groups = groups_of(EMPTY, PROFILE, LATER, objects=[StoredObject(key, 5, OLD, "1") for key in keys])
    [group] = [one for one in groups if one.key == RESCUE]
    assert both_looks(PROFILE, AUDIT, unread(group)) == {("file", masked(key)): "unverified"}


# --- how much ---------------------------------------------------------------------------------------------------------


def said(case: Case, audit: Audit, *, complete: bool = True) -> str:
    """The sentence about what lies there of a case."""
    totals = Totals(PROFILE.totals)
    objects = [StoredObject(key, size, OLD, "1") for key, size in case.objects(LATER)]
    for group in groups_of(case, PROFILE, LATER, objects=sorted(objects)):
        for kind, _, facts in PROFILE.facts(MEETINGS, opened(group, audit, objects), None, audit):
            judged = {one.name: one for one in PROFILE.kinds}[kind].judged(facts)
            totals.add(kind, judged.verdict, facts)
    [found] = totals.sums
    return IN_RESCUE.says(found, audit, complete)


def test_it_is_said_how_much_lies_there_and_how_old_the_oldest_is() -> None:
    case = next(case for case in CASES if case.number == 20)
    assert said(case, AUDIT) == (
        "In rescue/ lie 3 files of 960,700 bytes together; the oldest is of 2026-11-27T06:30:00Z, 3 hours ago. "
        "Only a person deletes them."
    )
    assert "together, as far as it could be read; the oldest" in said(case, AUDIT, complete=False)


@pytest.mark.parametrize(
    ("mode", "complete", "told"),
    [
        (FULL, True, "In rescue/ lies nothing."),
        (FULL, False, "In rescue/ lies nothing, as far as it could be read."),
        (EXPIRING, True, "In rescue/, of the meetings that were looked at, lies nothing."),
    ],
)
def test_that_nothing_lies_there_is_said_too(mode: str, *, complete: bool, told: str) -> None:
    assert said(EMPTY, audit_of(PROFILE, mode=mode), complete=complete) == told


def test_a_short_audit_says_that_it_tells_only_of_the_meetings_that_it_looked_at() -> None:
    case = next(case for case in CASES if case.number == 42)
    told = said(case, audit_of(PROFILE, mode=EXPIRING, now=AS_OF + timedelta(hours=21)))
    assert told.startswith("In rescue/, of the meetings that were looked at, lies 1 file of 480,000 bytes together; ")
    assert "24 hours ago" in told
