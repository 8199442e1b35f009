"""Everything that rules decide by: of a chunk, of a recording, of a participant, of a meeting, of a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, islice, pairwise

from profiles.temp_recordings.durations import WINDOW_MS, is_pcm, pcm_ms, tolerance_ms
from profiles.temp_recordings.files import File
from profiles.temp_recordings.names import (
    RESCUE,
    STORAGE,
    TEMP,
    FinalName,
    base,
    chunk_in,
    final_in,
    lies_in,
    rescued_as,
)
from profiles.temp_recordings.rows import DONE, FAILED, Chunk, Recording
from profiles.temp_recordings.scene import Promotion, Scene
from reconciliation.rules import Severity

TRANSCODING = timedelta(minutes=6, seconds=10)
"""How long the transcoder may take for one chunk, and its row to be written."""
WARNED_AFTER = 3 / 4
"""A chunk is about to be deleted when it has reached this part of the age at which it is."""
CLEAN_UP_EVERY = timedelta(hours=1)
MOST_MISSING = 1000


@dataclass(frozen=True)
class ChunkFacts:
    """One row of ``temp_recordings``, and its files; ``promoted`` is as ``promoted_in`` gives it."""

    scene: Scene
    chunk: Chunk
    promoted: frozenset[str] = frozenset()

    @property
    def unread(self) -> str | None:
        """Why not all is known that its verdict depends on: its MP3, and the recordings that may hold it."""
        if self.scene.unread:
            return self.scene.unread
        files = [self.mp3]
        if not self.is_promoted:
            files += [RecordingFacts(self.scene, one).file for one in self.scene.recordings_of(self.chunk.user_id)]
        return next((one.unread for one in files if one is not None and one.unread), None)

    # --- its files ----------------------------------------------------------------------------------------------------

    @cached_property
    def pcm(self) -> File | None:
        return self.scene.files.get(f"{TEMP}{self.chunk.pcm_name}")

    @cached_property
    def mp3(self) -> File | None:
        return self.scene.files.get(f"{TEMP}{self.chunk.mp3_name}")

    @cached_property
    def elsewhere(self) -> tuple[File, ...]:
        """Files of the same names that lie in other folders."""
        found = (one for name in (self.chunk.pcm_name, self.chunk.mp3_name) for one in self.scene.named.get(name, ()))
        return tuple(one for one in found if one.key != f"{TEMP}{base(one.key)}")

    @property
    def ways(self) -> tuple[tuple[File, ...], ...]:
        """The files of which copies are needed so that nothing of it can be lost: any one of these sets is enough, the
        smallest first, and all that there is last. Empty if there is no file of it.
        """
        there = tuple(one for one in (self.pcm, self.mp3) if one is not None)
        whole = [(self.mp3,)] if self.mp3 is not None and self.mp3_is_whole else []
        raw = [(self.pcm,)] if self.pcm is not None and self.has_pcm else []
        return tuple(dict.fromkeys([*whole, *raw, *([there] if there else [])]))

    def kept(self, file: File) -> tuple[File, ...]:
        """What lies below its meeting's folder in rescue/ under the name of a file, whatever it holds."""
        folder = rescued_as(self.scene.key, "")
        return tuple(one for one in self.scene.named.get(base(file.key), ()) if one.key.startswith(folder))

    @property
    def is_rescued(self) -> bool:
        """True if all that holds it is kept: the same bytes where those were read, else a file of the same size."""
        return any(all(any(_is_copy(copy, one) for copy in self.kept(one)) for one in way) for way in self.ways)

    @property
    def has_file(self) -> bool:
        return self.pcm is not None or self.mp3 is not None

    @property
    def has_pcm(self) -> bool:
        """True if its raw audio is there and can be transcoded."""
        return self.pcm is not None and is_pcm(self.pcm.size)

    @property
    def expected_ms(self) -> int | None:
        """How long its MP3 plays if it is whole; None if nothing tells."""
        if self.pcm is not None and self.has_pcm:
            return pcm_ms(self.pcm.size)
        if self.chunk.duration_ms:
            return self.chunk.duration_ms
        return WINDOW_MS if self._fills_its_window and not self._is_last else None

    @property
    def sha_differs(self) -> bool:
        """True if its MP3 was read, and is not what its row has the SHA-256 of."""
        audio = self.mp3 and self.mp3.audio
        return audio is not None and self.chunk.sha256 not in {"", audio.sha256}

    @property
    def is_corrupt(self) -> bool:
        """True if its MP3 was read, is damaged, and is all there is of it or what its row calls done."""
        is_needed = self.chunk.status == DONE or not self.has_pcm
        return self.mp3 is not None and self.mp3.is_corrupt and is_needed

    @property
    def mp3_is_whole(self) -> bool | None:
        """By its bytes if they were read, else by its size; None if there is no MP3, or nothing to compare it with."""
        if self.mp3 is None:
            return None
        expected, found = self.expected_ms, self.mp3.mp3_ms
        if found == 0 or self.mp3.is_corrupt or self.sha_differs:
            return False
        if expected is not None:
            return abs(found - expected) <= tolerance_ms(expected)
        return False if self._fills_its_window and found > WINDOW_MS + tolerance_ms(WINDOW_MS) else None

    @property
    def ms(self) -> int:
        """How long it plays: by its raw audio, else by its MP3 if the frames in that were counted and it is whole or if
        its row does not say, else as its row says; if there is no file of it, as long as was lost. 0 if nothing tells.
        """
        if self.pcm is not None and self.has_pcm:
            return pcm_ms(self.pcm.size)
        if self.mp3 is not None:
            is_known = self.mp3.audio is not None and self.mp3_is_whole is not False
            if is_known or not self.chunk.duration_ms:
                return self.mp3.mp3_ms
        return self.lost_ms or 0

    @property
    def lost_ms(self) -> int | None:
        """How long a chunk without files played; None if nothing tells."""
        return self.chunk.duration_ms or self.expected_ms

    @property
    def _fills_its_window(self) -> bool:
        return self.chunk.named is not None and self.chunk.named.is_later

    @property
    def _is_last(self) -> bool:
        named = self.chunk.named
        return named is not None and self.scene.last_index.get(self.chunk.user_id, named.number) <= named.number

    # --- its age ------------------------------------------------------------------------------------------------------

    @property
    def is_of_the_future(self) -> bool:
        created = self.chunk.created
        return created is not None and created.latest > self.scene.clock.latest

    @property
    def is_stale(self) -> bool:
        """True once the bot had all the time that it may need, by the younger of its possible ages."""
        created = self.chunk.created
        return created is not None and self.scene.clock.age(created.latest) >= TRANSCODING + self.scene.terms.wait

    @property
    def age(self) -> timedelta | None:
        """By the older of its possible ages."""
        return None if self.chunk.created is None else self.scene.clock.age(self.chunk.created.earliest)

    @property
    def has_changed(self) -> bool:
        """True if somebody wrote its row, its files or a recording of its user between the two looks."""
        before = self.scene.before
        if before is None:
            return False
        user, names = self.chunk.user_id, (self.chunk.pcm_name, self.chunk.mp3_name)
        return (
            before.tokens.get(self.chunk.id) != self.chunk.token
            or {one.id for one in before.recordings_of(user)} != {one.id for one in self.scene.recordings_of(user)}
            or any(self.scene.has_changed(f"{TEMP}{name}") for name in names)
        )

    @property
    def has_settled(self) -> bool:
        return all(self.scene.has_settled(one) for one in (self.pcm, self.mp3) if one is not None)

    # --- what becomes of it -------------------------------------------------------------------------------------------

    @property
    def is_promoted(self) -> bool:
        """True if a recording of its user is in order: it holds every chunk of that user that is known."""
        return not self.promoted.isdisjoint({self.chunk.user_id, ""})

    @property
    def is_leftover(self) -> bool:
        """True if the bot's clean-up has deleted all of it but its row."""
        return self.is_promoted and self.chunk.status == DONE and not self.has_file and self.is_overdue

    @property
    def is_cleaned_up(self) -> bool:
        """True if the clean-up deletes chunks of its status."""
        return self.scene.terms.deletes_all or self.chunk.status in {DONE, FAILED}

    @property
    def is_expiring(self) -> bool:
        age = self.age
        return age is not None and self.is_cleaned_up and age >= self.scene.terms.ttl * WARNED_AFTER

    @property
    def due(self) -> datetime | None:
        """When it is too late to save it; None if it is not about to be deleted."""
        return self.deleted_at if self.is_expiring else None

    @property
    def deleted_at(self) -> datetime | None:
        """When the clean-up deletes it, at the earliest; once that has passed, when it has run again. None if it does
        not, or if nothing tells its age.
        """
        if self.chunk.created is None or not self.is_cleaned_up:
            return None
        due = self.chunk.created.earliest + self.scene.terms.ttl
        return due if due > self.scene.clock.now else self.scene.clock.now + CLEAN_UP_EVERY

    @property
    def is_overdue(self) -> bool:
        return self.age is not None and self.age >= self.scene.terms.ttl

    @property
    def has_twin(self) -> bool:
        named = self.chunk.named
        return named is not None and self.scene.same_place[self.chunk.user_id, named.number] > 1


