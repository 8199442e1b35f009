"""What a reader of a report must know of the clocks and servers that it rests on: one sentence for each."""

from collections.abc import Iterator
from datetime import timedelta

from profiles.pre_capture_sessions.conclusion import SecondLook
from profiles.pre_capture_sessions.first_look import FirstLook
from reconciliation.times import to_text


def notes_of(first: FirstLook, second: SecondLook) -> Iterator[str]:
    """The sentences, most far-reaching first; none if there is nothing to say."""
    if second.replayed_until is not None:
        yield (
            f"The rows come from a read replica that has replayed what happened until {second.replayed_until}. What a "
            "registration since then would explain is unverified: give the app the primary."
        )
    if abs(second.database_ahead) > first.clock.tolerance:
        yield f"The database's clock is {_apart(second.database_ahead)} the app's. Have both clocks set."
    if first.clock.storage_ahead:
        yield (
            f"Storage's clock is {_apart(first.clock.storage_ahead)} the app's. The age of blobs is told by storage's "
            "own clock. Have both clocks set."
        )
    if first.future_containers and first.furthest:
        one = first.future_containers == 1
        yield (
            f"{first.future_containers:,} container{' holds' if one else 's hold'} blobs whose last change lies in the "
            f"future, up to {to_text(first.furthest)}. Such moments count as not given: storage's clock was ahead, or "
            "is."
        )


def _apart(ahead: timedelta) -> str:
    return f"{abs(ahead) // timedelta(minutes=1)} minutes {'ahead of' if ahead > timedelta() else 'behind'}"
