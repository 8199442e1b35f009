"""Parsing the run store's blobs; what cannot be parsed is an error that names the blob."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from adapters.redaction import redacted
from reconciliation.errors import UnreadableError

ReadT = TypeVar("ReadT")
_MOST_CHARACTERS = 200

ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""The errors of code that gets values of an unexpected form."""


def document(value: dict[str, Any]) -> bytes:
    """The bytes of a JSON document."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def read_document(path: str, where: str, data: bytes, read: Callable[[Any], ReadT]) -> ReadT:
    """What ``read`` makes of a JSON document. Raises ``UnreadableError`` with ``path`` and ``where`` if it fails."""
    with understood(path, where):
        value = json.loads(data)
        # Lone surrogates and infinite numbers can be parsed, but not written again.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        return read(value)


@contextmanager
def understood(path: str, where: str) -> Iterator[None]:
    """Turns ``ODD`` errors, which damaged or foreign blobs cause, into ``UnreadableError``."""
    try:
        yield
    except UnreadableError:
        raise
    except ODD as error:
        why = str(error) if isinstance(error, ValueError) else f"it is not what this release writes ({_name(error)})"
        raise UnreadableError(path, where, redacted(why, _MOST_CHARACTERS)) from error


def _name(error: BaseException) -> str:
    return type(error).__name__
