"""The profile: what is read, how it is joined, and how a group becomes facts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from profiles.temp_recordings import files, options, queries
from profiles.temp_recordings.chunk_rules import NOT_AGAINST_COMPLETION
from profiles.temp_recordings.facts import (
    ChunkFacts,
    FileFacts,
    MeetingFacts,
    ParticipantFacts,
    RecordingFacts,
    promoted_in,
)
from profiles.temp_recordings.files import BUCKET
from profiles.temp_recordings.kinds import CHUNK, FILE, KINDS, MEETING, PARTICIPANT, RECORDING
from profiles.temp_recordings.names import (
    DEPTH,
    is_leftover,
    is_marker,
    masked,
    meeting_in,
)
from profiles.temp_recordings.queries import CHUNKS, FILES, MEETINGS, RECORDINGS
from profiles.temp_recordings.rows import Chunk, Meeting, Recording
from profiles.temp_recordings.scene import Scene, Terms
from profiles.temp_recordings.wording import SHOWING, WORDING
from reconciliation.coverage import DELETED_DURING_SCAN, Gap
from reconciliation.evidence import Unread
from reconciliation.looks import MISSING, PLACED, Audit, Doubt, Group, Screened, Subject
from reconciliation.profile import Grouped, Join, Keys, Scan, Setting, Source, bucket, database
from reconciliation.queries import Prefixes

DATABASE = "TEMP_RECORDINGS_DATABASE"
TIME_ZONE, CLEAN_UP, PAUSE = (
    "TEMP_RECORDINGS_TIME_ZONE",
    "TEMP_RECORDINGS_CLEAN_UP",
    "TEMP_RECORDINGS_PAUSE_SECONDS",
)
ENDED, ALL = "ended", "all"
"""What the bot's clean-up deletes: chunks that are done or failed once they are old enough, or all within the hour."""
_TTL_OF_ALL = timedelta(hours=1)
# A meeting has hundreds of files.
_MEETINGS_TOGETHER = 50
_BY_SIZE = (
    "Durations are told by the sizes of files (raw audio: 192 bytes a millisecond; MP3: 16, at 128 kbit/s). No file "
    "was opened: audio that is damaged inside, or another one of the same length, is not seen, and no SHA-256 was "
    "compared."
)


