"""A small bot with its rows, its files and its clean-up in memory, and the effects of repairs as they are guarded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from dev.demo.temp_recordings.cases import ANN, DOCUMENTED, LATER
from profiles.temp_recordings import statements as s
from profiles.temp_recordings.durations import MP3_BYTES_PER_MS, PCM_BYTES_PER_MS, WINDOW_MS
from profiles.temp_recordings.files import File
from profiles.temp_recordings.kinds import KINDS
from profiles.temp_recordings.names import RESCUE, TEMP, mp3_of
from profiles.temp_recordings.profile import TempRecordings
from profiles.temp_recordings.queries import MEETINGS
from profiles.temp_recordings.rows import Chunk, Meeting
from profiles.temp_recordings.saving import COPY
from profiles.temp_recordings.wall_times import wall_clock
from reconciliation.effects import Effect
from reconciliation.looks import Group
from reconciliation.lookups import AudioAnswer, AudioOf, Lookup
from reconciliation.repair import GONE, Change, Repair, Repairable
from reconciliation.times import to_text
from tests.profiles.temp_recordings.world import AS_OF, audit_of, profile_for

MEETING = "c000000000000001"
UTC_ZONE = ZoneInfo("UTC")
NOTHING, PART, WHOLE = 0, 1, 2
"""How much of a chunk is left."""


@dataclass(frozen=True)
class Stored:
    """A file. ``plays`` is how many ms its frames do, whatever its size says; ``of`` is the chunk that it holds, and
    ``worth`` how much of it.
    """

    text: str
    size: int
    plays: int
    of: int
    worth: int
    changed: datetime = AS_OF - timedelta(hours=3)

    @property
    def sha256(self) -> str:
        return sha256(self.text.encode()).hexdigest()


@dataclass
class Bot:
    """One meeting that has crashed. ``columns`` is the era of its tables, ``clean_up`` that of its clean-up."""

    columns: str
    clean_up: str
    now: datetime = AS_OF
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    files: dict[str, Stored] = field(default_factory=dict)
    forgotten: dict[str, dict[str, Any]] = field(default_factory=dict)
    ways_back: list[Effect] = field(default_factory=list)

    @property
    def profile(self) -> TempRecordings:
        return profile_for(self.columns, self.clean_up)

    @property
    def zone(self) -> ZoneInfo:
        return self.profile.zone

    # --- what it has written ------------------------------------------------------------------------------------------

    def name(self, number: int) -> str:
        """Of the raw audio of a chunk."""
        if self.columns == LATER:
            return f"{MEETING}_user{ANN}_chunk{number:04d}.pcm"
        return f"{MEETING}_{ANN}_chunk_{number + 1:04d}.pcm"

    def insert(self, number: int, status: str, age: timedelta, *, cleaned: bool, says: int | None) -> None:
        chunk, created = f"{number:016x}", wall_clock(self.now - age, self.zone)
        row: dict[str, Any] = {"meeting_id": MEETING, "user_id": ANN, "created_at": created, "id": chunk}
        row["transcode_status"] = status
        if self.columns == DOCUMENTED:
            done = status.casefold() == "done"
            row |= {"pcm_path": f"{TEMP}{self.name(number)}", "sha256": "d" * 64 if done else None}
            row |= {"mp3_path": None, "completed_at": created if done else None}
            row |= {"duration_ms": says, "cleaned": int(cleaned)}
        else:
            row |= {"filename": self.name(number), "timestamp_ms": number * WINDOW_MS}
        self.rows[chunk], self.tokens[chunk] = row, 1

    def write(self, key: str, one: Stored) -> None:
        self.files[key] = one

    # --- what it does -------------------------------------------------------------------------------------------------

    def cleans_up(self) -> None:
        """Its hourly job: everything in one era, what is done or failed for a day in the other; promoted or not."""
        for chunk, row in list(self.rows.items()):
            made = datetime.fromisoformat(row["created_at"]).replace(tzinfo=self.zone)
            old = self.now - made > timedelta(hours=24)
            if self.clean_up == "all" or (old and row["transcode_status"].casefold() in {"done", "failed"}):
                name = str(row.get("pcm_path") or row["filename"]).removeprefix(TEMP)
                for key in (f"{TEMP}{name}", f"{TEMP}{mp3_of(name)}"):
                    self.files.pop(key, None)
                del self.rows[chunk]

    def wipes(self) -> None:
        """When it ends: every file in temp/, and no row."""
        self.files = {key: one for key, one in self.files.items() if not key.startswith(TEMP)}

    def flips(self, chunk: str) -> None:
        """Its transcoder has marked a row after all."""
        if chunk in self.rows:
            self.rows[chunk]["transcode_status"] = "done"
            self.tokens[chunk] += 1

    def forgets(self, chunk: str) -> None:
        """Its INSERT has failed, or not come yet."""
        if chunk in self.rows:
            self.forgotten[chunk] = self.rows.pop(chunk)

    def remembers(self, chunk: str) -> None:
        if chunk in self.forgotten:
            self.rows[chunk] = self.forgotten.pop(chunk)
            self.tokens[chunk] += 1

    def left_of(self, number: int) -> int:
        """How much of a chunk is anywhere."""
        return max((one.worth for one in self.files.values() if one.of == number), default=NOTHING)

    def after_all_clean_ups(self) -> "Bot":
        """The same, once its clean-up has had all the time that it may need."""
        later = replace(self, now=self.now + timedelta(days=40), rows=dict(self.rows), files=dict(self.files))
        later.cleans_up()
        return later

    # --- what we make of it -------------------------------------------------------------------------------------------

    def changes(self) -> Iterator[tuple[tuple[Repair[Any], str], Change]]:
        """Everything that could be planned now, by what an audit finds; each with its repair and its subject."""
        profile = self.profile
        audit = audit_of(profile, now=self.now)
        for kind_name, subject, facts in profile.facts(MEETINGS, self._group(), self._group(), audit):
            kind = next(one for one in KINDS if one.name == kind_name)
            judgement = kind.judged(facts)
            if judgement.rule.repair is None:
                continue
            repair = profile.repair(judgement.rule.repair)
            results = [self._look(one) for one in repair.lookups(facts, None)]
            given = Repairable(subject, judgement.verdict, facts, results, [subject, False], all_read=True)
            change = repair.change(given)
            if isinstance(change, Change):
                yield (repair, subject), change

    def verdict_of(self, kind: str, subject: str) -> str:
        """What an audit says of a subject by now."""
        audit = audit_of(self.profile, now=self.now)
        for name, other, facts in self.profile.facts(MEETINGS, self._group(), self._group(), audit):
            if (name, other) == (kind, subject):
                return next(one for one in KINDS if one.name == kind).judged(facts).verdict
        return GONE

    def _group(self) -> Group:
        started = wall_clock(self.now - timedelta(hours=60), self.zone)
        meeting = {
            "id": MEETING,
            "status": "processing",
            "started_at": started,
            "participants": [],
            "recording_files": {},
        }
        chunks = [Chunk.from_json([self.tokens[key], row], self.zone) for key, row in sorted(self.rows.items())]
        files = tuple(File(key, one.size, to_text(one.changed), one.sha256) for key, one in sorted(self.files.items()))
        rows: tuple[list[Any], ...] = (
            [Meeting.from_json(["1", meeting], self.zone)],
            chunks,
            [],
            [one.key for one in files],
        )
        return Group(MEETING, rows, files)

    def _look(self, lookup: Lookup) -> AudioAnswer:
        assert isinstance(lookup, AudioOf)
        one = self.files[lookup.key]
        frames = one.plays // 24
        return {
            "state": "read",
            "version": one.sha256,
            "bytes": one.size,
            "sha256": one.sha256,
            "frames": frames,
            "ms": one.plays,
            "declared_frames": None,
            "is_cut": False,
            "stray": 0 if one.plays or lookup.key.endswith(".pcm") else one.size,
        }

    def apply(self, change: Change, most: int) -> bool:
        """The first ``most`` effects of a change, each if its guards hold, up to one that is not applied; True if all
        of them were, so that there may be a way back.
        """
        left: dict[str, Any] = {}
        for effect in change.do[:most]:
            found = self._copy(effect) if effect.statement == COPY else self._set(effect.statement, effect.values)
            if found is None:
                return False
            left |= found
        if most < len(change.do):
            return False
        if change.undo is not None:
            self.ways_back.append(Effect(change.undo.statement, {**change.undo.values, **left}))
        return True

    def takes_back(self, number: int) -> Effect | None:
        """Take back one of the changes that were made, if the guards of that hold; None if none was made."""
        if not self.ways_back:
            return None
        effect = self.ways_back[number % len(self.ways_back)]
        if effect.statement in {s.REMOVE, s.REMOVE_ORPHAN}:
            self._remove(effect)
        else:
            self._set(effect.statement, effect.values)
        return effect

    def _copy(self, effect: Effect) -> dict[str, Any] | None:
        values = effect.values
        source, target = self.files.get(str(values["source"])), str(values["target"])
        if source is None or source.sha256 != values["sha256"] or target in self.files:
            return None
        self.files[target] = replace(source, changed=self.now)
        return {"target": target, "version": source.sha256, "sha256": source.sha256}

    def _remove(self, effect: Effect) -> None:
        values = effect.values
        original, copy = self.files.get(str(values["source"])), self.files.get(str(values["target"]))
        same = original is not None and copy is not None and original.sha256 == copy.sha256 == values["sha256"]
        if effect.statement == s.REMOVE:
            row = self.rows.get(str(values["id"]))
            may = row is not None and row["transcode_status"] == values["spelled"]
        else:
            may = not any(str(values["stem"]) in str(row.values()) for row in self.rows.values())
        if same and may:
            del self.files[str(values["target"])]

    def _set(self, statement: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        row = self.rows.get(values["id"])
        if row is None or str(self.tokens[values["id"]]) != values["row_token"]:
            return None
        changed = {
            s.MARK: lambda: {
                "transcode_status": values["done"],
                "mp3_path": values["mp3_path"],
                "sha256": values["file_sha256"],
                "duration_ms": values["duration_ms"],
                "completed_at": values["completed_at"],
            },
            s.MARK_LATER: lambda: {"transcode_status": values["done"]},
            s.CLEANED: lambda: {"cleaned": values["cleaned"]},
            s.MARK_BACK: lambda: {
                "transcode_status": values["spelled"],
                "mp3_path": values["old_mp3_path"],
                "sha256": None,
                "duration_ms": values["old_duration_ms"],
                "completed_at": None,
            },
            s.MARK_LATER_BACK: lambda: {"transcode_status": values["spelled"]},
            s.CLEANED_BACK: lambda: {"cleaned": 1 - values["cleaned"]},
        }[statement]()
        self.rows[values["id"]] = row | changed
        self.tokens[values["id"]] += 1
        return {"row_token": str(self.tokens[values["id"]])}


def pcm(number: int, ms: int) -> Stored:
    return Stored(f"raw audio of {number}", ms * PCM_BYTES_PER_MS, 0, number, WHOLE)


def odd_pcm(number: int) -> Stored:
    """Raw audio in which a sample was cut in two."""
    return Stored(f"odd audio of {number}", 1001, 0, number, PART)


def mp3(number: int, ms: int, *, frames_ms: int) -> Stored:
    """An MP3 of a size for ``ms``, whose frames play ``frames_ms``."""
    worth = WHOLE if frames_ms == ms == WINDOW_MS else PART
    return Stored(f"MP3 of {number}: {ms} {frames_ms}", ms * MP3_BYTES_PER_MS, frames_ms, number, worth)


def rescued(bot: Bot, key: str, one: Stored) -> None:
    bot.write(f"{RESCUE}{MEETING}/{key.removeprefix(TEMP)}", one)
