"""Whether what became of a subject is what its repair, or the way back, was to make of it."""

import pytest

from profiles.temp_recordings.profile import PROFILE
from reconciliation.repair import GONE


@pytest.mark.parametrize(
    ("repair", "before", "now", "undone", "expected"),
    [
        ("mark_done", "transcoded_not_marked", "chunk_ok", False, True),
        ("mark_done", "transcoded_not_marked", GONE, False, True),
        ("mark_done", "transcoded_not_marked", "transcoded_not_marked", False, False),
        ("mark_done", "transcoded_not_marked", None, False, False),
        ("mark_done", "transcoded_not_marked", "transcoded_not_marked", True, True),
        ("mark_done", "transcoded_not_marked", "chunk_ok", True, False),
        ("mark_done", "transcoded_not_marked", None, True, False),
        # A copy changes nothing of what its original is; nor does its deletion.
        ("rescue_copy", "transcode_stuck", "transcode_stuck", True, True),
        ("rescue_orphan", "orphan_pcm", "orphan_pcm", False, True),
        ("rescue_orphan", "orphan_pcm", "orphan_pcm", True, True),
        ("delete_rows", "leftover_row", GONE, False, True),
        ("delete_rows", "leftover_row", "leftover_row", True, True),
        ("delete_rows", "leftover_row", GONE, True, False),
        ("rescue_copy", "expiring_unpromoted", "expiring_unpromoted", False, False),
        ("fix_duration", "recording_zero_duration", "recording_of_other_sort", False, True),
    ],
)
def test_what_became_of_a_subject(repair: str, before: str, now: str | None, undone: bool, expected: bool) -> None:
    assert PROFILE.repair(repair).is_as_expected(before, now, undone=undone) is expected
