"""What the audits of temporary recordings are measured on: rows by Postgres itself, and the keys and sizes of a bucket.

Meetings have from 50 to 500 chunks, and from 100,000 on one of them has 10,000; each has five participants and both
files of each chunk. Most are promoted, and in order. Of twenty, one is paused, so its recordings are not due; one lacks
the file of a recording, so chunks expire; in one a chunk failed. Beside them lies raw audio that no row is about.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain, cycle
from pathlib import Path
from typing import NamedTuple

import psycopg

from dev.demo.temp_recordings.cases import DOCUMENTED
from dev.demo.temp_recordings.rows import create_schema
from dev.devstack.postgres import PostgresServer
from profiles.temp_recordings.durations import MP3_BYTES_PER_MS, PCM_BYTES_PER_MS, WINDOW_MS

USERS = 5
SIZES, LARGEST, HAS_LARGEST_FROM = (50, 120, 200, 350, 500), 10_000, 100_000
PROMOTED, PAUSED, FILE_GONE, CHUNK_FAILED = "promoted", "paused", "file gone", "chunk failed"
_OF_TWENTY = {3: PAUSED, 9: FILE_GONE, 15: CHUNK_FAILED}
_ORPHAN_ONE_IN = 1000
# The row of a chunk is judged by its age: what is paused is so for less than five hours, what expires has 18 of 24.
_AGES = {
    PROMOTED: timedelta(hours=40),
    PAUSED: timedelta(hours=2),
    FILE_GONE: timedelta(hours=20),
    CHUNK_FAILED: timedelta(hours=5),
}
_PCM, _MP3 = WINDOW_MS * PCM_BYTES_PER_MS, WINDOW_MS * MP3_BYTES_PER_MS
_FIRST_USER = 200_000_000_000_000_000

_PLANTED = "create table planted (id text primary key, chunks integer, sort text, begun timestamp)"
_ROWS = f"""
create view people as
  select m.*, u, ({_FIRST_USER} + u)::text as person, (chunks + {USERS} - 1 - u) / {USERS} as of_person
    from planted m, generate_series(0, {USERS} - 1) u;
insert into meetings (id, guild_id, channel_id, started_at, ended_at, status, requested_by, participants,
                      recording_files)
  select id, '3', '4', begun, begun, case when sort = '{PAUSED}' then 'paused' else 'completed' end, '5',
         json_build_object('users', json_agg(person order by u)),
         case when sort = '{PAUSED}' then '{{}}'
              else json_build_object('users', json_agg(json_build_object(person, left(md5(id || u), 16)))) end
    from people group by id, begun, sort;
insert into recordings (id, created_at, duration_in_ms, meeting_id, sha256, filename)
  select left(md5(id || u), 16), begun + interval '1 hour', of_person * {WINDOW_MS}, id, md5(id || u) || md5(id),
         'recording_' || id || '_' || person || '.mp3'
    from people where sort <> '{PAUSED}';
insert into temp_recordings (id, meeting_id, user_id, guild_id, created_at, completed_at, pcm_path, mp3_path,
                             transcode_status, sha256, duration_ms)
  select left(md5(name), 16), id, person, '3', made, case when is_done then made + interval '1 minute' end,
         'temp/' || name || '.pcm', case when is_done then 'temp/' || name || '.mp3' end,
         case when is_done then 'done' else 'failed' end, case when is_done then md5(name) || md5(person) end,
         case when is_done then {WINDOW_MS} end
    from (select id, person, begun + n % 60 * interval '30 seconds' as made,
                 not (sort = '{CHUNK_FAILED}' and u = 0 and n = 0) as is_done,
                 id || '_' || person || '_chunk_' || lpad(n::text, 4, '0') as name
            from people, generate_series(0, of_person - 1) n) one;
