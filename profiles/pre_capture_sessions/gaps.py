"""Why an audit may have overlooked something: the listing was incomplete, or the question names no session.

A single listing cannot prove that it is complete: a truncated page looks like the last one. So the account is listed a
second time. A container that exists, is older than the audit by more than the grace, and was left out of a listing or
reported as deleted proves that storage, or something in front of it, omits containers. Its age is that of its blobs; if
it has a row, which is older than the grace itself, its blobs need only be older than the audit.
"""

from collections.abc import Iterable, Iterator, Sequence

from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.names import Name, name_of
from profiles.pre_capture_sessions.screening import NAMES
from reconciliation.coverage import Gap
from reconciliation.evidence import Unread, has_failed, is_gone
from reconciliation.looks import Audit, Doubt

_MOST_NAMED = 5
_NEXT = "Storage, or something in front of it, does not tell all: find out what, then audit again."
NO_CONTAINER = Gap(
    "storage listed no container at all",
    "Check that the setting names the account of the recordings, then audit again.",
)


def gaps(doubts: Iterable[Doubt], audit: Audit) -> Iterator[Gap]:
    """The gaps that reading again proves; none for containers that were created or deleted in the meantime."""
    names = ((name_of(doubt.first, audit), doubt.again.evidence) for doubt in doubts if doubt.join == NAMES)
    odd = [(name, record) for name, record in names if _may_be_left_out(name) or _seemed_empty(name)]
    yield from _in_listing(odd, audit)
    unread = [record for name, record in odd if _seemed_empty(name) and has_failed(record)]
    if unread:
        what = f"{_named([record.unit for record in unread])} seemed empty and could not be read again"
        yield Gap(what, f"First: {unread[0].reason}")


def in_question(doubts: Iterable[Doubt], audit: Audit) -> Iterator[Gap]:
    """A gap if the request names ids that are no session's. It changes no verdict."""
    unknown = [
        doubt.first.key
        for doubt in (doubts if audit.asked.only else ())
        if doubt.join != NAMES and doubt.first.key in audit.asked.only
        if not doubt.again.lost and not doubt.again.rows[0]
    ]
    if unknown:
        yield no_sessions(unknown)


def _may_be_left_out(name: Name) -> bool:
    return name.is_disputed or name.is_missing


def _seemed_empty(name: Name) -> bool:
    return name.unregistered is not None and not name.unregistered.tracks


def _in_listing(names: Sequence[tuple[Name, object]], audit: Audit) -> Iterator[Gap]:
    proof = [(name, record) for name, record in names if _may_be_left_out(name) and _proves_a_gap(name, record, audit)]
    there = [name.name for name, record in proof if isinstance(record, ContainerEvidence)]
    unread = [record for _, record in proof if has_failed(record)]
    gone = [name.name for name, record in proof if is_gone(record)]
    if there:
        yield Gap(f"storage left out or called deleted {_named(there)} although {_they(there)} there", _NEXT)
    if gone:
        yield Gap(f"storage lists {_named(gone)} and answers that {_they(gone)} not there", _NEXT)
    if unread:
        what = f"{_named([record.unit for record in unread])} could not be read to find out if the listing is whole"
        yield Gap(what, f"First: {unread[0].reason}")


def _proves_a_gap(name: Name, record: object, audit: Audit) -> bool:
    """True if a container exists that should not, or one does not exist that should."""
    if isinstance(record, ContainerEvidence):
        return record.was_there(audit.clock) if name.is_expected else record.is_old(audit.clock)
    if isinstance(record, Unread) and not record.failed:
        return name.is_disputed and bool(name.listed_again) and name.row is None
    return has_failed(record)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    number = "a container" if len(names) == 1 else f"{len(names):,} containers"
    return f"{number} ({', '.join(names[:_MOST_NAMED])}{more})"


def _they(names: Sequence[str]) -> str:
    return "it is" if len(names) == 1 else "they are"


def no_sessions(ids: Sequence[str]) -> Gap:
    """The request names ids that are no session's, so it was probably a mistake."""
    first = ", ".join(ids[:_MOST_NAMED]) + (", ..." if len(ids) > _MOST_NAMED else "")
    what = "an id that was asked for is" if len(ids) == 1 else f"{len(ids):,} ids that were asked for are"
    return Gap(
        f"{what} no session's ({first})", "Ask for ids of capture sessions, not of bookings, cases or recordings."
    )
