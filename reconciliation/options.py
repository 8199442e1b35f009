"""The request parameters of one profile, beyond those that every audit has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciliation.errors import FieldProblem

Value = str | tuple[str, ...] | None


@dataclass(frozen=True)
class Option:
    """A text, or a list of texts if the default is one; a single text is then read as a list of one.

    ``form`` is the pattern that each whole text must match, ``choices`` are the allowed values, if they are few;
    ``least`` and ``most`` bound the number of texts, or of characters. ``means`` explains the option, and ``allowed``
    says in words what may be given.
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

    def read(self, given: Any) -> Value:
        """The value, each text of a list once; the default for None. Raises ``ValueError`` if it has ``problems``."""
        if given is None:
            return self.default
        if any(True for _ in self.problems(given)):
            raise ValueError(f"{self.name} is not {self.allowed}")
        return tuple(dict.fromkeys(_as_list(given))) if self.is_list else str(given)

    def problems(self, given: Any) -> Iterator[FieldProblem]:
        if given is None:
            return
        value = _as_list(given) if self.is_list else given
        if not isinstance(value, list if self.is_list else str) or not self.least <= len(value) <= self.most:
            yield FieldProblem(self.name, shortened(given), self.allowed)
        elif isinstance(given, str):
            yield from self._problems(self.name, given)
        else:
            for number, text in enumerate(value):
                yield from self._problems(f"{self.name}.{number}", text)

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