@dataclass(frozen=True)
class RecordingFacts:
    """One row of ``recordings``, its file, and the chunks that should be in it."""

    scene: Scene
    recording: Recording

    @property
    def unread(self) -> str | None:
        return self.scene.unread or (self.file.unread if self.file else "") or None

    @property
    def file(self) -> File | None:
        return self.scene.files.get(f"{STORAGE}{self.recording.name}")

    @property
    def file_ms(self) -> int:
        return self.file.mp3_ms if self.file else 0

    @property
    def is_corrupt(self) -> bool:
        return self.file is not None and self.file.is_corrupt

    @property
    def has_changed(self) -> bool:
        before = self.scene.before
        if before is None:
            return False
        is_written = before.tokens.get(self.recording.id) != self.recording.token
        return is_written or self.scene.has_changed(f"{STORAGE}{self.recording.name}")

    @cached_property
    def users(self) -> tuple[str, ...]:
        """Whose chunks should be in it."""
        return self.scene.users_in(self.recording.user_id)

    @cached_property
    def chunks(self) -> tuple[ChunkFacts, ...]:
        return tuple(ChunkFacts(self.scene, one) for user in self.users for one in self.scene.chunks_of(user))

    @cached_property
    def chunks_ms(self) -> int:
        """How long the chunks of it play that are still known; of a whole meeting, those of the user with the most."""
        return max((played_ms(self.scene, user) for user in self.users), default=0)

    @cached_property
    def missing(self) -> tuple[int, ...]:
        """The indexes that are missing between its chunks, of any of its users; see ``missing``."""
        return tuple(dict.fromkeys(index for user in self.users for index in missing(self.scene, user)))

    @property
    def tolerance_ms(self) -> int:
        return tolerance_ms(self.recording.duration_ms or 0, len(self.chunks))

    @property
    def is_of_other_sort(self) -> bool:
        """True if it is of a whole meeting where one of each participant is expected, or the other way round."""
        expected = self.scene.terms.promotion
        return not (expected.expects_each if self.recording.user_id else expected.expects_whole)

    @property
    def fits_its_file(self) -> bool:
        return abs((self.recording.duration_ms or 0) - self.file_ms) <= self.tolerance_ms

    @property
    def is_short(self) -> bool:
        """True if it plays shorter than its chunks; or if one is missing among them, and it does not play longer."""
        duration = self.recording.duration_ms or 0
        if duration < self.chunks_ms - self.tolerance_ms:
            return True
        return bool(self.missing) and duration <= self.chunks_ms + self.tolerance_ms

    @cached_property
    def late(self) -> tuple[ChunkFacts, ...]:
        """Its chunks that were done after it was made, or never: it cannot hold them."""
        return tuple(one for one in self.chunks if self._comes_before(one))

    def _comes_before(self, one: ChunkFacts) -> bool:
        if one.chunk.status != DONE:
            return one.mp3 is None
        made, done = self.recording.created, one.chunk.completed or one.chunk.created
        return made is not None and done is not None and done.earliest > made.latest

    @property
    def has_sha_of_a_chunk(self) -> bool:
        """True if its hash is that of one chunk, although it has several."""
        own = self.recording.sha256
        return bool(own) and len(self.chunks) > 1 and any(one.chunk.sha256 == own for one in self.chunks)

    @property
    def has_sha_of_first_chunk(self) -> bool:
        """True if that chunk is the first of its user."""
        first = min((one for one in self.chunks if one.chunk.named), key=_place, default=None)
        return self.has_sha_of_a_chunk and first is not None and first.chunk.sha256 == self.recording.sha256

    @property
    def has_wrong_sha(self) -> bool:
        """True if its hash is not that of its file; where that was not read, if it is that of one of several chunks."""
        audio = self.file and self.file.audio
        if audio is None:
            return self.has_sha_of_a_chunk
        return self.recording.sha256 not in {"", audio.sha256}

    @cached_property
    def is_in_order(self) -> bool:
        """True if its file is there, plays as long as the row says, and holds all that is known of its chunks; if its
        bytes were to be read, also that they are what they should be.
        """
        return (
            not self.recording.unreadable
            and self.file is not None
            and not self.file.unread
            and bool(self.recording.duration_ms)
            and self.fits_its_file
            and not (self.is_corrupt or self.has_wrong_sha or self.is_short or self.late)
        )


