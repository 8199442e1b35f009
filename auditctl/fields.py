"""Reading the service's JSON field by field, with every text made safe to print.

Texts are made safe here and nowhere else: control and formatting characters (escape sequences, text direction) are
escaped, line breaks become spaces and long texts are cut.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from auditctl.errors import UnexpectedResponseError
from auditctl.visible import visible

Document = Mapping[str, object]

LONGEST_TEXT: Final = 2_000
_LINE_BREAKS: Final = "\r\n\t"


def printable(text: str) -> str:
    """The text on one line, with all characters visible, cut at LONGEST_TEXT characters."""
    shown = visible("".join(" " if character in _LINE_BREAKS else character for character in text[: LONGEST_TEXT + 1]))
    return shown if len(text) <= LONGEST_TEXT else f"{shown[:LONGEST_TEXT]}…"


@dataclass(frozen=True)
class Fields:
    """One JSON object from ``where``. Absent and null are the same; a wrong type raises UnexpectedResponseError."""

    members: Document
    where: str

    def text(self, name: str) -> str:
        """A required text that is not empty."""
        value = self.optional_text(name)
        if not value:
            raise self.unexpected(name, "a text")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, or None."""
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.unexpected(name, "a text")
        return printable(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty if absent."""
        values = self.members.get(name) or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self.unexpected(name, "a list of texts")
        return tuple(printable(value) for value in values)

    def flag(self, name: str) -> bool:
        """Required."""
        value = self.members.get(name)
        if not isinstance(value, bool):
            raise self.unexpected(name, "true or false")
        return value

    def number(self, name: str) -> float | None:
        """A finite number that is not negative, or None."""
        value = self.members.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise self.unexpected(name, "a number from 0")
        return value

    def whole(self, name: str) -> int | None:
        """A count, or None."""
        value = self.number(name)
        return None if value is None else int(value)

    def inner(self, name: str) -> "Fields":
        """An object; an empty one if absent."""
        value = self.members.get(name)
        if value is None:
            return Fields({}, self.where)
        if not isinstance(value, dict):
            raise self.unexpected(name, "an object")
        return Fields(value, self.where)

    def objects(self, name: str) -> "tuple[Fields, ...]":
        """A required list of objects."""
        values = self.members.get(name)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.unexpected(name, "a list of objects")
        return tuple(Fields(value, self.where) for value in values)

    def unexpected(self, name: str, wanted: str) -> UnexpectedResponseError:
        """The error for a field with a wrong value; ``wanted`` says what is expected."""
        value = printable(repr(self.members.get(name)))[:100]
        return UnexpectedResponseError(f"The answer's '{name}' is {value}, which is not {wanted}.", where=self.where)
