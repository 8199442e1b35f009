"""Everything that rules decide by: of a video, of a folder that no row owns, of a run that no row owns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from profiles.stuck_uploads.contents import Contents
from profiles.stuck_uploads.dialects import UNFINISHED, Dialect, Stage
from profiles.stuck_uploads.keys import Folder
from profiles.stuck_uploads.objects import Evidence, Stored, folder_at
from profiles.stuck_uploads.prefect import BEFORE_THE_ROW
from profiles.stuck_uploads.runs import BROKEN, COMPLETED, CROP, PROCESS, Run, by_our_clock
from profiles.stuck_uploads.videos import SERVER, DatabaseInUse, Video
from reconciliation.clock import Clock
from reconciliation.evidence import Unread

PRESIGNED = timedelta(hours=1)
"""How long a browser may take to upload a file: the address that it is given is good for so long."""
KEPT_RUNS = timedelta(days=90)
"""How long runs are kept at least, where the engine of runs clears them away: older absence proves nothing."""
MOST_ATTEMPTS = 3
"""After so many broken runs another one is not going to end better."""
SERVER_LOCK = timedelta(minutes=90)
"""A lock of the server that is older is of a run that is gone: twice as long as any run takes."""


class Service(NamedTuple):
    """The deployment that processes videos and the workers of its pool. ``has_crops``: the runs that follow an approved
    layout were read, too.
    """

    id: str
    is_paused: bool
    online: int
    has_crops: bool


@dataclass(frozen=True)
class VideoFacts:
    """One row of ``videos`` and all that belongs to it.

    ``evidence`` are the folders of its id; an ``Unread`` if they could not be read, None if they were not opened.
    ``contents`` is what its databases say, where that was read: only in the second look. ``server_side`` is the
    folder that no browser sees, likewise. ``service`` is None if it could not be read. ``oldest`` is the moment of the
    oldest row when runs were read: those of older rows that have ended were not (None: those of no row).
    """

    video: Video
    dialect: Dialect
    clock: Clock
    age_minutes: timedelta
    recent_minutes: timedelta
    runs: tuple[Run, ...]
    databases: tuple[DatabaseInUse, ...]
    evidence: Evidence | Unread | None
    server_side: Stored | Unread | None = None
    contents: Contents | Unread | None = None
    service: Service | None = None
    oldest: datetime | None = None

    # --- its row ------------------------------------------------------------------------------------------------------

    @property
    def stage(self) -> Stage | None:
        """None for a status that is not known."""
        stage = self.dialect.stages.get(self.video.status or "")
        return Stage.DELETED if self.video.deleted_at is not None else stage

    @property
    def is_unfinished(self) -> bool:
        return self.stage in UNFINISHED

    @property
    def is_ready(self) -> bool:
        return self.stage is Stage.READY

    @cached_property
    def created_at(self) -> datetime | None:
        """When its row was made, by the app's clock; None if that is not known, or lies in the future."""
        created = self.video.created_at
        if created is None:
            return None
        moment = created - self.clock.database_ahead
        return moment if moment <= self.clock.latest else None

    @property
    def age(self) -> timedelta | None:
        return None if self.created_at is None else self.clock.age(self.created_at)

    def is_older_than(self, span: timedelta) -> bool:
        return self.age is not None and self.age >= span

    # --- its runs -----------------------------------------------------------------------------------------------------

    @cached_property
    def active(self) -> tuple[Run, ...]:
        """The runs that process it, or are going to."""
        return tuple(run for run in self.runs if run.of == PROCESS and run.is_active)

    @cached_property
    def ended(self) -> tuple[Run, ...]:
        """The runs that have ended, in the order in which they were made; but for those that were called off: they have
        done nothing.
        """
        return tuple(run for run in self.runs if run.of == PROCESS and not run.is_active and not run.was_called_off)

    @property
    def history_is_read(self) -> bool:
        """True if its runs that have ended were read, too, and not only the active ones."""
        made = self.video.created_at
        if made is None or self.created_at is None:  # it may be of any age
            return False
        # Runs were looked for from a moment of the database's clock on.
        ahead = self.clock.database_ahead - self.clock.api_ahead
        return self.oldest is not None and made >= self.oldest and ahead <= BEFORE_THE_ROW

    @property
    def last(self) -> Run | None:
        """The run that ended last."""
        dated = [run for run in self.ended if run.last_moment is not None]
        return max(dated, key=_last_moment, default=self.ended[-1] if self.ended else None)

    @property
    def broken(self) -> int:
        """How many of its runs ended otherwise than completed."""
        return sum(run.state != COMPLETED for run in self.ended)

    @property
    def crops(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.of == CROP)

    @property
    def ended_recently(self) -> bool:
        moment = self.last.last_moment if self.last else None
        return moment is not None and self.clock.is_recent(by_our_clock(self.clock, moment), self.recent_minutes)

    @property
    def completed_after_it_broke(self) -> bool:
        """True if its last run is completed, and one before it was not."""
        last = self.last
        return last is not None and last.state == COMPLETED and self.broken > 0

    @property
    def ended_broken(self) -> bool:
        return self.last is not None and self.last.state in BROKEN

    # --- its objects --------------------------------------------------------------------------------------------------

    @property
    def unread(self) -> str | None:
        """Why its objects are not known; None if they are."""
        for one in (self.evidence, self.server_side, self.contents):
            if isinstance(one, Unread):
                return one.reason
        return "its folder was not opened" if self.evidence is None else None

    @cached_property
    def folder(self) -> Stored | None:
        """The folder that the row's own ids name."""
        return folder_at(self.evidence, self.video.folder)

    @property
    def has_source(self) -> bool:
        return self.folder is not None and self.folder.source is not None

    @property
    def has_other_size(self) -> bool:
        """True if its file has another size than its row says."""
        source = self.folder.source if self.folder else None
        return source is not None and self.video.size_bytes is not None and source.size != self.video.size_bytes

    @property
    def has_layout(self) -> bool:
        layout = self.folder.layout if self.folder else None
        return layout is not None and layout.size > 0

    @property
    def layout_is_damaged(self) -> bool:
        return isinstance(self.contents, Contents) and self.contents.layout is None

    @property
    def outputs(self) -> int:
        """How many objects there are of it besides its file."""
        of_server = self.server_side.objects if isinstance(self.server_side, Stored) else 0
        return (self.folder.outputs if self.folder else 0) + of_server

    @property
    def recognised(self) -> int:
        """In how many frames text was recognised, as far as that is known: it has at least as many."""
        return (self.contents.ocr_frames or 0) if isinstance(self.contents, Contents) else 0

    @property
    def frames_are_whole(self) -> bool:
        """True if there is a frame and a thumbnail for every ten seconds, and as many as text was recognised in."""
        frames = self.folder.frames if self.folder else None
        least = max(self.video.total_frames or 0, self.recognised)
        return frames is not None and frames.are_whole and frames.number >= least

    @property
    def newest(self) -> datetime | None:
        """The last change of any object of it, by the bucket's clock."""
        of_server = self.server_side.newest if isinstance(self.server_side, Stored) else None
        moments = [moment for moment in (self.folder.newest if self.folder else None, of_server) if moment is not None]
        return max(moments, default=None)

    @property
    def has_settled(self) -> bool:
        return self.clock.has_settled(self.newest)

    @property
    def is_processed(self) -> bool:
        """True if everything is there that its processing makes, but that its layout may not be analysed."""
        contents = self.contents
        return (
            isinstance(contents, Contents)
            and contents.layout is not None
            and contents.ocr_frames is not None
            and self.frames_are_whole
        )

    @property
    def is_analysed(self) -> bool:
        return isinstance(self.contents, Contents) and bool(self.contents.layout and self.contents.layout.is_analysed)

    @property
    def is_approved(self) -> bool:
        return isinstance(self.contents, Contents) and bool(self.contents.layout and self.contents.layout.is_approved)

    # --- what people do with it ---------------------------------------------------------------------------------------

    @property
    def is_edited(self) -> bool:
        """True if another run could overwrite what people have done."""
        return any(one.is_edited for one in self.databases)

    @property
    def has_gone_on(self) -> bool:
        """True if something was made of it that follows its approval."""
        video = self.video
        is_past = video.has_crops or (video.boundaries_status not in {None, "wait"})
        runs = any(run.is_active or run.state == COMPLETED for run in self.crops)
        # Its approval alone is what comes before, not after.
        return is_past or runs or (self.is_approved and video.status != self.dialect.done)

    @property
    def leaked_lock(self) -> DatabaseInUse | None:
        """A lock of the server that no run holds any more."""
        if any(run.is_active for run in self.runs):
            return None
        return next((one for one in self.databases if self._has_leaked(one)), None)

    def _has_leaked(self, one: DatabaseInUse) -> bool:
        return one.lock == SERVER and one.locked_at is not None and self.clock.age(one.locked_at) > SERVER_LOCK


def _last_moment(run: Run) -> datetime:
    assert run.last_moment is not None
    return run.last_moment


@dataclass(frozen=True)
class ObjectFacts:
    """A folder of the bucket that no row owns, or an object that is in none (``folder`` is None). ``stored`` is an
    ``Unread`` if it could not be read.
    """

    path: str
    clock: Clock
    folder: Folder | None
    stored: Stored | Unread | None

    @property
    def is_young(self) -> bool:
        """True while the upload may not have been confirmed yet: an address is good for an hour, and then people have
        the usual grace.
        """
        newest = self.stored.newest if isinstance(self.stored, Stored) else None
        return newest is not None and self.clock.is_recent(newest - self.clock.storage_ahead, self.clock.grace)


@dataclass(frozen=True)
class RunFacts:
    """An active run that belongs to no row."""

    run: Run
    clock: Clock


def each_database(rows: Sequence[DatabaseInUse]) -> tuple[DatabaseInUse, ...]:
    return tuple(sorted(rows, key=lambda one: one.database))