@dataclass(frozen=True)
class ParticipantFacts:
    """A user of a meeting: whoever its row lists, and whoever has chunks or recordings."""

    scene: Scene
    user: str

    @property
    def unread(self) -> str | None:
        return self.scene.unread

    @property
    def recordings(self) -> list[Recording]:
        return self.scene.recordings_of(self.user)

    @property
    def own_recordings(self) -> list[Recording]:
        return [one for one in self.scene.recordings if one.user_id == self.user]

    @property
    def chunks(self) -> int:
        """How many chunks there are, with a row or without one."""
        return len(self.scene.chunks_of(self.user)) + len(self.scene.pieces.get(self.user, ()))

    @property
    def ms(self) -> int:
        return played_ms(self.scene, self.user)

    @property
    def missing(self) -> tuple[int, ...]:
        return missing(self.scene, self.user)

    @property
    def is_recorded(self) -> bool:
        """True if there is a recording of the sort that is expected of the user."""
        return bool(self.own_recordings if self.promotion.expects_each else self.scene.of_whole)

    @property
    def is_recorded_otherwise(self) -> bool:
        """True if there is one of another sort, which will do: not where both are expected and there are chunks."""
        will_do = self.promotion is not Promotion.HYBRID or not self.chunks
        return will_do and not self.is_recorded and bool(self.recordings)

    @property
    def promotion(self) -> Promotion:
        return self.scene.terms.promotion

    @property
    def has_final(self) -> bool:
        """True if there is a final file of the user that has no row; one of the whole meeting will do unless both are
        expected.
        """
        will_do = {self.user} if self.promotion is Promotion.HYBRID else {self.user, ""}
        return any(name.user in will_do for name, _ in self.scene.finals)

    @property
    def has_changed(self) -> bool:
        before = self.scene.before
        if before is None:
            return False
        return {one.id for one in before.recordings_of(self.user)} != {one.id for one in self.recordings}

    @property
    def is_silent_meeting(self) -> bool:
        """True if nothing at all was ever recorded of the meeting."""
        return not (self.scene.chunks or self.scene.recordings or self.scene.files)


