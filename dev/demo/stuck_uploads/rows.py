"""Planting the rows of the cases in a real Postgres, in either shape of its tables."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from dev.demo.stuck_uploads.cases import DOCUMENTED, TENANT, UNKNOWN_STATUS, Case
from dev.demo.stuck_uploads.files import SOURCE

_INSERT = {
    "status": (
        "insert into videos (id, tenant_id, name, storage_key, size_bytes, status, created_at, deleted_at)"
        " values (%(id)s, %(tenant)s, %(name)s, %(key)s, %(size)s, %(status)s, %(created)s, %(deleted)s)"
    ),
    "layout_status": (
        "insert into videos (id, tenant_id, video_path, display_path, storage_key, size_bytes, layout_status,"
        " uploaded_at, deleted_at)"
        " values (%(id)s, %(tenant)s, %(name)s, %(name)s, %(key)s, %(size)s, %(status)s, %(created)s, %(deleted)s)"
    ),
}
_EDITS = (
    "insert into video_database_state (video_id, database_name, tenant_id, server_version, wasabi_version)"
    " values (%s, 'layout', %s, %s, %s)"
)


def create_schema(url: str, columns: str) -> None:
    """Create the tables in an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(Path(__file__).with_name(f"{columns}.sql").read_bytes())


def plant_rows(url: str, columns: str, cases: Iterable[Case], *, others: int = 0, now: datetime | None = None) -> None:
    """Write the rows of the cases, and ``others`` of videos that are too young to be stuck: they come first by their
    ids.
    """
    moment = now or datetime.now(UTC)
    rows = [_row(case, columns, moment) for case in cases if case.row is not None]
    waiting = status_in(columns, "wait")
    rows += [_other(number, waiting, moment) for number in range(others)]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(_INSERT[columns].encode(), rows)
        for case in cases:
            if case.edits is not None:
                cursor.execute(_EDITS, [case.video_id, TENANT, case.edits, case.edits])


def status_in(columns: str, status: str) -> str | None:
    """A status of the cases as these columns have it; the later ones take no status that they do not know."""
    if columns == "status":
        return DOCUMENTED.get(status, status)
    return None if status == UNKNOWN_STATUS else status


def _row(case: Case, columns: str, now: datetime) -> dict[str, Any]:
    changes = dict(case.row or {})
    deleted = now - timedelta(minutes=1) if changes.pop("deleted", False) else None
    source = case.files.get(SOURCE, b"seven b")
    row = {
        "id": case.video_id,
        "tenant": TENANT,
        "name": f"{case.number:02} {case.expected}",
        "key": f"{TENANT}/client/videos/{case.video_id}/video.mp4",
        "size": len(source),
        "status": status_in(columns, case.status),
        "created": now - case.age,
        "deleted": deleted,
    }
    known = {"size_bytes": "size", "storage_key": "key"}
    return row | {known[name]: value for name, value in changes.items()}


def _other(number: int, status: str | None, now: datetime) -> dict[str, Any]:
    its_id = str(UUID(int=number + 1))
    return {
        "id": its_id,
        "tenant": TENANT,
        "name": f"other {number}",
        "key": f"{TENANT}/client/videos/{its_id}/video.mp4",
        "size": number,
        "status": status,
        "created": now - timedelta(seconds=1),
        "deleted": None,
    }
