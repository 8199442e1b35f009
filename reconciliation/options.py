"""The request parameters of one profile, beyond those that every audit has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciliation.errors import FieldProblem

Value = str | int | tuple[str, ...] | None
_MOST_DIGITS = 9


@dataclass(frozen=True)
class Option:
    """A text; or a list of texts if the default is one, where a single text is read as a list of one; or a whole number
    if the default is one, where its digits are taken, too.

    ``form`` is the pattern that each whole text must match, ``choices`` are the allowed values, if they are few;
    ``least`` and ``most`` bound the number, or the number of texts, or of characters. ``means`` explains the option,
    and ``allowed`` says in words what may be given.
    """

    name: str
    default: Value
    means: str
    allowed: str
    choices: tuple[str, ...] = ()
    form: str = ".*"
    least: int = 0
    most: int = 255

    @property
    def is_list(self) -> bool:
        return isinstance(self.default, tuple)

    @property
    def is_number(self) -> bool:
        return isinstance(self.default, int)

    def read(self, given: Any) -> Value:
        """The value, each text of a list once; the default for None. Raises ``ValueError`` if it has ``problems``."""
        if given is None:
            return self.default
        if any(True for _ in self.problems(given)):
            raise ValueError(f"{self.name} is not {self.allowed}")
        if self.is_number:
            return int(given)
        return tuple(dict.fromkeys(_as_list(given))) if self.is_list else str(given)

    def problems(self, given: Any) -> Iterator[FieldProblem]:
        if given is None:
            return
        if self.is_number:
            if not self._is_allowed_number(given):
                yield FieldProblem(self.name, shortened(given), self.allowed)
            return
        value = _as_list(given) if self.is_list else given
        if not isinstance(value, list if self.is_list else str) or not self.least <= len(value) <= self.most:
            yield FieldProblem(self.name, shortened(given), self.allowed)
        elif isinstance(given, str):
            yield from self._problems(self.name, given)
        else:
            for number, text in enumerate(value):
                yield from self._problems(f"{self.name}.{number}", text)

    def _is_allowed_number(self, given: Any) -> bool:
        if isinstance(given, str):
            digits = given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS
            return digits and self.least <= int(given) <= self.most
        return type(given) is int and self.least <= given <= self.most

    def _problems(self, field: str, text: Any) -> Iterator[FieldProblem]:
        if not isinstance(text, str) or not re.fullmatch(self.form, text, re.DOTALL) or not text.isprintable():
            yield FieldProblem(field, shortened(text), self.allowed)
        elif self.choices and text not in self.choices:
            yield FieldProblem(self.name, shortened(text), "one of " + ", ".join(self.choices))


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def shortened(value: Any, *, quoted: bool = True, most: int = 80) -> str:
    """A value as an error may show it: printable, and not long."""
    text = repr(value) if quoted else "".join(character for character in str(value) if character.isprintable())
    return text if len(text) <= most else f"{text[:most]}..."
