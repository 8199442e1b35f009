"""What a source reads, declared: an adapter that knows the declaration answers it, a JSON text for each row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Moments(NamedTuple):
    """What counts as just now when rows are read: anything from ``recent`` to ``latest``. What lies after ``latest`` is
    in the future and says nothing.
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
