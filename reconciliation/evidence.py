"""What a scan keeps of a unit: the evidence that its profile makes of the results, or why there is none."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeGuard


class Read(NamedTuple):
    """A unit that was read completely: how many things are in it, relevant or not, and the evidence that its profile
    makes of them.
    """

    unit: str
    things: int
    evidence: Any


class Unread(NamedTuple):
    """A unit that was not read, and why. If ``failed`` it is a gap, otherwise a counted skip."""

    unit: str
    reason: str
    failed: bool


Record = Read | Unread
_OF_READ, _OF_UNREAD = 3, 4


def record_to_json(record: Record, pack: Callable[[Any], Any]) -> list[Any]:
    """One line of a shard's result; ``record_from_json`` gives back an equal record."""
    if isinstance(record, Unread):
        return [*record, None]
    return [record.unit, record.things, pack(record.evidence)]


def record_from_json(value: list[Any], unpack: Callable[[str, Any], Any]) -> Record:
    """Raises ``TypeError`` or ``ValueError`` if ``value`` is not what ``record_to_json`` makes."""
    if len(value) == _OF_UNREAD:
        return Unread(*value[:_OF_READ])
    unit, things, packed = value
    return Read(unit, things, unpack(unit, packed))


def has_failed(record: object) -> TypeGuard[Unread]:
    """True for a unit that could not be read, which is a gap."""
    return isinstance(record, Unread) and record.failed


def is_gone(record: object) -> TypeGuard[Unread]:
    """True for a unit that no longer existed when it was opened."""
    return isinstance(record, Unread) and not record.failed
