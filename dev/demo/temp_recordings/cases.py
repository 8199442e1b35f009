"""What is planted, and what an audit must say of it.

Each case is one meeting: one way in which the bot is known to lose what was said, or to look as if it had.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from dev.demo.temp_recordings.audio import FRAME, Content, Mp3, Pcm, Zeros, mp3, pcm
from profiles.temp_recordings.durations import MP3_BYTES_PER_MS, PCM_BYTES_PER_MS
from profiles.temp_recordings.names import base, masked, mp3_of
from profiles.temp_recordings.options import DEEP, FULL

ANN, BEN = "100000000000000001", "20000000000000002"
WINDOW = 30_000
DOCUMENTED, LATER = "documented", "later"
COLUMNS = (DOCUMENTED, LATER)
"""The columns of the bot's tables in its two eras, each with the names of its files."""
STRAY = "storage/Interview with a guest.mp3"
KEPT_BY_HAND = "rescue/Interview with a guest.mp3"
Expected = Mapping[tuple[str, str], str]


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@dataclass(frozen=True)
class PlantedChunk:
    """A chunk; ``pcm`` and ``mp3`` are how many ms its files play (None: there is no such file), ``says`` what its row
    says that it plays, ``age`` is that of its row. ``done_ago`` is when it was done; ``copies`` how many rows it has.
    ``folder`` is where its files lie, whatever its row says. ``holds`` is what its MP3 is instead of one that plays as
    long as ``mp3``; ``other_sha``: its row has the SHA-256 of something else.
    """

    number: int = 0
    status: str = "done"
    pcm: int | None = None
    mp3: int | None = WINDOW
    age: timedelta = timedelta(hours=2)
    user: str = ANN
    cleaned: bool = True
    says: int | None = WINDOW
    done_ago: timedelta | None = None
    copies: int = 1
    folder: str = "temp/"
    holds: Mp3 | None = None
    other_sha: bool = False


@dataclass(frozen=True)
class PlantedRecording:
    """A row of ``recordings``; ``file`` is how many ms its file plays (None: there is none), ``holds`` what it is
    instead of one that plays so long. ``sha_of`` is the number of the chunk whose SHA-256 it has, ``other_sha``: it has
    that of something else.
    """

    ms: int
    file: int | None
    user: str = ANN
    age: timedelta = timedelta(minutes=50)
    holds: Mp3 | None = None
    sha_of: int | None = None
    other_sha: bool = False


