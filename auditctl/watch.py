"""Watching one audit to its end: how often to poll, and how long to wait out trouble."""

import math
import time
from dataclasses import dataclass
from typing import Final, Protocol

from auditctl.client import Api, Response
from auditctl.errors import UnavailableError
from auditctl.fields import Document
from auditctl.responses import Audit, read_audit

SHORTEST_DELAY_SECONDS: Final = 0.1
FIRST_DELAY_SECONDS: Final = 0.25
LONGEST_DELAY_SECONDS: Final = 5.0
DELAY_GROWTH: Final = 1.5
LONGEST_RETRY_AFTER_SECONDS: Final = 300.0


class Observer(Protocol):
    """Receives the events of a watched audit."""

    def progress(self, audit: Audit) -> None:
        """The current state of the audit; called at every poll, even if nothing changed."""

    def trouble(self, what: str, seconds_left: float) -> None:
        """The audit cannot be reached, or is interrupted; polling goes on for ``seconds_left``. Called each time."""

    def recovered(self) -> None:
        """The trouble is over."""


@dataclass(frozen=True)
class Watched:
    """The last state of a watched audit: it has ended, or was interrupted for longer than the patience."""

    audit: Audit
    document: Document


class Patience:
    """A time limit for trouble; restored when the trouble is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: float | None = None

    def spend(self) -> float:
        """The seconds left since the trouble began; zero or less when the limit is exceeded."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return self.seconds - (now - self._since)

    def restore(self) -> bool:
        """Call when the trouble is over. Returns whether there was any."""
        had_trouble, self._since = self._since is not None, None
        return had_trouble


def follow(
    api: Api, audit_id: str, observer: Observer, patience_seconds: float, first: Response | None = None
) -> Watched:
    """Poll an audit until it has ended; ``first`` is a response about it that was already received.

    Lost connections, 429, 502, 503 and 504 are retried for ``patience_seconds``, and an interrupted audit, which may be
    resumed, is watched for as long. Raises UnavailableError when that time is over, and RefusedError or
    UnexpectedResponseError at once.
    """
    patience, own_delay = Patience(patience_seconds), FIRST_DELAY_SECONDS
    while True:
        try:
            response, first = first or api.audit(audit_id), None
        except UnavailableError as trouble:
            seconds_left, retry_after = patience.spend(), trouble.retry_after
            if seconds_left <= 0:
                raise _gave_up(trouble, api, audit_id, patience_seconds) from None
            observer.trouble(trouble.what, seconds_left)
            delay = delay_after_trouble(own_delay, retry_after)
        else:
            audit, retry_after = read_audit(response.fields), response.retry_after
            seconds_left = _judge(audit, patience, observer)
            observer.progress(audit)
            if audit.ended or seconds_left <= 0:
                return Watched(audit, response.document)
            delay = delay_before_next_look(own_delay, retry_after)
        time.sleep(min(delay, seconds_left))
        own_delay = min(own_delay * DELAY_GROWTH, LONGEST_RETRY_AFTER_SECONDS)


def _judge(audit: Audit, patience: Patience, observer: Observer) -> float:
    """Informs the observer of an interruption or its end; returns for how many seconds to go on."""
    if audit.state == "interrupted":
        seconds_left = patience.spend()
        observer.trouble("The audit was interrupted; it goes on when it is resumed.", seconds_left)
        return seconds_left
    if patience.restore():
        observer.recovered()
    return math.inf


def delay_before_next_look(own: float, retry_after: float | None) -> float:
    """Seconds to wait without trouble: our own delay, at most the service's ``Retry-After``.

    The first polls come sooner than that, or a short audit would end before any progress was shown.
    """
    return min(own, LONGEST_DELAY_SECONDS if retry_after is None else delay_after_trouble(own, retry_after))


def delay_after_trouble(own: float, retry_after: float | None) -> float:
    """Seconds to wait: the service's ``Retry-After`` within limits, or else our own delay."""
    if retry_after is None:
        return min(own, LONGEST_DELAY_SECONDS)
    return min(max(retry_after, SHORTEST_DELAY_SECONDS), LONGEST_RETRY_AFTER_SECONDS)


def _gave_up(trouble: UnavailableError, api: Api, audit_id: str, patience_seconds: float) -> UnavailableError:
    return UnavailableError(
        f"{trouble.what} Gave up after {patience_seconds:g} s; the audit itself may well go on.",
        where=trouble.where,
        next_step=f"When the service answers again: {api.service.command('watch', audit_id)}",
    )
