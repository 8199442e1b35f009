"""How a profile describes its documents: a ``TypedDict`` whose members are all required and described by texts in
``Annotated``. The published schemas are generated from it.
"""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Form:
    """Constraints beyond the type: a text matches ``pattern``, a number is at least ``least``.

    ``format`` is the ``format`` of JSON Schema, if there is one.
    """

    pattern: str | None = None
    least: int | None = None
    format: str | None = None


Count = Annotated[int, Form(least=0)]
Moment = Annotated[
    str,
    Form(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$", format="date-time"),
]
"""A moment in UTC, as ``times.to_text`` writes it."""
