"""The profile: what is read, how it is joined, and how a group becomes facts."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from profiles.temp_recordings import files, options, queries
from profiles.temp_recordings.chunk_rules import EXPIRING_UNPROMOTED, NOT_AGAINST_COMPLETION, RESCUED_UNPROMOTED
from profiles.temp_recordings.facts import (
    WARNED_AFTER,
    ChunkFacts,
    FileFacts,
    MeetingFacts,
    ParticipantFacts,
    RecordingFacts,
    promoted_in,
)
from profiles.temp_recordings.files import BUCKET, Evidence
from profiles.temp_recordings.kinds import CHUNK, FILE, KINDS, MEETING, PARTICIPANT, RECORDING
from profiles.temp_recordings.names import (
    RESCUE,
    group_of,
    is_leftover,
    is_marker,
    is_meeting_id,
    masked,
    meeting_in,
)
from profiles.temp_recordings.queries import CHUNKS, FILES, MEETINGS, RECORDINGS, Expiring
from profiles.temp_recordings.repairs import repairs
from profiles.temp_recordings.rescued import IN_RESCUE
from profiles.temp_recordings.rows import Chunk, Meeting, Recording
from profiles.temp_recordings.scene import Promotion, Scene, Terms
from profiles.temp_recordings.wording import SHOWING, WORDING
from reconciliation.coverage import DELETED_DURING_SCAN, Gap
from reconciliation.evidence import Unread
from reconciliation.looks import MISSING, PLACED, Audit, Doubt, Group, Screened, Subject
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Grouped, Join, Keys, Scan, Setting, Source, bucket, database
from reconciliation.queries import Moments
from reconciliation.repair_plan import Named
from reconciliation.since_last import Known
from reconciliation.wording import plural

DATABASE = "TEMP_RECORDINGS_DATABASE"
TIME_ZONE, CLEAN_UP, PROMOTION, PAUSE = (
    "TEMP_RECORDINGS_TIME_ZONE",
    "TEMP_RECORDINGS_CLEAN_UP",
    "TEMP_RECORDINGS_PROMOTION",
    "TEMP_RECORDINGS_PAUSE_SECONDS",
)
DELETE_ROWS, OFF, ON = "TEMP_RECORDINGS_DELETE_ROWS", "off", "on"
ENDED, ALL = "ended", "all"
"""What the bot's clean-up deletes: chunks that are done or failed once they are old enough, or all within the hour."""
_ANY_ID = "[0-9A-Za-z_-]{1,16}"
_TTL_OF_ALL = timedelta(hours=1)
_BY_BYTES = (
    "Every MP3 was read to its last byte (mode deep): its duration is that of the frames in it, and its SHA-256 was "
    "compared with the one in its row, where that has one. Nothing was decoded: what a frame holds was not heard, and "
    "raw audio was not read, whose duration is told by its size (192 bytes a millisecond)."
)
# A meeting has hundreds of files.
_MEETINGS_TOGETHER = 50
_BY_SIZE = (
    "Durations are told by the sizes of files (raw audio: 192 bytes a millisecond; MP3: 16, at 128 kbit/s). No file "
    "was opened (mode full): audio that is damaged inside, or another one of the same length, is not seen, and no "
    "SHA-256 was compared."
)
_ONLY_EXPIRING = (
    "This audit looked only at meetings with a chunk that the bot's clean-up is about to delete. The bucket was not "
    "listed: what hangs elsewhere, lies in folders where it does not belong, or has no row is found by a full audit."
)


def _read_id(text: str) -> str:
    return text.lower() if is_meeting_id(text.lower()) else text


