"""Whether the listing that an audit rests on can be believed: what a second listing, and opening what the two disagree
about, say of it.

One listing proves nothing about what it left out: a page that lost its end looks like the last one. So the account is
listed a second time. A container that exists, that is older than the audit by more than the grace, and that a listing
left out or an answer called deleted proves that storage, or something in front of it, does not tell all. How old it is
its blobs tell; where a row speaks of it, which is older than the grace itself, they need only have been there.
"""

from collections.abc import Iterator, Mapping, Sequence

from profiles.pre_capture_sessions.evidence import Record
from profiles.pre_capture_sessions.first_look import FirstLook
from profiles.pre_capture_sessions.gaps import NO_CONTAINER
from reconciliation.coverage import Gap
from reconciliation.errors import WrongAccountError
from reconciliation.evidence import Unread, has_failed, is_gone

_MOST_NAMED = 5
_NEXT = "Storage, or something in front of it, does not tell all: find out what, then audit again."


def to_be_opened(first: FirstLook) -> list[str]:
    """The containers that show whether the listing can be believed; ascending."""
    return sorted(first.disputed.keys() | first.missing)


def _proves_a_gap(first: FirstLook, record: Record) -> bool:
    """True if a container that should not be there is there, or one that should be is not."""
    if not isinstance(record, Unread):
        is_relied_on = record.container in first.relied_on
        return record.was_there(first.clock) if is_relied_on else record.is_old(first.clock)
    return record.failed or first.disputed.get(record.unit, False)


def gaps_in_listing(first: FirstLook, records: Mapping[str, Record]) -> Iterator[Gap]:
    """What opening containers of ``to_be_opened`` proves; nothing where they came or went in the meantime."""
    proof = [record for _, record in sorted(records.items()) if _proves_a_gap(first, record)]
    there = [record.container for record in proof if not isinstance(record, Unread)]
    unread = [record for record in proof if has_failed(record)]
    gone = [record.unit for record in proof if is_gone(record)]
    if there:
        yield Gap(f"storage left out or called deleted {_named(there)} although {_they(there)} there", _NEXT)
    if gone:
        yield Gap(f"storage lists {_named(gone)} and answers that {_they(gone)} not there", _NEXT)
    if unread:
        names = [record.unit for record in unread]
        yield Gap(
            f"{_named(names)} could not be read to find out if the listing is whole", f"First: {unread[0].reason}"
        )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    number = "a container" if len(names) == 1 else f"{len(names):,} containers"
    return f"{number} ({', '.join(names[:_MOST_NAMED])}{more})"


def _they(names: Sequence[str]) -> str:
    return "it is" if len(names) == 1 else "they are"


def refuse_wrong_account(first: FirstLook, storage: str, database: str) -> None:
    """Raise ``WrongAccountError`` if most rows have no container in any listing.

    ``storage`` and ``database`` are the settings to look at. A listing that is known to be cut explains it.
    """
    missing, placed = len(first.missing), first.placed
    cut = any(gap is not NO_CONTAINER for gap in first.coverage.gaps)
    if missing > 1 and missing > placed and not cut:
        raise WrongAccountError(
            f"{missing:,} of {missing + placed:,} rows have no container in storage: it is probably not the account of "
            f"this database. Check {storage} and {database}, then start a new audit. If the containers are really "
            "lost, set AUDIT_ALLOW_MOSTLY_MISSING to true and resume this one."
        )
