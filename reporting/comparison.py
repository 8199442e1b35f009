"""What changed since the last audit, or why there is no comparison."""

from typing import Any, NamedTuple

from reconciliation.profile import Profile
from reporting.model import Head
from reporting.reading import Cut, Subject, cut, subject_of


class Resolved(NamedTuple):
    """A finding of the last audit that was resolved; ``repair`` did it, if there was one."""

    subject: Subject
    verdict: str
    repair: str | None


class Comparison(NamedTuple):
    """``new`` is None if nothing was compared, ``resolved`` if that is unknown; ``why_not`` gives the reason."""

    previous: dict[str, Any] | None
    why_not: str | None
    new: int | None
    persisting: int | None
    resolved: int | None
    gone: list[Resolved]
    cut: Cut | None


def comparison(report: Head, profile: Profile) -> Comparison:
    since = report["since_last"]
    gone = [Resolved(subject_of(one, profile), one["verdict"], one.get("repair")) for one in since["resolved_findings"]]
    return Comparison(
        previous=since["previous"],
        why_not=since["why_not"],
        new=since["new"],
        persisting=since["persisting"],
        resolved=since["resolved"],
        gone=gone,
        cut=cut(len(gone), since["resolved"], "the report of the last audit") if gone else None,
    )
