"""Everything that was read of one meeting, side by side: its rows, its files, and what the first look had of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from profiles.temp_recordings.durations import pcm_ms
from profiles.temp_recordings.files import Evidence, File
from profiles.temp_recordings.names import RESCUE, STORAGE, TEMP, FinalName, base, chunk_in, final_in, lies_in
from profiles.temp_recordings.rows import PAUSED, PROCESSING, RECORDING, Chunk, Meeting, Recording
from profiles.temp_recordings.wall_times import Spread
from reconciliation.clock import Clock
from reconciliation.evidence import Unread

LIVE = timedelta(seconds=90)
"""Three windows: a meeting that is recorded gets a chunk in each."""
LONGEST_MEETING = timedelta(hours=5)
MOVING = timedelta(minutes=30)
"""How long the bot may take after a meeting for any one step."""
_HIDDEN = "its files could not be looked up"


class Promotion(StrEnum):
    """Which recordings are expected of a meeting that is over."""

    PER_USER = "per_user"  # one of each participant with chunks
    WHOLE_MEETING = "whole_meeting"  # one of all participants together
    HYBRID = "hybrid"  # both

    @property
    def expects_whole(self) -> bool:
        return self is not Promotion.PER_USER

    @property
    def expects_each(self) -> bool:
        return self is not Promotion.WHOLE_MEETING


class Terms(NamedTuple):
    """What the bot is like: ``wait`` is how long it waits for its transcoder, ``ttl`` how old chunks get before its
    clean-up deletes them. ``deletes_all``: it deletes chunks of every status, not only those that are done or failed.
    ``deletes_leftovers``: rows of which nothing is left to do are findings, and may be deleted. ``promotion`` is what
    it makes of the chunks of a meeting.
    """

    wait: timedelta
    ttl: timedelta
    deletes_all: bool
    deletes_leftovers: bool = False
    promotion: Promotion = Promotion.PER_USER


class Piece(NamedTuple):
    """A chunk of a user without a row: the files of it."""

    number: int
    ms: int


@dataclass(frozen=True)
class Scene:
    """One meeting. ``evidence`` are its files; an ``Unread`` if they could not be read, None if they were not looked
    up. ``keys`` are keys of the listing of the whole bucket that name it; None if that was not asked for. ``before`` is
    the scene of the first look.
    """

    key: str
    meeting: Meeting | None
    chunks: tuple[Chunk, ...]
    recordings: tuple[Recording, ...]
    evidence: Evidence | Unread | None
    keys: tuple[str, ...] | None
    clock: Clock
    terms: Terms
    before: "Scene | None" = field(default=None, compare=False)

    # --- files --------------------------------------------------------------------------------------------------------

    @property
    def unread(self) -> str | None:
        """Why its files are not known; None if they are."""
        if isinstance(self.evidence, Unread):
            return self.evidence.reason
        return _HIDDEN if self.evidence is None else None

    @cached_property
    def files(self) -> dict[str, File]:
        """Its files by their keys; none where they could not be read."""
        known = () if self.evidence is None or isinstance(self.evidence, Unread) else self.evidence
        return {one.key: one for one in known}

    @cached_property
    def named(self) -> dict[str, list[File]]:
        """Its files by the names at the end of their keys."""
        found: dict[str, list[File]] = {}
        for one in self.files.values():
            found.setdefault(base(one.key), []).append(one)
        return found

    def has_changed(self, key: str) -> bool:
        """True if a file was written, appeared or vanished between the two looks."""
        if self.before is None or self.before.unread:
            return False
        was, now = self.before.files.get(key), self.files.get(key)
        return (was and was.written) != (now and now.written)

    def is_recent(self, one: File, span: timedelta) -> bool:
        return self.clock.is_recent(one.moment - self.clock.storage_ahead, span)

    def has_settled(self, one: File) -> bool:
        return self.clock.has_settled(one.moment)

    @cached_property
    def owned(self) -> frozenset[str]:
        """The keys of the files that its rows are about, wherever they lie."""
        names = {name for one in self.chunks for name in (one.pcm_name, one.mp3_name)}
        finals = {f"{STORAGE}{one.name}" for one in self.recordings}
        chunks = {key for key in self.files if base(key) in names and not key.startswith(RESCUE)}
        return frozenset(chunks | (finals & self.files.keys()))

    @cached_property
    def finals(self) -> tuple[tuple[FinalName, File], ...]:
        """The final files without a row."""
        named = ((final_in(base(key)), one) for key, one in self.files.items() if key not in self.owned)
        return tuple((name, one) for name, one in named if name is not None and lies_in(one.key) == STORAGE)

    @cached_property
    def pieces(self) -> dict[str, tuple[Piece, ...]]:
        """The chunks without a row whose files are there, by user."""
        found: dict[str, dict[int, int]] = {}
        for key, one in self.files.items():
            named = chunk_in(base(key))
            if named is not None and key.startswith(TEMP) and key not in self.owned:
                ms = pcm_ms(one.size) if named.suffix == "pcm" else one.mp3_ms
                of_user = found.setdefault(named.user, {})
                of_user[named.number] = max(of_user.get(named.number, 0), ms)
        return {user: tuple(Piece(*piece) for piece in sorted(pieces.items())) for user, pieces in found.items()}

    # --- rows ---------------------------------------------------------------------------------------------------------

    @cached_property
    def tokens(self) -> dict[str, str]:
        """What changes with every write to a row of a chunk or of a recording, by its id."""
        rows: tuple[Chunk | Recording, ...] = (*self.chunks, *self.recordings)
        return {one.id: one.token for one in rows}

    @cached_property
    def by_user(self) -> dict[str, list[Chunk]]:
        found: dict[str, list[Chunk]] = {}
        for one in self.chunks:
            found.setdefault(one.user_id, []).append(one)
        return found

    def chunks_of(self, user: str) -> list[Chunk]:
        return self.by_user.get(user, [])

    def users_in(self, user: str) -> tuple[str, ...]:
        """Whose chunks belong into a recording of a user; of the whole meeting ("") those of everybody."""
        return (user,) if user else tuple(dict.fromkeys([*self.by_user, *self.pieces]))

    def recordings_of(self, user: str) -> list[Recording]:
        """Those of a user; those of the whole meeting are of each."""
        return [one for one in self.recordings if one.user_id in {user, ""}]

    @property
    def of_whole(self) -> list[Recording]:
        """The recordings of the whole meeting."""
        return [one for one in self.recordings if not one.user_id]

    @cached_property
    def same_place(self) -> dict[tuple[str, int], int]:
        """How many rows there are for each user and index."""
        found: dict[tuple[str, int], int] = {}
        for one in self.chunks:
            if one.named is not None:
                place = one.user_id, one.named.number
                found[place] = found.get(place, 0) + 1
        return found

    @cached_property
    def last_index(self) -> dict[str, int]:
        """The last index of each user, of rows and files."""
        found: dict[str, int] = {}
        for user, index in self.same_place:
            found[user] = max(found.get(user, index), index)
        for user, pieces in self.pieces.items():
            found[user] = max(found.get(user, 0), pieces[-1].number)
        return found

    # --- where the meeting is -----------------------------------------------------------------------------------------

    def _signs(self) -> Iterator[Spread]:
        if self.meeting is not None:
            yield from (one for one in (self.meeting.started, self.meeting.updated) if one is not None)
        rows: tuple[Chunk | Recording, ...] = (*self.chunks, *self.recordings)
        for row in rows:
            if row.created is not None:
                yield row.created

    @cached_property
    def last_sign(self) -> datetime | None:
        """The last moment at which the bot has written a row for it."""
        return max((one.latest for one in self._signs() if one.latest <= self.clock.latest), default=None)

    def is_quiet_for(self, span: timedelta) -> bool:
        """True if the bot has written nothing for it since so long."""
        return self.last_sign is None or self.clock.age(self.last_sign) >= span

    @property
    def is_running(self) -> bool:
        """True while its row says that people meet, and nothing speaks against it."""
        status = self.meeting.status if self.meeting else ""
        if status == PAUSED:
            return not self.is_quiet_for(LONGEST_MEETING)
        return status == RECORDING and not self.is_quiet_for(max(LIVE, self.clock.grace))

    @property
    def is_live(self) -> bool:
        """True while chunks of it arrive."""
        return self.is_running and not self.is_quiet_for(LIVE)

    @property
    def is_processing(self) -> bool:
        """True while the bot is at work on it, and within its time."""
        return self.meeting is not None and self.meeting.status in PROCESSING and not self.is_quiet_for(MOVING)
