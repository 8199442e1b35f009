"""The closed lists of verdicts, by subject, and which of them are only counted and never listed one by one."""

from collections.abc import Mapping

from dev.demo.prodlike.dataset import Kind

VERDICTS: Mapping[Kind, tuple[str, ...]] = {
    "capture_session": (
        "legacy",
        "in_flight",
        "extra_output",
        "already_registered",
        "status_behind",
        "undone_by_us",
        "deleted_elsewhere",
        "hidden_by_deletion",
        "blocked_case_state",
        "job_tracked",
        "job_stale",
        "ambiguous_containers",
        "ended_not_stopped",
        "available_without_row",
        "unregistered_recording",
        "unverified",
        "incomplete_encode",
        "in_mixed_container",
        "encode_lost",
        "suspect_lost",
        "expected_empty",
        "stuck_empty",
    ),
    "container": (
        "evidence_error",
        "not_a_recording",
        "registered",
        "deleted_recording_retained",
        "empty_container",
        "still_changing",
        "orphan_edit_output",
        "unattributed_media",
        "mixed_container",
        "outside_question",
        "attributed",
    ),
    "recording": (
        "outside_question",
        "deleted_row",
        "legacy_row",
        "recent_row",
        "unverified",
        "row_without_container",
        "row_without_media",
        "no_ism",
        "filename_missing",
        "session_mismatch",
        "double_v1",
        "no_duration",
        "not_opened",
        "sound",
    ),
}

COUNTED: Mapping[Kind, frozenset[str]] = {
    "capture_session": frozenset({"legacy", "already_registered", "expected_empty"}),
    "container": frozenset(
        {
            "not_a_recording",
            "registered",
            "deleted_recording_retained",
            "empty_container",
            "outside_question",
            "attributed",
        }
    ),
    "recording": frozenset({"outside_question", "deleted_row", "legacy_row", "recent_row", "not_opened", "sound"}),
}

ROW_ONLY = frozenset({"deleted_row", "legacy_row", "recent_row", "row_without_container", "double_v1", "no_duration"})
"""Verdicts on a recording that need no look into its container, so that a fast audit gives them too."""

NOT_PLANTED = frozenset(
    {"unverified", "evidence_error", "outside_question", "encode_lost", "not_opened", "undone_by_us"}
)
"""Verdicts that a complete audit of everything, without the ingest account and before any repair, never gives."""

HIDDEN = frozenset(
    {
        "hidden_by_deletion",
        "blocked_case_state",
        "ambiguous_containers",
        "ended_not_stopped",
        "available_without_row",
        "unregistered_recording",
    }
)
"""Verdicts on sessions of which a complete recording is in storage and nobody can see it."""
