"""``python -m dev.chaos.repairs.worker``: applies approved repairs as a worker of the app does, one for each line of
its input, until that ends. What is lost with it is lost as with a real one.

``CHAOS_WITHOUT_GUARD`` names a guard that its statements do without: to see that it is missed.
"""

import asyncio
import json
import logging
import os
import sys
from copy import copy
from dataclasses import replace

from activities.apply import apply_changes
from adapters.services import open_services
from adapters.settings import Settings, load_settings
from reconciliation.errors import AuditError
from reconciliation.profile import Profile

WITHOUT_GUARD = "CHAOS_WITHOUT_GUARD"
DEADLINE_SECONDS = 2


def without(profile: Profile, guard: str) -> Profile:
    """The profile with statements that do not ask for a guard."""
    repairs = tuple(
        replace(
            repair,
            statements=tuple(
                replace(statement, guards=tuple(one for one in statement.guards if one.name != guard))
                for statement in repair.statements
            ),
        )
        for repair in profile.repairs
    )
    changed = copy(profile)
    changed.repairs = repairs
    return changed


def settings_without(given: Settings, guard: str) -> Settings:
    """The settings with profiles whose statements do not ask for a guard."""
    return replace(given, profiles={name: without(profile, guard) for name, profile in given.profiles.items()})


def settings() -> Settings:
    """Those of the environment, with little time for a change."""
    given = settings_without(load_settings(os.environ), os.environ.get(WITHOUT_GUARD, ""))
    return replace(given, repair_deadline_seconds=DEADLINE_SECONDS)


async def serve(settings: Settings) -> None:
    """Apply what is asked for on the standard input; say how each ended on the standard output."""
    services = open_services(settings)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        try:
            result = dict(await apply_changes(json.loads(line), services))
        except AuditError as error:
            result = {"ok": False, "error": str(error), "retryable": error.retryable}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # of two endings that differ a race has many
    asyncio.run(serve(settings()))
