"""Whether the listing that an audit rests on can be believed: what a second listing, and opening what the two disagree
about, say of it.

One listing proves nothing about what it left out: a page that lost its end looks like the last one. So the account is
listed a second time. A container that exists, that is older than the audit by more than the grace, and that a listing
left out or an answer called deleted proves that storage, or something in front of it, does not tell all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciliation.coverage import NO_CONTAINER, Gap
from reconciliation.errors import WrongAccountError
from reconciliation.evidence import Record, Unread
from reconciliation.reconcile import FirstLook

MOST_OPENED = 1000
_MOST_NAMED = 5
_NEXT = "Storage, or something in front of it, does not tell all: find out what, then audit again."


@dataclass
class Disputed:
    """The containers of which two listings, or a listing and an answer, say different things.

    ``names`` are the first ``MOST_OPENED`` of ``total``.
    """

    first: FirstLook
    names: list[str] = field(default_factory=list)
    total: int = 0

    def compare(self, before: Sequence[str], now: Sequence[str]) -> None:
        """Take in the names of the same part of both listings; all parts, once each."""
        listed, listed_again = set(before), set(now)
        missing = (listed - listed_again) - self.first.gone  # those that are gone are rightly missing
        back = listed_again & self.first.gone
        self._dispute(sorted(missing | (listed_again - listed) | back))
        self.first.listed_again |= listed_again & (self.first.containers.keys() | self.first.rows.keys())

    def add_rows(self) -> None:
        """Take in the rows that the listing has no container for."""
        self._dispute([name for name in self.first.disputed_rows if name not in set(self.names)])

    def _dispute(self, names: Sequence[str]) -> None:
        self.total += len(names)
        self.names += names[: MOST_OPENED - len(self.names)]


def gaps_in_listing(disputed: Disputed, records: Mapping[str, Record]) -> Iterator[Gap]:
    """What reading the disputed containers proves; nothing where they came or went in the meantime."""
    first = disputed.first
    there, unread = [], []
    for name, record in sorted(records.items()):
        if isinstance(record, Unread):
            unread += [record] if record.failed else []
        elif first.clock.is_old(record) or name in first.rows:
            there.append(name)
    if there:
        more = f" and {len(there) - _MOST_NAMED:,} more" if len(there) > _MOST_NAMED else ""
        names = ", ".join(there[:_MOST_NAMED])
        containers = "a container that exists" if len(there) == 1 else f"{len(there):,} containers that exist"
        yield Gap(f"storage left out or called deleted {containers} ({names}{more})", _NEXT)
    elif disputed.total > len(disputed.names):
        yield Gap(f"two listings differ in {disputed.total:,} containers, too many to look into", _NEXT)
    if unread:
        yield Gap(
            f"whether {len(unread):,} containers belong to the account could not be read", f"First: {unread[0].reason}"
        )


def refuse_wrong_account(first: FirstLook, storage: str, database: str) -> None:
    """Raise ``WrongAccountError`` if most rows have no container, and no gap in the listing explains it.

    ``storage`` and ``database`` are the settings to look at.
    """
    missing, live = first.rows_without_container, first.live_rows
    explained = any(gap is not NO_CONTAINER for gap in first.coverage.gaps)
    if missing > 1 and 2 * missing > live and not explained:
        raise WrongAccountError(
            f"{missing:,} of {live:,} live rows have no container in storage: it is probably not the account of this "
            f"database. Check {storage} and {database}, then start a new audit. If the containers are really lost, set "
            "AUDIT_ALLOW_MOSTLY_MISSING to true and resume this one."
        )
