"""Which of the listed containers an audit opens."""

from profiles.pre_capture_sessions.keys import ContainerKind, container_kind
from profiles.pre_capture_sessions.options import FULL, covers
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.looks import Group
from reconciliation.lookups import can_be_a_container
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open, Skip

OUTSIDE_PREFIXES = "outside the requested prefixes"
REGISTERED = "registered"
NOT_A_RECORDING = "not a recording by its name"
# Skips that leave no hole where an unregistered recording could be: it has no row, is named like a recording, and is
# still there.
HARMLESS_SKIPS = frozenset({DELETED_DURING_SCAN, REGISTERED, NOT_A_RECORDING})

_OPEN = Open()
_OUTSIDE, _REGISTERED, _NO_RECORDING = Skip(OUTSIDE_PREFIXES), Skip(REGISTERED), Skip(NOT_A_RECORDING)


def select(group: Group, asked: AuditParameters) -> Open | Skip | None:
    """Whether the container of a name is opened; None if none was listed.

    An unregistered recording is in a container that is named like a recording and has no row, so a fast audit opens
    only those. An invalid container name may be that of any container, garbled in transit: it is opened, so that the
    scan reports that it cannot be read.
    """
    listed, rows = group.rows[:2]
    if not listed:
        return None
    if not covers(asked, group.key):
        return _OUTSIDE
    if asked.mode == FULL:
        return _OPEN
    if rows:
        return _REGISTERED
    if container_kind(group.key) is not ContainerKind.RECORDING and can_be_a_container(group.key):
        return _NO_RECORDING
    return _OPEN
