"""The rows of the store, as values."""

from dataclasses import dataclass
from datetime import datetime

from dev.devhost.protocol.events import Event

LIVE = frozenset({"Pending", "Running"})
"""Runtime statuses of instances that have not ended."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One orchestration instance. ``raw_input`` and ``output`` are JSON texts."""

    id: str
    execution_id: str
    name: str
    raw_input: str | None
    created: datetime
    updated: datetime
    status: str = "Pending"
    output: str | None = None
    generation: int = 0

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.status in LIVE


@dataclass(frozen=True, slots=True)
class Message:
    """An event in an instance's inbox. ``execution_id`` None: for whatever execution is current."""

    seq: int
    execution_id: str | None
    event: Event


@dataclass(frozen=True, slots=True)
class ActivityCall:
    """An activity that is to be run, or is running. ``input`` is JSON text."""

    seq: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None


@dataclass(frozen=True, slots=True, order=True)
class Timer:
    """A timer that has not fired."""

    fire_at: datetime
    created: datetime
    instance_id: str
    execution_id: str
    task_id: int
