"""What makes the changes of repairs: a database (``postgres_changes``), an HTTP API (``api_changes``) or a bucket
(``object_changes``).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from reconciliation.effects import Effect, Ended, Once


class UncertainError(Exception):
    """Something was being changed, and no answer tells what became of it: only its trace can. The message, if there is
    one, says in a sentence why.
    """


class Applier(Protocol):
    """Makes changes by one connection of a repair. ``statement`` is of the kind that it knows."""

    @property
    def in_flight(self) -> timedelta:
        """How long after the deadline something that was sent before it may still be carried out, though whoever sent
        it is gone: until then nobody can say that it was not applied.
        """
        ...

    async def clock(self) -> datetime:
        """The clock that deadlines are by. Raises an ``AuditError``."""
        ...

    async def apply(self, statement: Any, effect: Effect, once: Once, deadline: datetime) -> Ended:
        """Apply an effect, if all guards hold, and say what became of it. Whatever it says, but for *done* and *already
        done*, nothing was changed.

        Raises ``UncertainError`` if that cannot be said, and an ``AuditError`` where nobody can be reached at all;
        nothing was changed then.
        """
        ...

    async def happened(self, statement: Any, effect: Effect, once: Once, deadline: datetime) -> bool | None:
        """True if the effect was applied, False if it was not, and cannot be any more; None if that cannot be told, or
        not yet.

        Only asked after the deadline: before that, the change may still be on its way. So it may for ``in_flight``
        longer, in which there is no False.
        """
        ...

    async def left(self, statement: Any, effect: Effect, once: Once, deadline: datetime) -> Mapping[str, Any]:
        """What an effect that was applied left, as it is now. Raises an ``AuditError``."""
        ...
