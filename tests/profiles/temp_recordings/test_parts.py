"""Names, durations and moments: what is read of texts and sizes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.temp_recordings.durations import is_pcm, mp3_ms, pcm_ms, tolerance_ms
from profiles.temp_recordings.names import (
    base,
    chunk_in,
    final_in,
    is_leftover,
    lies_in,
    masked,
    meeting_in,
    mp3_of,
    prefix_of,
)
from profiles.temp_recordings.rows import Chunk, Meeting, Recording
from profiles.temp_recordings.wall_times import spread

MEETINGS = st.text("0123456789abcdef", min_size=16, max_size=16)
USERS = st.integers(10**16, 10**20 - 1).map(str)
NUMBERS = st.integers(0, 99_999)
FOLDERS = st.sampled_from(["", "temp/", "storage/", "rescue/c000000000000001/", "old/temp/"])
NEW_YORK, UTC_ZONE = ZoneInfo("America/New_York"), ZoneInfo("UTC")
M = "c000000000000001"


@given(MEETINGS, USERS, NUMBERS, st.sampled_from(["pcm", "mp3"]), FOLDERS)
def test_names_of_both_eras_are_read_back(meeting: str, user: str, number: int, suffix: str, folder: str) -> None:
    later = f"{meeting}_user{user}_chunk{number:04d}.{suffix}"
    documented = f"{meeting}_{user}_chunk_{number:04d}.{suffix}"
    assert chunk_in(later) == (meeting, user, number, suffix, True)
    assert chunk_in(documented) == (meeting, user, number, suffix, False)
    for name in (later, documented):
        key = f"{folder}{name}"
        assert (meeting_in(key), base(key)) == (meeting, name)
        assert key.startswith(prefix_of(key))
        assert meeting in prefix_of(key)
        assert final_in(name) is None


@given(MEETINGS, USERS)
def test_names_of_final_files_are_read_back(meeting: str, user: str) -> None:
    assert final_in(f"{meeting}_user{user}_final.mp3") == (meeting, user)
    assert final_in(f"recording_{meeting}_{user}.mp3") == (meeting, user)
    assert final_in(f"recording_{meeting}.mp3") == (meeting, "")


@given(st.text(max_size=60))
def test_a_text_that_is_no_name_of_the_bot_is_masked(text: str) -> None:
    key = f"storage/{text}"
    assert masked(key).startswith("storage/")
    if len(text) > 3 and text.isalpha() and text not in "temp storage rescue":
        assert text not in masked(key)


@pytest.mark.parametrize(
    "name",
    [
        f"{M}_user1_chunk0001.pcm",
        f"{M.upper()}_user{'1' * 17}_chunk0001.pcm",
        f"{M}_user{'1' * 17}_chunk1.pcm",
        "x.pcm",
    ],
)
def test_what_is_almost_a_name_is_none(name: str) -> None:
    assert (chunk_in(name), final_in(name), meeting_in(f"temp/{name}")) == (None, None, "")


def test_only_the_end_of_a_name_is_replaced_and_either_slash_ends_a_folder() -> None:
    assert mp3_of("a.pcm.pcm") == "a.pcm.mp3"
    for path in ("C:\\bot\\data\\temp\\a.pcm", "/srv/bot/temp/a.pcm", "temp/a.pcm"):
        assert (lies_in(path), base(path)) == ("temp/", "a.pcm")
    assert lies_in("a.pcm") == ""
    assert is_leftover("temp/tmpk3v9x2")
    assert not is_leftover("storage/tmpk3v9x2")


@given(st.integers(0, 10**7))
def test_raw_audio_and_its_mp3_play_equally_long(ms: int) -> None:
    assert pcm_ms(ms * 192) == mp3_ms(ms * 16) == ms
    assert is_pcm(ms * 192) == (ms > 0)
    assert not is_pcm(ms * 192 + 1)
    assert tolerance_ms(ms) >= 250
    assert tolerance_ms(ms, 8) >= 2000


WALL = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1))


@given(WALL)
def test_a_wall_clock_is_read_as_every_moment_at_which_it_showed_that(shown: datetime) -> None:
    read = spread(shown.isoformat(), NEW_YORK)
    assert read.earliest <= read.latest <= read.earliest + timedelta(hours=1)
    assert spread(shown.isoformat(), UTC_ZONE) == (shown.replace(tzinfo=UTC),) * 2


@given(st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)))
def test_no_moment_is_missed_whatever_the_clock_showed_then(moment: datetime) -> None:
    shown = moment.astimezone(NEW_YORK).replace(tzinfo=None).isoformat()
    assert spread(shown, NEW_YORK).earliest <= moment <= spread(shown, NEW_YORK).latest


def test_the_hour_in_which_summer_ends_is_two_and_a_zone_in_the_text_counts() -> None:
    read = spread("2026-11-01T01:30:00", NEW_YORK)
    assert read == (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC))
    assert spread("2026-11-01T01:30:00+02:00", NEW_YORK).latest == datetime(2026, 10, 31, 23, 30, tzinfo=UTC)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
) | st.dictionaries(
    st.sampled_from(["users", "a"]), st.lists(st.dictionaries(st.text(max_size=2), st.text(max_size=2)))
)
NAMES = "id meeting_id created_at completed_at started_at cleaned duration_ms duration_in_ms participants status"
COLUMNS = st.sampled_from([*NAMES.split(), "recording_files", "transcode_status", "filename", "pcm_path"])


@given(st.dictionaries(COLUMNS, JSON) | JSON)
def test_a_row_with_anything_in_it_is_read_and_says_what_could_not_be(row: object) -> None:
    for reader in (Chunk, Recording, Meeting):
        read = reader.from_json(["1", row], NEW_YORK)
        assert read.token == "1"
        if isinstance(row, dict) and isinstance(row.get("created_at"), int) and reader is not Meeting:
            assert "created_at" in read.unreadable
