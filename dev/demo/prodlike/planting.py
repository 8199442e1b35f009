"""Writing the world into a real Postgres, a file for the storage stub, or a real blob service."""

import json
from collections.abc import Mapping
from dataclasses import fields
from email.utils import format_datetime
from operator import attrgetter
from pathlib import Path

import psycopg
from psycopg import sql

from dev.demo.cases import PlantedContainer
from dev.demo.planting import plant_containers
from dev.demo.prodlike.media import Blobs
from dev.demo.prodlike.rows import Rows

MOST_BYTES = 2048
"""No blob is written larger than this where its bytes must be real."""


def plant_rows(url: str, rows: Rows) -> None:
    """Copy all rows into an empty PRE schema, in one transaction, and let Postgres take stock of them."""
    with psycopg.connect(url) as connection:
        for table, members in rows.tables():
            if not members:
                continue
            columns = [column.name for column in fields(members[0])]
            values = attrgetter(*columns)
            statement = sql.SQL("copy {} ({}) from stdin").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with connection.cursor().copy(statement) as copy:
                for row in members:
                    copy.write_row(values(row))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")


def write_account(path: Path, containers: Mapping[str, Blobs]) -> None:
    """Write an account as ``dev.devstack.storage_stub`` reads it: a line of JSON for each container."""
    with path.open("w", encoding="utf-8") as lines:
        for name, blobs in containers.items():
            rows = [[blob.name, blob.size, format_datetime(blob.last_modified, usegmt=True)] for blob in blobs]
            lines.write(json.dumps({"container": name, "blobs": rows}) + "\n")


def write_containers(connection_string: str, containers: Mapping[str, Blobs]) -> None:
    """Write the containers into a blob service, which dates every blob now; large blobs are cut, empty ones stay so."""
    plant_containers(
        connection_string,
        (
            PlantedContainer(name, {blob.name: min(blob.size, MOST_BYTES) for blob in blobs})
            for name, blobs in containers.items()
        ),
    )
