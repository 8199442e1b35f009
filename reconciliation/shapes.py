"""How a profile says what its documents hold, in Python's own terms: a ``TypedDict``, whose members are described by
texts in ``Annotated`` and are all there. The published schemas are made of it.
"""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Form:
    """What a value keeps to beyond its type: a text matches ``pattern``, a number is not below ``least``.

    ``format`` is the name that JSON Schema has for it, if it has one.
    """

    pattern: str | None = None
    least: int | None = None
    format: str | None = None


Count = Annotated[int, Form(least=0)]
"""How many."""
Moment = Annotated[
    str,
    Form(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$", format="date-time"),
]
"""A moment in UTC, as ``times.to_text`` writes it."""
