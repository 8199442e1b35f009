"""What is planted, and what an audit must say of it.

Each case is one way in which the service is known to lose a video, or to look as if it had.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dev.demo.stuck_uploads.files import LAYOUT, OCR, SOURCE, frames, layout, recognised

UNKNOWN_STATUS = "lost"
TENANT = "7e000000-0000-4000-8000-000000000001"
_SOURCE = {SOURCE: b"a video"}
_BYTES = len(_SOURCE[SOURCE])


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@dataclass(frozen=True)
class PlantedRun:
    """A run; its moments are how long ago they were. ``of`` is its deployment: *process*, *crop*, *former* (that which
    processes, before it was deleted and registered again), *staging* (the same flow for another environment) or
    *captions* (another flow with the same parameter).
    """

    state: str
    due: timedelta
    of: str = "process"
    started: timedelta | None = None
    ended: timedelta | None = None


@dataclass(frozen=True)
class Case:
    """A video: ``row`` are the columns of its row beyond the usual, None if it has none; ``files`` are its objects, by
    side and name. ``also`` are verdicts on other subjects of the same case, by kind and id.
    """

    number: int
    why: str
    expected: str | None
    status: str = "wait"
    age: timedelta = timedelta(hours=1)
    row: Mapping[str, Any] | None = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=lambda: _SOURCE)
    runs: tuple[PlantedRun, ...] = ()
    edits: int | None = None
    also: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def video_id(self) -> str:
        return f"a0000000-0000-4000-8000-{self.number:012d}"

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Its objects by their keys."""
        for name, data in self.files.items():
            side, _, rest = name.partition("/")
            yield f"{TENANT}/{side}/videos/{self.video_id}/{rest}", data


def _crashed(ago: timedelta) -> PlantedRun:
    return PlantedRun("CRASHED", ago, started=ago, ended=ago - minutes(5))


def _completed(ago: timedelta, of: str = "process") -> PlantedRun:
    return PlantedRun("COMPLETED", ago, of, started=ago, ended=ago - minutes(5))


def _failed(ago: timedelta) -> PlantedRun:
    return PlantedRun("FAILED", ago, started=ago, ended=ago - minutes(5))


def _processed(*, analysed: bool = True, approved: bool = False) -> dict[str, bytes]:
    texts = {LAYOUT: layout(analysed=analysed, approved=approved), OCR: recognised(5)}
    return {**_SOURCE, **texts, **frames(6)}


