"""``python -m dev.chaos.stuck_uploads.worker``: applies approved repairs of stuck uploads as a worker of the app does.

``CHAOS_WITHOUT_GUARD`` names what it does without: to see that it is missed. That is a guard of a statement, or one of
``TALK``.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from uuid import uuid4

from adapters.settings import load_settings
from dev.chaos.repairs.worker import WITHOUT_GUARD, serve, settings_without
from profiles.stuck_uploads import starting
from profiles.stuck_uploads.answers import Json
from reconciliation.effects import Ended, Ending


def _no_look_after_creation() -> None:
    def look_again(_self: object, run: Json) -> starting.Talk[Ended]:
        yield from ()
        return Ended(Ending.DONE, left={"run_id": run["id"], "key": str(run.get("idempotency_key"))})

    starting._Start.look_again = look_again  # type: ignore[assignment, method-assign]  # noqa: SLF001


def _key_of_its_own() -> None:
    starting.key_of = lambda *_: f"random:{uuid4()}"


def _no_key_and_no_look() -> None:
    _key_of_its_own()
    _no_look_after_creation()


def _cancels_what_is_taken() -> None:
    starting._can_be_cancelled = lambda run, now: bool(run and now)  # noqa: SLF001


TALK: dict[str, Callable[[], None]] = {
    "look_after_creation": _no_look_after_creation,
    "key_and_look_after_creation": _no_key_and_no_look,
    "leaves_what_is_taken": _cancels_what_is_taken,
}
"""What a conversation can be made to do without."""

if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # of two endings that differ a race has many
    left_out = os.environ.get(WITHOUT_GUARD, "")
    TALK.get(left_out, lambda: None)()
    asyncio.run(serve(settings_without(load_settings(os.environ), left_out)))