@dataclass(frozen=True)
class MeetingFacts:
    """One row of ``meetings``. ``unfinished`` is how many of its chunks are not in order; None: that is not known.
    ``unverified`` is how many may be or not.
    """

    scene: Scene
    unfinished: int | None
    unverified: int = 0

    @property
    def unread(self) -> str | None:
        return self.scene.unread

    @property
    def has_changed(self) -> bool:
        before = self.scene.before
        if before is None:
            return False
        seen = ({(one.id, one.token) for one in scene.recordings} for scene in (before, self.scene))
        return before.meeting != self.scene.meeting or len({frozenset(one) for one in seen}) > 1

    @property
    def lacks_whole(self) -> bool:
        """True if a recording of the whole meeting is expected and was never made: there is no row of one, and no file
        that waits for one. Where only that is expected, one of each participant with chunks will do.
        """
        scene = self.scene
        if not scene.terms.promotion.expects_whole or scene.of_whole or any(not name.user for name, _ in scene.finals):
            return False
        with_chunks = scene.by_user.keys() | scene.pieces.keys()
        if scene.terms.promotion is Promotion.HYBRID:
            return bool(with_chunks or scene.recordings)
        with_own = {one.user_id for one in scene.recordings} | {name.user for name, _ in scene.finals}
        return not with_chunks <= with_own

    @property
    def names_other_recordings(self) -> bool:
        """True if its row names other recordings than there are; those of the whole meeting belong to no user."""
        meeting = self.scene.meeting
        if meeting is None or meeting.recording_files is None:
            return False
        there = {(one.user_id, one.id) for one in self.scene.recordings if one.user_id}
        whole = {one.id for one in self.scene.recordings if not one.user_id}
        return {pair for pair in meeting.recording_files if pair[1] not in whole} != there

    @property
    def recordings_are_in_order(self) -> bool:
        return all(RecordingFacts(self.scene, one).is_in_order for one in self.scene.recordings)

    @property
    def is_unsure(self) -> bool:
        """True if whether something is wrong with it depends on files whose bytes could not be read."""
        unread = any(RecordingFacts(self.scene, one).unread for one in self.scene.recordings)
        return self.unverified > 0 or (self.names_other_recordings and unread)


