"""Which of the listed containers an audit opens."""

from collections import Counter
from collections.abc import Iterable

from profiles.pre_capture_sessions.keys import ContainerKind, can_be_a_container, container_kind
from reconciliation.coverage import NOT_A_RECORDING, OUTSIDE_PREFIXES, REGISTERED
from reconciliation.parameters import AuditParameters, Mode


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
        if not parameters.covers(name):
            skipped[OUTSIDE_PREFIXES] += 1
        elif parameters.mode is Mode.FULL:
            chosen.append(name)
        elif name in registered:
            skipped[REGISTERED] += 1
        elif container_kind(name) is not ContainerKind.RECORDING and can_be_a_container(name):
            skipped[NOT_A_RECORDING] += 1
        else:
            chosen.append(name)
    return chosen, skipped
