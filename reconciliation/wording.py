"""How reports speak of an audited system."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass


def _all_covered(_left_out: Set[str]) -> tuple[str, str]:
    return "Yes.", "Everything that was listed was read: where nothing was found, nothing is."


@dataclass(frozen=True)
class Wording:
    """A profile's own words.

    ``unit`` is the noun of what is opened one by one. ``alarm`` is what the profile looks for above all, in
    a few words; ``alarms`` says how many of them were found, and ``no_alarm`` that there are none in
    what was read; ``clean`` says so of all subjects of the first kind, whose number it is given. ``counting`` are the
    nouns of the kinds, in the order in which a headline counts them. ``not_absent`` says
    what may not be concluded when not all was read; ``covered`` says, as a lead and the rest, what was
    looked at when everything that could matter was read and units were left out for these reasons. ``high`` tells what
    is meant by that severity.
    """

    unit: str
    alarm: str
    alarms: Callable[[int], str]
    no_alarm: str
    clean: Callable[[int], str]
    counting: Mapping[str, str]
    not_absent: str = "nothing may be called absent"
    covered: Callable[[Set[str]], tuple[str, str]] = _all_covered
    high: str = "Somebody must act."


def plural(count: int, noun: str) -> str:
    """``1 container``, ``1,234 containers``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
