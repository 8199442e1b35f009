"""What a request may ask of one profile, beyond what every audit can be asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciliation.errors import FieldProblem

Value = str | tuple[str, ...] | None


@dataclass(frozen=True)
class Option:
    """A text, or a list of texts where the default is one; a text alone stands for a list that holds only it.

    ``form`` is what each text must match from end to end, ``choices`` are all that it may be, if they are few;
    ``least`` and ``most`` bound how many texts, or how many characters. ``means`` explains it, and ``allowed`` says in
    words what may be given.
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
        """True for a list of texts."""
        return isinstance(self.default, tuple)

    def read(self, given: Any) -> Value:
        """What was given, each text once; None is as if nothing was. Raises ``ValueError`` unless ``problems`` of it
        are none.
        """
        if given is None:
            return self.default
        if any(True for _ in self.problems(given)):
            raise ValueError(f"{self.name} is not {self.allowed}")
        return tuple(dict.fromkeys(_listed(given))) if self.is_list else str(given)

    def problems(self, given: Any) -> Iterator[FieldProblem]:
        """What is wrong with a value that was given."""
        if given is None:
            return
        value = _listed(given) if self.is_list else given
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


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def shortened(value: Any, *, quoted: bool = True, most: int = 80) -> str:
    """A value as an error may show it: printable, and not long."""
    text = repr(value) if quoted else "".join(character for character in str(value) if character.isprintable())
    return text if len(text) <= most else f"{text[:most]}..."