_HOLED = {**_SOURCE, LAYOUT: layout(), OCR: recognised(5), **frames(6, without=300)}
CASES = (
    Case(1, "its event was missed: no run was ever made", "never_started", age=minutes(45)),
    Case(
        2,
        "its run works; looking at a hundred runs of all flows does not show it",
        "processing",
        age=minutes(45),
        runs=(PlantedRun("RUNNING", minutes(5), started=minutes(5)),),
    ),
    Case(
        3,
        "its run is late, and no worker takes it",
        "run_not_picked_up",
        age=hours(3),
        runs=(PlantedRun("SCHEDULED", hours(2)),),
    ),
    Case(
        4,
        "its run crashed after the last file was written, and before its row was",
        "finished_not_marked",
        age=hours(2),
        files=_processed(),
        runs=(_crashed(hours(2)),),
    ),
    Case(
        5,
        "its run crashed while frames were being written: one is missing",
        "partial_outputs",
        age=hours(2),
        files=_HOLED,
        runs=(_crashed(hours(2)),),
    ),
    Case(6, "its upload was confirmed, and there is no file", "source_missing", files={}),
    Case(
        7,
        "its row says ten bytes, its file has seven",
        "source_size_mismatch",
        row={"size_bytes": 10},
        runs=(_failed(minutes(50)),),
    ),
    Case(
        8,
        "it was deleted while its run works",
        "deleted_run_active",
        row={"deleted": True},
        runs=(PlantedRun("RUNNING", minutes(5), started=minutes(5)),),
    ),
    Case(
        9, "its run is paused, not gone", "run_paused", runs=(PlantedRun("PAUSED", minutes(50), started=minutes(50)),)
    ),
    Case(
        10,
        "another flow runs with its id, and so does the same flow in another environment: neither processes it",
        "never_started",
        runs=(
            PlantedRun("RUNNING", minutes(5), "captions", started=minutes(5)),
            PlantedRun("RUNNING", minutes(5), "staging", started=minutes(5)),
        ),
    ),
    Case(
        11,
        "a second run set it back after its layout was approved",
        "status_regressed",
        "annotate",
        age=hours(30),
        files=_processed(approved=True),
        runs=(_completed(hours(29)), _completed(hours(3)), _completed(hours(20), "crop")),
        edits=4,
    ),
    Case(
        12,
        "it failed, was run again by hand, and its row still says failed",
        "error_contradicted",
        "error",
        age=hours(5),
        files=_processed(),
        runs=(_failed(hours(4)), _completed(hours(2))),
    ),
    Case(
        13,
        "three runs of it failed: a fourth would, too",
        "attempts_exhausted",
        age=hours(2),
        runs=tuple(_failed(minutes(ago)) for ago in (100, 70, 40)),
    ),
    Case(
        14,
        "its layout was approved, and the call that starts the crops went nowhere",
        "approved_not_started",
        "done",
        age=hours(9),
        files=_processed(approved=True),
        runs=(_completed(hours(9)),),
        edits=2,
    ),
    Case(15, "its row comes after a thousand others", "never_started", age=minutes(20)),
    Case(
        16,
        "it was uploaded, and the confirmation was lost",
        None,
        row=None,
        also={("object", f"{TENANT}/client/videos/a0000000-0000-4000-8000-000000000016/"): "orphan_source"},
    ),
    Case(
        17,
        "its run crashed before the last step, the analysis of its layout",
        "finished_not_analyzed",
        age=hours(2),
        files=_processed(analysed=False),
        runs=(_crashed(hours(2)),),
    ),
    Case(
        18,
        "two runs of it are scheduled",
        "duplicate_active_runs",
        age=hours(2),
        runs=(PlantedRun("SCHEDULED", minutes(2)), PlantedRun("SCHEDULED", minutes(1))),
    ),
    Case(
        19,
        "its run says that it works since two hours: its worker died",
        "run_zombie",
        age=hours(3),
        runs=(PlantedRun("RUNNING", hours(2), started=hours(2)),),
    ),
    Case(20, "its row is two minutes old: its event may still come", "too_young", age=minutes(2)),
    Case(
        21,
        "its run ended two minutes ago: its row may be written any moment",
        "recently_run",
        age=hours(2),
        runs=(PlantedRun("COMPLETED", minutes(9), started=minutes(9), ended=minutes(2)),),
    ),
    Case(22, "its file may still be uploaded", "still_uploading", age=minutes(30), files={}),
    Case(23, "its run crashed before it wrote anything", "run_lost", age=hours(2), runs=(_crashed(hours(1)),)),
    Case(
        24,
        "its run says that it completed, and nothing of it is there",
        "completed_without_effect",
        age=hours(4),
        runs=(_completed(hours(3)),),
    ),
    Case(25, "it failed, and its row says so", "failed_known", "error", age=hours(4), runs=(_failed(hours(3)),)),
    Case(26, "it waits since more days than runs are kept", "unknown_history", age=timedelta(days=120)),
    Case(27, "it was deleted", "deleted", row={"deleted": True}, age=hours(9)),
    Case(28, "it is processed, and all is there", "healthy", "annotate", age=hours(9), files=_processed()),
    Case(29, "people work with it, and its layout is gone", "ready_without_layout", "annotate", files=_SOURCE),
    Case(
        30,
        "people work with it, and a frame of it is missing",
        "ready_frames_incomplete",
        "annotate",
        files=_HOLED,
        runs=(_completed(minutes(50)),),
    ),
    Case(31, "its status is none that the service knows", "record_invalid", UNKNOWN_STATUS),
    Case(32, "its row names the file of another video", "record_invalid", row={"storage_key": f"{TENANT}/other.mp4"}),
    Case(
        33,
        "its run works; meanwhile its deployment was deleted, and registered again under another id",
        "processing",
        runs=(PlantedRun("RUNNING", minutes(6), "former", started=minutes(6)),),
    ),
)
"""Those whose statuses only the later columns have are left out of a world with the documented ones."""
ONLY_LATER = frozenset({11, 14})
DOCUMENTED = {"wait": "pending", "annotate": "active", "error": "failed", "done": "archived"}
"""The documented statuses for the later ones."""
STRAY_OBJECT = f"{TENANT}/Interview with a person.mp4"
"""An object that lies where no video keeps anything; its name may be a person's."""


def cases_for(columns: str) -> list[Case]:
    """The cases of a world whose rows have these columns."""
    return [case for case in CASES if columns == "layout_status" or case.number not in ONLY_LATER]
