"""Reading the JSON documents of the run store, member by member. What another release or a person wrote is recognised,
never guessed at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar

from reconciliation.times import from_text

_MOST = 2**63
_LONGEST_SHOWN = 40
ReadT = TypeVar("ReadT")


@dataclass(frozen=True)
class Fields:
    """One JSON object. Each method reads one member and raises ``ValueError`` with its name if it is missing or of
    another type.
    """

    members: Mapping[str, Any]

    @classmethod
    def of(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not a JSON object."""
        if not isinstance(value, dict):
            raise ValueError("it is not a JSON object")  # noqa: TRY004 - one kind of error for whatever is wrong
        return cls(value)

    @classmethod
    def of_version(cls, value: Any, version: int, *earlier: int) -> Self:
        """As ``of``, for a document that states its schema version. Raises ``ValueError`` unless it is ``version`` or
        one of the ``earlier`` ones.
        """
        fields = cls.of(value)
        stated = fields.members.get("schema_version")
        if type(stated) is not int or stated not in (version, *earlier):
            raise ValueError(f"its schema_version is {_shown(stated)}, and this release reads {version}")
        return fields

    def text(self, name: str) -> str:
        value = self.members.get(name)
        if not isinstance(value, str):
            raise self._not(name, "a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self._not(name, "a list of texts")
        return tuple(values)

    def whole(self, name: str) -> int:
        """A whole number from 0."""
        value = self.members.get(name)
        if type(value) is not int or not 0 <= value < _MOST:
            raise self._not(name, "a whole number from 0")
        return value

    def difference(self, name: str) -> int:
        """A whole number of either sign; 0 where the member is not there."""
        value = self.members.get(name, 0)
        if type(value) is not int or not -_MOST < value < _MOST:
            raise self._not(name, "a whole number")
        return value

    def moment(self, name: str) -> datetime:
        """A moment that names its time zone; given back in UTC."""
        try:
            return from_text(self.text(name))
        except ValueError:
            raise self._not(name, "a moment with its zone") from None

    def word(self, name: str, words: Callable[[str], ReadT]) -> ReadT:
        """A value of the enumeration ``words``, as its member."""
        text = self.text(name)
        try:
            return words(text)
        except ValueError:
            raise ValueError(f"its {name} is {_shown(text)}, which this release does not know") from None

    def inner(self, name: str) -> "Fields":
        try:
            return Fields.of(self.members.get(name))
        except ValueError:
            raise self._not(name, "an object") from None

    def objects(self, name: str) -> "list[Fields]":
        try:
            return [Fields.of(value) for value in self._list(name)]
        except ValueError:
            raise self._not(name, "a list of objects") from None

    def optional(self, name: str, read: Callable[[str], ReadT]) -> ReadT | None:
        """What ``read`` makes of it; None for null or a missing member."""
        return None if self.members.get(name) is None else read(name)

    def _list(self, name: str) -> list[Any]:
        values = self.members.get(name)
        if not isinstance(values, list):
            raise self._not(name, "a list")
        return values

    @staticmethod
    def _not(name: str, wanted: str) -> ValueError:
        return ValueError(f"its {name} is not {wanted}")


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
