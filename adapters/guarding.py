"""What changes outside a database are guarded by: the profile's own connections, read just before.

The clock of their deadlines is that of the profile's database, where the guards are read.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from adapters.probers import Prober
from adapters.readers import Reading, reader
from adapters.services import Services
from reconciliation.effects import Values
from reconciliation.errors import DatabaseUnavailableError
from reconciliation.lookups import Lookup
from reconciliation.queries import SqlRows


class Guarded(Protocol):
    """A statement whose guards are read like this (see ``GuardedCalls``)."""

    @property
    def guarded(self) -> Callable[[Values, datetime], SqlRows]: ...

    @property
    def lookups(self) -> Callable[[Values], tuple[Lookup, ...]]: ...

    @property
    def unchanged(self) -> Callable[[Values, Sequence[Any]], Mapping[str, bool]]: ...


@dataclass(frozen=True)
class Guarding:
    """Reads guards. ``database`` is the setting of the profile's database."""

    services: Services
    database: str

    async def clock(self) -> datetime:
        """The clock of the profile's database. Raises an ``AuditError``."""
        async with reader(self.services, self.database) as opened:
            assert opened.state is not None
            return opened.state.clock

    async def hold(self, statement: Guarded, values: Values, deadline: datetime) -> dict[str, bool]:
        """Which guards hold, by what is read now. Raises an ``AuditError``."""
        prober = Prober(self.services)
        results = [await prober.look(lookup) for lookup in statement.lookups(values)]
        hold = dict(statement.unchanged(values, results))
        async with reader(self.services, self.database) as opened:
            if opened.state is not None and opened.state.is_replica:
                raise DatabaseUnavailableError(f"{self.database} is a replica just now. Try again later.")
            reading = Reading.of(opened, statement.guarded(values, deadline))
            async for lines in reading.lines():
                for line in lines:
                    hold |= json.loads(line)
        return hold
