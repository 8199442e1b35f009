"""The functions of an app, as values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Trigger(Enum):
    """The triggers that this host serves, by binding type."""

    HTTP = "httpTrigger"
    TIMER = "timerTrigger"
    ORCHESTRATION = "orchestrationTrigger"
    ACTIVITY = "activityTrigger"


@dataclass(frozen=True, slots=True)
class AppFunction:
    """One function that was found in the app and passed the worker's rules.

    ``durable_name`` is the name that orchestrations use for it. ``methods`` None: all methods. ``clients`` are the
    parameters that receive a durable client.
    """

    name: str
    trigger: Trigger
    parameter: str
    is_async: bool
    durable_name: str = ""
    route: str = ""
    methods: frozenset[str] | None = None
    schedule: str = ""
    clients: tuple[str, ...] = ()


def durable_names(functions: Iterable[AppFunction], trigger: Trigger) -> dict[str, str]:
    """The names by which orchestrations call what has a trigger, as they were registered, by lower-case name."""
    return {f.durable_name.lower(): f.durable_name for f in functions if f.trigger is trigger}


class LoadError(RuntimeError):
    """The app cannot be loaded; the text has one line per problem."""


class WrongResultError(TypeError):
    """A function returned what it must not return."""


@dataclass(frozen=True, slots=True)
class HttpCall:
    """The request that an HTTP function is called with. ``query`` and ``headers`` have each name once."""

    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str]
    route_parameters: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an HTTP function answered."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class TimerCall:
    """The arguments of a call of a timer function."""

    past_due: bool
    last: datetime | None
    next: datetime | None
