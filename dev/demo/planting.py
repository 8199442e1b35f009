"""Planting the demo's cases in a real Postgres and a real storage account."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from azure.storage.blob.aio import BlobServiceClient
from psycopg.types.json import Jsonb

from dev.demo.cases import Case, PlantedContainer, demo_id

SCHEMA = Path(__file__).with_name("pre_schema.sql")
# Azurite takes longer with more (its index is one list).
_CONNECTIONS = 8
_HOUR = timedelta(hours=1)
_INGEST = "rtmps://in-{}.uksouth-4.streaming.mediakind.com:2935/stream"


def plant_rows(url: str, cases: Iterable[Case], *, now: datetime | None = None) -> None:
    """Write the rows of the cases into an empty PRE schema. A booking named by several cases is shared by them."""
    moment = now or datetime.now(UTC)
    court = demo_id("court")
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into courts (id, court_type, name) values (%s, 'CROWN', 'Demo Crown Court') on conflict do nothing",
            [court],
        )
        for case in cases:
            _plant_case(connection, case, court, moment)


def _plant_case(connection: psycopg.Connection, case: Case, court: UUID, now: datetime) -> None:
    booking_name = case.booking or case.name
    booking, case_id = demo_id(f"{booking_name}: booking"), demo_id(f"{booking_name}: case")
    started = now - case.age
    deleted_at = started + timedelta(days=1) if case.deleted else None
    connection.execute(
        "insert into cases (id, court_id, reference, state) values (%s, %s, %s, %s) on conflict do nothing",
        [case_id, court, f"DEMO{case_id.hex[:12]}", case.case_state],
    )
    connection.execute(
        "insert into bookings (id, case_id, scheduled_for) values (%s, %s, %s) on conflict do nothing",
        [booking, case_id, started],
    )
    connection.execute(
        "insert into capture_sessions"
        " (id, booking_id, origin, ingest_address, started_at, finished_at, status, deleted_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            case.session_id,
            booking,
            case.origin,
            _INGEST.format(case.session_id),
            case.moments.get("started_at", started),
            case.moments.get("finished_at", started + min(case.age / 2, timedelta(hours=1))),
            case.status,
            deleted_at,
        ],
    )
    for recording in case.recordings:
        connection.execute(
            "insert into recordings (id, capture_session_id, version, filename, created_at, deleted_at, duration)"
            " values (%s, %s, 1, %s, %s, %s, %s)",
            [
                recording.recording_id,
                case.session_id,
                f"{case.session_id.hex}_1280x720_4500k.mp4",
                started + timedelta(hours=1),
                now if recording.deleted else None,
                recording.minutes and timedelta(minutes=recording.minutes),
            ],
        )
    if case.swept:
        for status, moment in (("PROCESSING", now - 2 * _HOUR), ("NO_RECORDING", now - _HOUR)):
            connection.execute(
                "insert into audits (id, table_name, table_record_id, source, category, activity, created_at,"
                " audit_details) values (gen_random_uuid(), 'capture_sessions', %s, 'AUTO', 'CaptureSession', 'UPDATE',"
                " %s, %s)",
                [case.session_id, moment, Jsonb({"captureSessionStatus": status})],
            )


def plant_containers(connection_string: str, containers: Iterable[PlantedContainer]) -> None:
    """Write the containers and their blobs, several at a time."""
    asyncio.run(_plant_containers(connection_string, list(containers)))


async def _plant_containers(connection_string: str, containers: list[PlantedContainer]) -> None:
    waiting = iter(containers)
    async with BlobServiceClient.from_connection_string(connection_string) as service:

        async def work() -> None:
            for planted in waiting:
                client = await service.create_container(planted.name)
                for name, size in planted.blobs.items():
                    await client.upload_blob(name, b"\0" * size)

        await asyncio.gather(*(work() for _ in range(_CONNECTIONS)))


def create_schema(url: str) -> None:
    """Create the PRE tables in an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA.read_bytes())
