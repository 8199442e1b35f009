"""What the engine needs of a worker, and what it hands back."""

from dataclasses import dataclass
from typing import Protocol

from dev.devhost.protocol.answers import Answer
from dev.devhost.protocol.shadow import Known


@dataclass(frozen=True, slots=True)
class OrchestratorResult:
    """The SDK's answer, and the ids it holds open, by kind (see `dev.devhost.protocol.hazards`)."""

    answer: Answer
    sdk_tasks: dict[int, str]


class ActivityFailedError(Exception):
    """An activity failed; the text is what the real worker reports, a blank, the exception's type and its message."""


class WorkerDiedError(Exception):
    """The worker process died during the call."""


class Worker(Protocol):
    """Runs an app's functions."""

    @property
    def known(self) -> Known:
        """The registered names."""

    async def run_orchestrator(self, name: str, body: str) -> OrchestratorResult:
        """Call an orchestrator with a trigger body. Does not raise for what user code does; raises WorkerDiedError."""

    async def run_activity(self, name: str, text: str | None) -> str | None:
        """Run an activity; JSON text in and out. Raises ActivityFailedError or WorkerDiedError."""
