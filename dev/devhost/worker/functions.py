"""The functions of an app, as values."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any


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
    call: Callable[..., Any]
    is_async: bool
    durable_name: str = ""
    route: str = ""
    methods: frozenset[str] | None = None
    schedule: str = ""
    clients: tuple[str, ...] = ()


class WrongResultError(TypeError):
    """A function without an output returned something."""


@dataclass(frozen=True, slots=True)
class TimerCall:
    """The arguments of a call of a timer function."""

    past_due: bool
    last: datetime | None
    next: datetime | None
