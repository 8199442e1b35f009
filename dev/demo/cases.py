"""The demo's world: a PRE-shaped database and storage account with known cases, each with its reason.

Every id is derived from the case's name, so the world is the same on every run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

LONG_AGO = timedelta(days=30)
DAY = timedelta(days=1)
KILOBYTE = 1024


def demo_id(name: str) -> UUID:
    """The id of the thing of that name."""
    return uuid5(NAMESPACE_OID, f"capture-audit demo: {name}")


@dataclass(frozen=True)
class PlantedContainer:
    """A container and its blobs (name to size in bytes)."""

    name: str
    blobs: dict[str, int]


@dataclass(frozen=True)
class PlantedRecording:
    """A row in recordings; ``minutes`` is its duration, None if it was never read."""

    recording_id: UUID
    deleted: bool = False
    minutes: int | None = 40


@dataclass(frozen=True)
class Case:
    """One capture session as planted: its row, its recordings, its containers, and what an audit must say.

    ``expected`` is None for sessions that are no candidates; ``also`` is what the audit must say of containers and
    recordings, by id. ``age`` is how long ago it was started; ``moments`` stand in ``started_at`` or ``finished_at``
    instead, as Postgres writes them. ``swept``: the audit trail saw it being processed, and relabelled without a stop.
    """

    name: str
    why: str
    expected: str | None
    status: str | None = "NO_RECORDING"
    origin: str = "PRE"
    age: timedelta = LONG_AGO
    moments: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False
    case_state: str = "OPEN"
    recordings: tuple[PlantedRecording, ...] = ()
    containers: tuple[PlantedContainer, ...] = ()
    booking: str | None = None
    swept: bool = False
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def session_id(self) -> UUID:
        return demo_id(self.name)


def encoded(recording: UUID | str, base: str, *, tracks: int = 1) -> PlantedContainer:
    """A container as the encoder leaves it: tracks, server manifest, client manifest."""
    suffixes = ["_1280x720_4500k"] + [f"_1280x720_4500k_track{n}" for n in range(2, tracks + 1)]
    blobs = {f"{base}{suffix}.mp4": 40 * KILOBYTE for suffix in suffixes}
    return PlantedContainer(str(recording), blobs | {f"{base}.ism": 700, f"{base}.mpd": 900, f"{base}.mpi": 300})


def _hidden(
    name: str, why: str, media: str | None = None, expected: str = "unregistered_recording", **members: Any
) -> Case:
    """A session whose complete recording is in storage without a row; ``media`` replaces the usual track name."""
    key, container = demo_id(name).hex, str(demo_id(f"{name}: recording"))
    planted = encoded(container, key)
    if media is not None:
        planted = PlantedContainer(container, {media.format(key=key): 40 * KILOBYTE, f"{key}.ism": 700})
    return Case(name, why, expected, containers=(planted,), **members)


def _with_media(name: str, why: str, expected: str, blobs: dict[str, int], **members: Any) -> Case:
    """A session with one unregistered container of the given blobs; ``{key}`` in a name stands for its key."""
    key = demo_id(name).hex
    container = PlantedContainer(
        str(demo_id(f"{name}: recording")), {blob.format(key=key): size for blob, size in blobs.items()}
    )
    return Case(name, why, expected, containers=(container,), **members)


def special_cases() -> list[Case]:
    """Every verdict, and every shape of name or row that has fooled a search before."""
    twice = demo_id("encoded twice")
    registered = demo_id("registered after all: recording")
    thrown_away = demo_id("recording deleted: recording")
    edit_source = demo_id("source of an edit")
    odd = demo_id("index name: recording")
    longer = demo_id("33 hex digits: recording")
    original, edit = demo_id("edited: recording"), demo_id("edited: edit")
    lost, unplayable = demo_id("container lost: recording"), demo_id("manifest lost: recording")
    return [
        _hidden("swept", "stuck by a redeployment, then relabelled NO_RECORDING by the evening sweep"),
        _hidden("stuck", "still PROCESSING after three days", status="PROCESSING", age=3 * DAY),
        _hidden("failed", "the bug of July 2024 set FAILURE while the encode went on", status="FAILURE"),
        _hidden("no status", "older than the status column, so its status is NULL", status=None),
        _hidden("bare name", "the track is called <id>.mp4, without a resolution", media="{key}.mp4"),
        _hidden("hyphen", "a hyphen in the suffix hid it from the old pattern", media="{key}_1280x720-4500k.mp4"),
        _hidden("odd name", "blanks, & and < and an umlaut in the name", media="{key}_R&D <take> ü 100%.mp4"),
        _hidden(
            "closed case",
            "closing the case deleted the session, and with it every trace",
            expected="hidden_by_deletion",
            deleted=True,
            case_state="CLOSED",
        ),
        _hidden(
            "pending closure",
            "the service refuses to register anything for a case that is not open",
            expected="blocked_case_state",
            case_state="PENDING_CLOSURE",
        ),
        _hidden(
            "still live",
            "its status says RECORDING, two days after it was encoded",
            expected="ended_not_stopped",
            status="RECORDING",
            age=2 * DAY,
        ),
        _hidden(
            "no row",
            "its status says that it is available, and nobody can open it",
            expected="available_without_row",
            status="RECORDING_AVAILABLE",
        ),
        Case(
            "two tracks",
            "one container with a file for each track is one recording, not two",
            "unregistered_recording",
            containers=(encoded(demo_id("two tracks: recording"), demo_id("two tracks").hex, tracks=2),),
        ),
        Case(
            "encoded twice",
            "two complete containers: which one is the hearing is for a person to say",
            "ambiguous_containers",
            status="FAILURE",
            containers=(encoded(demo_id("first encode"), twice.hex), encoded(demo_id("second encode"), twice.hex)),
        ),
        _with_media(
            "no manifest",
            "the encode died before the manifest",
            "incomplete_encode",
            {"{key}_1280x720_4500k.mp4": 9000},
        ),
        _with_media(
            "empty track",
            "the track has no bytes",
            "incomplete_encode",
            {"{key}_1280x720_4500k.mp4": 0, "{key}.ism": 700},
            status="FAILURE",
        ),
        _with_media(
            "being encoded",
            "processing for four minutes is healthy",
            "in_flight",
            {},
            status="PROCESSING",
            age=timedelta(minutes=4),
        ),
        Case(
            "registered after all",
            "the row is there and only the status was left behind",
            "status_behind",
            status="PROCESSING",
            recordings=(PlantedRecording(registered),),
            containers=(encoded(registered, demo_id("registered after all").hex),),
        ),
        Case(
            "recording deleted",
            "somebody deleted the recording on purpose; its container stays",
            "deleted_elsewhere",
            recordings=(PlantedRecording(thrown_away, deleted=True),),
            containers=(encoded(thrown_away, demo_id("recording deleted").hex),),
        ),
        Case("unused", "started by the morning job and never used: the hearing was adjourned", "expected_empty"),
        Case("sibling", "its booking's other session has the recording", "expected_empty", booking="available 1"),
        Case(
            "relabelled",
            "it was being processed when the evening sweep relabelled it, and no media is left",
            "suspect_lost",
            swept=True,
        ),
        Case(
            "stuck for days",
            "still PROCESSING after three days, and nothing of it anywhere",
            "stuck_empty",
            status="PROCESSING",
            age=3 * DAY,
        ),
        Case(
            "only an input",
            "its id stands in an -input container, which is never a recording",
            "expected_empty",
            containers=(encoded(f"{edit_source}-input", demo_id("only an input").hex),),
        ),
        Case(
            "index name",
            "the encoder's index.mp4 era: the name says nothing about the session",
            "expected_empty",
            containers=(encoded(odd, "index"),),
            also={str(odd): "unattributed_media"},
        ),
        Case(
            "33 hex digits",
            "a longer hex name that merely begins with the id",
            "expected_empty",
            containers=(encoded(longer, demo_id("33 hex digits").hex + "a"),),
            also={str(longer): "unattributed_media"},
        ),
        Case(
            "legacy import",
            "VODAFONE sessions are NO_RECORDING with a row by design",
            None,
            origin="VODAFONE",
            recordings=(PlantedRecording(demo_id("legacy import: recording"), minutes=None),),
        ),
        Case(
            "edited",
            "a kill between the edit's encode and its row left a container without one",
            None,
            status="RECORDING_AVAILABLE",
            recordings=(PlantedRecording(original),),
            containers=(encoded(original, demo_id("edited").hex), encoded(edit, str(edit)[:32])),
            also={str(edit): "orphan_edit_output"},
        ),
        Case(
            "container lost",
            "registered and visible in lists, and there is nothing to play",
            None,
            status="RECORDING_AVAILABLE",
            recordings=(PlantedRecording(lost),),
            also={str(lost): "row_without_container"},
        ),
        Case(
            "manifest lost",
            "registered, and cannot be played",
            None,
            status="RECORDING_AVAILABLE",
            recordings=(PlantedRecording(unplayable),),
            containers=(
                PlantedContainer(
                    str(unplayable), {f"{demo_id('manifest lost').hex}_1280x720_4500k.mp4": 40 * KILOBYTE}
                ),
            ),
            also={str(unplayable): "no_ism"},
        ),
    ]


def healthy_cases(count: int) -> list[Case]:
    """Sessions whose recordings are registered and visible: no candidates, but their containers are searched."""
    cases = []
    for number in range(1, count + 1):
        name = f"available {number}"
        recording = demo_id(f"{name}: recording")
        cases.append(
            Case(
                name,
                "registered and visible",
                None,
                status="RECORDING_AVAILABLE",
                recordings=(PlantedRecording(recording),),
                containers=(encoded(recording, demo_id(name).hex),),
            )
        )
    return cases


def other_containers() -> list[PlantedContainer]:
    """Containers that belong to no session: a scan must read them and make nothing of them."""
    return [
        PlantedContainer("mk-import-reports", {"2026-01.csv": 2000}),
        PlantedContainer(str(demo_id("left empty")), {}),
    ]