drop view people;
drop table planted;
analyze;
"""


class Meeting(NamedTuple):
    """One meeting: its id, how many chunks it has, and what became of it."""

    id: str
    chunks: int
    sort: str

    def of_user(self, number: int) -> int:
        """How many of its chunks are of one participant."""
        return (self.chunks + USERS - 1 - number) // USERS


@dataclass(frozen=True)
class Recordings:
    """A world of that many rows of ``chunks``; moments are those of ``now``."""

    chunks: int
    now: datetime

    @cached_property
    def meetings(self) -> Sequence[Meeting]:
        """Ascending by id."""
        found, left = list[Meeting](), self.chunks
        for size in chain([LARGEST] if self.chunks >= HAS_LARGEST_FROM else [], cycle(SIZES)):
            if not left:
                return found
            number = len(found)
            found.append(Meeting(f"{number:016x}", min(size, left), _OF_TWENTY.get(number % 20, PROMOTED)))
            left -= found[-1].chunks
        return found

    @property
    def orphans(self) -> int:
        return self.chunks // _ORPHAN_ONE_IN

    @property
    def files(self) -> int:
        """How many files there are."""
        promoted = [one for one in self.meetings if one.sort != PAUSED]
        sorts = Counter(one.sort for one in self.meetings)
        lacking = sorts[FILE_GONE] + sorts[CHUNK_FAILED]
        return 2 * self.chunks + USERS * len(promoted) - lacking + self.orphans

    @cached_property
    def expected(self) -> dict[str, int]:
        """How many subjects must be found with each verdict."""
        found = Counter[str]()
        for one in self.meetings:
            first, users = one.of_user(0), {"in_meeting" if one.sort == PAUSED else "recorded": USERS}
            others = {"chunk_superseded": one.chunks - first, "recording_ok": USERS - 1, "completed_too_early": 1}
            found.update(users)
            match one.sort:
                case "paused":
                    found.update({"chunk_ok": one.chunks, "meeting_paused": 1})
                case "file gone":
                    found.update({**others, "expiring_unpromoted": first, "recording_file_missing": 1})
                case "chunk failed":
                    found.update({**others, "chunk_ok": first - 1, "failed_retryable": 1, "late_chunks": 1})
                case _:
                    found.update({"chunk_superseded": one.chunks, "recording_ok": USERS, "meeting_ok": 1})
        found["orphan_pcm"] = self.orphans
        return {verdict: number for verdict, number in found.items() if number}

    def plant_rows(self, server: PostgresServer) -> str:
        """A database with the rows; its URL."""
        url = server.create_database(f"recordings_{self.chunks}")
        create_schema(url, DOCUMENTED)
        with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(_PLANTED)
            with cursor.copy("copy planted from stdin") as into:
                for one in self.meetings:
                    into.write_row((*one, (self.now - _AGES[one.sort]).replace(tzinfo=None)))
            cursor.execute(_ROWS.encode())
        return url

    def write_objects(self, file: Path) -> Path:
        """The file of keys and sizes that the stub of a bucket takes."""
        with file.open("w", encoding="ascii") as lines:
            lines.writelines(f"{key}\t{size}\n" for key, size in self._objects())
        return file

    def _objects(self) -> Iterator[tuple[str, int]]:
        """Keys, ascending, and sizes."""
        for one in self.meetings:
            for user in range(USERS) if one.sort != PAUSED else ():
                if one.sort != FILE_GONE or user:
                    yield f"storage/recording_{one.id}_{_FIRST_USER + user}.mp3", one.of_user(user) * _MP3
        for one in self.meetings:
            for user in range(USERS):
                for number in range(one.of_user(user)):
                    name = f"temp/{one.id}_{_FIRST_USER + user}_chunk_{number:04}"
                    if one.sort != CHUNK_FAILED or user or number:
                        yield f"{name}.mp3", _MP3
                    yield f"{name}.pcm", _PCM
        for number in range(self.orphans):
            yield f"temp/{2**63 + number:016x}_{_FIRST_USER}_chunk_0000.pcm", _PCM


def world(chunks: int) -> Recordings:
    """A world as of this moment."""
    return Recordings(chunks, datetime.now(UTC))
