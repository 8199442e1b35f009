"""Changing something by an HTTP API: guarded by what the profile's own connections read just before (``GuardedCalls``).

The clock of deadlines is that of the profile's database, where the guards are read.
"""

import asyncio
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from adapters.appliers import UncertainError
from adapters.guarding import Guarding
from adapters.http_api import HttpApi
from adapters.services import Services
from reconciliation.effects import Effect, Ended, Ending, GuardedCalls, Once, refusal
from reconciliation.errors import AuditError
from reconciliation.queries import HttpAnswer, HttpCall

ResultT = TypeVar("ResultT")
_MARGIN = timedelta(seconds=10)
"""For a request that was received and is still worked on when its sender has given it up."""


@dataclass
class _Talking:
    """A conversation with an API; ``has_changed``: a call was begun that may have changed something."""

    api: HttpApi
    has_changed: bool = field(default=False)

    async def to_its_end(self, conversation: Generator[HttpCall, HttpAnswer, ResultT]) -> ResultT:
        try:
            call = next(conversation)
            while True:
                self.has_changed = self.has_changed or call.changes
                try:
                    answer = await self.api.call(call)
                except AuditError as error:
                    if not call.once:
                        raise
                    call = conversation.throw(error)
                else:
                    call = conversation.send(answer)
        except StopIteration as stop:
            result: ResultT = stop.value
            return result
        finally:
            conversation.close()


@dataclass(frozen=True)
class ApiChanges:
    """Changes by one API. ``database`` is the setting of the profile's database."""

    services: Services
    database: str
    api: HttpApi

    @property
    def in_flight(self) -> timedelta:
        """As ``Applier.in_flight``: an API carries out what it has received, whatever became of its sender."""
        return timedelta(seconds=self.api.try_seconds) + _MARGIN

    async def clock(self) -> datetime:
        """The clock of the profile's database. Raises an ``AuditError``."""
        return await self._guarding.clock()

    async def apply(self, statement: GuardedCalls, effect: Effect, once: Once, deadline: datetime) -> Ended:
        """As ``Applier.apply``. The conversation ends at the deadline, wherever it is."""
        begun, clock = time.monotonic(), await self.clock()
        hold = await self._guarding.hold(statement, effect.values, deadline)
        if (refused := refusal(statement.guards, hold)) is not None:
            return refused
        talking = _Talking(self.api)
        seconds = (deadline - clock).total_seconds() - (time.monotonic() - begun)
        try:
            async with asyncio.timeout(max(seconds, 0)):
                return await talking.to_its_end(statement.apply(effect.values, once))
        except TimeoutError as error:
            if talking.has_changed:
                raise UncertainError("It took too long.") from error
            return Ended(Ending.FAILED, "It was not done in time. Nothing was changed.")
        except AuditError as error:
            if talking.has_changed:  # also where it was refused: an earlier try of the same call may have been done
                raise UncertainError(str(error)) from error
            raise

    async def happened(self, statement: GuardedCalls, effect: Effect, once: Once, deadline: datetime) -> bool | None:
        """As ``Applier.happened``."""
        try:
            left = await _Talking(self.api).to_its_end(statement.happened(effect.values, once))
            if left is not None:
                return True
            return False if await self.clock() > deadline + self.in_flight else None
        except AuditError:
            return None

    async def left(self, statement: GuardedCalls, effect: Effect, once: Once, deadline: datetime) -> Mapping[str, Any]:  # noqa: ARG002 - as of any applier
        """As ``Applier.left``."""
        left = await _Talking(self.api).to_its_end(statement.happened(effect.values, once))
        return dict(left or {})

    async def ask(self, conversation: Generator[HttpCall, HttpAnswer, ResultT]) -> ResultT:
        """What a conversation that changes nothing finds out. Raises an ``AuditError``."""
        return await _Talking(self.api).to_its_end(conversation)

    @property
    def _guarding(self) -> Guarding:
        return Guarding(self.services, self.database)