class TempRecordings(Grouped):
    """Chunks of recorded meetings that are lost, stuck or about to be deleted before they are in a recording."""

    name = "temp-recordings"
    title = "Temporary recordings"
    wording = WORDING
    showing = SHOWING
    modes = options.MODES
    options = options.OPTIONS
    kinds = KINDS
    connections = (database(DATABASE), bucket(BUCKET))
    settings = (
        Setting(
            TIME_ZONE,
            "The time zone of the moments in the database, whose columns name none.",
            "the name of a time zone, such as UTC or America/New_York",
            "|".join(re.escape(one) for one in sorted(available_timezones())),
            "time_zone",
            default="UTC",
        ),
        Setting(
            CLEAN_UP,
            "What the bot's clean-up deletes: what is done or failed after ttl_hours (ended), or all each hour (all).",
            f"one of {ENDED}, {ALL}",
            f"{ENDED}|{ALL}",
            "clean_up",
            default=ENDED,
        ),
        # A transcoder that writes makes its file larger all the time: between the looks that shows.
        Setting(
            PAUSE,
            "How long the second look waits after the first.",
            "a whole number of seconds from 0 to 600",
            "[0-9]|[1-9][0-9]|[1-5][0-9]{2}|600",
            default="15",
        ),
    )
    only = Keys(MEETINGS, "ids of meetings, 16 hexadecimal digits", "[0-9A-Fa-f]{16}", str.lower)
    joins = (
        Join(
            MEETINGS,
            (
                (MEETINGS, attrgetter("id")),
                (CHUNKS, attrgetter("meeting_id")),
                (RECORDINGS, attrgetter("meeting_id")),
                (FILES, meeting_in),
            ),
        ),
    )
    scan = Scan(
        MEETINGS,
        open=files.choose,
        lookups=files.lookups,
        reduce=files.reduce,
        pack=files.pack,
        unpack=files.unpack,
        harmless=frozenset({DELETED_DURING_SCAN}),
        together=_MEETINGS_TOGETHER,
    )

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self.given = given or {one.name: one.default or "" for one in self.settings}
        self.zone = ZoneInfo(self.given[TIME_ZONE])
        self.pause = timedelta(seconds=int(self.given[PAUSE]))
        self.sources = (
            self._table(MEETINGS, partial(Meeting.from_json, zone=self.zone), unique=True),
            self._table(CHUNKS, partial(Chunk.from_json, zone=self.zone)),
            self._table(RECORDINGS, partial(Recording.from_json, zone=self.zone)),
            Source(FILES, BUCKET, lambda asked, _moments: None if asked.only else Prefixes(depth=DEPTH)),
        )

    def configured(self, given: Mapping[str, str]) -> "TempRecordings":
        """The profile for one system, by its settings."""
        return type(self)(given)

    def _table(self, name: str, row: Any, *, unique: bool = False) -> Source:
        return Source(
            name,
            DATABASE,
            lambda asked, _moments: queries.rows(name, asked),
            lambda _asked, _moments, keys: queries.rows_again(name, keys),
            row,
            ascends=True,
            unique=unique,
        )

    # --- the first look -----------------------------------------------------------------------------------------------

    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        """As for any group; and whether rows and bucket belong together, which recordings show: they stay."""
        screened = super().screen(join, group, audit)
        if not group.rows[2] or group.evidence is None or isinstance(group.evidence, Unread):
            return screened
        return screened._replace(sightings=[(PLACED if group.evidence else MISSING, None)])

    # --- groups as facts ----------------------------------------------------------------------------------------------

    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:  # noqa: ARG002 - there is one join
        scene = self._scene(group, before and self._scene(before, None, audit), audit)
        promoted = frozenset[str]() if scene.unread else promoted_in(scene)
        chunks = [ChunkFacts(scene, one, promoted) for one in scene.chunks]
        yield from ((CHUNK.name, one.chunk.id, one) for one in chunks)
        yield from ((RECORDING.name, one.id, RecordingFacts(scene, one)) for one in scene.recordings)
        if scene.meeting is not None:
            for user in _users(scene):
                yield PARTICIPANT.name, f"{scene.key}/{user}", ParticipantFacts(scene, user)
            unfinished = sum(CHUNK.judged(one).verdict not in NOT_AGAINST_COMPLETION for one in chunks)
            yield MEETING.name, scene.meeting.id, MeetingFacts(scene, None if scene.unread else unfinished)
        for key in sorted(scene.files.keys() | set(scene.keys or ())):
            if key not in scene.owned and not is_marker(key):
                facts = FileFacts(scene, key, scene.files.get(key), promoted)
                yield FILE.name, key if facts.is_named or is_leftover(key) else masked(key), facts

    def _scene(self, group: Group, before: Scene | None, audit: Audit) -> Scene:
        meetings, chunks, recordings, keys = group.rows
        deletes_all = self.given[CLEAN_UP] == ALL
        terms = Terms(
            options.wait(audit.asked), _TTL_OF_ALL if deletes_all else options.ttl(audit.asked), deletes_all=deletes_all
        )
        return Scene(
            group.key,
            meetings[0] if meetings else None,
            tuple(sorted(chunks, key=attrgetter("id"))),
            tuple(sorted(recordings, key=attrgetter("id"))),
            group.evidence,
            None if audit.asked.only else tuple(keys),
            audit.clock,
            terms,
            before,
        )

    def conclude(self, doubts: Iterable[Doubt], audit: Audit) -> Iterator[Subject | Gap]:
        yield from super().conclude(doubts, audit)
        if not audit.asked.only:
            return
        unknown = [
            doubt.first.key
            for doubt in doubts
            if doubt.first.key in audit.asked.only and not doubt.again.rows[0] and MEETINGS not in doubt.again.lost
        ]
        if unknown:
            more = "" if len(unknown) == 1 else f" and {len(unknown) - 1} more"
            yield Gap(f"there is no meeting {unknown[0]}{more}", "Check the ids that were asked for.")

    def notes(self, audit: Audit) -> Iterator[str]:  # noqa: ARG002 - it is so for every audit
        """What sizes cannot tell."""
        yield _BY_SIZE


def _users(scene: Scene) -> Sequence[str]:
    """Whoever took part in a meeting, by its row, by chunks, by recordings and by final files."""
    listed = scene.meeting.participants if scene.meeting else None
    found = [*(listed or ()), *scene.by_user, *scene.pieces]
    found += [one.user_id for one in scene.recordings] + [name.user for name, _ in scene.finals]
    return sorted({one for one in found if one})


PROFILE = TempRecordings()
