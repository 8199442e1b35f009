"""Following one audit to its end: when to ask again, how long to wait out trouble."""

import math
import time
from dataclasses import dataclass
from typing import Final, Protocol

from auditctl.answers import Audit, read_audit
from auditctl.client import Answer, Api
from auditctl.errors import UnavailableError
from auditctl.fields import Document

SHORTEST_DELAY_SECONDS: Final = 0.1
FIRST_DELAY_SECONDS: Final = 0.25
LONGEST_DELAY_SECONDS: Final = 5.0
DELAY_GROWTH: Final = 1.5
LONGEST_RETRY_AFTER_SECONDS: Final = 300.0


class Observer(Protocol):
    """Who is told what the watching sees."""

    def progress(self, audit: Audit) -> None:
        """The audit as it is now; called at every look, also when nothing changed."""

    def trouble(self, what: str, seconds_left: float) -> None:
        """The audit cannot be seen, or does not go on; it is tried again for that long. Called at every try."""

    def recovered(self) -> None:
        """The trouble is over."""


@dataclass(frozen=True)
class Watched:
    """The last look at an audit: it has ended, or has been interrupted for longer than there was patience."""

    audit: Audit
    document: Document


class Patience:
    """How long trouble has lasted, against how long it may last."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: float | None = None

    def spend(self) -> float:
        """Seconds left, counted from the first trouble; zero or less when it has run out."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return self.seconds - (now - self._since)

    def restore(self) -> bool:
        """Forget the trouble after a good look. Returns whether there was any."""
        had_trouble, self._since = self._since is not None, None
        return had_trouble


def follow(
    api: Api, audit_id: str, observer: Observer, patience_seconds: float, first: Answer | None = None
) -> Watched:
    """Look at an audit until it has ended; ``first`` is an answer about it that is already there.

    Lost connections, 429, 502, 503 and 504 are tried again until they have lasted for ``patience_seconds``, and so is
    an interrupted audit, which a resume may bring back. Raises UnavailableError when the patience has run out, and
    at once what no later try would change (RefusedError, UnexpectedAnswerError).
    """
    patience, own_delay = Patience(patience_seconds), FIRST_DELAY_SECONDS
    while True:
        try:
            answer, first = first or api.audit(audit_id), None
        except UnavailableError as trouble:
            seconds_left, retry_after = patience.spend(), trouble.retry_after
            if seconds_left <= 0:
                raise _gave_up(trouble, api, audit_id, patience_seconds) from None
            observer.trouble(trouble.what, seconds_left)
            delay = delay_after_trouble(own_delay, retry_after)
        else:
            audit, retry_after = read_audit(answer.fields), answer.retry_after
            seconds_left = _judge(audit, patience, observer)
            observer.progress(audit)
            if audit.ended or seconds_left <= 0:
                return Watched(audit, answer.document)
            delay = delay_before_next_look(own_delay, retry_after)
        time.sleep(min(delay, seconds_left))
        own_delay = min(own_delay * DELAY_GROWTH, LONGEST_RETRY_AFTER_SECONDS)


def _judge(audit: Audit, patience: Patience, observer: Observer) -> float:
    """Tells the observer whether the audit goes on; returns for how many seconds that may be waited out."""
    if audit.state == "interrupted":
        seconds_left = patience.spend()
        observer.trouble("The audit was interrupted; it goes on when it is resumed.", seconds_left)
        return seconds_left
    if patience.restore():
        observer.recovered()
    return math.inf


def delay_before_next_look(own: float, retry_after: float | None) -> float:
    """Seconds to wait while all goes well: our own delay, up to what the service asks for.

    The first looks come sooner than it asks: a short audit would have ended before anything of it was seen.
    """
    return min(own, LONGEST_DELAY_SECONDS if retry_after is None else delay_after_trouble(own, retry_after))


def delay_after_trouble(own: float, retry_after: float | None) -> float:
    """Seconds to wait: what the service asks for, within reason, or else our own delay."""
    if retry_after is None:
        return min(own, LONGEST_DELAY_SECONDS)
    return min(max(retry_after, SHORTEST_DELAY_SECONDS), LONGEST_RETRY_AFTER_SECONDS)


def _gave_up(trouble: UnavailableError, api: Api, audit_id: str, patience_seconds: float) -> UnavailableError:
    return UnavailableError(
        f"{trouble.what} Gave up after {patience_seconds:g} s; the audit itself may well go on.",
        where=trouble.where,
        next_step=f"When the service answers again: {api.service.command('watch', audit_id)}",
    )