class TempRecordings(Grouped):
    """Chunks of recorded meetings that are lost, stuck or about to be deleted before they are in a recording."""

    name = "temp-recordings"
    title = "Temporary recordings"
    wording = WORDING
    showing = SHOWING
    modes = options.MODES
    compared_apart = (options.EXPIRING,)
    options = options.OPTIONS
    kinds = KINDS
    connections = (database(DATABASE), bucket(BUCKET))
    totals = (IN_RESCUE,)
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
        Setting(
            DELETE_ROWS,
            "Whether rows of chunks that a recording holds and whose files are gone are findings, and may be deleted.",
            f"one of {OFF}, {ON}",
            f"{OFF}|{ON}",
            default=OFF,
        ),
        Setting(
            PROMOTION,
            "Which recordings are expected of a meeting that is over: one of each participant with chunks (per_user), "
            "one of the whole meeting (whole_meeting), or both (hybrid).",
            f"one of {', '.join(Promotion)}",
            "|".join(Promotion),
            "promotion",
            default=Promotion.PER_USER.value,
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
    only = Keys(MEETINGS, "ids of meetings, chunks or recordings, of up to 16 letters and digits", _ANY_ID, _read_id)
    joins = (
        Join(
            MEETINGS,
            (
                (MEETINGS, attrgetter("id")),
                (CHUNKS, attrgetter("meeting_id")),
                (RECORDINGS, attrgetter("meeting_id")),
                (FILES, group_of),
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
        self.repairs = repairs(self.zone)
        self.sources = (
            self._table(MEETINGS, partial(Meeting.from_json, zone=self.zone), unique=True),
            self._table(CHUNKS, partial(Chunk.from_json, zone=self.zone)),
            self._table(RECORDINGS, partial(Recording.from_json, zone=self.zone)),
            Source(FILES, BUCKET, lambda asked, _moments: queries.files(asked)),
        )

    def configured(self, given: Mapping[str, str]) -> "TempRecordings":
        """The profile for one system, by its settings."""
        return type(self)(given)

    def look_at(self, subjects: Sequence[Named], found_by: AuditParameters) -> AuditParameters:
        """The meetings of all of them, each read whole, and by its bytes if those have shown what was found."""
        keys = dict.fromkeys(_key_of(one) for one in subjects)
        mode = options.DEEP if found_by.mode == options.DEEP else options.FULL
        asked = {**self.parameters().options, **found_by.options}
        return self.parameters(mode=mode, only=tuple(keys), options=asked, grace_minutes=found_by.grace_minutes)

    def _table(self, name: str, row: Any, *, unique: bool = False) -> Source:
        return Source(
            name,
            DATABASE,
            lambda asked, moments: queries.rows(name, asked, self._expiring(asked, moments)),
            lambda _asked, _moments, keys: queries.rows_again(name, keys),
            row,
            ascends=True,
            unique=unique,
        )

    def _expiring(self, asked: AuditParameters, moments: Moments) -> Expiring | None:
        """Which chunks decide that a meeting is looked at; None where that does not depend on them."""
        if asked.mode != options.EXPIRING or asked.only:
            return None
        terms = self._terms(asked)
        young = moments.latest - terms.ttl * WARNED_AFTER
        return Expiring.up_to(young, self.zone, deletes_all=terms.deletes_all)

    def _terms(self, asked: AuditParameters) -> Terms:
        deletes_all = self.given[CLEAN_UP] == ALL
        ttl = _TTL_OF_ALL if deletes_all else options.ttl(asked)
        return Terms(
            options.wait(asked),
            ttl,
            deletes_all,
            deletes_leftovers=self.given[DELETE_ROWS] == ON,
            promotion=Promotion(self.given[PROMOTION]),
        )

    # --- the first look -----------------------------------------------------------------------------------------------

    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        """As for any group; and whether rows and bucket belong together, which recordings show: they stay."""
        screened = super().screen(join, group, audit)
        if _names(group, audit.asked.only):
            screened = Screened(in_doubt=True)
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
            verdicts = Counter(CHUNK.judged(one).verdict for one in chunks)
            unfinished = sum(number for verdict, number in verdicts.items() if verdict not in NOT_AGAINST_COMPLETION)
            of_meeting = MeetingFacts(scene, None if scene.unread else unfinished, verdicts["unverified"])
            yield MEETING.name, scene.meeting.id, of_meeting
        for key in _files_of(scene):
            if key not in scene.owned and not is_marker(key):
                facts = FileFacts(scene, key, scene.files.get(key), promoted)
                yield FILE.name, key if facts.is_named or is_leftover(key) else masked(key), facts

    def _scene(self, group: Group, before: Scene | None, audit: Audit) -> Scene:
        meetings, chunks, recordings, keys = group.rows
        return Scene(
            group.key,
            meetings[0] if meetings else None,
            tuple(sorted(chunks, key=attrgetter("id"))),
            tuple(sorted(recordings, key=attrgetter("id"))),
            group.evidence,
            None if options.is_narrow(audit.asked) else tuple(keys),
            audit.clock,
            self._terms(audit.asked),
            before,
        )

    def conclude(self, doubts: Iterable[Doubt], audit: Audit) -> Iterator[Subject | Gap]:
        yield from super().conclude(doubts, audit)
        unread = sum(bool(one.unread) for doubt in doubts for one in _files(doubt.again.evidence))
        if unread:
            what = f"the bytes of {plural(unread, 'file')} could not be read"
            yield Gap(what, "What depends on them is unverified. See the service's log, and audit again.")
        if not audit.asked.only or audit.is_look:  # a repair may have deleted what it looks at again
            return
        unknown, found = list[str](), set[str]()
        for doubt in doubts:
            found.update(_names(doubt.again, audit.asked.only))
            is_asked_for = doubt.first.key in audit.asked.only and not {MEETINGS, CHUNKS} & doubt.again.lost
            if is_asked_for and not any(doubt.again.rows[:3]) and not doubt.again.evidence:
                unknown.append(doubt.first.key)
        unknown = [one for one in unknown if one not in found]
        if unknown:
            more = "" if len(unknown) == 1 else f" and {len(unknown) - 1} more"
            why = "Check the ids that were asked for."
            yield Gap(f"there is no meeting, chunk or recording {unknown[0]}{more}", why)

    def notes(self, audit: Audit) -> Iterator[str]:
        """What was read of files, what that cannot tell, and what a short audit does not look at."""
        yield _BY_BYTES if audit.asked.mode == options.DEEP else _BY_SIZE
        if audit.asked.mode == options.EXPIRING and not audit.asked.only:
            yield _ONLY_EXPIRING

    def shows(self, mode: str, known: Known) -> bool:
        """A short audit looks at every chunk that is expiring, and at others only by the way."""
        if mode == options.EXPIRING:
            return known.kind == CHUNK.name and known.verdict in {EXPIRING_UNPROMOTED, RESCUED_UNPROMOTED}
        return super().shows(mode, known)


def _files(evidence: Evidence | Unread | None) -> Evidence:
    """The files of a unit, if they were looked up."""
    return () if evidence is None or isinstance(evidence, Unread) else evidence


def _key_of(subject: Named) -> str:
    """An id by which the meeting of a subject can be asked for."""
    if subject.kind == PARTICIPANT.name:
        return subject.id.partition("/")[0]
    return meeting_in(subject.id) if subject.kind == FILE.name else subject.id


def _names(group: Group, ids: Collection[str]) -> set[str]:
    """Which of these ids are those of chunks or recordings of a group."""
    return {one.id for rows in group.rows[1:3] for one in rows if one.id in ids} if ids else set()


def _files_of(scene: Scene) -> list[str]:
    """The keys of all files of a scene, each of one scene only."""
    if scene.keys is None:
        return sorted(scene.files)
    # Of rescue/ the listing shows folders, too: what lies in them was looked up.
    listed = {key for key in scene.keys if scene.unread or not (key.startswith(RESCUE) and key.endswith("/"))}
    found = (key for key in scene.files if not key.startswith(RESCUE) or group_of(key) == scene.key)
    return sorted(listed.union(found))


def _users(scene: Scene) -> Sequence[str]:
    """Whoever took part in a meeting, by its row, by chunks, by recordings and by final files."""
    listed = scene.meeting.participants if scene.meeting else None
    found = [*(listed or ()), *scene.by_user, *scene.pieces]
    found += [one.user_id for one in scene.recordings] + [name.user for name, _ in scene.finals]
    return sorted({one for one in found if one})


PROFILE = TempRecordings()
