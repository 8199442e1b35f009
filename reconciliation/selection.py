"""Which of the changes that could be made are in a plan: no more than were asked for, or than a policy may copy."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from reconciliation.repair_plan import LeftOut, PlannedChange
from reconciliation.repair_record import Chosen

Found = Sequence[PlannedChange | LeftOut]


def selected(found: Found, chosen: Chosen) -> list[PlannedChange | LeftOut]:
    """The same, in the same order: of the changes the first ones that were asked for, numbered from 1, and for each
    other one why it is left out.
    """
    return _selected(found, chosen.most, lambda _one, _copied: None)


def selected_by_policy(found: Found, chosen: Chosen, approves: Collection[str]) -> list[PlannedChange | LeftOut]:
    """As ``selected``, and without what the policy does not approve: other repairs than those, and what would copy more
    bytes than are left of its limit by those that come before. A smaller one that comes later may still be in the plan.
    """

    def why_not(one: PlannedChange, copied: int) -> str | None:
        if one.repair not in approves:
            return f"The policy does not approve {one.repair}."
        left = (chosen.most_bytes or 0) - copied
        if one.change.copies_bytes <= max(left, 0):
            return None
        return f"It copies {one.change.copies_bytes:,} bytes, and the policy may copy {max(left, 0):,} more just now."

    return _selected(found, chosen.most, why_not)


def _selected(
    found: Found, most: int, why_not: Callable[[PlannedChange, int], str | None]
) -> list[PlannedChange | LeftOut]:
    """``why_not`` is given how many bytes those copy that are in the plan before."""
    result, number, copied = list[PlannedChange | LeftOut](), 0, 0
    for one in found:
        if isinstance(one, LeftOut):
            result.append(one)
            continue
        why = f"No more than {most} changes were asked for." if number >= most else why_not(one, copied)
        if why is not None:
            result.append(LeftOut(one.subject, one.verdict, why, for_now=True))
            continue
        number, copied = number + 1, copied + one.change.copies_bytes
        result.append(replace(one, number=number))
    return result
