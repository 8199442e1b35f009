"""What a scan keeps of a unit: the evidence that its profile reduces the answers to, or why there is none."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeGuard, TypeVar


class Evidence(Protocol):
    """A unit as a scan read it, whole: its name, how many things were in it, and what its profile makes of them."""

    @property
    def unit(self) -> str:
        """The unit's name."""
        ...

    @property
    def things(self) -> int:
        """How many blobs, rows or messages were seen in it, whether they matter or not."""
        ...

    def to_json(self) -> list[Any]:
        """A JSON array whose length is not that of ``Unread``."""
        ...


class Unread(NamedTuple):
    """A unit that was not read: ``reason`` says why. ``failed`` ones are a gap, the others a counted skip."""

    unit: str
    reason: str
    failed: bool

    def to_json(self) -> list[Any]:
        """A JSON array, told apart from evidence by its length."""
        return list(self)


Record = Evidence | Unread
EvidenceT = TypeVar("EvidenceT", bound=Evidence)


def has_failed(record: object) -> TypeGuard[Unread]:
    """True for a unit that could not be read, which is a gap."""
    return isinstance(record, Unread) and record.failed


def is_gone(record: object) -> TypeGuard[Unread]:
    """True for a unit that was not there when it was opened."""
    return isinstance(record, Unread) and not record.failed


def record_from_json(value: list[Any], unpack: Callable[[list[Any]], EvidenceT]) -> EvidenceT | Unread:
    """Read one line of a shard's result. ``unpack`` makes evidence of what its ``to_json`` gave.

    Raises ``TypeError`` or ``ValueError`` if it is none.
    """
    return Unread(*value) if len(value) == len(Unread._fields) else unpack(value)
