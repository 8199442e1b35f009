"""Which of the listed containers an audit opens."""

from collections import Counter
from collections.abc import Iterable

from profiles.pre_capture_sessions.keys import ContainerKind, container_kind
from profiles.pre_capture_sessions.options import FULL, covers
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.lookups import can_be_a_container
from reconciliation.parameters import AuditParameters

OUTSIDE_PREFIXES = "outside the requested prefixes"
REGISTERED = "registered"
NOT_A_RECORDING = "not a recording by its name"
# Skips that leave no hole where an unregistered recording could be: it has no row, is named like a recording, and is
# still there.
HARMLESS_SKIPS = frozenset({DELETED_DURING_SCAN, REGISTERED, NOT_A_RECORDING})


def select_containers(
    names: Iterable[str], registered: frozenset[str] | set[str], parameters: AuditParameters
) -> tuple[list[str], Counter[str]]:
    """The containers to open, in the order given, and how many are skipped for which reason.

    An unregistered recording stands in a container that is named like a recording and has no row, so ``fast`` opens
    those only; ``registered`` is not looked at otherwise. A name that storage cannot have may be any container's,
    damaged on its way: it is chosen, for whoever reads it to say that it cannot be read.
    """
    chosen: list[str] = []
    skipped: Counter[str] = Counter()
    for name in names:
        if not covers(parameters, name):
            skipped[OUTSIDE_PREFIXES] += 1
        elif parameters.mode == FULL:
            chosen.append(name)
        elif name in registered:
            skipped[REGISTERED] += 1
        elif container_kind(name) is not ContainerKind.RECORDING and can_be_a_container(name):
            skipped[NOT_A_RECORDING] += 1
        else:
            chosen.append(name)
    return chosen, skipped