@dataclass(frozen=True)
class Case:
    """A meeting; its ``status`` is None if it has no row.

    ``files`` are further files by their keys: what they hold, or their sizes. In keys and in the ids of ``expected``,
    ``{m}`` is the meeting, ``{c0}`` its chunk 0, ``{d0}`` a second row of that, ``{r0}`` its first recording; ``{A}``
    and ``{B}`` are users. What ``expected`` does not name is in order; ``deep`` is what only the bytes tell, instead of
    that. ``names`` is what ``recording_files`` says instead of what there is. ``only`` are the columns that can tell
    such a case, if not all can.
    """

    number: int
    why: str
    expected: Mapping[tuple[str, str], str]
    status: str | None = "recording"
    chunks: tuple[PlantedChunk, ...] = ()
    recordings: tuple[PlantedRecording, ...] = ()
    files: Mapping[str, Content | int] = field(default_factory=dict)
    participants: tuple[str, ...] | None = None
    names: Mapping[str, str] | None = None
    age: timedelta = timedelta(hours=3)
    updated: timedelta | None = None
    only: str = ""
    deep: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def meeting_id(self) -> str:
        return f"c{self.number:015d}"

    def chunk_id(self, chunk: PlantedChunk, copy: int = 0) -> str:
        return f"{self.number:04d}{'ab'[chunk.user == BEN]}{copy}{chunk.number:010d}"

    def recording_id(self, number: int) -> str:
        return f"{self.number:04d}r{number:011d}"

    def name_of(self, chunk: PlantedChunk, columns: str) -> str:
        """The name of the raw audio of a chunk."""
        if columns == LATER:
            return f"{self.meeting_id}_user{chunk.user}_chunk{chunk.number:04d}.pcm"
        return f"{self.meeting_id}_{chunk.user}_chunk_{chunk.number + 1:04d}.pcm"

    def final_of(self, user: str, number: int = 0) -> str:
        """The name of a final file; a second one of a user has that of the other era. Those of the whole meeting (of
        nobody) share one name: the bot overwrites it.
        """
        if not user:
            return f"recording_{self.meeting_id}.mp3"
        return f"recording_{self.meeting_id}_{user}.mp3" if number else f"{self.meeting_id}_user{user}_final.mp3"

    def contents(self, columns: str) -> Iterator[tuple[str, Content]]:
        """Its files by their keys, with what they hold."""
        for one in self.chunks:
            name = self.name_of(one, columns)
            if one.pcm is not None:
                yield f"{one.folder}{name}", pcm(one.pcm, name)
            if one.mp3 is not None:
                yield f"{one.folder}{mp3_of(name)}", self.mp3_of(one, columns)
        for number, recording in enumerate(self.recordings):
            if recording.file is not None:
                yield self.recording_key(number), self.file_of(number)
        for key, given in self.files.items():
            filled = self._filled(key)
            yield filled, _content(filled, given) if isinstance(given, int) else given

    def objects(self, columns: str) -> Iterator[tuple[str, int]]:
        """Its files by their keys, with their sizes in bytes."""
        for key, content in self.contents(columns):
            yield key, content.size

    def mp3_of(self, chunk: PlantedChunk, columns: str) -> Mp3:
        """What the MP3 of a chunk holds, or held while it was there."""
        return chunk.holds or mp3(WINDOW if chunk.mp3 is None else chunk.mp3, mp3_of(self.name_of(chunk, columns)))

    def file_of(self, number: int) -> Mp3:
        """What the file of a recording holds, or would hold."""
        one = self.recordings[number]
        return one.holds or mp3(one.ms if one.file is None else one.file, base(self.recording_key(number)))

    def recording_key(self, number: int) -> str:
        user = self.recordings[number].user
        earlier = sum(one.user == user for one in self.recordings[:number])
        return f"storage/{self.final_of(user, earlier)}"

    def verdicts(self, mode: str = FULL) -> dict[tuple[str, str], str]:
        """The verdict on every subject of it that is not in order, by kind and id, in an audit of that mode."""
        expected = {**self.expected, **(self.deep if mode == DEEP else {})}
        return {(kind, self._filled(its_id)): verdict for (kind, its_id), verdict in expected.items()}

    def _filled(self, text: str) -> str:
        chunks = {f"c{one.number}": self.chunk_id(one) for one in self.chunks}
        copies = {f"d{one.number}": self.chunk_id(one, 1) for one in self.chunks}
        recordings = {f"r{number}": self.recording_id(number) for number in range(len(self.recordings))}
        return text.format(m=self.meeting_id, A=ANN, B=BEN, **chunks, **copies, **recordings)


def _chunks(number: int, **changes: object) -> tuple[PlantedChunk, ...]:
    return tuple(PlantedChunk(one, **changes) for one in range(number))  # type: ignore[arg-type]


