"""Every verdict, several times in several variants, and every false alarm that has been raised before."""

from collections.abc import Callable

from dev.demo.prodlike.draft import Draft
from dev.demo.prodlike.planted import (
    containers,
    empty_sessions,
    false_alarms,
    guarded_sessions,
    hidden_sessions,
    open_sessions,
    recordings,
    registered_sessions,
)

PLANTINGS: tuple[Callable[[Draft], None], ...] = (
    hidden_sessions.plant,
    guarded_sessions.plant,
    open_sessions.plant,
    registered_sessions.plant,
    empty_sessions.plant,
    containers.plant,
    recordings.plant,
    false_alarms.plant,
)
