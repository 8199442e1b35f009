"""The words of a profile in reports."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple


def _all_covered(_left_out: Set[str]) -> tuple[str, str]:
    return "Yes.", "Everything that was listed was read: what was not found is not there."


class Named(NamedTuple):
    """How people know subjects (see ``Kind.named``): the ``noun`` for one; the heading over the statement that looks
    ids up; and what that statement gives for each (``tells``).
    """

    noun: str = "subject"
    heading: str = "What do the ids stand for?"
    tells: str = "the names"


class Narrow(NamedTuple):
    """What an audit of a narrow mode says of where it looked: in brackets behind the number of units (``looked``), and
    as a first sentence and the rest (``covered``), where everything relevant was read.
    """

    looked: str
    covered: tuple[str, str]


_NAMED = Named()


@dataclass(frozen=True)
class Wording:
    """A profile's own words; the defaults fit any profile.

    ``unit`` is the noun for a unit. ``alarm`` is what the profile looks for above all, in a few words after a number;
    ``alarms`` says how many of them were found, and ``no_alarm`` that there are none in what was read; ``clean`` says
    so for all subjects of the first kind, and is given their number. ``counting`` are the nouns of the kinds, in the
    order in which a headline counts them; by default their own, in their order. ``not_absent`` says what may not be
    concluded when not everything was read; ``covered`` says, as a first sentence and the rest, what was read when
    everything relevant was read and units were skipped for these reasons. ``high`` explains that severity. ``named``
    are the words for ``Kind.named``. ``narrow`` are the words of modes that look at a part only, by their names: an
    audit of those never says that nothing is missing.
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
    narrow: Mapping[str, Narrow] = field(default_factory=dict)


def plural(count: int, noun: str) -> str:
    """``1 container``, ``1,234 containers``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def a(noun: str) -> str:
    """``a folder``, ``an order``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