@dataclass(frozen=True)
class FileFacts:
    """A file that no row is about; ``file`` is None if it was not looked up, or is not there any more. ``promoted`` is
    as ``promoted_in`` gives it.
    """

    scene: Scene
    key: str
    file: File | None
    promoted: frozenset[str] = frozenset()

    @property
    def unread(self) -> str | None:
        if not (self.is_named or self.is_rescued):
            return None
        return self.scene.unread or (self.file.unread if self.file else "") or None

    @property
    def is_named(self) -> bool:
        """True if its name is one that the bot gives."""
        return self.suffix is not None or self.final is not None

    @property
    def suffix(self) -> str | None:
        """*pcm* or *mp3* for the file of a chunk."""
        named = chunk_in(base(self.key))
        return named.suffix if named else None

    @property
    def final(self) -> FinalName | None:
        return final_in(base(self.key))

    @property
    def user(self) -> str:
        named = chunk_in(base(self.key)) or self.final
        return named.user if named else ""

    @property
    def is_rescued(self) -> bool:
        return self.key.startswith(RESCUE)

    @property
    def is_final_in_place(self) -> bool:
        return self.final is not None and lies_in(self.key) == STORAGE

    @property
    def is_young(self) -> bool:
        """True while its row may still come."""
        if self.file is None:
            return False
        scene = self.scene
        return not scene.has_settled(self.file) or scene.is_recent(self.file, scene.clock.grace) or scene.is_processing

    @property
    def has_changed(self) -> bool:
        return self.scene.has_changed(self.key)

    @property
    def ms(self) -> int:
        if self.file is None:
            return 0
        return pcm_ms(self.file.size) if self.suffix == "pcm" else self.file.mp3_ms

    @property
    def is_corrupt(self) -> bool:
        return self.file is not None and self.file.is_corrupt

    @property
    def is_promoted(self) -> bool:
        """True if a recording of its user is in order: that has it, as far as its mode tells."""
        return not self.promoted.isdisjoint({self.user, ""})

    @property
    def severity(self) -> Severity:
        return Severity.LOW if self.is_promoted else Severity.HIGH

    @property
    def twin(self) -> Recording | None:
        """A recording of another user of the meeting that has the same bytes, by its row or by its file; where they
        were not read, one whose file has the same size.
        """
        if self.file is None:
            return None
        for one in self.scene.recordings:
            if one.user_id != self.user and self._is_like(one, self.file):
                return one
        return None

    def _is_like(self, one: Recording, own: File) -> bool:
        other = self.scene.files.get(f"{STORAGE}{one.name}")
        if own.audio is not None and one.sha256 == own.audio.sha256:
            return True
        if other is None or other.size != own.size:
            return False
        if own.audio is None or other.audio is None:
            return True
        return own.audio.sha256 == other.audio.sha256


def _place(one: ChunkFacts) -> int:
    return one.chunk.named.number if one.chunk.named else 0


def _is_copy(one: File, other: File) -> bool:
    """True if one is a copy of the other: by their bytes if those of the other were read, else by their sizes."""
    if other.audio is None:
        return one.size == other.size
    return one.audio is not None and one.audio.sha256 == other.audio.sha256


def promoted_in(scene: Scene) -> frozenset[str]:
    """The users of whom a recording is in order; "" for one of the whole meeting."""
    return frozenset(one.user_id for one in scene.recordings if RecordingFacts(scene, one).is_in_order)


def indexes(scene: Scene, user: str) -> Iterator[int]:
    """The indexes of a user's chunks, of rows and of files without one."""
    yield from (one.named.number for one in scene.chunks_of(user) if one.named is not None)
    yield from (piece.number for piece in scene.pieces.get(user, ()))


def missing(scene: Scene, user: str) -> tuple[int, ...]:
    """The indexes that are missing between a user's first and last, or the first ``MOST_MISSING`` of them: a single
    name may have any number. Earlier ones may have been cleaned up.
    """
    there = sorted(set(indexes(scene, user)))
    gaps = (range(before + 1, after) for before, after in pairwise(there))
    return tuple(islice(chain.from_iterable(gaps), MOST_MISSING))


def played_ms(scene: Scene, user: str) -> int:
    """How long a user's chunks play together, of rows and of files without one."""
    of_rows = sum(ChunkFacts(scene, one).ms for one in scene.chunks_of(user))
    return of_rows + sum(piece.ms for piece in scene.pieces.get(user, ()))
