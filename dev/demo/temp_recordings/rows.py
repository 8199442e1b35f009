"""The rows of the cases, as the bot writes them in either era: its moments are what a wall clock shows."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from dev.demo.temp_recordings.audio import Mp3
from dev.demo.temp_recordings.cases import DOCUMENTED, LATER, Case, PlantedChunk
from profiles.temp_recordings.names import mp3_of
from profiles.temp_recordings.queries import CHUNKS, MEETINGS, RECORDINGS

ZONES = {DOCUMENTED: "UTC", LATER: "America/New_York"}
"""The time zone of the moments in each era."""
Row = dict[str, Any]


def create_schema(url: str, columns: str) -> None:
    """Create the tables in an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(Path(__file__).with_name(f"{columns}.sql").read_bytes())


def plant_rows(url: str, columns: str, cases: Iterable[Case], now: datetime | None = None) -> None:
    """Write the rows of the cases, instead of those that are there."""
    moment = now or datetime.now(UTC)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table in (CHUNKS, RECORDINGS, MEETINGS):
            cursor.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
        for case in cases:
            for table, rows in rows_of(case, columns, moment).items():
                for row in rows:
                    names = sql.SQL(", ").join(map(sql.Identifier, row))
                    values = sql.SQL(", ").join(map(sql.Placeholder, row))
                    insert = sql.SQL("insert into {} ({}) values ({})").format(sql.Identifier(table), names, values)
                    cursor.execute(insert, row)


def rows_of(case: Case, columns: str, now: datetime) -> dict[str, list[Row]]:
    """The rows of a case by table; those of the meeting come first."""
    zone = ZoneInfo(ZONES[columns])

    def at(ago: timedelta | None) -> datetime | None:
        return None if ago is None else (now - ago).astimezone(zone).replace(tzinfo=None)

    return {
        MEETINGS: [] if case.status is None else [_meeting(case, at(case.age), at(case.updated))],
        CHUNKS: [
            _chunk(case, one, columns, at(one.age), at(one.done_ago or one.age)) | {"id": case.chunk_id(one, copy)}
            for one in case.chunks
            for copy in range(one.copies)
        ],
        RECORDINGS: [_recording(case, number, columns, at(one.age)) for number, one in enumerate(case.recordings)],
    }


def _meeting(case: Case, started: datetime | None, updated: datetime | None) -> Row:
    there = [{one.user: case.recording_id(number)} for number, one in enumerate(case.recordings)]
    named = there if case.names is None else [{user: one} for user, one in case.names.items()]
    users = [*(one.user for one in case.chunks), *(one.user for one in case.recordings if one.user)]
    listed = list(dict.fromkeys(users)) if case.participants is None else list(case.participants)
    return {
        "id": case.meeting_id,
        "guild_id": "300000000000000003",
        "channel_id": "400000000000000004",
        "started_at": started,
        "ended_at": started,
        "updated_at": updated,
        "status": case.status,
        "requested_by": "500000000000000005",
        "participants": json.dumps({"users": listed} if listed else {}),
        "recording_files": json.dumps({"users": named} if named else {}),
        "transcript_ids": "{}",
    }


def _chunk(case: Case, one: PlantedChunk, columns: str, made: datetime | None, done: datetime | None) -> Row:
    name, is_done = case.name_of(one, columns), one.status.lower() == "done"
    row: Row = {
        "meeting_id": case.meeting_id,
        "user_id": one.user,
        "created_at": made,
        "transcode_status": one.status,
    }
    if columns == LATER:
        return row | {"filename": name, "timestamp_ms": one.number * 30_000}
    return row | {
        "guild_id": "300000000000000003",
        "completed_at": done if is_done else None,
        "pcm_path": f"temp/{name}",
        "mp3_path": f"temp/{mp3_of(name)}" if is_done else None,
        "sha256": _sha_of(case.mp3_of(one, columns), other=one.other_sha) if is_done else None,
        "duration_ms": one.says,
        "cleaned": int(one.cleaned),
    }


def _recording(case: Case, number: int, columns: str, made: datetime | None) -> Row:
    one, key = case.recordings[number], case.recording_key(number)
    file = case.file_of(number) if one.sha_of is None else case.mp3_of(case.chunks[one.sha_of], columns)
    row: Row = {
        "id": case.recording_id(number),
        "created_at": made,
        "duration_in_ms": one.ms,
        "meeting_id": case.meeting_id,
        "sha256": _sha_of(file, other=one.other_sha),
        "filename": key.removeprefix("storage/"),
    }
    return row | {"user_id": one.user} if columns == LATER else row


def _sha_of(content: Mp3, *, other: bool) -> str:
    """The SHA-256 of a file, or of what it is not."""
    return sha256(b"something else").hexdigest() if other else content.sha256
