"""Warnings in a report about clocks that differ, one sentence for each."""

from collections.abc import Iterator
from datetime import timedelta

from reconciliation.looks import Audit


def notes_of(audit: Audit) -> Iterator[str]:
    """The sentences; none if the clocks agree."""
    if audit.clock.database_ahead:
        yield f"The database's clock is {_apart(audit.clock.database_ahead)} the app's. Have both clocks set."
    if audit.clock.api_ahead:
        yield (
            f"The API's clock is {_apart(audit.clock.api_ahead)} the app's. What it tells is dated by its own clock. "
            "Have both clocks set."
        )
    if audit.clock.storage_ahead:
        yield (
            f"Storage's clock is {_apart(audit.clock.storage_ahead)} the app's. The age of blobs is told by storage's "
            "own clock. Have both clocks set."
        )


def _apart(ahead: timedelta) -> str:
    return f"{abs(ahead) // timedelta(minutes=1)} minutes {'ahead of' if ahead > timedelta() else 'behind'}"
