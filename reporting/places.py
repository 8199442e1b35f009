"""The places of an audit: storage accounts and databases."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciliation.profile import Profile


class Place(NamedTuple):
    """A storage account, or a database with its ``host``; None for what the database's URL leaves out."""

    name: str | None
    host: str | None = None


def places(audit: Mapping[str, Any], profile: Profile) -> dict[str, Place | None]:
    """Each place that the profile connects to, by its noun; None if it was not configured."""
    return {one.shown.replace("_", " "): _place(audit[one.shown]) for one in profile.connections}


def _place(of: str | Mapping[str, str | None] | None) -> Place | None:
    if not of:
        return None
    return Place(of) if isinstance(of, str) else Place(of["name"] or None, of["host"])
