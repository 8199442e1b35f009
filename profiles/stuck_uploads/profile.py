"""The profile: what is read, how it is joined, and how a group becomes facts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from typing import Any

from profiles.stuck_uploads import contents, options, prefect, queries, scan
from profiles.stuck_uploads.dialects import DIALECTS, STATUS
from profiles.stuck_uploads.facts import PRESIGNED, ObjectFacts, RunFacts, Service, VideoFacts, each_database
from profiles.stuck_uploads.keys import (
    ANY_UUID,
    CLIENT,
    DEPTH,
    LAYOUT,
    OCR,
    SERVER,
    folder_in,
    folder_of,
    is_above_folders,
    masked,
    video_id,
)
from profiles.stuck_uploads.kinds import KINDS, OBJECT, RUN, VIDEO
from profiles.stuck_uploads.objects import folder_at, folders_of, pack, unpack
from profiles.stuck_uploads.repairs import repairs
from profiles.stuck_uploads.runs import CROP, PROCESS, Run, each_once
from profiles.stuck_uploads.video_rules import FOLDERS, RUNS, SERVICE, STATES, VIDEOS
from profiles.stuck_uploads.videos import DatabaseInUse, Video
from profiles.stuck_uploads.wording import SHOWING, WORDING
from reconciliation.coverage import DELETED_DURING_SCAN, Gap
from reconciliation.evidence import Unread
from reconciliation.looks import MISSING, PLACED, Again, Audit, Doubt, Group, Screened, Subject
from reconciliation.lookups import Lookup, ObjectsUnder
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Grouped, Join, Keys, Scan, Setting, Source, api, bucket, database
from reconciliation.queries import HttpRows, Prefixes
from reconciliation.repair_plan import Named

DATABASE, PREFECT = "STUCK_UPLOADS_DATABASE", "STUCK_UPLOADS_PREFECT"
DEPLOYMENT, CROP_DEPLOYMENT = "STUCK_UPLOADS_DEPLOYMENT", "STUCK_UPLOADS_CROP_DEPLOYMENT"
COLUMNS, NAMESPACE = "STUCK_UPLOADS_COLUMNS", "STUCK_UPLOADS_NAMESPACE"
PAUSE = "STUCK_UPLOADS_PAUSE_SECONDS"
_DEPLOYMENT_FORM = r"[^/\s]{1,100}/[^/\s]{1,100}"
_PREFIX_OF_RUNS = "run/"
_ANOTHER_FOLDER = "its row named another folder, or was not there, when its folder was looked up"
_NEW_LAYOUT = "the database of its layout appeared while it was looked at"


class StuckUploads(Grouped):
    """Uploaded videos that were never processed, against the bucket that holds them and the runs that process them."""

    name = "stuck-uploads"
    title = "Stuck uploads"
    wording = WORDING
    showing = SHOWING
    modes = options.MODES
    kinds = KINDS
    connections = (database(DATABASE), api(PREFECT, "prefect"), bucket(scan.BUCKET))
    settings = (
        Setting(
            DEPLOYMENT,
            "The deployment whose runs process a video.",
            "the names of flow and deployment, such as process-video/production",
            _DEPLOYMENT_FORM,
            "deployment",
        ),
        Setting(
            CROP_DEPLOYMENT,
            "The deployment whose runs follow an approved layout; without it nothing is said of them.",
            "the names of flow and deployment, such as crop-frames/production",
            _DEPLOYMENT_FORM,
            "crop_deployment",
            default="",
        ),
        Setting(
            COLUMNS,
            "The columns of the table videos: one status, or one for each step (layout_status is the first).",
            f"one of {', '.join(DIALECTS)}",
            "|".join(DIALECTS),
            "columns",
            default=STATUS.name,
        ),
        Setting(
            NAMESPACE,
            "What tells the runs that repairs create from those of other environments with the same flow.",
            "1 to 40 lower-case letters, digits and hyphens",
            "[a-z0-9-]{1,40}",
            "namespace",
            default="prod",
        ),
        # An event that starts a run arrives within seconds: what was on its way in the first look is there in the next.
        Setting(
            PAUSE,
            "How long the second look waits after the first.",
            "a whole number of seconds from 0 to 600",
            "[0-9]|[1-9][0-9]|[1-5][0-9]{2}|600",
            default="15",
        ),
    )
    # Rows before runs: a run that was made for a row that was read is seen. Again the other way round: a row that a run
    # has just written is read after the run.
    again_order = (SERVICE, RUNS, STATES, VIDEOS)
    only = Keys(VIDEOS, "UUIDs of videos", ANY_UUID, video_id)
    default_grace_minutes = 70

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self.given = given or {one.name: one.default or "" for one in self.settings}
        self.dialect = DIALECTS[self.given[COLUMNS]]
        self.pause = timedelta(seconds=int(self.given[PAUSE]))
        self.options = options.options_for(self.dialect)
        self.joins = (
            Join(
                VIDEOS,
                (
                    (VIDEOS, attrgetter("id")),
                    (STATES, attrgetter("video_id")),
                    (RUNS, _key_of_run),
                    (FOLDERS, scan.key_of_path),
                ),
            ),
        )
        self.sources = self._sources()
        self.repairs = repairs(self.dialect, self.given[NAMESPACE], self.given[DEPLOYMENT])
        self.scan = Scan(
            VIDEOS,
            open=lambda group, asked: scan.choose(group, asked, self.dialect),
            opens_by=lambda asked: (VIDEOS, FOLDERS) if options.asks_for_all(asked) else (VIDEOS,),
            lookups=scan.lookups,
            reduce=scan.reduce,
            pack=pack,
            unpack=unpack,
            harmless=scan.HARMLESS | {DELETED_DURING_SCAN},
        )

    def configured(self, given: Mapping[str, str]) -> "StuckUploads":
        """The profile for one system, by its settings."""
        return type(self)(given)

    def _sources(self) -> tuple[Source, ...]:
        dialect, deployments = self.dialect, self.deployments
        return (
            Source(
                VIDEOS,
                DATABASE,
                lambda asked, _moments: queries.videos(dialect, asked),
                lambda asked, _moments, ids: queries.videos_again(dialect, asked, ids),
                Video.from_json,
                ascends=True,
                unique=True,
                dated=attrgetter("created_at"),
            ),
            Source(
                STATES,
                DATABASE,
                lambda asked, _moments: queries.states(dialect, asked),
                lambda _asked, _moments, ids: queries.states_again(dialect, ids),
                DatabaseInUse.from_json,
                ascends=True,
            ),
            Source(
                SERVICE,
                PREFECT,
                lambda _asked, _moments: HttpRows(lambda: prefect.deployment_and_workers(deployments)),
                whole=True,
            ),
            Source(
                RUNS,
                PREFECT,
                lambda _asked, moments: HttpRows(lambda: prefect.runs(deployments, moments.earliest.get(VIDEOS))),
                row=Run.from_json,
                all_again=True,
            ),
            Source(
                FOLDERS,
                scan.BUCKET,
                lambda asked, _moments: Prefixes(depth=DEPTH) if options.asks_for_all(asked) else None,
            ),
        )

    @property
    def deployments(self) -> dict[str, str]:
        """The names of the deployments whose runs are read, by what their runs are for."""
        named = {PROCESS: self.given[DEPLOYMENT], CROP: self.given[CROP_DEPLOYMENT]}
        return {of: name for of, name in named.items() if name}

    def look_at(self, subjects: Sequence[Named], found_by: AuditParameters) -> AuditParameters:
        """Whatever their status is by now; what was old enough for the audit is so for its repair."""
        asked = {**self.parameters().options, **found_by.options, "statuses": ()}
        return self.parameters(mode=options.FULL, only=tuple(one.id for one in subjects), options=asked)

    # --- the two looks ------------------------------------------------------------------------------------------------

    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        """As for any group; and what only the content of its files can tell is in doubt."""
        screened = super().screen(join, group, audit)
        sightings = list(self._sightings(group, audit))
        if not screened.in_doubt and self._content_decides(group):
            return Screened(in_doubt=True, sightings=sightings)
        return screened._replace(sightings=sightings)

    def again(self, join: str, group: Group, audit: Audit) -> Again:
        """The folders again; of a video also the one that no browser sees, and what its databases say, if any."""
        unit = super().again(join, group, audit).unit
        return Again(unit, tuple(self._late(group)) if unit else ())

    def _late(self, group: Group) -> Iterator[Lookup]:
        video = scan.video_of(group)
        if video is None or not video.tenant_id:
            return
        server = folder_of(video.tenant_id, video.id, SERVER)
        yield ObjectsUnder(scan.BUCKET, server)
        folder = folder_at(group.evidence, video.folder)
        if folder is not None and folder.layout is not None:
            yield from contents.lookups(scan.BUCKET, f"{folder.path}{LAYOUT}", f"{server}{OCR}")

    def _content_decides(self, group: Group) -> bool:
        """True for a video that people have edited and that waits for its layout: whether that was approved stands in a
        file.
        """
        video = scan.video_of(group)
        return (
            video is not None
            and bool(self.dialect.done)
            and video.status == self.dialect.annotate
            and video.deleted_at is None
            and any(one.is_edited for one in group.rows[1])
        )

    def _sightings(self, group: Group, audit: Audit) -> Iterator[tuple[str, None]]:
        """Whether rows and bucket belong together: only what is read whole can tell, and what had time to arrive."""
        video = scan.video_of(group)
        is_read = group.evidence is not None and not isinstance(group.evidence, Unread)
        if video is None or not is_read or not options.asks_for_all(audit.asked):
            return
        if group.evidence or (video.created_at is not None and audit.clock.age(video.created_at) > PRESIGNED):
            yield (PLACED if group.evidence else MISSING), None

    # --- groups as facts ----------------------------------------------------------------------------------------------

    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:  # noqa: ARG002 - there is one join
        video, runs = scan.video_of(group), each_once(group.rows[2])
        if video is not None:
            yield VIDEO.name, video.id, self._video(video, runs, group, before, audit)
        else:
            for run in runs:
                # One that names no video stands in the way of all, whichever are asked for.
                is_asked_for = options.asks_for_all(audit.asked) or not run.video_id
                if is_asked_for and run.is_active and run.of == PROCESS:
                    yield RUN.name, run.id, RunFacts(run, audit.clock)
        yield from self._objects(video, group, audit)

    def _video(self, video: Video, runs: Sequence[Run], group: Group, before: Group | None, audit: Audit) -> VideoFacts:
        facts = VideoFacts(
            video,
            self.dialect,
            audit.clock,
            options.age(audit.asked),
            options.recent(audit.asked),
            tuple(runs),
            each_database(group.rows[1]),
            group.evidence,
            service=_service(audit),
            oldest=audit.earliest.get(VIDEOS),
        )
        if before is None:
            return facts
        # The second look reads rows after it has looked things up, by the rows of the first.
        first = scan.video_of(before)
        if group.evidence is not None and (first is None or first.folder != video.folder):
            return replace(facts, evidence=Unread(video.id, _ANOTHER_FOLDER, failed=True))
        if not group.late:
            return facts
        server, *databases = group.late
        latest = audit.clock.latest + audit.clock.storage_ahead
        unread = next((one for one in databases if isinstance(one, Unread)), None)
        if not databases and facts.folder is not None and facts.folder.layout is not None:
            unread = Unread(video.id, _NEW_LAYOUT, failed=True)
        read = contents.read(*databases) if databases and unread is None else None
        return replace(facts, server_side=scan.in_folder(server, latest), contents=unread or read)

    def _objects(self, video: Video | None, group: Group, audit: Audit) -> Iterator[tuple[str, str, ObjectFacts]]:
        """The folders that the group's row does not own, and the objects that are in none."""
        owned = {folder_of(video.tenant_id, video.id, side) for side in (CLIENT, SERVER)} if video else set[str]()
        read = {one.path: one for one in folders_of(group.evidence)}
        for path in dict.fromkeys(group.rows[3]):
            if path not in owned and not is_above_folders(path):
                folder = folder_in(path)
                unread = group.evidence if isinstance(group.evidence, Unread) else None
                if folder and group.evidence is None:
                    unread = Unread(path, "it was not opened, since its video was deleted", failed=True)
                yield (
                    OBJECT.name,
                    path if folder else masked(path),
                    ObjectFacts(path, audit.clock, folder, read.get(path) or unread),
                )

    def conclude(self, doubts: Iterable[Doubt], audit: Audit) -> Iterator[Subject | Gap]:
        yield from super().conclude(doubts, audit)
        if not audit.asked.only:
            return
        unknown = [
            doubt.first.key
            for doubt in doubts
            if doubt.first.key in audit.asked.only and not doubt.again.rows[0] and VIDEOS not in doubt.again.lost
        ]
        if unknown:
            more = "" if len(unknown) == 1 else f" and {len(unknown) - 1} more"
            yield Gap(f"there is no video {unknown[0]}{more}", "Check the ids that were asked for.")

    def notes(self, audit: Audit) -> Iterator[str]:
        """Warnings about a deployment that is paused, and about a pool without workers."""
        service = _service(audit)
        if service is not None and service.is_paused:
            yield f"The deployment {self.given[DEPLOYMENT]} is paused: what starts its runs by itself does not now."
        if service is not None and not service.online:
            yield f"No worker of the deployment {self.given[DEPLOYMENT]} is online: no run begins."


def _key_of_run(run: Run) -> str:
    return run.video_id or f"{_PREFIX_OF_RUNS}{run.id}"


def _service(audit: Audit) -> Service | None:
    """None if it could not be read."""
    rows = audit.tables.get(SERVICE, ())
    deployments = {row[1]: row for row in rows if row[0] == "deployment"}
    if SERVICE in audit.lost or PROCESS not in deployments:
        return None
    _, _, its_id, is_paused, pool = deployments[PROCESS]
    online = sum(row[0] == "worker" and row[1] == pool and row[3] == "ONLINE" for row in rows)
    return Service(its_id, is_paused, online, CROP in deployments)


PROFILE = StuckUploads()