def _content(key: str, size: int) -> Content:
    """A file of that size, of the sort that its name says; of other names it is no audio."""
    if key.endswith(".pcm"):
        return Pcm(size, base(key))
    if key.endswith(".mp3") and size % FRAME == 0:
        return Mp3(size // FRAME, base(key))
    return Zeros(size)


_MEETING, _ANN, _BEN = ("meeting", "{m}"), ("participant", "{m}/{A}"), ("participant", "{m}/{B}")
_CRASHED: Expected = {_MEETING: "meeting_abandoned", _ANN: "not_promoted"}
"""What a bot leaves that crashed while it recorded."""


def _chunk(verdict: str, *numbers: int) -> Expected:
    return {("chunk", f"{{c{number}}}"): verdict for number in numbers or (0,)}


CASES = (
    Case(
        1,
        "its chunks are done, nothing was made of them, and in four hours they are deleted",
        {**_chunk("expiring_unpromoted", 0, 1, 2), _MEETING: "processing_stuck", _ANN: "not_promoted"},
        "processing",
        _chunks(3, age=hours(20)),
        age=hours(21),
    ),
    Case(
        2,
        "its MP3 is whole, and the bot crashed before the row was written",
        {**_chunk("transcoded_not_marked"), **_CRASHED},
        chunks=(PlantedChunk(0, "queued", pcm=WINDOW, cleaned=False, says=None),),
    ),
    Case(
        3,
        "its transcoder was killed: the MP3 is half as long as the raw audio",
        {**_chunk("transcode_stuck"), **_CRASHED},
        chunks=(PlantedChunk(0, "queued", pcm=WINDOW, mp3=WINDOW // 2, cleaned=False, says=None),),
    ),
    Case(
        4,
        "the queue was full: it failed, and its raw audio is there",
        {**_chunk("failed_retryable"), **_CRASHED},
        chunks=(PlantedChunk(0, "failed", pcm=WINDOW, mp3=None, cleaned=False, says=None),),
    ),
    Case(
        5,
        "the bot wiped its folder when it ended: the row is all there is",
        {**_chunk("chunk_lost"), **_CRASHED},
        chunks=(PlantedChunk(0, mp3=None),),
    ),
    Case(
        6,
        "its raw audio was removed, and the flag that says so was not written",
        {**_chunk("cleaned_flag_wrong"), **_CRASHED},
        chunks=(PlantedChunk(0, cleaned=False),),
        only=DOCUMENTED,
    ),
    Case(
        7,
        "its recording is a row alone, with the SHA-256 of its first chunk",
        {("recording", "{r0}"): "recording_file_missing"},
        "completed",
        _chunks(3),
        (PlantedRecording(3 * WINDOW, None, sha_of=0),),
    ),
    Case(
        8,
        "it was joined of two of its three chunks",
        {("recording", "{r0}"): "recording_short"},
        "completed",
        _chunks(3),
        (PlantedRecording(2 * WINDOW, 2 * WINDOW),),
    ),
    Case(
        9,
        "its duration could not be read when its row was written",
        {("recording", "{r0}"): "recording_zero_duration"},
        "completed",
        recordings=(PlantedRecording(0, 3 * WINDOW),),
    ),
    Case(
        10,
        "its final file is there, and its row was never written",
        {("file", "storage/{m}_user{A}_final.mp3"): "final_not_recorded"},
        "completed",
        files={"storage/{m}_user{A}_final.mp3": 1_667 * FRAME},
        participants=(ANN,),
    ),
    Case(
        11,
        "two people were silent alike: the table takes one SHA-256 once",
        {("file", "storage/{m}_user{B}_final.mp3"): "final_twin"},
        "completed",
        recordings=(PlantedRecording(WINDOW, WINDOW, holds=mp3(WINDOW, "silence")),),
        files={"storage/{m}_user{B}_final.mp3": mp3(WINDOW, "silence")},
        participants=(ANN, BEN),
    ),
    Case(
        12,
        "it is being recorded, and its last chunk is not transcoded yet",
        {},
        chunks=(
            PlantedChunk(0, age=minutes(1)),
            PlantedChunk(1, "queued", pcm=WINDOW, mp3=None, age=minutes(1 / 3), cleaned=False, says=None),
        ),
        age=minutes(2),
    ),
    Case(
        13, "the bot crashed three hours ago, and never looked at it again", _CRASHED, chunks=_chunks(2, age=hours(3))
    ),
    Case(
        14,
        "two people took part, and one of them was recorded",
        {_BEN: "participant_missing"},
        "completed",
        recordings=(PlantedRecording(3 * WINDOW, 3 * WINDOW),),
        participants=(ANN, BEN),
    ),
    Case(
        15,
        "its raw audio was written, and the insert of its row failed",
        {("file", "temp/{m}_user{A}_chunk0007.pcm"): "orphan_pcm"},
        None,
        files={"temp/{m}_user{A}_chunk0007.pcm": 1_000 * PCM_BYTES_PER_MS},
    ),
    Case(
        16,
        "one of its chunks was never written: what follows it comes too early",
        {("recording", "{r0}"): "recording_short"},
        "completed",
        tuple(PlantedChunk(number) for number in (0, 1, 3)),
        (PlantedRecording(3 * WINDOW, 3 * WINDOW),),
    ),
    Case(
        17,
        "its status is written in capitals",
        {},
        "TRANSCRIBING",
        (PlantedChunk(0, "DONE"),),
        updated=minutes(5),
    ),
    Case(
        18,
        "its recordings were written, and its own row does not name them",
        {_MEETING: "recording_files_wrong"},
        "completed",
        recordings=(PlantedRecording(WINDOW, WINDOW), PlantedRecording(WINDOW, WINDOW, BEN)),
        names={},
    ),
    Case(
        19,
        "its raw audio was written to another folder than its row says",
        {**_chunk("file_misplaced"), **_CRASHED},
        chunks=(PlantedChunk(0, "queued", pcm=WINDOW, mp3=None, cleaned=False, says=None, folder=""),),
    ),
    Case(
        20,
        "a write that broke off, a file of a guest, and what was rescued, also by hand",
        {
            ("file", "temp/tmpk3v9x2"): "tmp_leftover",
            ("file", masked(STRAY)): "unparsed_file",
            ("file", "rescue/{m}/{m}_user{A}_chunk0000.mp3"): "in_rescue",
            ("file", "rescue/{m}/kept/again/{m}_user{A}_chunk0001.mp3"): "in_rescue",
            ("file", masked(KEPT_BY_HAND)): "in_rescue",
        },
        None,
        files={
            "temp/tmpk3v9x2": 1_000,
            STRAY: 1_000,
            "rescue/{m}/{m}_user{A}_chunk0000.mp3": 480_000,
            "rescue/{m}/kept/again/{m}_user{A}_chunk0001.mp3": 480_000,
            KEPT_BY_HAND: 700,
        },
    ),
    Case(
        21,
        "it is being transcribed since three hours",
        {_MEETING: "processing_stuck"},
        "transcribing",
        recordings=(PlantedRecording(WINDOW, WINDOW, age=hours(3)),),
    ),
    Case(
        22,
        "it was paused an hour ago: that is allowed",
        {_MEETING: "meeting_paused"},
        "paused",
        _chunks(2, age=hours(1)),
    ),
    Case(
        23,
        "it failed, and a later try has made the whole MP3",
        {**_chunk("failed_but_converted"), **_CRASHED},
        chunks=(PlantedChunk(0, "failed", pcm=WINDOW, cleaned=False, says=None),),
    ),
    Case(
        24,
        "it is marked as done, and only its raw audio is there",
        {**_chunk("done_mp3_missing"), **_CRASHED},
        chunks=(PlantedChunk(0, pcm=WINDOW, mp3=None, cleaned=False),),
    ),
    Case(
        25,
        "it is marked as done, and its MP3 was cut in half",
        {**_chunk("done_mp3_bad"), **_CRASHED},
        chunks=(PlantedChunk(0, pcm=WINDOW, mp3=WINDOW // 2, cleaned=False), PlantedChunk(1)),
    ),
    Case(
        26,
        "a chunk of it was done after it was joined",
        {("recording", "{r0}"): "late_chunks"},
        "completed",
        (PlantedChunk(0, done_ago=hours(1), age=hours(1)),),
        (PlantedRecording(3 * WINDOW, 3 * WINDOW, age=hours(2)),),
    ),
    Case(
        27,
        "it was joined a second time, and both recordings stayed",
        {_ANN: "duplicate_recordings"},
        "completed",
        recordings=(PlantedRecording(WINDOW, WINDOW), PlantedRecording(2 * WINDOW, 2 * WINDOW)),
    ),
    Case(
        28,
        "its file was cut off after its row was written",
        {("recording", "{r0}"): "recording_file_differs"},
        "completed",
        recordings=(PlantedRecording(3 * WINDOW, 2 * WINDOW),),
    ),
    Case(
        29,
        "it failed yesterday: the next clean-up deletes its raw audio",
        {**_chunk("expiring_unpromoted"), **_CRASHED},
        chunks=(PlantedChunk(0, "failed", pcm=WINDOW, mp3=None, age=hours(26), cleaned=False, says=None),),
        age=hours(27),
    ),
    Case(
        30,
        "it is queued for 30 hours with a whole MP3: the clean-up spares it for as long as nobody marks it as done",
        {**_chunk("transcoded_not_marked"), **_CRASHED},
        chunks=(PlantedChunk(0, "in_progress", pcm=WINDOW, age=hours(30), cleaned=False, says=None),),
        age=hours(31),
    ),
    Case(
        31,
        "it was promoted, and its chunks are not cleaned up yet",
        {},
        "completed",
        _chunks(3, age=hours(20)),
        (PlantedRecording(3 * WINDOW, 3 * WINDOW),),
        age=hours(21),
    ),
    Case(
        32,
        "its row was written twice",
        {("chunk", "{c0}"): "duplicate_chunk", ("chunk", "{d0}"): "duplicate_chunk", **_CRASHED},
        chunks=(PlantedChunk(0, copies=2),),
    ),
    Case(
        33,
        "its status is none that the bot knows",
        {**_chunk("chunk_row_invalid"), **_CRASHED},
        chunks=(PlantedChunk(0, "lost"),),
    ),
    Case(
        34,
        "it waits, its raw audio is gone, and nothing tells how long its MP3 should be",
        {**_chunk("mp3_unproven"), **_CRASHED},
        chunks=(PlantedChunk(0, "queued", mp3=12_000, cleaned=False, says=None),),
    ),
    Case(
        35,
        "it failed, and an empty MP3 is all there is",
        {**_chunk("chunk_damaged"), **_CRASHED},
        chunks=(PlantedChunk(0, "failed", mp3=0, cleaned=False, says=None),),
    ),
    Case(36, "nobody said anything", {}, "completed", participants=(ANN,)),
    Case(
        37,
        "its final file is empty",
        {("file", "storage/{m}_user{A}_final.mp3"): "orphan_final"},
        "completed",
        files={"storage/{m}_user{A}_final.mp3": 0},
        participants=(ANN,),
    ),
    Case(38, "its status is none that the bot knows", {_MEETING: "meeting_row_invalid"}, "lost"),
    Case(
        39,
        "its MP3 was made, and there is no row of it",
        {("file", "temp/{m}_{A}_chunk_0001.mp3"): "orphan_mp3"},
        None,
        files={"temp/{m}_{A}_chunk_0001.mp3": 480_000},
    ),
    Case(
        40,
        "its recording has the SHA-256 of its first chunk",
        {("recording", "{r0}"): "recording_sha_mismatch"},
        "completed",
        _chunks(2),
        (PlantedRecording(2 * WINDOW, 2 * WINDOW, sha_of=0),),
        only=DOCUMENTED,
    ),
    Case(
        41,
        "it is called completed, and a chunk of it failed",
        {**_chunk("failed_retryable"), _MEETING: "completed_too_early", _ANN: "not_promoted"},
        "completed",
        (PlantedChunk(0, "failed", pcm=WINDOW, mp3=None, cleaned=False, says=None),),
    ),
    Case(
        42,
        "it is deleted in four hours, and somebody has copied it",
        {
            **_chunk("rescued_unpromoted"),
            ("file", "rescue/{m}/{m}_user{A}_chunk0000.mp3"): "in_rescue",
            **_CRASHED,
        },
        chunks=(PlantedChunk(0, age=hours(20)),),
        files={"rescue/{m}/{m}_user{A}_chunk0000.mp3": mp3(WINDOW, f"c{42:015d}_user{ANN}_chunk0000.mp3")},
        age=hours(21),
        only=LATER,
    ),
    Case(
        43,
        "its last chunk was never transcoded, and is too short to be missed by the length of the whole",
        {**_chunk("failed_retryable", 20), ("recording", "{r0}"): "late_chunks", _MEETING: "completed_too_early"},
        "completed",
        (
            *_chunks(20),
            PlantedChunk(20, "failed", pcm=1_000, mp3=None, cleaned=False, says=None),
        ),
        (PlantedRecording(20 * WINDOW, 20 * WINDOW),),
    ),
    Case(
        44,
        "the end of its MP3 is missing, by less than sizes tell, and its header says that it is whole",
        _CRASHED,
        chunks=(PlantedChunk(0, holds=Mp3(1_250, "cut", declares=1_250, lacks=1_000)),),
        deep=_chunk("chunk_corrupt"),
    ),
    Case(
        45,
        "half of its MP3 is missing, its header says that it is whole, and no row says how long it should play",
        _CRASHED,
        chunks=(PlantedChunk(0, holds=Mp3(1_250, "half", declares=1_250, lacks=1_251 * FRAME // 2)),),
        only=LATER,
        deep=_chunk("chunk_corrupt"),
    ),
    Case(
        46,
        "its MP3 was replaced by another one of the same length",
        _CRASHED,
        chunks=(PlantedChunk(0, other_sha=True),),
        only=DOCUMENTED,
        deep=_chunk("done_mp3_bad"),
    ),
    Case(
        47,
        "the file of its recording was overwritten by another one of the same length",
        {},
        "completed",
        recordings=(PlantedRecording(3 * WINDOW, 3 * WINDOW, other_sha=True),),
        deep={("recording", "{r0}"): "recording_sha_mismatch"},
    ),
    Case(
        48,
        "the file of its recording lacks its end, and its header and its row say that it is whole",
        {},
        "completed",
        _chunks(3),
        (PlantedRecording(3 * WINDOW, 3 * WINDOW, holds=Mp3(3_750, "end", declares=3_750, lacks=FRAME + 1)),),
        deep={("recording", "{r0}"): "recording_corrupt"},
    ),
    Case(
        49,
        "two people were recorded for equally long, and the row of one was never written",
        {("file", "storage/{m}_user{B}_final.mp3"): "final_twin"},
        "completed",
        recordings=(PlantedRecording(WINDOW, WINDOW),),
        files={"storage/{m}_user{B}_final.mp3": WINDOW * MP3_BYTES_PER_MS},
        participants=(ANN, BEN),
        deep={("file", "storage/{m}_user{B}_final.mp3"): "final_not_recorded"},
    ),
    Case(
        50,
        "its row was never written, and its final file lacks its end",
        {("file", "storage/{m}_user{A}_final.mp3"): "final_not_recorded"},
        "completed",
        files={"storage/{m}_user{A}_final.mp3": Mp3(1_250, "end", declares=1_250, lacks=500)},
        participants=(ANN,),
        deep={("file", "storage/{m}_user{A}_final.mp3"): "final_corrupt"},
    ),
    Case(
        51,
        "it is deleted in four hours, and what lies in rescue/ is another file of its size",
        {
            **_chunk("rescued_unpromoted"),
            ("file", "rescue/{m}/{m}_user{A}_chunk0000.mp3"): "in_rescue",
            **_CRASHED,
        },
        chunks=(PlantedChunk(0, age=hours(20)),),
        files={"rescue/{m}/{m}_user{A}_chunk0000.mp3": mp3(WINDOW, "another")},
        age=hours(21),
        only=LATER,
        deep=_chunk("expiring_unpromoted"),
    ),
)


def cases_for(columns: str) -> Sequence[Case]:
    """Those that these columns can tell."""
    return [case for case in CASES if case.only in {"", columns}]
