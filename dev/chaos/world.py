"""The world of the campaign: the demo's cases, some of them in long listings or of an impossible time, in a stubbed
account.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dev.chaos.judging import Truth
from dev.demo.cases import (
    Case,
    PlantedContainer,
    PlantedRecording,
    demo_id,
    encoded,
    healthy_cases,
    other_containers,
    special_cases,
)

HEALTHY_SESSIONS = 20
WITHOUT_LENGTH = 4
PAGE_SIZE = 20
SEGMENTS = 70
_IN_QUESTION = {"PROCESSING", "NO_RECORDING", "FAILURE", None}
MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
# What Python has no date for counts as a value that cannot be understood; 2099 has only not come yet.
_FUTURE = "2099-12-31 23:00:00+00"
_NEVER = "infinity"
_FAR = "20238-01-01 00:00:00+00"
_NO_DATES = {_NEVER, _FAR}


def chaos_cases() -> list[Case]:
    """The demo's cases, three recordings whose tracks come only on a later page of their container's listing, sessions
    whose rows tell of moments that have not come yet or never will, and rows in doubt of containers that are whole.
    """
    return [
        *special_cases(),
        *healthy_cases(HEALTHY_SESSIONS),
        _with_segments("segments 1", "its track stands on the last page"),
        _with_segments("segments 2", "its track stands on the last page"),
        _with_segments(
            "registered segments",
            "registered, and its track stands on the last page",
            None,
            status="RECORDING_AVAILABLE",
            recordings=(PlantedRecording(demo_id("registered segments: recording")),),
        ),
        *_of_impossible_times(),
        *map(_without_length, range(1, WITHOUT_LENGTH + 1)),
    ]


def _with_segments(name: str, why: str, expected: str | None = "unregistered_recording", **members: Any) -> Case:
    key, container = demo_id(name).hex, str(demo_id(f"{name}: recording"))
    tracks = encoded(container, key).blobs
    # "0-" comes before any key.
    segments = {f"0-segment-{number:03}.ts": 1024 for number in range(SEGMENTS)}
    return Case(name, why, expected, containers=(PlantedContainer(container, segments | tracks),), **members)


def _of_impossible_times() -> list[Case]:
    both = {"started_at": _FUTURE, "finished_at": _FUTURE}
    return [
        _hidden_at("started in 2099", "a start that has not come yet is no reason to wait", both, status="PROCESSING"),
        _hidden_at("ended in 2099", "nor is an end that has not come yet", {"finished_at": _FUTURE}, status="FAILURE"),
        _hidden_at("never ended", "an end that Python has no date for", {"finished_at": _NEVER}, status="PROCESSING"),
        _hidden_at("started in 20238", "a slip of the keyboard in the year", {"started_at": _FAR}),
        _hidden_at(
            "live in 2099",
            "it counts as live, and would do so for decades",
            both,
            expected="ended_not_stopped",
            status="RECORDING",
        ),
        Case("empty in 2099", "still PROCESSING, and nothing of it", "stuck_empty", status="PROCESSING", moments=both),
        Case("unused in 2099", "never used, whatever its moments say", "expected_empty", moments=both),
        Case(
            "empty for ever",
            "when it ended cannot be understood, so nothing else is certain",
            "unreadable_row",
            moments={"finished_at": _NEVER},
        ),
    ]


def _without_length(number: int) -> Case:
    name = f"no length {number}"
    recording = demo_id(f"{name}: recording")
    return Case(
        name,
        "registered and whole; only its row tells no length, so it is looked at twice",
        None,
        status="RECORDING_AVAILABLE",
        recordings=(PlantedRecording(recording, minutes=None),),
        containers=(encoded(recording, demo_id(name).hex),),
        also={str(recording): "no_duration"},
    )


def _hidden_at(
    name: str, why: str, moments: Mapping[str, str], expected: str = "unregistered_recording", **members: Any
) -> Case:
    planted = encoded(demo_id(f"{name}: recording"), demo_id(name).hex)
    return Case(name, why, expected, containers=(planted,), moments=moments, **members)


def chaos_containers(cases: Iterable[Case]) -> list[PlantedContainer]:
    """Everything that lies in the account."""
    return [container for case in cases for container in case.containers] + other_containers()


def write_account(path: Path, containers: Iterable[PlantedContainer]) -> None:
    """Write the account as the stub reads it."""
    with path.open("w", encoding="utf-8") as lines:
        for planted in containers:
            blobs = [[name, size, MODIFIED] for name, size in planted.blobs.items()]
            lines.write(json.dumps({"container": planted.name, "blobs": blobs}) + "\n")


def truth_of(cases: Iterable[Case], containers: Iterable[PlantedContainer]) -> Truth:
    """What a report must say of it."""
    cases = list(cases)
    also = {subject: verdict for case in cases for subject, verdict in case.also.items()}
    registered = {str(recording.recording_id) for case in cases for recording in case.recordings}
    return Truth(
        sessions={str(case.session_id): case.expected for case in cases if case.expected is not None},
        also=also,
        containers={container.name: frozenset(container.blobs) for container in containers},
        holdings={
            str(case.session_id): frozenset(c.name for c in case.containers if c.name not in registered)
            for case in cases
        },
        candidates=frozenset(str(c.session_id) for c in cases if c.status in _IN_QUESTION and c.origin == "PRE"),
        unreadable=frozenset(str(case.session_id) for case in cases if not _NO_DATES.isdisjoint(case.moments.values())),
    )
