"""Videos that wait for a run which nobody made, each for one race; and a table of who has written their rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from dev.chaos.proxy import HOST
from dev.chaos.repairs.world import Database, rows
from dev.demo.stuck_uploads.cases import TENANT
from dev.demo.stuck_uploads.rows import create_schema
from dev.devstack.postgres import PostgresServer
from profiles.stuck_uploads.dialects import LAYOUT_STATUS
from profiles.stuck_uploads.keys import SOURCE, folder_of
from profiles.stuck_uploads.statements import grants

COLUMNS = LAYOUT_STATUS.name
WAITS, PROCESSED = "wait", LAYOUT_STATUS.annotate
_PASSWORD = "chaos-repairer"  # noqa: S105 - of a database that lives as long as the campaign
_VIDEO = (
    "insert into videos (id, tenant_id, video_path, storage_key, size_bytes)"
    " values (%(video)s, %(tenant)s, 'a video', %(key)s, %(size)s)"
)
# Written by the table itself, whoever writes it: the judge believes this, and no ledger.
_WRITES = """
create table writes (
  number bigint generated always as identity primary key,
  video_id uuid not null, writer text not null, before text, after text, at timestamptz default clock_timestamp()
);
create function note_write() returns trigger language plpgsql security definer as $$
begin
  insert into writes (video_id, writer, before, after)
  values (old.id, session_user, old.layout_status, new.layout_status);
  return new;
end $$;
create trigger note_write after update on videos for each row execute function note_write();
"""
_WRITES_OF = "select writer, before, after, at from writes where video_id = %(video)s order by number"
_ROW = "select layout_status as status, xmin::text as token from videos where id = %(video)s"
CONTENT = b"a video"


@dataclass(frozen=True)
class Video:
    """One video, by its number."""

    number: int

    @property
    def id(self) -> str:
        return str(UUID(int=0xC0FFEE << 104 | 0x4000 << 64 | 0x8000 << 48 | self.number))

    @property
    def folder(self) -> str:
        return folder_of(TENANT, self.id)

    @property
    def storage_key(self) -> str:
        return f"{self.folder}{SOURCE}"

    @property
    def ids(self) -> dict[str, Any]:
        """What statements about it are given."""
        return {"video": self.id, "tenant": TENANT, "key": self.storage_key, "size": len(CONTENT)}

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of a run of it."""
        return {"video_id": self.id, "tenant_id": TENANT, "storage_key": self.storage_key}


def plant(server: PostgresServer, name: str, videos: Iterable[Video]) -> Database:
    """A new database of that name which holds these videos, and the role of repairs with just its rights."""
    url, role = server.create_database(name), f"repairer_of_{name}"
    create_schema(url, COLUMNS)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(_VIDEO.encode(), [video.ids for video in videos])
        cursor.execute(_WRITES.encode())
        cursor.execute(f"create role {role} login password '{_PASSWORD}'".encode())
        cursor.execute(grants(LAYOUT_STATUS).format(role=role).encode())
    return Database(url, f"postgresql://{role}:{_PASSWORD}@{HOST}:{server.port}/{name}", server.port)


def row_of(url: str, video: Video) -> dict[str, Any] | None:
    """The status and the token of its row; None if there is none any more."""
    found = rows(url, _ROW, **video.ids)
    return found[0] if found else None


def writes_of(url: str, video: Video) -> list[dict[str, Any]]:
    """Who has changed its row, in the order in which that was done: *writer*, *before*, *after*, *at*."""
    return rows(url, _WRITES_OF, **video.ids)
