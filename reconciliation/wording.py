"""How reports speak of an audited system."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple


def _all_covered(_left_out: Set[str]) -> tuple[str, str]:
    return "Yes.", "Everything that was listed was read: where nothing was found, nothing is."


class Named(NamedTuple):
    """What people know subjects by (see ``Kind.named``): its ``noun``; the heading over the statement that looks it up;
    and what that statement ``tells`` of each.
    """

    noun: str = "subject"
    heading: str = "What do the ids stand for?"
    tells: str = "the names"


_NAMED = Named()


@dataclass(frozen=True)
class Wording:
    """A profile's own words; what it leaves out is said in words that fit any.

    ``unit`` is the noun of what is opened one by one. ``alarm`` is what the profile looks for above all, in
    a few words behind a number; ``alarms`` says how many of them were found, and ``no_alarm`` that there are none in
    what was read; ``clean`` says so of all subjects of the first kind, whose number it is given. ``counting`` are the
    nouns of the kinds, in the order in which a headline counts them; without it their own, in theirs. ``not_absent``
    says what may not be concluded when not all was read; ``covered`` says, as a lead and the rest, what was
    looked at when everything that could matter was read and units were left out for these reasons. ``high`` tells what
    is meant by that severity. ``named`` are words for what people know subjects by.
    """

    unit: str = "unit"
    alarm: str = "urgent"
    alarms: Callable[[int], str] | None = None
    no_alarm: str = "Nothing urgent was found in what was read"
    clean: Callable[[int], str] | None = None
    counting: Mapping[str, str] = field(default_factory=dict)
    not_absent: str = "nothing may be called absent"
    covered: Callable[[Set[str]], tuple[str, str]] = _all_covered
    high: str = "Somebody must act."
    named: Named = _NAMED


def plural(count: int, noun: str) -> str:
    """``1 container``, ``1,234 containers``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def a(noun: str) -> str:
    """``a folder``, ``an order``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
