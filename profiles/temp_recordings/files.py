"""Which folders are looked into for a meeting, and what is kept of the files there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from profiles.temp_recordings.names import RESCUE, STORAGE, TEMP, group_of, is_meeting_id, prefix_of
from profiles.temp_recordings.options import is_narrow
from reconciliation.looks import Group
from reconciliation.lookups import ObjectsUnder, StoredObject
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open
from reconciliation.times import from_text

BUCKET = "TEMP_RECORDINGS_BUCKET"


class File(NamedTuple):
    """One file; ``version`` changes with every write to it. ``size`` in bytes, ``changed`` by the bucket's clock."""

    key: str
    size: int
    changed: str
    version: str

    @property
    def moment(self) -> datetime:
        return from_text(self.changed)


Evidence = tuple[File, ...]
"""The files of a meeting, ascending by key."""


def choose(group: Group, asked: AuditParameters) -> Open | None:
    """What the keys of a meeting's files begin with: in the folders where they belong, and in all others in which files
    of that name were seen. Where only some meetings are looked at nothing was seen, so likely places are looked into.
    What lies in rescue/ and is of no meeting by its name is looked up all at once.
    """
    if group.key == RESCUE:
        return Open([RESCUE])
    if not is_meeting_id(group.key):
        return None
    prefixes = {f"{folder}{group.key}_" for folder in (TEMP, STORAGE)}
    rescued = f"{RESCUE}{group.key}/"
    if is_narrow(asked):
        prefixes |= {f"{group.key}_", rescued}
    prefixes |= {
        f"{STORAGE}recording_{group.key}",
        *(rescued if key.startswith(rescued) else prefix_of(key) for key in group.rows[-1]),
    }
    return Open(sorted(prefixes))


def lookups(_meeting: str, prefixes: Any) -> tuple[ObjectsUnder, ...]:
    return tuple(ObjectsUnder(BUCKET, prefix) for prefix in prefixes)


def reduce(unit: str, results: Sequence[Any], _latest: datetime) -> Evidence:
    """What was found, each file once; in rescue/ without those that are looked up with their meetings."""
    found = [File(*StoredObject(*one)) for objects in results for one in objects or ()]
    found = [one for one in found if not (one.key.startswith(RESCUE) and one.key.endswith("/"))]
    if unit == RESCUE:
        found = [one for one in found if group_of(one.key) == RESCUE]
    return tuple(sorted({one.key: one for one in found}.values()))


def pack(evidence: Evidence) -> list[Any]:
    return [list(one) for one in evidence]


def unpack(_meeting: str, value: list[Any]) -> Evidence:
    """Raises ``TypeError`` or ``ValueError`` if it is not what ``pack`` makes."""
    return tuple(File(*one) for one in value)
