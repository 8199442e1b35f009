"""Making the world."""

from datetime import datetime, timedelta

from dev.demo.prodlike.dataset import Dataset
from dev.demo.prodlike.draft import Draft
from dev.demo.prodlike.mass import fill
from dev.demo.prodlike.planted import PLANTINGS
from dev.demo.prodlike.proportions import mass
from dev.demo.prodlike.trails import BACKLOG_SWEEP

SETTLE = timedelta(minutes=20)
EARLIEST = BACKLOG_SWEEP + timedelta(days=120)


def build(seed: int | str, now: datetime, scale: float = 1.0, settle: timedelta = SETTLE) -> Dataset:
    """The world as it stands at ``now``; at a scale of 1, 25,000 sessions and 20,000 containers.

    ``scale`` shrinks the healthy mass and leaves every planted case. ``settle`` is the settle time of the audit that
    the verdicts are for: zero where storage dates every blob by its writing, as Azurite does. Raises ``ValueError`` if
    the scale is not between 0 and 1, or ``now`` has no time zone or lies too early for the eras of the planted cases.
    """
    if now.tzinfo is None or now < EARLIEST:
        raise ValueError(f"now is {now}; needed: a moment with a time zone, from {EARLIEST} on")
    draft = Draft(seed, now, settle)
    for plant in PLANTINGS:
        plant(draft)
    fill(draft, mass(len(draft.rows.capture_sessions), len(draft.containers), scale))
    return draft.finished()
