"""The world of the campaign: the demo's cases, some of them in long listings, in a stubbed account."""

import json
from collections.abc import Iterable
from pathlib import Path

from chaos.judging import Truth
from demo.cases import Case, PlantedContainer, demo_id, encoded, healthy_cases, other_containers, special_cases

HEALTHY_SESSIONS = 20
PAGE_SIZE = 20
SEGMENTS = 70
_ASKED_FOR = {"PROCESSING", "NO_RECORDING", "FAILURE", None}
MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"


def chaos_cases() -> list[Case]:
    """The demo's cases, and two recordings whose tracks come only on a later page of their container's listing."""
    return [*special_cases(), *healthy_cases(HEALTHY_SESSIONS), *map(_with_segments, ("segments 1", "segments 2"))]


def _with_segments(name: str) -> Case:
    key, container = demo_id(name).hex, str(demo_id(f"{name}: recording"))
    blobs = encoded(container, f"z{key}").blobs
    tracks = {blob.removeprefix("z") if not blob.endswith(".mp4") else f"{key}_z.mp4": n for blob, n in blobs.items()}
    segments = {f"0-segment-{number:03}.ts": 1024 for number in range(SEGMENTS)}
    planted = PlantedContainer(container, segments | tracks)
    return Case(name, "its track stands on the last page", "unregistered_recording", containers=(planted,))


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
        containers=frozenset(container.name for container in containers),
        holdings={
            str(case.session_id): frozenset(c.name for c in case.containers if c.name not in registered)
            for case in cases
        },
        candidates=frozenset(str(c.session_id) for c in cases if c.status in _ASKED_FOR and c.origin == "PRE"),
    )
