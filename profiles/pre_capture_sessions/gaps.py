"""Why an audit may have overlooked something, before anything was opened."""

from collections.abc import Sequence

from reconciliation.coverage import Gap

_MOST_NAMED = 5
NO_CONTAINER = Gap(
    "storage listed no container at all",
    "Check that the setting names the account of the recordings, then audit again.",
)


def no_sessions(ids: Sequence[str]) -> Gap:
    """The question speaks of sessions that are not there, so it was not understood as it was meant."""
    first = ", ".join(ids[:_MOST_NAMED]) + (", ..." if len(ids) > _MOST_NAMED else "")
    what = "an id that was asked for is" if len(ids) == 1 else f"{len(ids):,} ids that were asked for are"
    return Gap(
        f"{what} no session's ({first})", "Ask for ids of capture sessions, not of bookings, cases or recordings."
    )
