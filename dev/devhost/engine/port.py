"""The interface between the engine and a worker."""

from typing import Protocol

from dev.devhost.protocol.responses import Response


class ActivityFailedError(Exception):
    """An activity failed; the text is what the real worker reports, a blank, the exception's type and its message."""


class FunctionFailedError(Exception):
    """An HTTP or timer function failed; the text is its traceback."""


class WorkerDiedError(Exception):
    """The worker process died during the call; the text says with which exit code, in the real host's words."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"python exited with code {exit_code}")


class Worker(Protocol):
    """Runs an app's functions."""

    @property
    def activities(self) -> frozenset[str]:
        """The registered activity names in lower case: names ignore case."""

    @property
    def orchestrators(self) -> dict[str, str]:
        """The orchestrator names as they were registered, by lower-case name."""

    async def run_orchestrator(self, name: str, body: str) -> Response:
        """Call an orchestrator with a trigger body. Does not raise for what user code does; raises WorkerDiedError."""

    async def run_activity(self, name: str, text: str | None) -> str | None:
        """Run an activity; JSON text in and out. Raises ActivityFailedError or WorkerDiedError."""
