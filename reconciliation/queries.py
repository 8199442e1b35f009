"""Declarations of what a source reads; an adapter for each kind of them gives a JSON text for each row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Moments(NamedTuple):
    """A moment from ``recent`` to ``latest`` counts as just now when rows are read; one after ``latest`` is in the
    future and counts as not given.
    """

    recent: datetime
    latest: datetime


@dataclass(frozen=True)
class SqlRows:
    """The rows of one read-only statement: its SQL is fixed in the code, its values travel as bound parameters.

    It gives one column: a JSON text for each row, made by the database, so that rows pass through us as they are.
    """

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Containers:
    """The names of all containers of a storage account, ascending."""


Query = SqlRows | Containers
